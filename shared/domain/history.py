"""Histories of records: what happens again and again is one line, with how often."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import msgspec

# A step that was begun and fell through, and was begun again.
_TWO_AND_ONE = 3


class Line(Protocol):
    """One line of a history; a frozen struct."""

    @property
    def status(self) -> object:
        """The status from then on."""
        ...

    @property
    def reason(self) -> object:
        """Why."""
        ...

    @property
    def times(self) -> int:
        """How often in a row it happened."""
        ...


L = TypeVar("L", bound=Line)


def folded(before: tuple[L, ...], line: L, most: int) -> tuple[L, ...]:
    """Return a history with one more line, without the oldest ones beyond ``most``.

    What happens again at every look, or at every try of a step that is begun and falls through, is one line, or two,
    with how often: waiting does not wash away what led to it.
    """
    if before and is_same(before[-1], line):
        return (*before[:-1], again(before[-1], line))
    if len(before) >= _TWO_AND_ONE and is_same(before[-2], line) and is_same(before[-3], before[-1]):
        return (*before[:-3], again(before[-3], before[-1]), again(before[-2], line))
    return (*before, line)[-most:]


def is_same(one: Line, other: Line) -> bool:
    """Whether two lines tell of the same."""
    return (one.status, one.reason) == (other.status, other.reason)


def again(earlier: L, later: L) -> L:
    """Return one line for two: the later one, with how often both happened."""
    struct: Any = later
    both: L = msgspec.structs.replace(struct, times=earlier.times + later.times)
    return both
