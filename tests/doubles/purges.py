"""``acr purge`` over a registry in memory, by the rules that the twin has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.emulator.manifests import Manifest
from infra.local.emulator.purge import Purge, Purged
from infra.local.emulator.purge_request import PurgeRequest
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import Right
from tests.doubles.referrers import INDEX, MANIFEST, children_of, content_of
from tests.doubles.registries import InMemoryRegistry

_SPARES = {Right.WRITE: "writeEnabled", Right.DELETE: "deleteEnabled"}


def purge(registry: InMemoryRegistry, repository: str) -> Purged:
    """Delete whatever the daily ``acr purge --untagged`` might, were all of it old enough."""
    request = PurgeRequest(registry="base", filter=(f"{repository}:.*",), untagged_only=True)
    return Purge(_Contents(registry), request).run()  # type: ignore[arg-type]


class _Contents:
    """What the command asks of a registry; it never lags."""

    def __init__(self, registry: InMemoryRegistry) -> None:
        self._registry = registry

    def repositories(self) -> list[str]:
        return sorted({repository for repository, _ in self._registry._manifests})

    def tags(self, repository: str) -> list[dict[str, Any]]:
        found = [(tag, digest) for (where, tag), digest in self._registry.tags.items() if where == repository]
        return [{"name": tag, "digest": digest, **self._closed(repository, tag)} for tag, digest in found]

    def manifests(self, repository: str) -> list[dict[str, Any]]:
        return [
            self._listed(repository, one) for where, one in sorted(self._registry._manifests) if where == repository
        ]

    def manifest(self, repository: str, digest: str) -> Manifest | None:
        there = (repository, digest) in self._registry._manifests
        return Manifest.read(digest, content_of(Digest(digest))) if there else None

    def updated(self, repository: str, reference: str) -> float:  # noqa: ARG002  all of it is old
        return 0.0

    def delete_tag(self, repository: str, tag: str) -> bool:
        self._registry.untag(repository, Tag(tag))
        return True

    def delete_manifest(self, repository: str, digest: str) -> bool:
        self._registry.purge(repository, Digest(digest))
        return True

    def _listed(self, repository: str, digest: Digest) -> dict[str, Any]:
        tags = [tag for (where, tag), held in self._registry.tags.items() if (where, held) == (repository, digest)]
        kind = _media_type(digest)
        return {"digest": digest, "mediaType": kind, "tags": tags, **self._closed(repository, digest)}

    def _closed(self, repository: str, of: str) -> Mapping[str, Any]:
        closed = self._registry.locks.get((repository, of), set())
        return {"changeableAttributes": {name: right not in closed for right, name in _SPARES.items()}}


def _media_type(digest: Digest) -> str:
    return INDEX if children_of(digest) else MANIFEST
