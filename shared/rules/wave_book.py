"""How waves change: by whoever learns something, guarded by their ETag, as targets do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.promotion.due import Due
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild
from shared.domain.waves.wave import HELD_FOR, Wave
from shared.errors import Conflict, ServiceError
from shared.ports import Clock
from shared.rules.changing import changed
from shared.rules.wake import Waker
from shared.wave_ports import StoredWave, Waves

log = logging.getLogger("tidegate.waves")

# Every wave that is under way is to be looked at sooner.
_FAR = 2 * HELD_FOR

# Returns the record to be written, or ``None`` to leave what is there. Given ``None`` where there is no record.
Change = Callable[[Wave | None], Wave | None]


def _untold(before: Wave | None, wave: Wave) -> None:
    """Nobody listens."""


def _nobody_is_told(before: Wave | None, wave: Wave, now: datetime) -> tuple[Notice, ...]:  # noqa: ARG001
    return ()


class WaveBook:
    """Reads and changes waves of one base registry, and wakes for them.

    Args:
        waves: where they are.
        waker: wakes for what is due.
        clock: tells the time.
        registry: the base registry's name.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
        notices: gives what people are to be told of a change: the record before, after, and the time. It is written
            with the change.
    """

    def __init__(
        self,
        waves: Waves,
        waker: Waker,
        clock: Clock,
        registry: str,
        tell: Callable[[Wave | None, Wave], None] = _untold,
        notices: Callable[[Wave | None, Wave, datetime], tuple[Notice, ...]] = _nobody_is_told,
    ) -> None:
        self.waves = waves
        self.clock = clock
        self.registry = registry.lower()
        self._waker = waker
        self._tell = tell
        self._notices = notices

    def change(
        self, wave: str, change: Change, stored: StoredWave | None = None, *, absent: bool = False
    ) -> StoredWave | None:
        """Change a wave, as often as others are faster.

        Args:
            wave: its id.
            change: what to do to it; called again with what others wrote.
            stored: as it was read, if it was.
            absent: whether it was just looked for and not found.

        Returns:
            What is there afterwards; ``None`` if the change left it.

        Raises:
            Conflict: others were faster every time.
        """

        def noticed(known: Wave | None) -> Wave | None:
            record = change(known)
            return record if record is None or record == known else self._noticed(known, record)

        return changed(self.waves, wave, noticed, self._told, stored, absent=absent)

    def step(self, stored: StoredWave, record: Wave) -> StoredWave | None:
        """Write what a step led to; ``None`` if somebody changed the wave since, who sees to what is next."""
        if record == stored.record:
            return stored
        record = self._noticed(stored.record, record)
        try:
            written = self.waves.replace(stored, record)
        except Conflict:
            log.info("%s was changed by another worker", record.id)
            return None
        self._told(stored.record, record)
        return written

    def _noticed(self, before: Wave | None, record: Wave) -> Wave:
        known = {one.key for one in record.notices}
        new = tuple(one for one in self._notices(before, record, self.clock()) if one.key not in known)
        return msgspec.structs.replace(record, notices=(*record.notices, *new)) if new else record

    def _told(self, before: Wave | None, record: Wave) -> None:
        self._tell(before, record)
        if record.notices:
            self._waker.at(Due.NOTICES, self.clock())

    def rebuilt(self, rebuilds: Iterable[Rebuild]) -> None:
        """Have the waves of rebuilds that have ended looked at now.

        Whoever dies before this, or cannot do it, leaves a wave that is looked at a little later by itself.
        """
        for wave in sorted({one.wave for one in rebuilds if one.wave and one.status in REBUILD_ENDS}):
            try:
                self.due_now(wave)
            except ServiceError as error:
                log.warning("%s is looked at later: %s", wave, error)

    def due_now(self, wave: str) -> None:
        """See that a wave is looked at now.

        Raises:
            ServiceError: the storage account did not answer.
        """
        now = self.clock()
        if self.change(wave, lambda known: _due_by(known, now)) is not None:
            self._waker.at(Due.WAVES, now)

    def rest(self, stored: StoredWave) -> None:
        """Look no more at a wave of a base registry that is not in force; who writes it meanwhile knows better."""
        with suppress(Conflict):
            self.waves.replace(stored, msgspec.structs.replace(stored.record, look_at=None))

    def open(self) -> Iterator[Wave]:
        """Iterate over the waves that are under way: each is to be looked at some time.

        Raises:
            ServiceError: some cannot be read; after all others.
        """
        return (one.record for one in self.waves.due(self.clock() + _FAR) if not one.record.is_over)

    def wake(self, wave: Wave) -> None:
        """See that a wave is looked at when it says."""
        if wave.look_at is not None:
            self._waker.at(Due.WAVES, wave.look_at)


def _due_by(known: Wave | None, now: datetime) -> Wave | None:
    if known is None or (known.look_at is not None and known.look_at <= now):
        return known
    return msgspec.structs.replace(known, look_at=now)
