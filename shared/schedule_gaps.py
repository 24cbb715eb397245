"""How close two runs of a schedule come to each other.

A day has to satisfy both the day of the month and the day of the week, as atifaziz/NCrontab has it for the Functions
host: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

_MINUTE, _HOUR, DAY = 60, 3600, 86_400
# After so many days the same days of the month fall on the same days of the week again.
_FIRST_DAY, _CYCLE = date(2000, 1, 1), 28 * 1461 // 4


@dataclass(frozen=True)
class Times:
    """When a schedule runs: what each field allows, ascending; days of the week from Sunday, which is 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]


def shortest_gap(times: Times) -> int:
    """Return the seconds between those two runs that are closest to each other; a day where all are further apart."""
    first_of_minute, last_of_minute = times.seconds[0], times.seconds[-1]
    first_of_hour, last_of_hour = (
        times.minutes[0] * _MINUTE + first_of_minute,
        times.minutes[-1] * _MINUTE + last_of_minute,
    )
    first_of_day, last_of_day = times.hours[0] * _HOUR + first_of_hour, times.hours[-1] * _HOUR + last_of_hour
    gaps = [
        *_gaps(times.seconds, 1, 0),
        *_gaps(times.minutes, _MINUTE, first_of_minute - last_of_minute),
        *_gaps(times.hours, _HOUR, first_of_hour - last_of_hour),
    ]
    over_midnight = DAY + first_of_day - last_of_day
    if _has_two_days_running(times):
        gaps.append(over_midnight)
    return min(gaps, default=DAY)


def _gaps(values: tuple[int, ...], unit: int, rest: int) -> list[int]:
    return [(later - earlier) * unit + rest for earlier, later in pairwise(values)]


def _has_two_days_running(times: Times) -> bool:
    allowed = (_allows(times, _FIRST_DAY + timedelta(days=number)) for number in range(_CYCLE + 1))
    return any(today and tomorrow for today, tomorrow in pairwise(allowed))


def _allows(times: Times, day: date) -> bool:
    return day.month in times.months and day.day in times.days and day.isoweekday() % 7 in times.weekdays
