"""How a record goes from one step to the next without being lost or doubled: the rules every step of every flow keeps.

1. A message names a record and the step it was at. If the record has gone on, the message is out of date and dropped:
   the same message delivered twice does one step.
2. A step that asks another system to begin something first claims the record: the write guarded by its ETag lets one
   worker through, and the others drop their message.
3. The record is written first, then the next message is sent. A process that dies in between leaves a record whose
   time to be looked at passes; the sweep sends its message again.
4. While an operation is under way its messages follow each other and the record is left alone, but for a lease that
   tells the sweep until when that may be believed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic

from shared.domain.events.messages import LookAtCandidate, LookAtRebuild, Message
from shared.domain.promotion import lifecycle, rebuilds, schedule
from shared.domain.promotion.candidate import Candidate, rejoined
from shared.domain.promotion.rebuilds import Rebuild
from shared.errors import Conflict
from shared.ports import Clock, Outbox, R, Records, Stored

log = logging.getLogger("tidegate.progress")

_TRIES = 8


def _untold(before: Candidate | Rebuild | None, record: Candidate | Rebuild) -> None:
    """Nobody listens."""


class Progress(Generic[R]):
    """Takes records of one kind from step to step. Every change of a record passes here, and is told here.

    Args:
        records: where they are.
        outbox: sends the messages.
        clock: tells the time.
        message: gives the message of a record's next step, or ``None`` at an end.
        renew: puts off the time at which the sweep takes a record for lost.
        rebase: given a record as it was read, as it is now and as it was to be written, returns what is to be written
            instead if what happened since is beside the point, or ``None``.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
    """

    def __init__(
        self,
        records: Records[R],
        outbox: Outbox,
        clock: Clock,
        message: Callable[[R, str], Message | None],
        renew: Callable[[R, datetime], R],
        rebase: Callable[[R, R, R], R | None],
        tell: Callable[[R | None, R], None],
    ) -> None:
        self.records: Records[R] = records
        self.clock = clock
        self._outbox = outbox
        self._message: Callable[[R, str], Message | None] = message
        self._renew: Callable[[R, datetime], R] = renew
        self._rebase: Callable[[R, R, R], R | None] = rebase
        self._tell: Callable[[R | None, R], None] = tell

    def held(self, record_id: str, step: int) -> Stored[R] | None:
        """Return the record a message is about, or ``None`` if there is none or the message is out of date."""
        stored = self.records.get(record_id)
        if stored is None or stored.record.step != step:
            at = f"at step {stored.record.step}" if stored else "unknown"
            log.info("message about step %d of %s is out of date: the record is %s", step, record_id, at)
            return None
        return stored

    def insert(self, record: R) -> bool:
        """Add a new record; ``False`` if it is there already."""
        inserted = self.records.insert(record)
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
        if record.step != stored.record.step:  # else only its lease was renewed, or a target joined
            self._tell(stored.record, written.record)
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

    def save(self, stored: Stored[R], record: R, operation: str = "") -> None:
        """Write what a step led to, then send the message of the next one, to be seen when the record says."""
        written = self.claim(stored, record)
        if written is not None:
            self.send(written.record, record.look_at - self.clock(), operation)

    def again(self, stored: Stored[R], pause: timedelta, operation: str = "") -> None:
        """Look at an operation again after a pause, renewing the record's lease where little of it is left."""
        look = self.clock() + pause
        short = schedule.lease_runs_out(stored.record.look_at, look)
        if short and self.claim(stored, self._renew(stored.record, look)) is None:
            return
        self.send(stored.record, pause, operation)

    def take_back(self, claimed: Stored[R], record: R) -> None:
        """Write that what was claimed was not begun after all, and look again when the record says.

        Nothing came of it, so nobody is told.
        """
        written = self._written(claimed, record, _TRIES)
        if written is not None:
            self.send(written.record, written.record.look_at - self.clock())

    def take_up(self, stored: Stored[R]) -> bool:
        """Send the message of a record that was left behind, if it is overdue; say whether that was so."""
        now = self.clock()
        if not schedule.is_overdue(stored.record.look_at, now):
            return False
        if self.claim(stored, self._renew(stored.record, now)) is None:
            return False
        self.send(stored.record, timedelta(0))
        return True

    def send(self, record: R, delay: timedelta = timedelta(0), operation: str = "") -> None:
        """Send the message of a record's next step; an ended record has none."""
        message = self._message(record, operation)
        if message is not None:
            self._outbox.send(message, max(delay, timedelta(0)))


def _nothing(read: Rebuild, found: Rebuild, written: Rebuild) -> None:
    """Of a rebuild nothing is beside the point."""


def candidate_progress(
    records: Records[Candidate],
    outbox: Outbox,
    clock: Clock,
    *,
    tell: Callable[[Candidate | None, Candidate], None] = _untold,
) -> Progress[Candidate]:
    """Return the rules for candidates."""
    return Progress(records, outbox, clock, _candidate_message, lifecycle.renew, rejoined, tell)


def rebuild_progress(
    records: Records[Rebuild],
    outbox: Outbox,
    clock: Clock,
    *,
    tell: Callable[[Rebuild | None, Rebuild], None] = _untold,
) -> Progress[Rebuild]:
    """Return the rules for rebuilds."""
    return Progress(records, outbox, clock, _rebuild_message, rebuilds.renew_rebuild, _nothing, tell)


def _candidate_message(candidate: Candidate, operation: str) -> Message | None:
    stage = lifecycle.turn_of(candidate)
    if stage is None:
        return None
    return LookAtCandidate(
        v=1,
        candidate=candidate.id,
        step=candidate.step,
        operation=operation,
        stage=stage,
        traceparent=candidate.traceparent,
    )


def _rebuild_message(rebuild: Rebuild, _: str) -> Message | None:
    if rebuild.status in rebuilds.REBUILD_ENDS:
        return None
    return LookAtRebuild(v=1, rebuild=rebuild.id, step=rebuild.step, traceparent=rebuild.traceparent)
