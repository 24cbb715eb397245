"""What is told of every HTTP request that the app makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Call(NamedTuple):
    """One request, tried once, and what came of it.

    Attributes:
        method: such as ``GET``.
        url: absolute, without its query, which may hold a signature.
        status: of the answer; 0 if there was none.
        error: the kind of error by which it broke off; empty if there was an answer.
        signed: whether it said who asks.
        began: when, in nanoseconds since 1970.
        ended: when its answer began, or it broke off.
    """

    method: str
    url: str
    status: int
    error: str
    signed: bool
    began: int
    ended: int


Listener = Callable[[Call], None]
