"""HTTP as upstreams are asked by it: answers of bounded size and time, redirects by rule, limits told to the meter."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec

from shared.adapters.upstream.errors import http_errors
from shared.adapters.upstream.rate_limits import learned_from
from shared.budget_ports import Meter
from shared.domain.watching.budget import Learned
from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from shared.adapters.upstream.connections import Connections

# Seconds: to connect, and between two pieces of an answer.
TIMEOUTS = (5.0, 20.0)
# Seconds a whole answer may take: one that trickles would hold a thread for ever.
LONGEST_ANSWER = 60.0
# Bytes an answer may have, unless more are expected.
_LARGEST_ANSWER = 64 * 1024
_HEADERS = {"User-Agent": "tidegate", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
_REDIRECTS = {301, 302, 303, 307, 308}


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        status: HTTP status.
        headers: by their names in lower case; one that came more than once is joined by commas.
        body: empty for HEAD.
        url: where it came from, after any redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


def unmetered(upstream: str, learned: Learned) -> None:
    """Take no note of limits, where nobody keeps a budget."""


class UpstreamHttp:
    """Asks one upstream; many threads may use it at once.

    Args:
        upstream: the host whose limit the answers tell of, such as ``docker.io``.
        meter: is told what they say.
        redirects: how many are followed, over https alone. Another host is not sent the ``Authorization`` header.
    """

    def __init__(self, upstream: str, meter: Meter = unmetered, *, redirects: int = 0) -> None:
        self._upstream = upstream
        self._meter = meter
        self._redirects = redirects

    def ask(
        self,
        doing: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        json: object = None,
        most: int = _LARGEST_ANSWER,
    ) -> Answer:
        """Send a request, and those that its redirects lead to.

        Args:
            doing: what is being asked and of whom, for the error's message.
            url: absolute.
            method: of the request.
            headers: of the request; an empty ``Authorization`` is left out.
            json: body, if any.
            most: bytes the answer may have.

        Returns:
            The answer, whatever its status; a redirect itself where none are followed.

        Raises:
            Refused: the address cannot be used, or leads to plain http, or on and on.
            Unavailable: no answer, or one that broke off, is too large or trickles.
        """
        sent = {name: value for name, value in (headers or {}).items() if value}
        for _ in range(self._redirects + 1):
            answer = self._once(doing, method, url, sent, json, most)
            if not self._redirects or answer.status not in _REDIRECTS:
                return answer
            target = _target(answer, doing)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                sent.pop("Authorization", None)
            url = target
        raise Refused(f"{doing}: redirected more than {self._redirects} times", code=str(answer.status))

    def _once(self, doing: str, method: str, url: str, headers: Mapping[str, str], json: object, most: int) -> Answer:
        body = None if json is None else msgspec.json.encode(json)
        kind = {} if json is None else {"Content-Type": "application/json"}
        with http_errors(doing):
            response = self._connections.send(method, url, {**_HEADERS, **kind, **headers}, body, TIMEOUTS)
            # That to a HEAD has been read: there is nothing to read of it, and the connection is free again.
            said = b"" if method == "HEAD" else _bounded(response, most, doing)
        named = {name.lower(): value for name, value in response.headers.itermerged()}
        learned = learned_from(response.status, named)
        if learned is not None:
            self._meter(self._upstream, learned)
        return Answer(response.status, named, said, url)

    @cached_property
    def _connections(self) -> Connections:
        from shared.adapters.upstream.connections import Connections  # noqa: PLC0415  costs 0.1 s, and not every process asks

        return Connections()


def _target(answer: Answer, doing: str) -> str:
    code = str(answer.status)
    try:
        target = urljoin(answer.url, answer.headers.get("location", ""))
        parts = urlsplit(target)
        if parts.scheme == "https" and parts.hostname and "@" not in parts.netloc:
            return target
    except ValueError:
        raise Refused(f"{doing}: redirected to what is no address", code=code) from None
    raise Refused(f"{doing}: redirected to {parts.scheme}://{parts.hostname or ''}, which is not followed", code=code)


def _bounded(response: BaseHTTPResponse, most: int, doing: str) -> bytes:
    pieces, size, deadline = [], 0, time.monotonic() + LONGEST_ANSWER
    try:
        for piece in response.stream(64 * 1024, decode_content=True):
            size += len(piece)
            if size > most:
                raise Unavailable(f"{doing}: the answer is larger than {most} bytes")
            if time.monotonic() > deadline:
                raise Unavailable(f"{doing}: the answer took longer than {LONGEST_ANSWER:.0f} s")
            pieces.append(piece)
    finally:
        response.close()
    return b"".join(pieces)
