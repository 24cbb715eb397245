"""NCRONTAB expressions of six fields, second first, as timer triggers use them.

The grammar and its corners are those of atifaziz/NCrontab, which the Functions host uses: names match by prefix, a
range may be written backwards, ``5/20`` runs from 5 to the end, and, other than in Unix cron, a day must satisfy
*both* the day of the month and the day of the week.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = tuple(calendar.month_name[1:])
_DAYS = ("Sunday", *calendar.day_name[:6])
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
# 29 February on a given weekday returns after at most 40 years (1896 to 1904 and on by 28, skipping 1900 or 2100).
_HORIZON_YEARS = 41


class NcrontabError(ValueError):
    """The expression is not NCRONTAB of six fields, or never comes true; the message names the field."""


@dataclass(frozen=True)
class Schedule:
    """A parsed expression: the allowed values of each field, ascending."""

    expression: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence later than ``moment``, whole seconds, same time zone.

        Raises:
            NcrontabError: there is none, as for 30 February.
        """
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        time_of_day = self._time_from(start.hour, start.minute, start.second) if self._allows(day) else None
        if time_of_day is None:
            day = self._next_day(day)
            time_of_day = (self.hours[0], self.minutes[0], self.seconds[0])
        hour, minute, second = time_of_day
        return day.replace(hour=hour, minute=minute, second=second)

    def _allows(self, day: datetime) -> bool:
        # Python counts Monday as 0, NCRONTAB Sunday.
        weekday = (day.weekday() + 1) % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _next_day(self, day: datetime) -> datetime:
        last_year = min(day.year + _HORIZON_YEARS, 9998)
        day += timedelta(days=1)
        while day.year <= last_year:
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            elif self._allows(day):
                return day
            else:
                day += timedelta(days=1)
        raise NcrontabError(f"{self.expression!r} never comes true")

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """The first allowed time of day not before the given one, if there is one."""
        if hour in self.hours:
            if minute in self.minutes and (found := _at_least(self.seconds, second)) is not None:
                return hour, minute, found
            if (later := _at_least(self.minutes, minute + 1)) is not None:
                return hour, later, self.seconds[0]
        if (later := _at_least(self.hours, hour + 1)) is not None:
            return later, self.minutes[0], self.seconds[0]
        return None


def parse(expression: str) -> Schedule:
    """Parse six fields: second, minute, hour, day, month, day of week.

    Raises:
        NcrontabError: the expression is malformed; the message names the field and what it may hold.
    """
    texts = expression.split()
    if len(texts) != len(_FIELDS):
        raise NcrontabError(f"{expression!r}: expected six fields (second first), found {len(texts)}")
    parsed = [_field(text, *field) for text, field in zip(texts, _FIELDS, strict=True)]
    return Schedule(expression, *parsed)


def _field(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> tuple[int, ...]:
    values: set[int] = set()
    for item in text.split(","):
        values.update(_item(item, name, least, most, names))
    return tuple(sorted(values))


def _item(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> range:
    span, slash, step_text = text.partition("/")
    step = _step(step_text, name) if slash else 1
    if span == "*":
        return range(least, most + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = _value(first_text, name, least, most, names)
    if dash:
        first, last = sorted((first, _value(last_text, name, least, most, names)))
    else:
        last = most if slash else first
    return range(first, last + 1, step)


def _step(text: str, name: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise NcrontabError(f"{name}: expected a step of at least 1, found {text!r}")
    return int(text)


def _value(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text.isdecimal():
        value = int(text)
        if least <= value <= most:
            return value
    elif text:
        for offset, full in enumerate(names):
            if full.lower().startswith(text.lower()):
                return least + offset
    known = f" or one of {', '.join(names)}" if names else ""
    raise NcrontabError(f"{name}: expected a number from {least} to {most}{known}, found {text!r}")


def _at_least(values: tuple[int, ...], bound: int) -> int | None:
    index = bisect_left(values, bound)
    return values[index] if index < len(values) else None
