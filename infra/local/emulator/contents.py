"""One Azure registry's contents as those see them who clean it up: its lists, and deletions that locks refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.emulator.acr_attributes import Attributes
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.locks import Locks
from infra.local.emulator.manifests import Manifest
from infra.local.emulator.removal import Removal
from infra.local.emulator.shelf import Shelf


class Contents:
    """What is in one registry."""

    def __init__(
        self, part: str, shelf: Shelf, attributes: Attributes, catalog: Catalog, locks: Locks, removal: Removal
    ) -> None:
        self._part = part
        self._shelf = shelf
        self._attributes = attributes
        self._catalog = catalog
        self._locks = locks
        self._removal = removal

    def repositories(self) -> list[str]:
        """Return the names of the repositories that are not hidden."""
        return [name for name in self._shelf.repositories() if self._locks.may_list(self._part, name)]

    def tags(self, repository: str) -> list[dict[str, Any]]:
        """Return what ``_tags`` lists."""
        return self._attributes.tags(repository)

    def manifests(self, repository: str) -> list[dict[str, Any]]:
        """Return what ``_manifests`` lists."""
        return self._attributes.manifests(repository)

    def manifest(self, repository: str, digest: str) -> Manifest | None:
        """Return a manifest itself, or ``None`` if it is not there."""
        return self._shelf.manifest(repository, digest)

    def updated(self, repository: str, reference: str) -> float:
        """Return when a tag or manifest was last pushed, in epoch seconds."""
        return self._catalog.times(self._part, repository, reference).updated

    def untagged_since(self, repository: str, digest: str) -> float | None:
        """Return when a tag last left a manifest; ``None`` if none has, as far as is known."""
        return self._catalog.since(self._part, repository, digest)

    def change(self, repository: str, reference: str, wanted: Mapping[str, object]) -> None:
        """Lock or unlock something."""
        self._locks.change(self._part, repository, reference, wanted)

    def delete_tag(self, repository: str, tag: str) -> bool:
        """Delete a tag; tell whether nothing forbade it."""
        permitted = self._locks.may_delete(self._part, repository, tag)
        if permitted:
            self._removal.delete_tag(repository, tag)
        return permitted

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Delete a manifest and what refers to it; tell whether nothing forbade it."""
        permitted = not self._removal.is_locked(repository, digest)
        if permitted:
            self._removal.delete_manifest(repository, digest)
        return permitted
