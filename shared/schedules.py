"""Schedules of timers, held to their grammar: one that the host cannot read leaves that timer out, and nobody is told.

And held to a least pause, because ``* */15 * * * *``, meant for a quarter of an hour, runs every second of a minute.

Six fields, second first, as atifaziz/NCrontab reads them for the Functions host:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.schedule_gaps import Times, shortest_gap

# Seconds, unless the setting of this name says otherwise.
SHORTEST_SCHEDULE = 60
_SHORTEST = "shortest_schedule"
_MONTHS = ["january", "february", "march", "april", "may", "june"]
_MONTHS += ["july", "august", "september", "october", "november", "december"]
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


def schedule_problems(values: Mapping[str, str]) -> list[str]:
    """Say which schedules among the settings no host could read, never come true, or come too often.

    Args:
        values: the settings' texts, by field.
    """
    shortest = values[_SHORTEST]
    least = int(shortest) if _is_number(shortest) else SHORTEST_SCHEDULE
    names = [name for name in values if name.endswith("_schedule") and name != _SHORTEST]
    found = (_problem(name.upper(), values[name], least) for name in names if values[name])
    return [problem for problem in found if problem]


def _problem(name: str, text: str, least: int) -> str:
    times = _read(text)
    if isinstance(times, str):
        return f"{name} is not NCRONTAB of six fields such as 0 */15 * * * *: {times}"
    gap = shortest_gap(times)
    if gap >= least:
        return ""
    return (
        f"{name} comes too often: with {text[:40]} two runs are {gap} s apart, and SHORTEST_SCHEDULE wants {least} s. "
        "Every run wakes an instance and is paid for. The first field is the second, and * there is every second; "
        "write one number, as in 0 */15 * * * *"
    )


def _read(text: str) -> Times | str:
    """Return when a schedule runs, or else why nobody can say."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"there are {len(parts)} fields"
    allowed = []
    for part, (name, least, most, names) in zip(parts, _FIELDS, strict=True):
        found = [_values(item, least, most, names) for item in part.split(",")]
        if not all(found):
            return f"{part[:40]!r} is no {name}, which is from {least} to {most}"
        allowed.append(tuple(sorted({value for each in found for value in each})))
    times = Times(*allowed)
    comes = any(times.days[0] <= _LONGEST[month] for month in times.months)
    return times if comes else "no month has such a day"


def _values(item: str, least: int, most: int, names: list[str]) -> set[int]:
    """Return what one item of a field allows; nothing if it is none."""
    span, slash, step = item.partition("/")
    if slash and not (_is_number(step) and int(step)):
        return set()
    every = int(step) if slash else 1
    if span == "*":
        return set(range(least, most + 1, every))
    first_text, dash, last_text = span.partition("-")
    first = _value(first_text, least, most, names)
    last = _value(last_text, least, most, names) if dash else (most if slash else first)
    if first is None or last is None:
        return set()
    return set(range(min(first, last), max(first, last) + 1, every))


def _value(text: str, least: int, most: int, names: list[str]) -> int | None:
    if _is_number(text):
        return int(text) if least <= int(text) <= most else None
    found = [place for place, name in enumerate(names, least) if text and name.startswith(text.lower())]
    return found[0] if found else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5
