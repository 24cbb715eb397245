"""A part of a long list, newest first, and where to go on: pure.

What is listed changes while it is read. What changes between two parts becomes newer, and is told in a later reading;
nothing else is told twice or left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import TypeVar

from shared.errors import InvalidReference

T = TypeVar("T")

MOST_LISTED = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds and an id: such as 1767268800000000.docker.io~library~node~~node~…
_CURSOR = re.compile(r"([0-9]{1,17})\.([A-Za-z0-9._~-]{1,500})")
_Place = tuple[int, str]


def newest_first(
    records: Iterable[T], at: Callable[[T], datetime], name: Callable[[T], str], limit: int, after: str = ""
) -> tuple[tuple[T, ...], str]:
    """Return the newest records after a place, and the place to go on after.

    Args:
        records: all there are, in any order.
        at: when a record last changed, UTC.
        name: its id, which tells those of one moment apart.
        limit: how many at most, up to ``MOST_LISTED``.
        after: where an earlier answer said to go on; empty to begin.

    Returns:
        The records, and where to go on; empty if there are no more.

    Raises:
        InvalidReference: ``after`` was said by no answer.
    """
    most, last = min(limit, MOST_LISTED), _place_of(after)

    def place(record: T) -> _Place:
        return (-((at(record) - _EPOCH) // timedelta(microseconds=1)), name(record))

    found = nsmallest(most + 1, (one for one in records if last is None or place(one) > last), key=place)
    return tuple(found[:most]), _cursor(*place(found[most - 1])) if len(found) > most else ""


def _cursor(left: int, name: str) -> str:
    return f"{-left}.{name}"


def _place_of(after: str) -> _Place | None:
    if not after:
        return None
    said = _CURSOR.fullmatch(after)
    if said is None:
        raise InvalidReference(f"after: {after[:80]!r} was said by no earlier answer")
    return -int(said[1]), said[2]
