"""How a target's record changes: by whoever learns something, guarded by its ETag, and always from what it says now.

A target has many writers: checks, gates that end, imports, people. None of them may undo what another wrote, and none
may be kept waiting by another. So a change is a pure function of the record: whoever meets a conflict reads again and
applies it to what is there. The step of a record fences the messages of its imports, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.promotion.decision import decide
from shared.domain.promotion.due import Due
from shared.domain.promotion.reconciling import Todo, looked_at, scheduled, todo
from shared.domain.promotion.rulings import Ruling, informed
from shared.domain.promotion.target import Target, target_id
from shared.domain.references import Tag
from shared.errors import Conflict
from shared.ports import Clock
from shared.rules.wake import Waker
from shared.target_ports import StoredTarget, Targets

log = logging.getLogger("tidegate.targets")

_TRIES = 16

# Returns the record to be written, or ``None`` to leave what is there. Given ``None`` where there is no record.
Change = Callable[[Target | None], Target | None]


def _untold(before: Target | None, target: Target) -> None:
    """Nobody listens."""


def _nothing_said() -> tuple[Ruling, ...]:
    return ()


def _nobody_is_told(before: Target | None, target: Target, now: datetime) -> tuple[Notice, ...]:  # noqa: ARG001
    return ()


class TargetBook:
    """Reads and changes targets of one base registry, and wakes for them.

    Args:
        targets: where they are.
        waker: wakes for what is due.
        clock: tells the time.
        registry: the base registry's name.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
        rulings: gives what people said of digests and entries; asked whenever a target decides.
        notices: gives what people are to be told of a change: the record before, after, and the time. It is written
            with the change, so that nothing is decided that nobody is told, and told that was not decided.
    """

    def __init__(
        self,
        targets: Targets,
        waker: Waker,
        clock: Clock,
        registry: str,
        tell: Callable[[Target | None, Target], None] = _untold,
        rulings: Callable[[], tuple[Ruling, ...]] = _nothing_said,
        notices: Callable[[Target | None, Target, datetime], tuple[Notice, ...]] = _nobody_is_told,
    ) -> None:
        self.targets = targets
        self.clock = clock
        self.registry = registry.lower()
        self._waker = waker
        self._tell = tell
        self._rulings = rulings
        self._notices = notices

    def of(self, repository: str, tag: Tag) -> Target | None:
        """Return the target of a tag, or ``None`` if there is none."""
        stored = self.read(repository, tag)
        return stored.record if stored else None

    def read(self, repository: str, tag: Tag) -> StoredTarget | None:
        """Return the target of a tag as it is to be changed, or ``None`` if there is none."""
        return self.targets.get(target_id(self.registry, repository, tag))

    def of_repository(self, repository: str) -> Iterator[StoredTarget]:
        """Iterate over the targets of one repository."""
        return self.targets.of_repository(self.registry, repository)

    def change(self, target: str, change: Change, stored: StoredTarget | None = None) -> StoredTarget | None:
        """Change a target, as often as others are faster.

        Args:
            target: its id.
            change: what to do to it; called again with what others wrote.
            stored: as it was read, if it was.

        Returns:
            What is there afterwards; ``None`` if the change left it.

        Raises:
            Conflict: others were faster every time.
        """
        for _ in range(_TRIES):
            stored = stored or self.targets.get(target)
            before = stored.record if stored else None
            record = self._ruled(before, change(before), change)
            if record is None or record == before:
                return stored if record else None
            record = self._noticed(before, record)
            try:
                written = self.targets.replace(stored, record) if stored else self.targets.insert(record)
            except Conflict:
                stored = None
                continue
            self._tell(before, record)
            if record.notices:
                self._waker.at(Due.NOTICES, self.clock())
            return written if _knew(before, record) else self._once_more(written)
        raise Conflict(f"{target} changes too fast; it is tried again")

    def _noticed(self, before: Target | None, record: Target) -> Target:
        """What two notices have in common is told once."""
        known = {one.key for one in record.notices}
        new = tuple(one for one in self._notices(before, record, self.clock()) if one.key not in known)
        return msgspec.structs.replace(record, notices=(*record.notices, *new)) if new else record

    def set_going(self, stored: StoredTarget) -> None:
        """See that a target is looked at if its tag is to be brought to what it says at once."""
        if todo(stored.record, self.clock()) is Todo.PUT:
            self.wake(stored.record)

    def wake(self, target: Target) -> None:
        """See that a target is looked at when it says."""
        if target.look_at is not None:
            self._waker.at(Due.TARGETS, target.look_at)

    def _ruled(self, before: Target | None, record: Target | None, change: Change) -> Target | None:
        """A target that decides is told before of what people said of its digests and its entry."""
        if record is None or not _decides(before, record):
            return record
        undecided = before or _undecided(record)
        told = informed(undecided, record, self._rulings())
        return record if told == undecided else self._decided(change(told))

    def _decided(self, record: Target | None) -> Target | None:
        now = self.clock()
        return scheduled(decide(record, now)[0], now) if record is not None else None

    def _once_more(self, stored: StoredTarget) -> StoredTarget:
        """Whoever blocked the digest meanwhile could not see that this target would know it: it was not written yet."""
        rulings = self._rulings()

        def obeying(known: Target | None) -> Target | None:
            told = informed(known, known, rulings) if known is not None else None
            return known if told == known else self._decided(told)

        return self.change(stored.record.id, obeying, stored) or stored

    def again(self, stored: StoredTarget, pause: timedelta, operation: str = "") -> None:
        """Look at an import again after a pause.

        Args:
            stored: the target, as it was read or written.
            pause: from now.
            operation: the import's continuation token.
        """
        step, look_at = stored.record.step, self.clock() + pause
        later = self.change(stored.record.id, lambda known: looked_at(known, step, look_at, operation), stored)
        if later is not None:
            self.wake(later.record)

    def rest(self, stored: StoredTarget) -> None:
        """Look no more at a target of a base registry that is not in force; who writes it meanwhile knows better."""
        with suppress(Conflict):
            self.targets.replace(stored, msgspec.structs.replace(stored.record, look_at=None))


def _decides(before: Target | None, record: Target) -> bool:
    return record.number != (before.number if before else 0)


def _knew(before: Target | None, record: Target) -> bool:
    return not _decides(before, record) or (before is not None and before.knows(record.wanted))


def _undecided(record: Target) -> Target:
    return Target(registry=record.registry, repository=record.repository, tag=record.tag, origin=record.origin)
