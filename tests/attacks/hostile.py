"""A server that answers as it likes, byte by byte, and notes what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Answers one request: the connection, and the request's first line.
Behaviour = Callable[[socket.socket, str], None]


class Hostile:
    """Listens on a port of its own; each connection may bring many requests.

    Attributes:
        asked: first lines of the requests, in order.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.asked: list[str] = []
        self._behaviour = behaviour
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _request(connection):
                self.asked.append(request)
                self._behaviour(connection, request)


def _request(connection: socket.socket) -> str:
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        piece = connection.recv(65_536)
        if not piece:
            return ""
        read += piece
    return read.decode("latin-1").partition("\r\n")[0]


@contextmanager
def hostile(behaviour: Behaviour) -> Iterator[Hostile]:
    """Run one as long as it is needed."""
    server = Hostile(behaviour)
    try:
        yield server
    finally:
        server.close()


def says(*pieces: bytes, every: float = 0.0, ends: bool = True) -> Behaviour:
    """Return what sends these pieces, one every so many seconds; and then says no more, or hangs up."""

    def behave(connection: socket.socket, _: str) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(every)
        if ends:
            connection.shutdown(socket.SHUT_RDWR)

    return behave


def says_for_ever(first: bytes, then: bytes, every: float = 0.0) -> Behaviour:
    """Return what sends something, and then another thing again and again until nobody listens."""

    def behave(connection: socket.socket, _: str) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(then)
            time.sleep(every)

    return behave


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """Return an answer as it goes over the wire; underscores in names of headers stand for hyphens."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
