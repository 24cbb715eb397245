"""Tokens of forms: who was shown which form, for what, and when, so that no other page makes a browser send it. Pure.

A token is bound to a person, an act and a record as it was shown. So one that somebody else was given, or that was
given for another record, another digest or an earlier decision, opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.access.callers import Caller

# As long as a session lasts; rights are asked at the click, and the decision that was seen has to be in force.
LIFE = timedelta(hours=8)
# A key makes tokens for so long, and is believed as long again.
KEY_LIFE = timedelta(days=30)
# Clocks of two instances differ.
_AHEAD = timedelta(minutes=5)
_TOKEN = re.compile(r"(?P<key>[0-9]{1,9})\.(?P<at>[0-9]{1,11})\.(?P<mac>[0-9a-f]{64})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FormKey(msgspec.Struct, frozen=True):
    """What tokens are made with.

    Attributes:
        number: of the month for which it is made, counted in ``KEY_LIFE``; there is one for each.
        secret: 256 random bits, in hexadecimal digits.
    """

    number: int
    secret: str


class Believed(Enum):
    """Whether a token is believed."""

    YES = "yes"  # it was made for this person, this act and this record, a short time ago
    FORGED = "forged"  # it was not
    OLD = "old"  # it was, longer ago than a form is valid


def number_at(now: datetime) -> int:
    """Return the number of the key that makes tokens now."""
    return (now - _EPOCH) // KEY_LIFE


def new_form_key(number: int) -> FormKey:
    """Make a key."""
    return FormKey(number, secrets.token_hex(32))


def form_token(key: FormKey, caller: Caller, about: Iterable[str], now: datetime) -> str:
    """Return the token of a form.

    Args:
        key: to make it with.
        caller: who is shown the form.
        about: what the form is for, each part by itself: act, record, decision, digest.
        now: UTC.
    """
    at = str(int(now.timestamp()))
    return f"{key.number}.{at}.{_mac(key, at, caller, about)}"


def key_number(token: str) -> int | None:
    """Return the number of the key that a token says that it was made with; ``None`` if it is no token."""
    found = _TOKEN.fullmatch(token)
    return int(found["key"]) if found else None


def made_at(token: str) -> datetime | None:
    """Return when a token says that it was made, UTC; ``None`` if it is no token."""
    found = _TOKEN.fullmatch(token)
    return datetime.fromtimestamp(int(found["at"]), UTC) if found else None


def believed(token: str, key: FormKey | None, caller: Caller, about: Iterable[str], now: datetime) -> Believed:
    """Tell whether a token is believed. Takes the same time for every wrong one.

    Args:
        token: as it came.
        key: of the number that it says; ``None`` if there is none, or it is believed no more.
        caller: who sent the form.
        about: what was sent, as ``form_token`` was given it.
        now: UTC.
    """
    found = _TOKEN.fullmatch(token)
    if found is None or key is None or not hmac.compare_digest(found["mac"], _mac(key, found["at"], caller, about)):
        return Believed.FORGED
    age = now - datetime.fromtimestamp(int(found["at"]), UTC)
    return Believed.YES if -_AHEAD <= age <= LIFE else Believed.OLD


def _mac(key: FormKey, at: str, caller: Caller, about: Iterable[str]) -> str:
    """Each part with its length, so that no two lists of parts are one text."""
    parts = [str(key.number), at, caller.kind.value, caller.id, *about]
    text = b"".join(b"%d:%s" % (len(part.encode()), part.encode()) for part in parts)
    return hmac.digest(bytes.fromhex(key.secret), text, "sha256").hex()
