"""The shapes of Key Vault's answers, and its errors.

https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from werkzeug.wrappers import Response

from infra.local.emulator.vault_keys import KeyVersion
from infra.local.emulator.wire import json_reply

_NOT_FOUND = (
    "A key with (name/id) {} was not found in this key vault. If you recently deleted this key you may be able to "
    "recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182"
)


def vault_error(status: int, code: str, message: str, inner: str = "") -> Response:
    """Return Key Vault's error document."""
    more = {"innererror": {"code": inner}} if inner else {}
    return json_reply({"error": {"code": code, "message": message, **more}}, status)


def key_not_found(name: str) -> Response:
    """Return the 404 for a key, or for a version of one, by what it was asked for."""
    return vault_error(404, "KeyNotFound", _NOT_FOUND.format(name))


def bundle(address: str, key: KeyVersion) -> dict[str, Any]:
    """Return a version of a key: its public half, and its attributes."""
    told = {name: encoded(one) if isinstance(one, bytes) else one for name, one in key.jwk().items()}
    kid = f"{address}/keys/{key.name}/{key.version}"
    jwk = {"kid": kid, "key_ops": ["sign", "verify"], **told}
    return {"key": jwk, "attributes": attributes(key), "tags": {}}


def item(address: str, key: KeyVersion, *, versioned: bool) -> dict[str, Any]:
    """Return what a list says of a key or of a version of one."""
    version = f"/{key.version}" if versioned else ""
    return {"kid": f"{address}/keys/{key.name}{version}", "attributes": attributes(key), "tags": {}}


def attributes(key: KeyVersion) -> dict[str, Any]:
    """Return whether and when a version may be used, and when it was made."""
    limits = {"nbf": key.not_before, "exp": key.expires}
    return {
        "enabled": key.enabled,
        **{name: value for name, value in limits.items() if value is not None},
        "created": key.created,
        "updated": key.updated,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
        "exportable": False,
    }


def encoded(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: object) -> bytes | None:
    """Return the bytes that base64url without padding, or with it, stands for; ``None`` if it stands for none."""
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
