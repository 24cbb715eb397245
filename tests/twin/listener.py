"""An address that remembers what was posted to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Listener(ThreadingHTTPServer):
    """Remembers bodies and headers, newest last."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[dict[str, Any], dict[str, str]]] = []

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.server_port}/api/webhooks/acr"

    def wait(self, count: int) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Return what was received once it is this much; ``TimeoutError`` after 10 s."""
        deadline = time.time() + 10
        while len(self.received) < count:
            if time.time() > deadline:
                raise TimeoutError(f"{len(self.received)} of {count} posts came")
            time.sleep(0.02)
        return self.received


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((json.loads(body), dict(self.headers)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen for the time of a ``with`` block."""
    with Listener() as listener:
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        yield listener
        listener.shutdown()
