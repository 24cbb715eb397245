"""What flows ask of the records of targets; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import Target


class StoredTarget(msgspec.Struct, frozen=True):
    """A target as it was read, with the ETag that guards its replacement."""

    record: Target
    etag: str


class Targets(Protocol):
    """What the tags of base registries should point at."""

    def get(self, target_id: str) -> StoredTarget | None:
        """Return a target, or ``None`` if there is none."""
        ...

    def insert(self, target: Target) -> StoredTarget:
        """Add a target.

        Raises:
            Conflict: it is there already.
        """
        ...

    def replace(self, stored: StoredTarget, target: Target) -> StoredTarget:
        """Replace a target that nobody changed since it was read.

        Raises:
            Conflict: somebody did.
        """
        ...

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredTarget]:
        """Iterate over the targets of one repository of a base registry, in the order of their tags.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def every(self, registry: str, after: str = "") -> Iterator[StoredTarget]:
        """Iterate over the targets of a base registry, by repository and tag.

        Args:
            registry: its name.
            after: a target's id: only those that come after it.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def repositories(self) -> frozenset[tuple[str, str]]:
        """Return every base registry and repository that has a target."""
        ...

    def due(self, moment: datetime) -> Iterator[StoredTarget]:
        """Iterate over the targets that are to be looked at by a moment, UTC."""
        ...

    def untold(self) -> Iterator[StoredTarget]:
        """Iterate over the targets of which people are to be told something.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...


class StoredRuling(msgspec.Struct, frozen=True):
    """A ruling as it was read, with the ETag that guards its replacement."""

    ruling: Ruling
    etag: str


class Rulings(Protocol):
    """What people said of digests and entries, each the last word on it, whatever the base registry is."""

    def get(self, kind: Kind, subject: str) -> StoredRuling | None:
        """Return what was last said of something, or ``None`` if nothing ever was."""
        ...

    def put(self, stored: StoredRuling | None, ruling: Ruling) -> StoredRuling:
        """Write a ruling that nobody changed since it was read.

        Args:
            stored: as it was read; ``None`` if nothing was there.
            ruling: what is said from now on.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def every(self) -> tuple[Ruling, ...]:
        """Return everything that was last said of digests and entries."""
        ...
