"""How a record of several writers changes: guarded by its ETag, and always from what it says now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from shared.errors import Conflict

_TRIES = 16

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R_contra = TypeVar("R_contra", contravariant=True)


class Read(Protocol[R_co]):
    """A record as it was read."""

    @property
    def record(self) -> R_co:
        """What it says."""
        ...


S = TypeVar("S", bound=Read[Any])


class Records(Protocol[S, R_contra]):
    """Where records are."""

    def get(self, record_id: str, /) -> S | None:
        """Return a record, or ``None``."""
        ...

    def insert(self, record: R_contra, /) -> S:
        """Add a record that is not there."""
        ...

    def replace(self, stored: S, record: R_contra, /) -> S:
        """Replace a record that nobody changed since it was read."""
        ...


def changed(
    records: Records[S, R],
    record_id: str,
    change: Callable[[R | None], R | None],
    tell: Callable[[R | None, R], None],
    stored: S | None,
    *,
    absent: bool,
) -> S | None:
    """Change a record, as often as others are faster.

    Args:
        records: where it is.
        record_id: its id.
        change: returns the record to be written, or ``None`` to leave what is there; given ``None`` where there is
            none, and called again with what others wrote.
        tell: is told of the change, once it is written: the record before, ``None`` for a new one, and after.
        stored: as it was read, if it was.
        absent: whether it was just looked for and not found.

    Returns:
        What is there afterwards; ``None`` if the change left it.

    Raises:
        Conflict: others were faster every time.
    """
    for _ in range(_TRIES):
        stored = stored or (None if absent else records.get(record_id))
        before = stored.record if stored else None
        record = change(before)
        if record is None or record == before:
            return stored if record else None
        try:
            written = records.replace(stored, record) if stored else records.insert(record)
        except Conflict:
            stored, absent = None, False
            continue
        tell(before, record)
        return written
    raise Conflict(f"{record_id} changes too fast; it is tried again")
