"""Whoever opens a page in a browser without a session is sent to sign in, and back to that page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import azure.functions as func

from shared.domain.access.principal import HEADER as PRINCIPAL_HEADER
from shared.web.callers import KEY_HEADER
from shared.web.route import PAGE

# https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
_SIGN_IN = "/.auth/login/aad?post_login_redirect_uri="
_READ = ("reference", "problems/")
_REFERENCE = "/api/reference"
_LONGEST_RETURN = 1500


def is_nobody(request: func.HttpRequest) -> bool:
    """Whether a request comes in nobody's name.

    Whoever came with an identity that does not count is told so, and not sent round in a circle.
    """
    return PRINCIPAL_HEADER not in request.headers and KEY_HEADER not in request.headers


def is_to_be_read(request: func.HttpRequest) -> bool:
    """Whether a browser asks for a page of the API that is to be read, in nobody's name."""
    path = (request.route_params.get("path") or "").lower()
    wanted = request.method == "GET" and PAGE in request.headers.get("accept", "")
    return wanted and is_nobody(request) and path.startswith(_READ)


def way_back(request: func.HttpRequest) -> str:
    """Return where a reader of the API's pages comes back to: a path of ours, whatever host the request claims."""
    path = urlsplit(request.url).path
    return path if path.startswith("/api/") else _REFERENCE


def to_sign_in(
    back: str, otherwise: str = _REFERENCE, headers: Mapping[str, str] = MappingProxyType({})
) -> func.HttpResponse:
    """Return the way to sign in, and back.

    Args:
        back: a path of ours, with its query.
        otherwise: where to, if that is longer than a way back may be.
        headers: of the answer.
    """
    location = _SIGN_IN + quote(back if len(back) <= _LONGEST_RETURN else otherwise, safe="")
    return func.HttpResponse("", status_code=302, mimetype="text/plain", headers={**headers, "Location": location})
