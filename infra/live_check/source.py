"""The small image that is imported, as its registry tells of it."""

from __future__ import annotations

import requests

from infra.live_check.arm import RefusedError
from infra.live_check.ground import Source

_TIMEOUT = 30
_INDEXES = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
_PLATFORMS = ("amd64", "arm64")


def find_source(address: str, registry: str, image: str) -> Source:
    """Find two single images of one index, which are imported faster than the whole.

    Args:
        address: of a registry that anybody may read, such as ``https://mcr.microsoft.com``.
        registry: what ``importImage`` calls it.
        image: repository and tag of an index for amd64 and arm64.

    Raises:
        RefusedError: it cannot be had, or is no such index.
    """
    repository, _, tag = image.rpartition(":")
    url = f"{address}/v2/{repository}/manifests/{tag}"
    answer = requests.get(url, headers={"Accept": _INDEXES}, timeout=_TIMEOUT)
    manifests = answer.json().get("manifests", []) if answer.ok else []
    digests = {_architecture(each): str(each["digest"]) for each in reversed(manifests)}
    if not set(_PLATFORMS) <= set(digests):
        raise RefusedError(f"{url}: HTTP {answer.status_code}, and no index for amd64 and arm64")
    return Source(registry, repository, (digests["amd64"], digests["arm64"]))


def _architecture(manifest: dict[str, dict[str, str]]) -> str:
    platform = manifest.get("platform") or {}
    return platform.get("architecture", "") if platform.get("os") == "linux" else ""
