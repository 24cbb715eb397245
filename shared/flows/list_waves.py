"""Tell what is known of waves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from itertools import islice

import msgspec

from shared.domain.waves.states import WAVE_ENDS, WaveState
from shared.domain.waves.wave import Wave, parts_of_wave
from shared.errors import MalformedRequest
from shared.ports import Clock
from shared.rules.reading import readable
from shared.wave_ports import Waves

# Waves that have ended are shown for so long among those that have not.
LATELY = timedelta(days=14)
# A page has so many of them at most.
MOST_LATE = 1000
OPEN = tuple(state for state in WaveState if state not in WAVE_ENDS)
OVER = tuple(state for state in WaveState if state in WAVE_ENDS)


class WavesFound(msgspec.Struct, frozen=True):
    """Some waves.

    Attributes:
        waves: them.
        after: where to go on; empty if there are no more.
        unreadable: which rows could not be read, for people; empty if all could.
    """

    waves: tuple[Wave, ...]
    after: str = ""
    unreadable: str = ""


class WaveLister:
    """Reads waves.

    Args:
        waves: where they are.
        registry: the base registry's name, in small letters.
        clock: tells the time.
    """

    def __init__(self, waves: Waves, registry: str, clock: Clock) -> None:
        self._waves = waves
        self._registry = registry
        self._clock = clock

    def some(
        self, limit: int, *, repository: str = "", states: Collection[WaveState] = (), after: str = ""
    ) -> WavesFound:
        """Return waves by repository, tag and number, a part at a time.

        Args:
            limit: how many at most.
            repository: only those of one repository of the base registry.
            states: only those in one of these; none for all.
            after: only those after a wave's id.

        Raises:
            InvalidReference: ``after`` is no wave's id.
        """
        stored = self._waves.every(self._registry, repository=repository, states=states, after=after)
        found, unreadable = readable(one.record for one in islice(stored, limit + 1))
        shown = tuple(found[:limit])
        return WavesFound(shown, shown[-1].id if len(found) > limit else "", unreadable)

    def of_late(self) -> WavesFound:
        """Return the waves that are not over, and those that were planned lately: the latest first."""
        since = self._clock() - LATELY
        live, unread = readable(one.record for one in self._waves.every(self._registry, states=OPEN))
        ended = self._waves.every(self._registry, states=OVER, since=since)
        over, unfound = readable(one.record for one in islice(ended, MOST_LATE))
        every = sorted((*live, *over), key=lambda one: (one.planned_at, one.id), reverse=True)
        return WavesFound(tuple(every), unreadable="\n".join(filter(None, (unread, unfound))))

    def one(self, wave_id: str) -> Wave:
        """Return one wave.

        Raises:
            InvalidReference: the id is not one.
            MalformedRequest: 404, there is no such wave.
        """
        parts_of_wave(wave_id)
        stored = self._waves.get(wave_id)
        if stored is None:
            raise MalformedRequest(f"there is no wave {wave_id!r}", status=404)
        return stored.record
