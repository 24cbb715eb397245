"""A part of a list as a page shows it: a hundred rows, how many there are in all, and where the others are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

import azure.functions as func
import msgspec

from shared.errors import MalformedRequest

T = TypeVar("T")

ROWS = 100
FROM = "from"
_LONGEST_FILTER = 200
_MOST_DIGITS = 6


class Part(msgspec.Struct, Generic[T], frozen=True):
    """Some rows of a list.

    Attributes:
        rows: them.
        total: how many there are in all.
        first: number of the first one, from 1; 0 if there is none.
        last: number of the last one.
        previous, next: where those before and after are; empty if there are none.
    """

    rows: tuple[T, ...]
    total: int
    first: int
    last: int
    previous: str
    next: str


def part_of(rows: Sequence[T], start: int, filters: Mapping[str, str], most: int = ROWS, at: str = FROM) -> Part[T]:
    """Return the part of a list that begins with a row.

    Args:
        rows: all there are.
        start: how many come before; beyond the end it is the last part.
        filters: what the list was asked for by, to be asked for again.
        most: rows a part.
        at: the parameter that tells where a part begins.
    """
    begin = min(start, max(0, len(rows) - 1)) // most * most
    shown = tuple(rows[begin : begin + most])

    def link(number: int) -> str:
        kept = {name: value for name, value in filters.items() if value}
        return "?" + urlencode({**kept, **({at: str(number)} if number else {})})

    return Part(
        rows=shown,
        total=len(rows),
        first=begin + 1 if shown else 0,
        last=begin + len(shown),
        previous=link(max(0, begin - most)) if begin else "",
        next=link(begin + most) if begin + most < len(rows) else "",
    )


def start_of(request: func.HttpRequest, name: str = FROM) -> int:
    """Return how many rows come before the part that is asked for.

    Raises:
        MalformedRequest: it is no number.
    """
    text = request.params.get(name) or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise MalformedRequest(f"{name}: {text[:40]!r} is no number of rows")
    return int(text)


def filter_of(request: func.HttpRequest, name: str) -> str:
    """Return what a list is to be filtered by, without blanks around it.

    Raises:
        MalformedRequest: it is longer than anything that is there.
    """
    text = (request.params.get(name) or "").strip()
    if len(text) > _LONGEST_FILTER:
        raise MalformedRequest(f"{name}: it is longer than {_LONGEST_FILTER} characters")
    return text
