"""Signatures of the Standard Webhooks: made over what is sent to builders, and verified over what they tell. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from shared.errors import MalformedRequest

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
# How far a message may be from now: what was overheard is of no use later.
TOLERANCE = timedelta(minutes=5)
_MOST_SIGNATURES = 8
_LONGEST = 2000


def signed(keys: Iterable[str], message: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Return the headers that say who sent a body: one signature by each key, the newest first.

    Args:
        keys: each ``whsec_`` and base64.
        message: its id.
        at: the time of this try.
        body: as it is sent.
    """
    seconds = str(int(at.timestamp()))
    signatures = " ".join(f"v1,{_signature(key, message, seconds, body)}" for key in keys)
    return {ID: message, TIMESTAMP: seconds, SIGNATURE: signatures}


def verify(keys: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Believe that a body was signed by one of some keys within the last minutes.

    Args:
        keys: each ``whsec_`` and base64.
        headers: of the request, in any case.
        body: as it was sent.
        now: UTC.

    Raises:
        MalformedRequest: 401; which of the three headers is to blame is not told.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message, seconds, signatures = (given.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    told = {part.partition(",")[2] for part in signatures[:_LONGEST].split()[:_MOST_SIGNATURES] if part[:3] == "v1,"}
    # Every pair is compared, so that the time tells nothing.
    good = [
        hmac.compare_digest(_signature(key, message[:_LONGEST], seconds[:20], body).encode(), one.encode())
        for key in keys
        for one in told
    ]
    if not (message and any(good) and _is_fresh(seconds, now)):
        raise MalformedRequest("the signature is missing, wrong, or not of the last five minutes", status=401)


def _is_fresh(seconds: str, now: datetime) -> bool:
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12):
        return False
    return abs(now - datetime.fromtimestamp(min(int(seconds), 253_402_300_799), UTC)) <= TOLERANCE


def _signature(key: str, message: str, seconds: str, body: bytes) -> str:
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{message}.{seconds}.".encode("utf-8", "replace") + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
