"""Waivers: somebody takes the responsibility for one vulnerability in one package, for a reason and until a time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.scan.findings import Key, key_of
from shared.domain.shapes import Told, shape_problems

MOST_WAIVERS = 10_000
# Python also reads 20261231, a day that would end where it begins, and weeks.
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ]|\Z)")
_Text = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody waived.

    Attributes:
        id: of the vulnerability.
        package: its name, as the scanner reports it.
        reason: why.
        by: who.
        until: a day, which it still covers, or a time, at which it ends; UTC where it says nothing else.
    """

    id: _Text
    package: _Text
    reason: _Text
    by: _Text
    until: _Text

    @property
    def end(self) -> datetime:
        """When it ends."""
        return end_of(self.until)

    @property
    def told(self) -> str:
        """What it says, for people."""
        return f"waived by {self.by} until {self.until}: {self.reason}"


class Waivers:
    """All waivers, known by what they are about.

    Args:
        waivers: in any order.
        at: the time of the decision.
    """

    def __init__(self, waivers: Iterable[Waiver], at: datetime) -> None:
        self._in_force: dict[Key, Waiver] = {}
        ended: defaultdict[Key, list[Waiver]] = defaultdict(list)
        for waiver in sorted(waivers, key=lambda each: (each.end, each.by, each.reason)):
            key = key_of(waiver.id, waiver.package)
            if waiver.end > at:
                self._in_force[key] = waiver
            else:
                ended[key].append(waiver)
        self._ended = {key: each[-1] for key, each in ended.items()}

    def of(self, key: Key) -> Waiver | None:
        """Return the waiver in force that ends last."""
        return self._in_force.get(key)

    def ended(self, key: Key) -> Waiver | None:
        """Return the waiver that ended last, if none is in force."""
        return None if key in self._in_force else self._ended.get(key)

    def about_none_of(self, keys: Iterable[Key]) -> list[Waiver]:
        """Return the waivers in force about what is not there: an id or a package may be misspelt."""
        there = frozenset(keys) if self._in_force else frozenset()
        return [waiver for key, waiver in sorted(self._in_force.items()) if key not in there]


def read_waivers(document: object) -> tuple[tuple[Waiver, ...], tuple[Told, ...]]:
    """Read waivers that a YAML reader has made plain objects of.

    Args:
        document: with every scalar a string.

    Returns:
        The waivers, and every problem with its path.
    """
    kind = Annotated[list[Waiver], Meta(max_length=MOST_WAIVERS)]
    problems = list(shape_problems(document, kind))
    for index, fields in enumerate(document if isinstance(document, list) else ()):
        until = fields.get("until") if isinstance(fields, dict) else None
        if isinstance(until, str) and until and not _is_end(until):
            problems.append(((index, "until"), f"{until!r} is neither a day, 2026-12-31, nor a time in RFC 3339"))
    return ((), tuple(problems)) if problems else (tuple(msgspec.convert(document, list[Waiver])), ())


def end_of(until: str) -> datetime:
    """Return when something ends that is said to last until a day or a time, UTC.

    Raises:
        ValueError: it is neither, or outside the years 1 to 9999.
    """
    if not _RFC_3339.match(until):
        raise ValueError(until)
    if len(until) == len("2026-12-31"):
        day = date.fromisoformat(until)
        # Some mean by the last day there is that it never ends.
        return datetime.combine(min(day, date.max - timedelta(days=1)), time(), UTC) + timedelta(days=1)
    at = datetime.fromisoformat(until)
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(until) from None


def _is_end(until: str) -> bool:
    try:
        end_of(until)
    except ValueError:
        return False
    return True


# Threads that all read their first file at once must find its types known whole: docs/decisions/0016.
msgspec.json.Decoder(list[Waiver])
