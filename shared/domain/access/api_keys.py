"""API keys: a name, a role and the hash of a secret that is shown once.

A key's secret is 256 random bits, so nobody finds it by trying, and one round of SHA-256 hides it as well as many.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

import msgspec

from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import MalformedInput

MOST_OF_A_NAME = 2
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_KEY = re.compile(r"tidegate_(?P<id>[0-9a-f]{12})_[0-9a-f]{64}")


class ApiKey(msgspec.Struct, frozen=True):
    """What is kept of a key.

    Attributes:
        id: stands in the key itself, and in the records of what was done with it.
        name: whose it is. Two may have one name, so that the new one is in use before the old one goes.
        role: what it may be used for.
        hash: SHA-256 of the whole key, in hexadecimal digits.
        made: when.
        revoked: since when it opens nothing any more; its row stays, for records name it.
    """

    id: str
    name: str
    role: Role
    hash: str
    made: datetime
    revoked: datetime | None = None

    @property
    def caller(self) -> Caller:
        """Who calls with it."""
        return Caller(Kind.KEY, self.id, self.name, frozenset({self.role}))


def new_key(name: str, role: Role, now: datetime, kept: Iterable[ApiKey]) -> tuple[ApiKey, str]:
    """Make a key.

    Args:
        name: whose it is.
        role: what it may be used for.
        now: the time.
        kept: the keys there are.

    Returns:
        What to keep of it, and the key itself.

    Raises:
        MalformedInput: the name is none, or has two keys in force.
    """
    if not _NAME.fullmatch(name):
        raise MalformedInput(f"{name[:80]!r} is no name for a key: lower case, digits, . _ and -, at most 63 of them")
    in_force = [key.id for key in kept if key.name == name and key.revoked is None]
    if len(in_force) >= MOST_OF_A_NAME:
        raise MalformedInput(f"{name} has {len(in_force)} keys in force: revoke one of {', '.join(in_force)} first")
    text = f"tidegate_{secrets.token_hex(6)}_{secrets.token_hex(32)}"
    return ApiKey(id_of(text), name, role, hash_of(text), now), text


def id_of(text: str) -> str:
    """Return the id that stands in a key; empty if it is no key."""
    found = _KEY.fullmatch(text)
    return found["id"] if found else ""


def hash_of(text: str) -> str:
    """Return what is kept of a key."""
    return sha256(text.encode()).hexdigest()


def opens(text: str, key: ApiKey) -> bool:
    """Whether a text is a key that was made and not revoked. Takes the same time for every wrong one."""
    return hmac.compare_digest(hash_of(text), key.hash) and key.revoked is None
