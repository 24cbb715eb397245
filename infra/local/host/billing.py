"""What an instance is billed for: the time in which it runs something, whatever the number of its calls.

https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing: on demand, each period in which an
instance is active counts a second at least, and then in steps of a tenth.
"""

from __future__ import annotations

_LEAST_MS, _STEP_MS = 1000, 100


def billed_seconds(period: float) -> float:
    """Return what a period of ``period`` seconds is billed as."""
    milliseconds = round(period * 1000)
    return max(_LEAST_MS, -(-milliseconds // _STEP_MS) * _STEP_MS) / 1000


class Meter:
    """The busy time of one instance: calls that overlap are one period."""

    def __init__(self) -> None:
        self._running = 0
        self._since = 0.0
        self._busy = 0.0
        self._billed = 0.0

    def began(self, at: float) -> None:
        """Note that a call began at a moment of the monotonic clock."""
        if self._running == 0:
            self._since = at
        self._running += 1

    def ended(self, at: float) -> None:
        """Note that a call ended."""
        self._running -= 1
        if self._running == 0:
            self._close(at)

    def cut(self, at: float) -> None:
        """Note that the instance is gone, and with it whatever ran."""
        if self._running:
            self._close(at)
        self._running = 0

    @property
    def running(self) -> int:
        """How many calls run."""
        return self._running

    def busy(self, now: float) -> float:
        """Return the seconds in which something ran, up to now."""
        return self._busy + (now - self._since if self._running else 0.0)

    def billed(self, now: float) -> float:
        """Return the seconds that are billed, as if what runs ended now."""
        return self._billed + (billed_seconds(now - self._since) if self._running else 0.0)

    def _close(self, at: float) -> None:
        self._busy += at - self._since
        self._billed += billed_seconds(at - self._since)
