"""Whoever opens a page of the API in a browser without a session is sent to sign in, and back to that page."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import azure.functions as func

from shared.domain.access.principal import HEADER as PRINCIPAL_HEADER
from shared.web.callers import KEY_HEADER
from shared.web.route import PAGE

# https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
_SIGN_IN = "/.auth/login/aad?post_login_redirect_uri="
_READ = ("reference", "problems/")
_LONGEST_RETURN = 1500


def is_to_be_read(request: func.HttpRequest) -> bool:
    """Whether a browser asks for a page that is to be read, in nobody's name.

    Whoever came with an identity that does not count is told so, and not sent round in a circle.
    """
    path = (request.route_params.get("path") or "").lower()
    named = PRINCIPAL_HEADER in request.headers or KEY_HEADER in request.headers
    wanted = request.method == "GET" and PAGE in request.headers.get("accept", "")
    return wanted and not named and path.startswith(_READ)


def to_sign_in(request: func.HttpRequest) -> func.HttpResponse:
    """Return the way to sign in, and back: a path of ours, whatever host the request claims."""
    back = urlsplit(request.url).path
    back = back if back.startswith("/api/") and len(back) <= _LONGEST_RETURN else "/api/reference"
    return func.HttpResponse("", status_code=302, headers={"Location": _SIGN_IN + quote(back, safe="")})
