"""Signed tokens with an expiry, in the three-part form of a JSON web token (RFC 7519, HS256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Tokens:
    """Issues and reads tokens; the key lives and dies with the process, like everything the emulator knows."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, use: str, seconds: int, **claims: object) -> str:
        """Return a token for one ``use`` (``aad``, ``acr-refresh``, ...) that is good for ``seconds``."""
        header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        now = int(time.time())
        body = _encode(json.dumps({"use": use, "iat": now, "exp": now + seconds, **claims}).encode())
        return f"{header}.{body}.{self._sign(f'{header}.{body}')}"

    def read(self, use: str, token: str) -> dict[str, Any] | None:
        """Return the claims of a token issued here for this ``use`` and not expired; else ``None``."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(signed).encode()):
            return None
        claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
        return claims if claims["use"] == use and claims["exp"] > time.time() else None

    def _sign(self, text: str) -> str:
        return _encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest())
