"""The pages of a scene at an address of this machine: the product's own door, behind the standard library's server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func

from shared.domain.access.callers import Caller
from tests.browser.scene import Scene
from tests.doubles.paged import Browser

_API = "/api/"


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
    browser = Browser(scene.world, caller, installation=installation)
    browser.parts.api_keys = SimpleNamespace(every=scene.every)

    class Handler(BaseHTTPRequestHandler):
        """Hands requests to the door of the pages."""

        def do_GET(self) -> None:
            """Answer."""
            self._answer("GET")

        def do_POST(self) -> None:
            """Answer."""
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = browser.front.serve(requested(method, self.path, dict(self.headers), body))
            content = answer.get_body()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            charset = f"; charset={answer.charset}" if answer.charset else ""
            self.send_header("Content-Type", f"{answer.mimetype}{charset}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", browser
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
