"""Connections to others: kept for each address, and opened as the machine is set up, its proxies and authorities.

``requests`` knows how the machine is set up and opens the pools; what is asked goes to a pool directly. Its sessions
would spend as much of the processor on a HEAD as sending and reading it do.
https://requests.readthedocs.io/en/latest/user/advanced/#transport-adapters

Imports ``requests``, so this module is itself imported only where something is asked.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from requests import Request, Session
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from shared.adapters.deadlines import Exchange
from shared.adapters.kept_alive import KeptAlive
from shared.adapters.public_addresses import NotPublic, check_public

# Made once: urllib3 would make them from numbers for each request.
_NEVER = Retry(False, redirect=False)
# Addresses whose connections are kept: a registry may send us to ever new ones.
_MOST_LINES = 32
# Seconds after which no other address of a name is tried.
_LONGEST_CONNECT = 20.0


class _Line(NamedTuple):
    """The way to one address: its pool, and what a proxy wants to read before the path."""

    pool: HTTPConnectionPool
    before: str


class Connections:
    """Sends requests; many threads may use it at once.

    Args:
        connect: seconds to connect.
        read: seconds between two pieces of an answer.
        adapter: opens the pools, and says how much is told of what they are asked.
    """

    def __init__(self, connect: float, read: float, adapter: type[KeptAlive] = KeptAlive) -> None:
        self._adapter = adapter
        self._timeout = Timeout(connect=connect, read=read)
        self._lines: dict[tuple[str, bool], _Line] = {}
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        exchange: Exchange,
        *,
        anywhere: bool = True,
    ) -> BaseHTTPResponse:
        """Send one request: it is not tried again, and no redirect is followed.

        Args:
            method: of the request.
            url: absolute.
            headers: all that are sent, but ``Host`` and the body's length.
            body: of the request, if it has one.
            exchange: is told which socket is read from.
            anywhere: whether the address may be one that not everybody can reach, such as of a private network.

        Returns:
            The answer. That to a HEAD has been read; any other is the caller's to read and to close.

        Raises:
            NotPublic: the address is one that not everybody can reach; nothing was sent.
            urllib3.exceptions.HTTPError: no answer.
            requests.exceptions.RequestException: the address or the machine's proxy cannot be used.
            ValueError: a header or the address cannot be written down.
            OSError: the bundle of authorities cannot be read.
        """
        if not anywhere:
            check_public(urlsplit(url).hostname or "")
        origin, path = _parted(url)
        line = self._line(origin, anywhere=anywhere)
        target = line.before + path
        _current.exchange = exchange
        return line.pool.urlopen(
            method,
            target,
            body,
            headers,
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=method == "HEAD",
            decode_content=False,
        )

    def close(self) -> None:
        """Close every connection that is kept."""
        with self._lock:
            for line in self._lines.values():
                line.pool.close()
            self._lines.clear()

    def _line(self, origin: str, *, anywhere: bool = True) -> _Line:
        """Connections that were checked share no pool with those that were not."""
        with self._lock:
            if (origin, anywhere) not in self._lines:
                if len(self._lines) >= _MOST_LINES:
                    self._lines.pop(next(iter(self._lines))).pool.close()
                self._lines[origin, anywhere] = _open(origin, self._adapter(), anywhere=anywhere)
            return self._lines[origin, anywhere]


def _parted(url: str) -> tuple[str, str]:
    """Part an address into its origin and what is asked for there; most are plain, and need no parsing."""
    slash = url.find("/", len("https://"))
    if slash > 0 and "#" not in url and "?" not in url[:slash]:
        return url[:slash], url[slash:]
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


class _Current(threading.local):
    """What this thread is asking: ``urllib3`` has no way to tell it to the connection that is picked."""

    exchange: Exchange


_current = _Current()


def _addresses(name: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a name; none where something is wrong with it, which is left to urllib3 to tell."""
    try:
        found = socket.getaddrinfo(name, port, allowed_gai_family(), socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


class _Timed(HTTPConnection):
    """A connection that tells its exchange what is read from.

    Attributes:
        inside: whether the other side, which its certificate vouches for, is where not everybody can reach it.
    """

    inside = False

    def _new_conn(self) -> socket.socket:
        """Try the addresses of a name while there is time: each has a time-out of its own, and there may be many."""
        name = self._dns_host
        addresses = _addresses(name, self.port)
        for address in addresses:
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError):
                late = time.monotonic() > _current.exchange.began + _LONGEST_CONNECT
                if late or address == addresses[-1]:
                    raise
            finally:
                self._dns_host = name
        return super()._new_conn()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """See ``HTTPConnection``. To connect and to send are bound by their time-outs."""
        exchange = _current.exchange
        exchange.sock, exchange.inside = self.sock, self.inside
        if exchange.over:
            raise TimeoutError("the deadline has passed")
        return super().getresponse()


class _TimedTls(_Timed, HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        """See ``HTTPSConnection``. Where a proxy stands between, nobody knows what is behind it."""
        super().connect()
        if self.proxy is None:
            try:
                check_public(self.sock.getpeername()[0])
            except NotPublic:
                self.inside = True


class _Public(_TimedTls):
    """The same to an address that everybody can reach, which is known only once its name was looked up."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if self.proxy is None:
            try:
                check_public(sock.getpeername()[0])
            except NotPublic:
                sock.close()
                raise
        return sock


def _open(origin: str, adapter: KeptAlive, *, anywhere: bool) -> _Line:
    request = Request("GET", origin).prepare()
    machine = Session().merge_environment_settings(origin, {}, None, None, None)
    pool = adapter.get_connection_with_tls_context(request, machine["verify"], machine["proxies"])
    tls = _TimedTls if anywhere else _Public
    pool.ConnectionCls = tls if pool.scheme == "https" else _Timed
    return _Line(pool, adapter.request_url(request, machine["proxies"]).removesuffix(request.path_url))
