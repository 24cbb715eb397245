"""How ACR describes a repository, a tag and a manifest.

https://learn.microsoft.com/rest/api/containerregistry/ (data plane, API version 2021-07-01)
"""

from __future__ import annotations

from typing import Any

from infra.local.emulator.backing import Backing
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.locks import Locks
from infra.local.emulator.manifests import Manifest
from infra.local.emulator.shelf import Shelf
from infra.local.emulator.wire import timestamp

# Configurations that name a platform; other artefacts have whatever they like in their place.
_OF_IMAGES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")


class Attributes:
    """Puts together what the registry knows, when it was pushed, and what is locked, for one part."""

    def __init__(self, part: str, backing: Backing, shelf: Shelf, catalog: Catalog, locks: Locks) -> None:
        self._part = part
        self._backing = backing
        self._shelf = shelf
        self._catalog = catalog
        self._locks = locks
        # Blobs never change: what a configuration says of its platform is asked for once.
        self._platforms: dict[str, dict[str, str]] = {}

    def repository(self, name: str) -> dict[str, Any] | None:
        """Return a repository's attributes, or ``None`` if there is nothing in it."""
        digests = self._shelf.digests(name)
        if not digests:
            return None
        counts = {"manifestCount": len(digests), "tagCount": len(self._shelf.tags(name))}
        return {**counts, **self._common(name, "")}

    def tag(self, repository: str, tag: str) -> dict[str, Any] | None:
        """Return a tag's attributes, or ``None`` if there is no such tag."""
        digest = self._shelf.tag(repository, tag)
        return self._tag(repository, tag, digest) if digest else None

    def tags(self, repository: str) -> list[dict[str, Any]]:
        """Return the attributes of every tag that is not hidden."""
        listed = self._shelf.tags(repository).items()
        return [self._tag(repository, tag, digest) for tag, digest in listed if self._is_listed(repository, tag)]

    def manifest(self, repository: str, digest: str) -> dict[str, Any] | None:
        """Return a manifest's attributes, or ``None`` if there is no such manifest."""
        found = self._shelf.manifest(repository, digest)
        return self._manifest(repository, found, self._by_digest(repository)) if found else None

    def manifests(self, repository: str) -> list[dict[str, Any]]:
        """Return the attributes of every manifest, tagged or not, that is not hidden."""
        tags = self._by_digest(repository)
        listed = self._shelf.manifests(repository)
        return [self._manifest(repository, one, tags) for one in listed if self._is_listed(repository, one.digest)]

    def _by_digest(self, repository: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for tag, digest in self._shelf.tags(repository).items():
            found.setdefault(digest, []).append(tag)
        return found

    def _is_listed(self, repository: str, reference: str) -> bool:
        return self._locks.may_list(self._part, repository, reference)

    def _tag(self, repository: str, tag: str, digest: str) -> dict[str, Any]:
        return {"name": tag, "digest": digest, "signed": False, **self._common(repository, tag)}

    def _manifest(self, repository: str, found: Manifest, tags: dict[str, list[str]]) -> dict[str, Any]:
        config = found.config.get("mediaType")
        return {
            "digest": found.digest,
            "imageSize": found.layers_size,
            "mediaType": found.media_type,
            **({"configMediaType": config} if config else {}),
            "tags": tags.get(found.digest, []),
            **self._platform(repository, found),
            **self._common(repository, found.digest),
            **({"references": [_reference(child) for child in found.children]} if found.is_index else {}),
        }

    def _platform(self, repository: str, found: Manifest) -> dict[str, str]:
        """Return architecture and operating system of an image; an index has none of its own."""
        if found.config.get("mediaType") not in _OF_IMAGES:
            return {}
        digest = str(found.config["digest"])
        if digest not in self._platforms:
            blob = self._backing.config(repository, digest)
            self._platforms[digest] = {name: str(blob[name]) for name in ("architecture", "os") if name in blob}
        return self._platforms[digest]

    def _common(self, repository: str, reference: str) -> dict[str, Any]:
        times = self._catalog.times(self._part, repository, reference)
        return {
            "createdTime": timestamp(times.created),
            "lastUpdateTime": timestamp(times.updated),
            "changeableAttributes": self._locks.attributes(self._part, repository, reference),
        }


def _reference(child: dict[str, Any]) -> dict[str, str]:
    platform = child.get("platform") or {}
    return {"digest": child["digest"], **{name: platform[name] for name in ("architecture", "os") if name in platform}}
