"""What is asked of the evidence as a whole; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from shared.ports import Evidence


class Kept(msgspec.Struct, frozen=True):
    """A piece of evidence.

    Attributes:
        record: the id of what it is kept for: a candidate, a rebuild, a scanned digest.
        name: its name below that.
        size: in bytes.
        at: when it was kept, UTC; kept again, the last time.
        etag: of what was listed; changes whenever it is kept again.
    """

    record: str
    name: str
    size: int
    at: datetime
    etag: str


class EvidenceStore(Evidence, Protocol):
    """Evidence that can be listed, and deleted."""

    def of(self, record: str) -> tuple[Kept, ...]:
        """List what is kept for one record, by name."""
        ...

    def every(self) -> Iterator[Kept]:
        """Iterate over all that is kept, by record and name."""
        ...

    def drop(self, kept: Kept) -> bool:
        """Delete what was listed; ``False`` if it was kept again since, or is gone."""
        ...
