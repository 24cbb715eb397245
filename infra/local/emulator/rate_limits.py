"""Limits in fixed windows, such as Docker Hub's: pulls per six hours, API requests per minute.

https://docs.docker.com/docker-hub/usage/pulls/
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left to one caller: requests, and when the window ends by the clock, in epoch seconds by default."""

    limit: int
    remaining: int
    resets: float


class Window:
    """Counts requests of callers in fixed windows."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, int]] = {}

    def look(self, caller: str, limit: int, seconds: float) -> Allowance:
        """Return what is left, without using any of it."""
        with self._lock:
            return self._allowance(caller, limit, seconds)

    def use(self, caller: str, limit: int, seconds: float) -> bool:
        """Use one request; tell whether there was one left."""
        with self._lock:
            allowance = self._allowance(caller, limit, seconds)
            ends, used = self._used[caller]
            self._used[caller] = (ends, used + (allowance.remaining > 0))
            return allowance.remaining > 0

    def _allowance(self, caller: str, limit: int, seconds: float) -> Allowance:
        now = self._clock()
        ends, used = self._used.get(caller, (0.0, 0))
        if ends <= now:
            ends, used = now + seconds, 0
        self._used[caller] = (ends, used)
        return Allowance(limit, max(0, limit - used), ends)
