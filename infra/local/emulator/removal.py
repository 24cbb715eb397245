"""Deleting from an Azure registry: what else goes with a manifest or a tag, and what is to be forgotten of it."""

from __future__ import annotations

from infra.local.emulator.backing import Backing
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.locks import Locks
from infra.local.emulator.shelf import Shelf


class Removal:
    """Deletes from one registry what nothing forbids to delete."""

    def __init__(self, part: str, backing: Backing, shelf: Shelf, catalog: Catalog, locks: Locks) -> None:
        self._part = part
        self._backing = backing
        self._shelf = shelf
        self._catalog = catalog
        self._locks = locks

    def tags_on(self, repository: str, digest: str) -> list[str]:
        """Return the tags that point at a digest."""
        return [tag for tag, target in self._shelf.tags(repository).items() if target == digest]

    def is_locked(self, repository: str, digest: str) -> bool:
        """Tell whether a lock on a manifest, on a tag of it or on the repository forbids to delete it."""
        tags = self.tags_on(repository, digest)
        return not self._locks.may_delete(self._part, repository, digest, *tags)

    def delete_tag(self, repository: str, tag: str) -> None:
        """Delete a tag, whatever is locked, and leave the manifest it was on, which is untagged from now on."""
        digest = self._shelf.tags(repository).get(tag, "")
        with self._backing.writing(repository):
            self._shelf.untag(repository, tag)
        self._forget(repository, tag)
        self._catalog.left(self._part, repository, digest)

    def delete_manifest(self, repository: str, digest: str) -> list[str]:
        """Delete a manifest, its tags, and what refers to it, and to that; return the digests that are gone.

        A referrer that is locked stays, and then refers to nothing.
        """
        tags, referrers = self.tags_on(repository, digest), self._shelf.referrers(repository, digest)
        if not self._backing.delete(repository, digest):
            return []
        for reference in (digest, *tags):
            self._forget(repository, reference)
        gone = [digest]
        for referrer in referrers:
            if not self.is_locked(repository, referrer.digest):
                gone += self.delete_manifest(repository, referrer.digest)
        return gone

    def _forget(self, repository: str, reference: str) -> None:
        self._locks.forget(self._part, repository, reference)
        self._catalog.deleted(self._part, repository, reference)
