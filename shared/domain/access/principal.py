"""Who signed in, as App Service authentication tells it: the header ``X-MS-CLIENT-PRINCIPAL``.

It is base64 of ``{"auth_typ", "name_typ", "role_typ", "claims": [{"typ", "val"}]}``, and claims come under their short
names or under the long ones of the old federation. App roles are claims of the type ``roles`` even where ``role_typ``
names another one: https://github.com/Azure/azure-functions-host/issues/3898.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import MalformedRequest

HEADER = "x-ms-client-principal"
LARGEST = 24 * 1024
_MOST_CLAIMS = 1000
_LONGEST_NAME = 100
# Seconds since 1970, until the year 5138.
_LONGEST_TIME = 11
_PROVIDER = "aad"
_OLD = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com/identity/claims"
_OBJECT = ("oid", f"{_MICROSOFT}/objectidentifier")
_TENANT = ("tid", f"{_MICROSOFT}/tenantid")
_SUBJECT = ("sub", f"{_OLD}/nameidentifier")
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_SCOPES = ("scp", f"{_MICROSOFT}/scope")
_ADDRESSES = ("preferred_username", "upn", f"{_OLD}/upn", f"{_OLD}/emailaddress")
# The session's own time; where App Service hands on none, that of the token.
_SIGNED_IN = ("auth_time", "iat")
_SHOWN = ("name", f"{_OLD}/name", *_ADDRESSES, "app_displayname", "appid", "azp")


class _Claim(msgspec.Struct):
    typ: str
    val: str


class _Principal(msgspec.Struct):
    auth_typ: str
    claims: Annotated[list[_Claim], Meta(max_length=_MOST_CLAIMS)]


_PRINCIPAL = msgspec.json.Decoder(_Principal)


def read_principal(header: str) -> Caller:
    """Read who signed in. Whether the header may be believed at all is decided before.

    Args:
        header: its value; two of them arrive joined by a comma, which is no base64.

    Returns:
        The caller, with the app roles that Tidegate knows; maybe none.

    Raises:
        MalformedRequest: 401, it is none that App Service makes. It is never read in part.
    """
    principal = _decoded(header)
    if principal.auth_typ != _PROVIDER:
        raise MalformedRequest("sign-in is by Microsoft Entra ID alone", status=401)
    claims = principal.claims
    object_id, tenant = _only(claims, _OBJECT), _only(claims, _TENANT)
    name = next((_line(value) for typ in _SHOWN for value in _of(claims, (typ,)) if _line(value)), object_id)
    roles = frozenset(role for role in Role if role.value in _of(claims, _ROLES))
    return Caller(_kind(claims, object_id), f"{object_id}@{tenant}", name, roles, _signed_in_at(claims))


def _decoded(header: str) -> _Principal:
    if len(header) > LARGEST:
        raise MalformedRequest(f"{HEADER} is longer than {LARGEST} characters", status=401)
    try:
        text = base64.b64decode(header, validate=True)
        if base64.b64encode(text).decode() != header:
            raise MalformedRequest(f"{HEADER} is not as App Service writes it", status=401)
        return _PRINCIPAL.decode(text)
    except (ValueError, RecursionError):
        raise MalformedRequest(f"{HEADER} cannot be read", status=401) from None


def _of(claims: list[_Claim], types: tuple[str, ...]) -> list[str]:
    return [claim.val for claim in claims if claim.typ in types]


def _only(claims: list[_Claim], types: tuple[str, ...]) -> str:
    """Return what must be there, and there once: ids are what records tell callers apart by."""
    values = set(_of(claims, types))
    value = values.pop() if len(values) == 1 else ""
    if not (value and value.isascii() and value.replace("-", "").isalnum() and len(value) <= _LONGEST_NAME):
        raise MalformedRequest(f"{HEADER} does not hold one claim {types[0]!r}", status=401)
    return value


def _signed_in_at(claims: list[_Claim]) -> datetime | None:
    """A time that is said twice and differently, or is none, is not known; nobody takes another claim instead of it."""
    said = next((values for typ in _SIGNED_IN if (values := set(_of(claims, (typ,))))), set())
    text = said.pop() if len(said) == 1 else ""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME):
        return None
    return datetime.fromtimestamp(int(text), UTC)


def _kind(claims: list[_Claim], object_id: str) -> Kind:
    """A person is who shows a sign of being one; an application's own token has itself as its subject."""
    if "app" in _of(claims, ("idtyp",)) or object_id in _of(claims, _SUBJECT):
        return Kind.APPLICATION
    return Kind.PERSON if _of(claims, (*_SCOPES, *_ADDRESSES)) else Kind.APPLICATION


def _line(text: str) -> str:
    """What stands in logs and records is one line of text."""
    return "".join(character for character in text if character.isprintable()).strip()[:_LONGEST_NAME]
