"""What a registry that answers 401 asks for, and whom its credentials may be shown to.

Challenges: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
Registries' use of them: https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

_LONGEST = 8192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(rf'[\s,]*({_WORD})(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))|(?=[\s,]|$))')


class Challenge(msgspec.Struct, frozen=True):
    """What a registry asks for.

    Attributes:
        scheme: ``bearer`` or ``basic``.
        realm: of a bearer challenge: address of the token service.
        service: what the token service calls the registry; empty if it was not said.
        scope: what the token is to be good for; empty if it was not said.
        error: why the token that was sent is not accepted, such as ``insufficient_scope``; empty if none was sent.
    """

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""


def read_challenge(header: str) -> Challenge | None:
    """Read a ``WWW-Authenticate`` header, which may hold several challenges.

    Args:
        header: as it came, from whomever.

    Returns:
        The first bearer challenge with a realm, or else the first basic one, or ``None``.
    """
    challenges = [
        Challenge(scheme, **{name: values.get(name, "") for name in ("realm", "service", "scope", "error")})
        for scheme, values in _challenges(header[:_LONGEST])
    ]
    bearer = (each for each in challenges if each.scheme == "bearer" and each.realm)
    basic = (each for each in challenges if each.scheme == "basic")
    return next(bearer, None) or next(basic, None)


def _challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while part := _PART.match(header, position):
        name, quoted, plain = part.groups()
        if quoted is None and plain is None:
            found.append((name.lower(), {}))
        elif found:
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
        position = part.end()
    return found


def is_token_service(realm: str) -> bool:
    """Whether a realm is an address that may be asked for a token: over TLS, and without credentials of its own."""
    try:
        parts = urlsplit(realm)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def may_be_shown(registry: str, realm: str) -> bool:
    """Whether a registry's credentials may be sent to a token service.

    They may be sent to the registry's own host, at any port, to a host below it, and to one above it: whoever holds a
    domain holds what is below it. Hosts side by side, such as ``a.example.com`` and ``b.example.com``, may belong to
    different people, as those of ``azurecr.io`` do.

    Args:
        registry: host, and port if it has one.
        realm: address of the token service.
    """
    own, other = _host(f"https://{registry}"), _host(realm)
    if own == other:
        return bool(own)
    return _is_below(own, other) or _is_below(other, own)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_below(lower: str, upper: str) -> bool:
    """Nobody is below a name of one label, such as ``com``, and an IP address is below nobody."""
    return "." in upper and lower.endswith(f".{upper}") and not _is_address(lower)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
