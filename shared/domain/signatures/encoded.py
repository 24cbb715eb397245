"""Texts and bytes inside other bytes, read strictly: what has two readings is refused."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from shared.domain.signatures.findings import Refused


def from_base64(text: str, what: str) -> bytes:
    """Read base64 with padding and nothing beside it.

    Raises:
        Refused: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{what} is not base64") from None


def from_either_base64(text: str, what: str) -> bytes:
    """Read base64 with padding, in either alphabet, as envelopes may be written.

    Raises:
        Refused: it is none.
    """
    return from_base64(text.replace("-", "+").replace("_", "/"), what)


def from_base64url(text: str, what: str) -> bytes:
    """Read base64 for addresses, without padding.

    Raises:
        Refused: it is none.
    """
    if not text.isascii() or "=" in text or "+" in text or "/" in text:
        raise Refused(f"{what} is not base64url")
    return from_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), what)


def at_second(seconds: int, what: str) -> datetime:
    """Return the time so many seconds after 1970.

    Raises:
        Refused: no year is so far away.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Refused(f"{what} is no time") from None
