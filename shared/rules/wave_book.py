"""How waves change: by whoever learns something, guarded by their ETag, as targets do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import msgspec

from shared.domain.promotion.due import Due
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild
from shared.domain.waves.wave import HELD_FOR, Wave
from shared.errors import Conflict, ServiceError
from shared.ports import Clock
from shared.rules.wake import Waker
from shared.wave_ports import StoredWave, Waves

log = logging.getLogger("tidegate.waves")

_TRIES = 16
# Every wave that is under way is to be looked at sooner.
_FAR = 2 * HELD_FOR

# Returns the record to be written, or ``None`` to leave what is there. Given ``None`` where there is no record.
Change = Callable[[Wave | None], Wave | None]


def _untold(before: Wave | None, wave: Wave) -> None:
    """Nobody listens."""


class WaveBook:
    """Reads and changes waves of one base registry, and wakes for them.

    Args:
        waves: where they are.
        waker: wakes for what is due.
        clock: tells the time.
        registry: the base registry's name.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
    """

    def __init__(
        self,
        waves: Waves,
        waker: Waker,
        clock: Clock,
        registry: str,
        tell: Callable[[Wave | None, Wave], None] = _untold,
    ) -> None:
        self.waves = waves
        self.clock = clock
        self.registry = registry.lower()
        self._waker = waker
        self._tell = tell

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
        for _ in range(_TRIES):
            stored = stored or (None if absent else self.waves.get(wave))
            before = stored.record if stored else None
            record = change(before)
            if record is None or record == before:
                return stored if record else None
            try:
                written = self.waves.replace(stored, record) if stored else self.waves.insert(record)
            except Conflict:
                stored, absent = None, False
                continue
            self._tell(before, record)
            return written
        raise Conflict(f"{wave} changes too fast; it is tried again")

    def step(self, stored: StoredWave, record: Wave) -> StoredWave | None:
        """Write what a step led to; ``None`` if somebody changed the wave since, who sees to what is next."""
        if record == stored.record:
            return stored
        try:
            written = self.waves.replace(stored, record)
        except Conflict:
            log.info("%s was changed by another worker", record.id)
            return None
        self._tell(stored.record, record)
        return written

    def rebuilt(self, rebuild: Rebuild) -> None:
        """Have the wave of a rebuild that has ended looked at now.

        Whoever dies before this, or cannot do it, leaves a wave that is looked at a little later by itself.
        """
        if not rebuild.wave or rebuild.status not in REBUILD_ENDS:
            return
        now = self.clock()
        try:
            found = self.change(rebuild.wave, lambda known: _due_by(known, now))
        except ServiceError as error:
            log.warning("%s is looked at later: %s", rebuild.wave, error)
            return
        if found is not None:
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
