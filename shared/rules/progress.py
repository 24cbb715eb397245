"""How a record goes from one step to the next without being lost or doubled: the rules every step of every flow keeps.

1. A record says when it is to be looked at. Whoever looks has just read it, and writes it guarded by its ETag: of two
   who look at the same time, one goes on, and the other does nothing more.
2. A step that asks another system to begin something first claims the record: the write lets one worker through.
3. The record is written first, then a message wakes whoever looks at what is due. A process that dies in between leaves
   a record whose time passes; the sweep wakes for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Generic

import msgspec

from shared.domain.promotion.candidate import Candidate, rejoined
from shared.domain.promotion.due import due_of
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.schedule import FIRST_RETRY
from shared.domain.scan.scan import Scan, rejoined_scan
from shared.errors import Conflict, ServiceError, TidegateError
from shared.ports import Clock, R, Records, Stored
from shared.rules.wake import Waker

log = logging.getLogger("tidegate.progress")

_TRIES = 8
# What is written at the end of a block: a record as it was read, and as it is to be.
_TOGETHER: ContextVar[list[tuple[Any, Any]] | None] = ContextVar("together", default=None)


def _untold(before: Candidate | Rebuild | Scan | None, record: Candidate | Rebuild | Scan) -> None:
    """Nobody listens."""


def _nobody_waits(changed: Sequence[Any]) -> None:
    """Nobody waits for the end of one."""


class Progress(Generic[R]):
    """Takes records of one kind from step to step. Every change of a record passes here, and is told here.

    Args:
        records: where they are.
        waker: wakes for what is due.
        clock: tells the time.
        rebase: given a record as it was read, as it is now and as it was to be written, returns what is to be written
            instead if what happened since is beside the point, or ``None``.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
        after: is told of the records that were changed, of many that were written together at once.
    """

    def __init__(
        self,
        records: Records[R],
        waker: Waker,
        clock: Clock,
        rebase: Callable[[R, R, R], R | None],
        tell: Callable[[R | None, R], None],
        after: Callable[[Sequence[R]], None] = _nobody_waits,
    ) -> None:
        self.records: Records[R] = records
        self.clock = clock
        self._waker = waker
        self._rebase: Callable[[R, R, R], R | None] = rebase
        self._tell: Callable[[R | None, R], None] = tell
        self._after: Callable[[Sequence[R]], None] = after

    def insert(self, record: R, *, absent: bool = False) -> bool:
        """Add a new record; ``False`` if it is there already.

        Args:
            record: the record.
            absent: whether it was just looked for and not found.
        """
        inserted = self.records.insert(record, absent=absent)
        if inserted:
            self._tell(None, record)
        return inserted

    def claim(self, stored: Stored[R], record: R, *, strictly: bool = False) -> Stored[R] | None:
        """Write a record before acting on it; ``None`` if another worker did so first.

        Args:
            stored: as it was read.
            record: as it is to be.
            strictly: whether nothing at all may have changed since, not even what is beside the point.
        """
        written = self._written(stored, record, 1 if strictly else _TRIES)
        if written is None:
            log.info("%s was taken by another worker", record.id)
            return None
        if record.step != stored.record.step:  # else only the time of its next look changed, or a target joined
            self._tell(stored.record, written.record)
            self._after((written.record,))
        return written

    def _written(self, stored: Stored[R], record: R, tries: int) -> Stored[R] | None:
        for left in reversed(range(tries)):
            try:
                return self.records.replace(stored, record)
            except Conflict:
                found = self.records.get(record.id) if left else None
                rebased = self._rebase(stored.record, found.record, record) if found else None
                if found is None or rebased is None:
                    return None
                stored, record = found, rebased
        return None

    def save(self, stored: Stored[R], record: R) -> None:
        """Write what a step led to, and wake for the next one when the record says."""
        written = self.claim(stored, record)
        if written is not None:
            self.wake(written.record)

    def again(self, stored: Stored[R], pause: timedelta, **changes: str) -> None:
        """Look at a record again after a pause; it is at the same step.

        Args:
            stored: as it was read or written.
            pause: from now.
            changes: fields that say how its operation is found.
        """
        look_at = self.clock() + pause
        self.save(stored, msgspec.structs.replace(stored.record, look_at=look_at, **changes))

    def later(self, stored: Stored[R], record: R) -> None:
        """Save what a step led to, with all others of a block ``together``; who dies before that has done nothing."""
        block = _TOGETHER.get()
        if block is None:
            self.save(stored, record)
        else:
            block.append((stored, record))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write at the end of the block what was said ``later`` in it, by its threads, too, and also if it fails."""
        block: list[tuple[Any, Any]] = []
        token = _TOGETHER.set(block)
        try:
            yield
        except Exception:
            self._save_all(block)
            raise
        finally:
            _TOGETHER.reset(token)
        self._save_all(block)

    def _save_all(self, changes: Sequence[tuple[Stored[R], R]]) -> None:
        """What was not written is looked at again as it was."""
        for (stored, _), written in zip(changes, self.claim_all(changes), strict=True):
            if isinstance(written, Stored):
                self.wake(written.record)
            elif not isinstance(written, Conflict):
                log.warning("%s is looked at again: %s", stored.record.id, written)
                self._look_again(stored.record)

    def _look_again(self, record: R) -> None:
        due = due_of(record)
        if due is not None:
            self._waker.at(due, self.clock() + FIRST_RETRY)

    def claim_all(self, changes: Sequence[tuple[Stored[R], R]]) -> Sequence[Stored[R] | TidegateError]:
        """Write records before acting on them, in as few transactions as there can be.

        Args:
            changes: each as it was read, and as it is to be.

        Returns:
            Of each what was written; ``Conflict`` if another worker did so first, or what else kept it.
        """
        if not changes:
            return ()
        try:
            written = self.records.replace_all(changes)
        except ServiceError as error:  # of none it is known whether it was written
            return [error] * len(changes)
        told: list[R] = []
        for (stored, record), one in zip(changes, written, strict=True):
            if isinstance(one, Conflict):
                log.info("%s was taken by another worker", record.id)
            elif isinstance(one, Stored) and record.step != stored.record.step:
                self._tell(stored.record, one.record)
                told.append(one.record)
        self._after(told)
        return written

    def take_back(self, claimed: Stored[R], record: R) -> None:
        """Write that what was claimed was not begun after all, and look again when the record says.

        Nothing came of it, so nobody is told.
        """
        written = self._written(claimed, record, _TRIES)
        if written is not None:
            self.wake(written.record)

    def wake(self, record: R) -> None:
        """See that a record is looked at when it says; an ended one is not."""
        due = due_of(record)
        if due is not None:
            self._waker.at(due, record.look_at)


def _nothing(read: Rebuild, found: Rebuild, written: Rebuild) -> None:
    """Of a rebuild nothing is beside the point."""


def candidate_progress(
    records: Records[Candidate],
    waker: Waker,
    clock: Clock,
    *,
    tell: Callable[[Candidate | None, Candidate], None] = _untold,
) -> Progress[Candidate]:
    """Return the rules for candidates."""
    return Progress(records, waker, clock, rejoined, tell)


def rebuild_progress(
    records: Records[Rebuild],
    waker: Waker,
    clock: Clock,
    *,
    tell: Callable[[Rebuild | None, Rebuild], None] = _untold,
    after: Callable[[Sequence[Rebuild]], None] = _nobody_waits,
) -> Progress[Rebuild]:
    """Return the rules for rebuilds."""
    return Progress(records, waker, clock, _nothing, tell, after)


def scan_progress(
    records: Records[Scan],
    waker: Waker,
    clock: Clock,
    *,
    tell: Callable[[Scan | None, Scan], None] = _untold,
) -> Progress[Scan]:
    """Return the rules for scans."""
    return Progress(records, waker, clock, rejoined_scan, tell)
