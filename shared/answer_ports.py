"""What is asked of the place where answers are kept by idempotency keys; see ``shared.ports`` for every port."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.access.repeating import Kept


class StoredAnswer(msgspec.Struct, frozen=True):
    """A request as it was read, with the ETag that guards its replacement."""

    kept: Kept
    etag: str


class KeptAnswers(Protocol):
    """Requests by their keys, and their answers."""

    def find(self, name: str) -> StoredAnswer | None:
        """Return a request, or ``None`` if its key is not known."""
        ...

    def add(self, kept: Kept) -> StoredAnswer | None:
        """Keep a request that begins, or return ``None`` if its key is known."""
        ...

    def replace(self, stored: StoredAnswer, kept: Kept) -> StoredAnswer:
        """Replace one that nobody changed since it was read.

        Raises:
            Conflict: somebody did.
        """
        ...

    def remove(self, stored: StoredAnswer) -> None:
        """Forget one that nobody changed since it was read; no harm if it is gone.

        Raises:
            Conflict: somebody did.
        """
        ...

    def put_away(self, before: datetime) -> None:
        """Forget some of those that were begun before a moment."""
        ...
