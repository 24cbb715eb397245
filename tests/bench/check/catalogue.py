"""An API that answers for a whole repository, as Docker Hub's does: pages made beforehand, over TLS, and counted.

``python -m tests.bench.check.catalogue CERTIFICATE KEY PORT LATENCY`` reads what it serves as JSON from standard input,
{repository: [[tag, digest, last_updated], ...]} with the latest pushed first, and writes a line a request to standard
output. It waits for all requests at once, so latency never limits it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import time
from urllib.parse import urlsplit

from infra.local.twin.images import digest_of
from infra.local.twin.ports import free_base_port
from tests.bench.check.ground import Ground
from tests.bench.check.measure import ROOT, PeerFailedError, environment

_PAGE = 100
# As the check's clock has it: the tags that have moved were pushed after its last look, an hour ago.
_NOW, _LONG_AGO = "2026-01-01T12:59:00Z", "2025-06-01T00:00:00Z"


class Serving:
    """The API for one case, in a process of its own, running inside ``with``.

    Args:
        ground: the case; what has moved was pushed a minute ago, all else long before.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._port = free_base_port()
        self._log = ground.folder / "catalogue.log"

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self._port}"

    def answered(self) -> int:
        """Return how many requests it has answered."""
        return len(self._log.read_text().splitlines())

    def __enter__(self) -> Serving:
        given = self._ground.folder / "catalogue.json"
        given.write_text(json.dumps(_rows(self._ground)))
        tls = self._ground.registry.ca_bundle.parent
        argv = [sys.executable, "-m", "tests.bench.check.catalogue", str(tls / "server.pem"), str(tls / "server.key")]
        argv += [str(self._port), str(self._ground.latency)]
        with given.open() as rows, self._log.open("w") as log:
            self._process = subprocess.Popen(argv, cwd=ROOT, env=environment(), stdin=rows, stdout=log)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise PeerFailedError("the catalogue did not start")


def _rows(ground: Ground) -> dict[str, list[list[str]]]:
    return {name.rpartition("/")[2]: _latest_first(ground, name, tags) for name, tags in ground.known.items()}


def _latest_first(ground: Ground, name: str, tags: dict[str, str]) -> list[list[str]]:
    moved = [tag for tag in tags if (name, tag) in ground.moved]
    others = [tag for tag in tags if (name, tag) not in ground.moved]
    other = digest_of(b"what it says is only a hint")
    return [[tag, other, _NOW] for tag in moved] + [[tag, tags[tag], _LONG_AGO] for tag in others]


class Catalogue:
    """Serves pages of tags.

    Args:
        tags: of each repository, the latest pushed first.
        seconds: by which every answer comes late.
    """

    def __init__(self, tags: dict[str, list[list[str]]], seconds: float) -> None:
        self._pages = {name: _page(rows) for name, rows in tags.items()}
        self._seconds = seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it is closed."""
        while request := await _head(reader):
            print(request, flush=True)
            await asyncio.sleep(self._seconds)
            body = self._pages.get(urlsplit(request.split(" ")[1]).path.split("/")[5], b'{"results": []}')
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
    return head.split(b"\r\n", 1)[0].decode()


def _page(rows: list[list[str]]) -> bytes:
    results = [{"name": tag, "digest": digest, "last_updated": updated} for tag, digest, updated in rows[:_PAGE]]
    return json.dumps({"count": len(rows), "next": None, "results": results}).encode()


async def main(certificate: str, key: str, port: int, latency: int) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    catalogue = Catalogue(json.load(sys.stdin), latency / 1000)
    server = await asyncio.start_server(catalogue.serve, "127.0.0.1", port, ssl=context)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
