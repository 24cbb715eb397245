"""What App Service authentication does to a request before the host sees it, for a twin that has no App Service.

While it is on (``WEBSITE_AUTH_ENABLED`` is true), the headers that name who signed in are taken off every request, and
set anew for who has a session. A session here is the cookie ``AppServiceAuthSession=<name>:<role>+<role>``: anybody may
sign in as anybody, and did so just now. While it is off nothing is touched, as in Azure.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from uuid import NAMESPACE_DNS, uuid5

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

COOKIE = "AppServiceAuthSession"
_OURS = ("HTTP_X_MS_CLIENT_PRINCIPAL", "HTTP_X_MS_TOKEN_")
_TENANT = str(uuid5(NAMESPACE_DNS, "tenant"))


def as_signed_in(environ: WSGIEnvironment, settings: Mapping[str, str]) -> WSGIEnvironment:
    """Return a request as App Service hands it on.

    Arguments:
        environ: the request (PEP 3333).
        settings: app settings.
    """
    if not is_on(settings):
        return environ
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    session = session_of(environ)
    return {**kept, "HTTP_X_MS_CLIENT_PRINCIPAL": _principal(session)} if session else kept


def is_on(settings: Mapping[str, str]) -> bool:
    """Whether App Service asks who people are, by what it tells the app."""
    return settings.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"


def session_of(environ: WSGIEnvironment) -> str:
    """Return the session that a request names; empty if it names none."""
    session = SimpleCookie(str(environ.get("HTTP_COOKIE", ""))).get(COOKIE)
    return session.value if session else ""


def _principal(session: str) -> str:
    name, _, roles = session.partition(":")
    claims = {"oid": str(uuid5(NAMESPACE_DNS, name)), "tid": _TENANT, "name": name, "preferred_username": name}
    claims["auth_time"] = str(int(time.time()))
    told = [{"typ": typ, "val": val} for typ, val in claims.items()]
    told += [{"typ": "roles", "val": role} for role in roles.split("+") if role]
    document = {"auth_typ": "aad", "name_typ": "name", "role_typ": "roles", "claims": told}
    return base64.b64encode(json.dumps(document).encode()).decode()
