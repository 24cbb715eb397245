"""A request that names itself by an idempotency key: what becomes of it when it comes again. Pure.

Acts say the state that is wanted, so that doing them again does nothing twice; this is the second net, for who did not
learn what the first answer was. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.errors import MalformedRequest

LIFE = timedelta(days=1)
# The host ends a request after 230 seconds; what has not ended by then died.
ABANDONED = timedelta(minutes=5)
# More is not kept: who asks again does it again, which does nothing twice.
MOST_KEPT = 200 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
# They say that something is to be asked again, later.
# A role, or a fresh sign-in, may be there when the same is asked next; nothing was done.
_LATER = frozenset({401, 403, 408, 425, 429})


class Repeat(Enum):
    """What becomes of a request whose key is known."""

    AGAIN = "again"  # it is done: the key's time is over, or the first request died before its answer was kept
    OTHER = "other"  # it is refused: the key came with another request
    RUNNING = "running"  # it waits: the first one has not ended
    ANSWERED = "answered"  # it is answered as the first one was


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A request by its key, and its answer once there is one.

    Attributes:
        name: of the request: who asks, by which key; a hash.
        asked: what is asked; a hash.
        at: when it was begun, UTC.
        status: of the answer; 0 while there is none.
        media: of what is answered.
        etag: of what is answered; empty for none.
        body: what is answered.
    """

    name: str
    asked: str
    at: datetime
    status: int = 0
    media: str = ""
    etag: str = ""
    body: str = ""


def begun(caller: str, key: str, asked: tuple[bytes, ...], at: datetime) -> Kept:
    """Return a request that begins.

    Args:
        caller: who asks, by what cannot change hands.
        key: as it came.
        asked: all that the request says: its method, address, query and body.
        at: UTC.

    Raises:
        MalformedRequest: the key is empty, too long, or no printable ASCII.
    """
    if not _KEY.fullmatch(key):
        raise MalformedRequest("Idempotency-Key: it is not 1 to 200 characters of printable ASCII without blanks")
    return Kept(name=_hash(caller.encode(), key.encode()), asked=_hash(*asked), at=at)


def what_becomes(known: Kept, now: Kept) -> Repeat:
    """Return what becomes of a request whose key is known.

    Args:
        known: the first request.
        now: the one that has come.
    """
    age = now.at - known.at
    if age >= LIFE:
        return Repeat.AGAIN
    if known.asked != now.asked:
        return Repeat.OTHER
    if known.status:
        return Repeat.ANSWERED
    return Repeat.RUNNING if age < ABANDONED else Repeat.AGAIN


def is_kept(status: int, size: int) -> bool:
    """Whether an answer is given again: not one that says to ask again, or who may, and none that is too large."""
    return 200 <= status < 500 and status not in _LATER and size <= MOST_KEPT


def _hash(*parts: bytes) -> str:
    """The length of each part stands before it, so that no two lists of parts are one text."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.hexdigest()
