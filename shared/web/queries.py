"""What the query of a request asks for: how much, from where on, and of which kind."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

import azure.functions as func

from shared.domain.pages import MOST_LISTED
from shared.errors import MalformedRequest

E = TypeVar("E", bound=Enum)

USUAL_LIMIT = 100
# A URL has at most 4,096 bytes on its way here.
LONGEST_CURSOR = 512


def limit_of(request: func.HttpRequest, most: int = MOST_LISTED) -> int:
    """Return how many are asked for, by ``limit``.

    Raises:
        MalformedRequest: it is no number from 1 to ``most``.
    """
    text = request.params.get("limit")
    if not text:
        return min(USUAL_LIMIT, most)
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        raise MalformedRequest(f"limit: {text[:40]!r} is no number from 1 to {most}")
    if not 1 <= int(text) <= most:
        raise MalformedRequest(f"limit: {int(text)} is not from 1 to {most}")
    return int(text)


def after_of(request: func.HttpRequest) -> str:
    """Return where to go on, by ``after``: what an earlier answer said as ``next``; empty to begin.

    Raises:
        MalformedRequest: it is longer than anything that was ever said.
    """
    after = request.params.get("after") or ""
    if len(after) > LONGEST_CURSOR:
        raise MalformedRequest(f"after: it has {len(after)} characters, and no answer said more than {LONGEST_CURSOR}")
    return after


def one_of(request: func.HttpRequest, name: str, kind: type[E]) -> E | None:
    """Return the value of an enum that a parameter names; ``None`` if it is not given.

    Raises:
        MalformedRequest: it is none of them; says which there are.
    """
    text = request.params.get(name)
    try:
        return kind(text) if text else None
    except ValueError:
        wanted = ", ".join(str(one.value) for one in kind)
        raise MalformedRequest(f"{name}: {text!r} is none of {wanted}") from None
