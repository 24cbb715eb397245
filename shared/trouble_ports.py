"""What flows ask of the records of troubles; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.watching.troubles import Noted


class StoredTrouble(msgspec.Struct, frozen=True):
    """A trouble as it was read, with the ETag that guards its replacement."""

    noted: Noted
    etag: str


class Troubles(Protocol):
    """What is wrong now, one record for each kind of trouble of each thing."""

    def every(self) -> tuple[StoredTrouble, ...]:
        """Return all that was noted. A record that cannot be read is forgotten: whatever lasts is noted anew."""
        ...

    def put(self, stored: StoredTrouble | None, noted: Noted) -> StoredTrouble:
        """Write a trouble that nobody changed since it was read; ``None`` for a new one.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def remove(self, stored: StoredTrouble) -> None:
        """Remove a trouble that nobody changed since it was read.

        Raises:
            Conflict: somebody did change it.
        """
        ...
