"""One deadline for a whole exchange, kept by shutting its socket: time-outs of reads begin anew with every byte.

One thread watches over all exchanges of the process while there are any, so that a request costs no thread and no
timer of its own: it is put into a set and taken out of it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

# How much later than its deadline an exchange may end.
_LOOKS_EVERY = 0.25


class Exchange:
    """Requests that belong together, such as one and those its redirects lead to.

    Attributes:
        began: as ``time.monotonic`` tells it.
        ends: when it has to be over, by the same clock.
        sock: what is being read from; ``None`` between two requests.
        inside: whether it was with an address that not everybody can reach.
        over: whether the deadline has passed. Whatever was read then may be cut off anywhere: headers that end early
            look like headers that are complete.
    """

    __slots__ = ("began", "ends", "inside", "over", "sock")

    def __init__(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.ends = self.began + seconds
        self.sock: socket.socket | None = None
        self.over = False
        self.inside = False

    def stop(self) -> None:
        """Wake whoever reads: below TLS, whose own state is the reader's alone."""
        self.over = True
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):  # the other side, or the reader, was faster
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Deadlines:
    """Watches over exchanges; many threads may begin and end them at once."""

    def __init__(self) -> None:
        self._open: set[Exchange] = set()
        self._lock = threading.Lock()
        self._watched = False
        self._pause = threading.Event()

    def begin(self, seconds: float) -> Exchange:
        """Return an exchange that is stopped when it is not ended in time."""
        exchange = Exchange(seconds)
        self._open.add(exchange)
        if not self._watched:
            self._watch()
        return exchange

    def end(self, exchange: Exchange) -> None:
        """Forget an exchange, in time or not."""
        self._open.discard(exchange)

    def _watch(self) -> None:
        with self._lock:
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()

    def _run(self) -> None:
        while self._goes_on():
            self._pause.wait(_LOOKS_EVERY)
            now = time.monotonic()
            # Whoever adds to a set while it is copied waits for the interpreter's lock, so the copy is whole.
            for exchange in tuple(self._open):
                if exchange.ends < now:
                    exchange.stop()

    def _goes_on(self) -> bool:
        """Whoever begins an exchange adds it first and then looks whether it is watched; here it is the other way."""
        with self._lock:
            self._watched = False
            self._watched = bool(self._open)
            return self._watched
