"""What is sent to an app, and what comes back; whatever sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Sent(msgspec.Struct, frozen=True):
    """A request.

    Attributes:
        method: of it.
        url: where to.
        headers: with it; may hold a key, and so are never shown.
        body: of it; ``None`` for none.
        timeout: seconds that one silence may last.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float


class Answer(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        status: of it.
        headers: of it, by names in small letters.
        body: of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Sent], Answer]
