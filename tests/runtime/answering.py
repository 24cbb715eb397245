"""A registry that is asked by HEAD alone, over TLS: every tag bears the digest of its repository's number."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.local.emulator.tls import server_context
from infra.local.twin.ports import free_base_port, new_topology
from tests.contract.examples import digest

_MANIFEST = re.compile(r"/v2/library/image-(\d+)/manifests/")


class Answering:
    """What is asked, and where.

    Args:
        host: ``address:port``.
        ca_bundle: what makes clients believe it.
    """

    def __init__(self, host: str, ca_bundle: Path) -> None:
        self.host, self.ca_bundle = host, ca_bundle
        self.asked: Counter[str] = Counter()


@contextmanager
def answering(folder: Path) -> Iterator[Answering]:
    """Serve while the context lasts; ``folder`` is for its certificates."""
    topology = new_topology(folder, free_base_port())
    context = server_context(topology)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.answering = Answering(f"127.0.0.1:{server.server_port}", topology.ca_bundle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.answering
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answering: Answering


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        found = _MANIFEST.match(self.path)
        self.server.answering.asked[self.command] += 1  # type: ignore[attr-defined]
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Docker-Content-Digest", digest(int(found[1])))
            self.send_header("Content-Type", "application/vnd.oci.image.index.v1+json")
        self.send_header("Content-Length", "2")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""
