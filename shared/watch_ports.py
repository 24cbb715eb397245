"""What is asked of the record of the standing watch; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.promotion.exposure import Watch


class StoredWatch(msgspec.Struct, frozen=True):
    """The watch as it was read, with the ETag that guards its replacement."""

    watch: Watch
    etag: str


class Watches(Protocol):
    """The one record of the standing watch."""

    def get(self) -> StoredWatch | None:
        """Return the record; ``None`` if there is none yet. One that cannot be read is empty: all is found anew."""
        ...

    def put(self, stored: StoredWatch | None, watch: Watch) -> StoredWatch:
        """Write the record that nobody changed since it was read; ``None`` for the first one.

        Raises:
            Conflict: somebody did change it.
        """
        ...
