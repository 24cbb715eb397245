"""Listening: one werkzeug server per front, with the keep-alive that werkzeug's own handler does not do."""

from __future__ import annotations

import io
import ssl
import threading
from collections.abc import Callable
from typing import IO, Any, cast

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wsgi import LimitedStream

from infra.local.emulator.front import Front


class KeepAliveHandler(WSGIRequestHandler):
    """Serves many requests on one connection.

    werkzeug closes every connection because it cannot tell whether the application has read the whole request
    body. Here the body is bounded by its length and drained afterwards, so the next request begins where it should.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    timeout = 120  # seconds after which an idle connection is closed

    def run_wsgi(self) -> None:
        """Answer the request just parsed (PEP 3333)."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        if not environ.get("wsgi.input_terminated"):
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"] = LimitedStream(cast(IO[bytes], self.rfile), length)
            environ["wsgi.input_terminated"] = True
        try:
            self._respond(environ)
            self._drain(environ["wsgi.input"])
        except ConnectionError:
            self.close_connection = True

    def _respond(self, environ: dict[str, Any]) -> None:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
            begun.append((status, headers))
            return self.wfile.write

        body = self.server.app(environ, start_response)
        try:
            chunked = self._send_head(*begun[0])
            for data in body:
                self._send(data, chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        finally:
            if hasattr(body, "close"):
                body.close()

    def _send_head(self, status: str, headers: list[tuple[str, str]]) -> bool:
        """Send status and headers, and return whether the body has to be sent in chunks."""
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        bodiless = self.command == "HEAD" or code in ("204", "304")
        chunked = not (bodiless or "content-length" in names)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        return chunked

    def _send(self, data: bytes, chunked: bool) -> None:
        if data and chunked:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        elif data:
            self.wfile.write(data)

    @staticmethod
    def _drain(body: io.RawIOBase) -> None:
        while body.read(1 << 16):
            continue

    def log_request(self, *_: object) -> None:
        """Say nothing: requests are counted, and a line for each would hide what matters."""


def listen(front: Front, port: int, context: ssl.SSLContext | None) -> BaseWSGIServer:
    """Serve a front on one loopback port from a thread of its own.

    Args:
        front: the application.
        port: TCP port on 127.0.0.1.
        context: TLS context, or ``None`` for plain HTTP.

    Returns:
        The running server, for ``close``.

    Raises:
        SystemExit: the port is taken; werkzeug has said so on standard error.
    """
    server = make_server("127.0.0.1", port, front, threaded=True, request_handler=KeepAliveHandler)
    if context is not None:
        # The handshake is left to the connection's thread: done in accept(), one silent client would block all.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.ssl_context = context
    threading.Thread(target=server.serve_forever, args=(0.1,), name=front.name, daemon=True).start()
    return server


def close(server: BaseWSGIServer) -> None:
    """Stop a server; connections in progress are dropped with the process."""
    server.shutdown()
    server.server_close()
