"""Stands between the product and Azurite, byte for byte, and lets requests fail in the ways that networks have."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Literal

How = Literal["busy", "reset", "silent", "unheard"]

_BUSY = b"HTTP/1.1 503 Server Busy\r\nx-ms-error-code: ServerBusy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK = 65536
_LOOK = 0.5
_SILENCE = 15.0


@dataclass(frozen=True)
class Trouble:
    """A share of the requests fails until a moment of the monotonic clock."""

    how: How
    share: float
    until: float


class Proxy:
    """Listens on a port of its own and passes on what comes to another.

    Args:
        port: of the service behind.

    Attributes:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._trouble: Trouble | None = None
        self._draw = random.Random(port)  # noqa: S311 - which request is hit is timing, not plan
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"proxy {port}", daemon=True).start()

    def ail(self, how: How, share: float, seconds: float) -> None:
        """Let a share of the requests fail for some seconds.

        Args:
            how: ``busy``: answered with 503; ``reset``: the connection breaks before anything is done; ``silent``: no
                answer comes; ``unheard``: it is done, and the connection breaks instead of the answer.
            share: of the requests, between 0 and 1.
            seconds: for how long.
        """
        self._trouble = Trouble(how, share, time.monotonic() + seconds)

    def heal(self) -> None:
        """Let nothing fail any more."""
        self._trouble = None

    def close(self) -> None:
        """Listen no more; what is connected is dropped."""
        self._closed.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """A service that is down looks like one here: the connection ends without an answer."""
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(client)
            behind = stack.enter_context(socket.create_connection(("127.0.0.1", self._behind), 5))
            behind.settimeout(None)
            for one in (client, behind):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pass_on(client, behind)

    def _pass_on(self, client: socket.socket, behind: socket.socket) -> None:
        """Each request draws its fate when it begins: with the first bytes after an answer."""
        asking, fate = False, None
        while not self._closed.is_set():
            readable, _, _ = select.select([client, behind], [], [], _LOOK)
            for source in readable:
                data, asks = source.recv(_CHUNK), source is client
                fate = self._drawn() if asks and not asking else fate
                if not data or _ends(client, fate, asks=asks):
                    return
                asking = asks
                (behind if asks else client).sendall(data)

    def _drawn(self) -> How | None:
        trouble = self._trouble
        if trouble is None or time.monotonic() > trouble.until or self._draw.random() > trouble.share:
            return None
        return trouble.how


def _ends(client: socket.socket, fate: How | None, *, asks: bool) -> bool:
    """Whether a connection ends here, by the fate of its request: before it is passed on, or before its answer is."""
    if asks and fate in _BEFORE:
        _BEFORE[fate](client)
        return True
    return fate == "unheard" and not asks


def _say_busy(client: socket.socket) -> None:
    client.sendall(_BUSY)


def _be_silent(_: socket.socket) -> None:
    time.sleep(_SILENCE)


_BEFORE: dict[How, Callable[[socket.socket], None]] = {
    "busy": _say_busy,
    "reset": lambda _: None,
    "silent": _be_silent,
}
