"""A registry's retention policy for untagged manifests.

https://learn.microsoft.com/azure/container-registry/container-registry-retention-policy
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from infra.local.emulator.contents import Contents
from infra.local.emulator.manifests import DOCKER_LIST
from infra.local.emulator.settings import Settings

_DAY = 86400.0
# The policy leaves manifests of OCI's media types alone.
_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", DOCKER_LIST)


class Retention:
    """The daily work of the policies in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, registry: str, contents: Contents, later: float) -> list[str]:
        """Delete what a registry's policy no longer keeps, and return it; nothing where there is no policy.

        Args:
            registry: its name in Azure.
            contents: of it.
            later: seconds by which it is taken to be later.
        """
        days = self._settings.now.retention_days.get(registry)
        if days is None:
            return []
        return [
            f"{repository}@{digest}"
            for repository in contents.repositories()
            for digest in self._over(contents, repository, time.time() + later - days * _DAY)
            if contents.delete_manifest(repository, digest)
        ]

    def _over(self, contents: Contents, repository: str, before: float) -> list[str]:
        """Return the manifests that a tag left long enough ago, since there is the policy, and that nothing lists."""
        listed = contents.manifests(repository)
        children = {child["digest"] for one in listed for child in one.get("references", ())}
        loose = [one for one in listed if _may_go(one) and one["digest"] not in children]
        began = self._settings.changed("retention_days")
        left = {one["digest"]: contents.untagged_since(repository, one["digest"]) for one in loose}
        return [digest for digest, when in left.items() if when is not None and began <= when <= before]


def _may_go(entry: Mapping[str, Any]) -> bool:
    is_meant = entry["mediaType"] in _TYPES and not entry["tags"]
    return is_meant and bool(entry["changeableAttributes"]["deleteEnabled"])
