"""When a timer's instance is wanted, for who starts it: shortly before each run, and once when the host starts.

That the platform wakes an instance ahead is taken from timers that run on time; by how much is not published.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from infra.local.host.ncrontab import Schedule

# After its moment a run is under way, and the instance no longer idle.
_UNDER_WAY = timedelta(seconds=5)


class TimerWatch:
    """The next run of one timer.

    Args:
        schedule: when it runs.
        ahead: how long before, so that an instance is there in time.
        now: the host's start; an instance is wanted then, to find what was missed.
    """

    def __init__(self, schedule: Schedule, ahead: timedelta, now: datetime) -> None:
        self._schedule = schedule
        self._ahead = ahead
        self._due = now

    def wants(self, now: datetime, served: bool) -> bool:
        """Return whether an instance is wanted.

        Arguments:
            now: the time.
            served: whether one is there and ready. A run that is due is waited for until one was.
        """
        if served and now >= self._due + _UNDER_WAY:
            self._due = self._schedule.next_after(now)
        return now >= self._due - self._ahead
