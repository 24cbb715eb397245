"""Token buckets, and what those were told whose bucket was empty.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

# A request was on its way already if it comes so soon after another one's refusal.
_ON_ITS_WAY = 0.25
# Marks in a request's environment that it came before the time that its caller was told to wait until.
EARLY = "emulator.early"


@dataclass(frozen=True)
class Grant:
    """What came of asking for a token: how many whole ones are left, or in how many seconds there is one."""

    left: int
    wait: float = 0.0

    @property
    def given(self) -> bool:
        """Whether there was one."""
        return self.wait <= 0


class Buckets:
    """Token buckets by name; each is full at first, and as large and as fast as whoever asks says by now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[Hashable, tuple[float, float]] = {}

    def take(self, name: Hashable, capacity: float, per_second: float) -> Grant:
        """Take a token if there is one.

        Args:
            name: of the bucket.
            capacity: how many tokens it holds.
            per_second: how many come back a second; more than none.
        """
        with self._lock:
            now = self._clock()
            level, filled = self._levels.get(name, (capacity, now))
            level = min(capacity, level + (now - filled) * per_second)
            given = level >= 1
            self._levels[name] = (level - given, now)
        return Grant(int(level - 1)) if given else Grant(0, (1 - level) / per_second)


@dataclass(frozen=True)
class Told:
    """What a caller was told: for how many seconds it has still to wait, and whether it could know when it asked."""

    left: float
    early: bool


class Waits:
    """Until when callers were told to wait; whoever asks before is refused again, whatever there is by now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[Hashable, tuple[float, float]] = {}

    def tell(self, name: Hashable, seconds: float) -> None:
        """Keep that somebody is told now to wait so long."""
        now = self._clock()
        with self._lock:
            self._told[name] = (now, now + seconds)

    def look(self, name: Hashable) -> Told | None:
        """Return what still holds of what somebody was told; ``None`` where it may ask."""
        now = self._clock()
        with self._lock:
            told, until = self._told.get(name, (now, now))
        return Told(until - now, now - told > _ON_ITS_WAY) if until > now else None
