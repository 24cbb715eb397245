"""The public keys by which records are verified: which of them signs, and from when until when. Pure.

A key is published before it signs: whoever verifies has time to fetch it. One that signed once is published for ever.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

# Whoever verifies fetches the keys at least once a day.
PUBLISHED_AHEAD = timedelta(days=1)


class SigningKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version of the key.

    Attributes:
        key: which key, without version.
        version: its name.
        pem: the public key.
        fingerprint: SHA-256 of its DER, in hexadecimal.
        published_at: from when it is served, UTC.
        begins_at: from when it signs, UTC.
    """

    key: str
    version: str
    pem: str
    fingerprint: str
    published_at: datetime
    begins_at: datetime

    @property
    def id(self) -> str:
        """What tells it from all others."""
        return self.fingerprint


class ShownKey(msgspec.Struct, frozen=True):
    """A public key, for whoever verifies.

    Attributes:
        fingerprint: SHA-256 of its DER, in hexadecimal.
        pem: the key.
        version: its name where it is kept.
        valid_from: from when it signs, UTC; records are not older.
        valid_until: until when it signed, UTC; ``None`` for the one that signs, or is to.
    """

    fingerprint: str
    pem: str
    version: str
    valid_from: datetime
    valid_until: datetime | None = None


# Two modules read it side by side: docs/decisions/0016.
_KEYS = msgspec.json.Decoder(SigningKey)


def hint_of(fingerprint: str) -> str:
    """Return what a bundle calls a key: its fingerprint, in base64."""
    return b64encode(bytes.fromhex(fingerprint)).decode()


def announced(known: Iterable[SigningKey], key: SigningKey) -> SigningKey:
    """Return a new version as it is to be published: the first one of all signs at once.

    Args:
        known: what is published.
        key: the new version, published now.
    """
    first = not any(one.begins_at <= key.published_at for one in known)
    return msgspec.structs.replace(key, begins_at=key.published_at + (timedelta(0) if first else PUBLISHED_AHEAD))


def in_use(known: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """Return the version that signs now: of those that have begun the latest; ``None`` if none has."""
    begun = [one for one in known if one.begins_at <= now]
    return max(begun, key=_order, default=None)


def heir_of(known: Iterable[SigningKey], key: SigningKey) -> SigningKey | None:
    """Return the latest version that was published after another, for when that one signs no more."""
    later = [one for one in known if _order(one) > _order(key)]
    return max(later, key=_order, default=None)


def shown(known: Iterable[SigningKey]) -> tuple[ShownKey, ...]:
    """Return all keys for whoever verifies, the first one first; each ended when the next began."""
    ordered = sorted(known, key=_order)
    ends: Sequence[datetime | None] = [*(one.begins_at for one in ordered[1:]), None]
    return tuple(
        ShownKey(one.fingerprint, one.pem, one.version, one.begins_at, end)
        for one, end in zip(ordered, ends, strict=False)
    )


def _order(key: SigningKey) -> tuple[datetime, datetime, str]:
    return key.begins_at, key.published_at, key.fingerprint
