"""The web server under the host's WSGI applications."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger("host")


def web_server(port: int, application: WSGIApplication) -> BaseWSGIServer:
    """Return a server on 127.0.0.1, one thread a request; it serves once it is told to."""
    return make_server("127.0.0.1", port, application, threaded=True, request_handler=_QuietHandler)


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests and leaves the log to the functions."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        _log.debug("%s %s %s %s", self.command, self.path, code, size)
