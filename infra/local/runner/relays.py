"""The way from a namespace of its own to the twin's registries, at the addresses that they have on this machine.

A socket stays in the namespace in which it was made; this process listens there and connects here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import selectors
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1):(\d+)")
_NEW_NET = 0x40000000  # CLONE_NEWNET
_POLL = 0.2  # seconds between looks at whether it is over
_CHUNK = 65536


class Relays:
    """Carries connections from namespaces to the same port of this machine's loopback, while it is entered."""

    def __init__(self, addresses: Iterable[str]) -> None:
        found = (_LOOPBACK.fullmatch(address) for address in addresses)
        self._ports = sorted({int(match[1]) for match in found if match})
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._accept, name="relays", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.data.close()
        self._selector.close()

    def serve(self, namespace: Path) -> None:
        """Listen in a namespace, too; ``OSError`` if it cannot be entered."""
        for port in self._ports:
            listener = _listening(namespace, port)
            self._selector.register(listener, selectors.EVENT_READ, listener)

    def _accept(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(_POLL):
                with contextlib.suppress(OSError):  # whoever asked may be gone again
                    asking, _ = key.data.accept()
                    threading.Thread(target=_carry, args=(asking, key.data.getsockname()), daemon=True).start()


def _listening(namespace: Path, port: int) -> socket.socket:
    """Make the socket in a thread that has gone there, and does nothing else."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            with namespace.open() as there:
                if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), _NEW_NET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(namespace))
            made.append(socket.create_server(("127.0.0.1", port)))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def _carry(asking: socket.socket, address: tuple[str, int]) -> None:
    with asking, contextlib.suppress(OSError), socket.create_connection(address) as asked:  # a side may end at any time
        back = threading.Thread(target=_copy, args=(asked, asking), daemon=True)
        back.start()
        _copy(asking, asked)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
