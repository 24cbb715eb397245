"""How ACR describes a repository, a tag and a manifest.

https://learn.microsoft.com/rest/api/containerregistry/ (data plane, API version 2021-07-01)
"""

from __future__ import annotations

from typing import Any

from infra.local.emulator.backing import Backing, Descriptor
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.locks import Locks
from infra.local.emulator.wire import timestamp


class Attributes:
    """Puts together what the registry knows, when it was pushed, and what is locked, for one part."""

    def __init__(self, part: str, backing: Backing, catalog: Catalog, locks: Locks) -> None:
        self._part = part
        self._backing = backing
        self._catalog = catalog
        self._locks = locks

    def repository(self, name: str) -> dict[str, Any] | None:
        """Return a repository's attributes, or ``None`` if there is nothing in it."""
        digests = self.digests(name)
        if not digests:
            return None
        return {
            "manifestCount": len(digests),
            "tagCount": len(self._backing.tags(name)),
            **self._common(name, ""),
        }

    def tag(self, repository: str, tag: str) -> dict[str, Any] | None:
        """Return a tag's attributes, or ``None`` if there is no such tag."""
        found = self._backing.head(repository, tag)
        if found is None:
            return None
        return {"name": tag, "digest": found.digest, "signed": False, **self._common(repository, tag)}

    def manifest(self, repository: str, digest: str) -> dict[str, Any] | None:
        """Return a manifest's attributes, or ``None`` if there is no such manifest."""
        found = self._backing.head(repository, digest)
        if found is None:
            return None
        return {
            "digest": digest,
            "imageSize": found.size,
            "mediaType": found.media_type,
            "tags": self.tags_on(repository, digest),
            **self._platform(repository, found),
            **self._common(repository, digest),
        }

    def digests(self, repository: str) -> list[str]:
        """Return every digest known to be in a repository: tagged, or pushed since the emulator began."""
        found = [self._backing.head(repository, tag) for tag in self._backing.tags(repository)]
        return sorted({one.digest for one in found if one} | self._catalog.digests(self._part, repository))

    def tags_on(self, repository: str, digest: str) -> list[str]:
        """Return the tags that point at a digest."""
        found = {tag: self._backing.head(repository, tag) for tag in self._backing.tags(repository)}
        return [tag for tag, one in found.items() if one and one.digest == digest]

    def _platform(self, repository: str, found: Descriptor) -> dict[str, str]:
        """Return architecture and operating system of an image; an index has none of its own."""
        manifest = self._backing.manifest(repository, found.digest) or {}
        config = manifest.get("config")
        if not isinstance(config, dict):
            return {}
        blob = self._backing.config(repository, str(config["digest"]))
        return {name: str(blob[name]) for name in ("architecture", "os") if name in blob}

    def _common(self, repository: str, reference: str) -> dict[str, Any]:
        times = self._catalog.times(self._part, repository, reference)
        return {
            "createdTime": timestamp(times.created),
            "lastUpdateTime": timestamp(times.updated),
            "changeableAttributes": self._locks.attributes(self._part, repository, reference),
        }
