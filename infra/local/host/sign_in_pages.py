"""A stand-in for the pages by which people sign in, for a twin that people look at: it asks for no password.

App Service has these addresses itself, so nothing of this is part of the app, or of what is deployed. Whoever can send
a request to the twin can be one of the people named here; so it answers on this machine alone, gives nobody a role by
which files of the configuration are written, and is nothing to a page of another site, whatever that calls itself.
https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from infra.local.host.sign_in import COOKIE, is_on, session_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOGIN, LOGOUT = "/.auth/login/aad", "/.auth/logout"
Around = Callable[["WSGIApplication"], "WSGIApplication"]
_HOME = "/api/pages"
# https://learn.microsoft.com/azure/app-service/reference-app-settings: every instance of an app in Azure has one.
_IN_AZURE = "WEBSITE_INSTANCE_ID"
_ROLES = frozenset({"reader", "approver"})
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in: a stand-in</title></head><body>
<h1>Sign in to the twin</h1>
<p><strong>This is a stand-in for signing in, on this machine alone.</strong> It asks for no password, and everybody who
can reach it may be anybody here. In Azure, Microsoft Entra ID asks who you are.</p>
<form method="post" action="{login}"><input type="hidden" name="back" value="{back}">
{people}
</form></body></html>
"""


class StandInRefusedError(Exception):
    """The stand-in is not for here; the message says why."""


def stand_in(people: Sequence[str], settings: Mapping[str, str]) -> Around:
    """Return what is put around the host's own application; nothing is, where no people are named.

    Arguments:
        people: who may sign in, each ``<name>:<role>+<role>``.
        settings: app settings.

    Raises:
        StandInRefusedError: sign-in is off, this is Azure, or somebody would have more than a reader's and an
            approver's rights.
    """
    if not people:
        return lambda app: app
    if _IN_AZURE in settings:
        raise StandInRefusedError(f"{_IN_AZURE} is set, so this is Azure: people sign in there by Microsoft Entra ID")
    if not is_on(settings):
        raise StandInRefusedError("WEBSITE_AUTH_ENABLED is not true: the app would believe nobody who signs in")
    for person in people:
        roles = person.partition(":")[2].split("+")
        if not _ROLES.issuperset(roles):
            raise StandInRefusedError(f"{person}: the stand-in's people are {' or '.join(sorted(_ROLES))}, and no more")
    return lambda app: SignInPages(app, people)


class SignInPages:
    """The WSGI application around another: signs people in and out, and lets nobody else through as a person.

    Args:
        app: serves everything else.
        people: who may sign in, each ``<name>:<role>+<role>``.
    """

    def __init__(self, app: WSGIApplication, people: Sequence[str]) -> None:
        self._app = app
        self._people = tuple(people)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = self._answer(Request(environ))
        if answer is not None:
            answer.headers.update(_HEADERS)
            return answer(environ, start_response)
        return self._app(self._of_known_people(environ), start_response)

    def _answer(self, request: Request) -> Response | None:
        if not _is_ours(request):
            return Response("this twin answers to the name of this machine alone", 421, mimetype="text/plain")
        if request.path == LOGOUT:
            return _signed(LOGIN, "")
        if request.path != LOGIN:
            return None
        return self._sign_in(request) if request.method == "POST" else self._choice(request)

    def _choice(self, request: Request) -> Response:
        back = escape(_way_back(request.args.get("post_login_redirect_uri", "")))
        people = "\n".join(
            f'<p><button name="as" value="{one}">{one}</button></p>' for one in map(escape, self._people)
        )
        return Response(_PAGE.format(login=LOGIN, back=back, people=people), mimetype="text/html")

    def _sign_in(self, request: Request) -> Response:
        person = request.form.get("as", "")
        if not _is_from_our_page(request) or person not in self._people:
            return Response("nobody is signed in by this: choose somebody on the page", 403, mimetype="text/plain")
        return _signed(_way_back(request.form.get("back", "")), person)

    def _of_known_people(self, environ: WSGIEnvironment) -> WSGIEnvironment:
        """A cookie that somebody made up names nobody."""
        if session_of(environ) in {"", *self._people}:
            return environ
        return {name: value for name, value in environ.items() if name != "HTTP_COOKIE"}


def _signed(location: str, session: str) -> Response:
    """Sign somebody in, or out, and lead on."""
    answer = Response(status=303, headers={"Location": location})
    answer.set_cookie(COOKIE, session, max_age=None if session else 0, httponly=True, samesite="Lax")
    return answer


def _is_ours(request: Request) -> bool:
    """A site that has its name lead to this machine is another site all the same."""
    try:
        return urlsplit(f"//{request.host}").hostname in _HOSTS
    except ValueError:
        return False


def _is_from_our_page(request: Request) -> bool:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    return site == "same-origin" if site is not None else origin in {None, f"http://{request.host}"}


def _way_back(asked: str) -> str:
    """Only a path of the app: what begins otherwise would lead to whoever wrote the link."""
    is_path = asked.startswith("/api/") and asked.isascii() and asked.isprintable() and "\\" not in asked
    return asked if is_path else _HOME
