"""The pages of a scene at an address of this machine: the product's own door, behind the standard library's server."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import azure.functions as func

from infra.local.host.sign_in import as_signed_in
from shared import serving
from shared.domain.access.callers import Caller
from shared.domain.access.principal import HEADER as PRINCIPAL
from shared.page_serving import Pages
from shared.rules.known_keys import KnownKeys
from shared.web.callers import Callers
from tests.browser.scene import ADA, Scene
from tests.doubles.paged import Browser

_API = "/api/"
_LOGIN = "/.auth/login/aad"
_SIGN_IN_PAGE = b"<!doctype html><title>Sign in</title><form method=post><button>Sign in</button></form>"


def requested(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> func.HttpRequest:
    """Return a request as the Functions host hands it over: its path decoded, but for ``%2F``."""
    url = urlsplit(target)
    path = "%2F".join(unquote(part) for part in url.path.removeprefix(_API).split("%2F"))
    return func.HttpRequest(
        method,
        f"http://localhost{target}",
        headers=headers,
        params=dict(parse_qsl(url.query, keep_blank_values=True)),
        route_params={"path": path},
        body=body,
    )


@contextmanager
def served(scene: Scene, caller: Caller, installation: str = "prod-weu") -> Iterator[tuple[str, Browser]]:
    """Serve a scene to one reader; yields where, and who asks for its pages."""
    browser = _browser(scene, caller, installation)
    with _listening(browser, _Handler) as base:
        yield base, browser


@contextmanager
def served_to_nobody_yet(scene: Scene, session: str) -> Iterator[tuple[str, Browser]]:
    """Serve a scene behind sign-in, as App Service does: who has no session is sent there, and comes back with one.

    Args:
        scene: what is served.
        session: of whoever signs in, as the twin's host reads it.
    """
    browser = _browser(scene, ADA, "prod-weu")
    keys = KnownKeys(lambda: browser.parts.api_keys, scene.world.clock)
    callers = Callers(keys, scene.world.clock, sign_in=True)
    browser.pages = Pages(browser.parts, callers.identify, serving._acting(browser.parts))
    browser.front = browser.pages.front
    with _listening(browser, type("Signing", (_Signing,), {"session": session})) as base:
        yield base, browser


def _browser(scene: Scene, caller: Caller, installation: str) -> Browser:
    browser = Browser(scene.world, caller, installation=installation)
    browser.parts.api_keys = SimpleNamespace(every=scene.every)
    return browser


@contextmanager
def _listening(browser: Browser, handler: type[_Handler]) -> Iterator[str]:
    of_browser = type(handler.__name__, (handler,), {"browser": browser})
    server = ThreadingHTTPServer(("127.0.0.1", 0), of_browser)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to the door of the pages."""

    browser: Browser

    def do_GET(self) -> None:
        """Answer."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer."""
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.browser.front.serve(requested(method, self.path, self.told(), body))
        content = answer.get_body()
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        charset = f"; charset={answer.charset}" if answer.charset else ""
        self.send_header("Content-Type", f"{answer.mimetype}{charset}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def told(self) -> dict[str, str]:
        """Return the request's headers."""
        return dict(self.headers)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Signing(_Handler):
    """Stands before the pages as App Service does, with one person who may sign in."""

    session: str

    def do_GET(self) -> None:
        """Answer, or show who may sign in."""
        if self.path.startswith(_LOGIN):
            self._say(200, _SIGN_IN_PAGE)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Answer, or begin a session and lead back."""
        if not self.path.startswith(_LOGIN):
            super().do_POST()
            return
        (back,) = parse_qs(urlsplit(self.path).query)["post_login_redirect_uri"]
        cookie = f"AppServiceAuthSession={self.session}; Path=/; HttpOnly; SameSite=Lax"
        self._say(302, b"", {"Location": back, "Set-Cookie": cookie})

    def told(self) -> dict[str, str]:
        """Return the request's headers, with who signed in."""
        signed = as_signed_in({"HTTP_COOKIE": self.headers.get("cookie", "")}, {"WEBSITE_AUTH_ENABLED": "true"})
        kept = {name: value for name, value in self.headers.items() if name.lower() != PRINCIPAL}
        name = signed.get("HTTP_X_MS_CLIENT_PRINCIPAL")
        return {**kept, PRINCIPAL: name} if name else kept

    def _say(self, status: int, content: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "text/html", "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
