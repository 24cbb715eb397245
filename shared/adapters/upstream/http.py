"""HTTP as upstreams are asked by it: answers of bounded size and time, redirects by rule, limits told to the meter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from shared.adapters.deadlines import Deadlines, Exchange
from shared.adapters.upstream.errors import http_error
from shared.adapters.upstream.places import Within
from shared.adapters.upstream.rate_limits import learned_from
from shared.budget_ports import Meter
from shared.domain.watching.budget import Learned
from shared.errors import Refused, ServiceError, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from shared.adapters.connections import Connections

# Seconds: to connect, and between two pieces of an answer.
TIMEOUTS = (5.0, 20.0)
# Seconds a whole answer may take, with all redirects on the way to it: one that trickles would hold a thread for ever.
LONGEST_ANSWER = 60.0
# Bytes an answer may have, unless more are expected.
_LARGEST_ANSWER = 64 * 1024
_HEADERS = {"User-Agent": "tidegate", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
_BLOB_REDIRECTS = 2
_REDIRECTS = {301, 302, 303, 307, 308}
_DEADLINES = Deadlines()


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


class _Request(NamedTuple):
    """What is sent, wherever redirects lead it; ``headers`` lose what is not for all of these places."""

    doing: str
    method: str
    headers: dict[str, str]
    body: bytes | None
    most: int
    exchange: Exchange
    elsewhere: Callable[[str], str]
    follows: Callable[[str], bool]


def _nothing(url: str) -> str:  # noqa: ARG001  whatever the address
    return ""


def anywhere(url: str) -> bool:  # noqa: ARG001
    """Follow redirects whatever the address."""
    return True


def unmetered(upstream: str, learned: Learned) -> None:
    """Take no note of limits, where nobody keeps a budget."""


class UpstreamHttp:
    """Asks one upstream; many threads may use it at once.

    Args:
        upstream: the host whose limit the answers tell of, such as ``docker.io``.
        meter: is told what they say.
        redirects: how many are followed, over https alone. Another host is not sent the ``Authorization`` header.
        within: the places that may be anywhere; any other has to be one that everybody can reach. All, if left out.
    """

    def __init__(
        self, upstream: str, meter: Meter = unmetered, *, redirects: int = 0, within: Within | None = None
    ) -> None:
        self._upstream = upstream
        self._meter = meter
        self._redirects = redirects
        self._within = within

    def ask(
        self,
        doing: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        json: object = None,
        most: int = _LARGEST_ANSWER,
        elsewhere: Callable[[str], str] = _nothing,
        follows: Callable[[str], bool] = anywhere,
    ) -> Answer:
        """Send a request, and those that its redirects lead to, all within ``LONGEST_ANSWER``.

        Args:
            doing: what is being asked and of whom, for the error's message.
            url: absolute.
            method: of the request.
            headers: of the request; an empty ``Authorization`` is left out.
            json: body, if any.
            most: bytes the answer may have.
            elsewhere: gives the ``Authorization`` header for the address of another host that a redirect leads to.
            follows: whether a redirect to an address, as it was sent, is followed; else it is the answer.

        Returns:
            The answer, whatever its status; a redirect itself where none are followed.

        Raises:
            Refused: the address cannot be used, or leads to plain http, or on and on.
            Unavailable: no answer, or one that broke off, is too large or took too long.
        """
        sent = {**_HEADERS, **{name: value for name, value in (headers or {}).items() if value}}
        body = None if json is None else msgspec.json.encode(json)
        if body is not None:
            sent["Content-Type"] = "application/json"
        exchange = _DEADLINES.begin(LONGEST_ANSWER)
        try:
            answer = self._followed(_Request(doing, method, sent, body, most, exchange, elsewhere, follows), url)
        except ServiceError:
            if not exchange.over:
                raise
        finally:
            _DEADLINES.end(exchange)
        if exchange.over:
            raise Unavailable(f"{doing}: the answer took longer than {LONGEST_ANSWER:.0f} s", code="deadline")
        return answer

    def _followed(self, request: _Request, url: str) -> Answer:
        for _ in range(self._redirects + 1):
            answer = self._once(request, url)
            if not self._redirects or answer.status not in _REDIRECTS:
                return answer
            if not request.follows(answer.headers.get("location", "")):
                return answer
            target = _target(answer, request.doing)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                request.headers.pop("Authorization", None)
                if other := request.elsewhere(target):
                    request.headers["Authorization"] = other
            url = target
        raise Refused(f"{request.doing}: redirected more than {self._redirects} times", code=str(answer.status))

    def _once(self, request: _Request, url: str) -> Answer:
        try:
            anywhere = self._within is None or self._within.covers(url)
            response = self._connections.send(
                request.method, url, request.headers, request.body, request.exchange, anywhere=anywhere
            )
            # That to a HEAD has been read: there is nothing to read of it, and the connection is free again.
            said = b"" if request.method == "HEAD" else _bounded(response, request.most, request.doing)
        except ServiceError:
            raise
        except Exception as error:  # noqa: BLE001  libraries raise much over what they are sent
            # Not chained: a library's text may quote a header, or an address with a query, and be logged.
            raise http_error(request.doing, error) from None
        finally:
            request.exchange.sock = None
        if anywhere and self._within is not None and request.exchange.inside:
            self._within.is_inside()
        named = {name.lower(): value for name, value in response.headers.itermerged()}
        learned = learned_from(response.status, named)
        if learned is not None:
            self._meter(self._upstream, learned)
        return Answer(response.status, named, said, url)

    @cached_property
    def _connections(self) -> Connections:
        from shared.adapters.connections import Connections  # noqa: PLC0415  costs 0.1 s, and not every process asks

        return Connections(*TIMEOUTS)


def blobs_of(upstream: str, url: str, meter: Meter) -> UpstreamHttp:
    """Return how blobs of a registry are asked for, whose manifests are never elsewhere: it sends us to their store.

    Args:
        upstream: the host whose limit the answers tell of.
        url: the registry's address.
        meter: is told what they say.
    """
    return UpstreamHttp(upstream, meter, redirects=_BLOB_REDIRECTS, within=Within(urlsplit(url).netloc))


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
    pieces, size = [], 0
    try:
        for piece in response.stream(64 * 1024, decode_content=True):
            size += len(piece)
            if size > most:
                raise Unavailable(f"{doing}: the answer is larger than {most} bytes")
            pieces.append(piece)
    finally:
        response.close()
    return b"".join(pieces)
