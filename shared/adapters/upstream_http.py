"""HTTP as upstreams are asked by it: answers of bounded size and time, redirects by rule, and limits told to the meter.

Preparing a request once for a host, and not for every question, halves what a HEAD costs the processor.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import msgspec

from shared.adapters.rate_limits import learned_from
from shared.adapters.requests_errors import requests_errors
from shared.domain.budget import Learned
from shared.errors import Refused, Unavailable
from shared.ports import Meter

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

# Seconds: to connect, and between two pieces of an answer.
TIMEOUTS = (5.0, 20.0)
# Seconds a whole answer may take: one that trickles would hold a thread for ever.
LONGEST_ANSWER = 60.0
# Bytes an answer may have, unless more are expected.
_LARGEST_ANSWER = 64 * 1024
# Two of the widest checks side by side; what is beyond waits for no connection, it makes one.
_POOL = 32
_REDIRECTS = {301, 302, 303, 307, 308}


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        status: HTTP status.
        headers: to be looked up in any case.
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
        self._ways: dict[str, dict[str, Any]] = {}

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
        with requests_errors(doing):
            request = self._prepared(method, url, headers, json)
            options = self._way_to(url)
            # A response that is streamed and not read takes its connection with it; there is nothing to read of a HEAD.
            stream = method != "HEAD"
            response = self._session.send(request, timeout=TIMEOUTS, allow_redirects=False, stream=stream, **options)
            with response:
                body = _bounded(response, most, doing) if stream else b""
        learned = learned_from(response.status_code, response.headers)
        if learned is not None:
            self._meter(self._upstream, learned)
        return Answer(response.status_code, response.headers, body, url)

    @cached_property
    def _session(self) -> Session:
        return _open_session()

    @cached_property
    def _template(self) -> PreparedRequest:
        from requests import Request  # noqa: PLC0415  costs 0.1 s, and not every process asks

        return Request("GET", "https://upstream.invalid/").prepare()

    def _prepared(self, method: str, url: str, headers: Mapping[str, str], json: object) -> PreparedRequest:
        """Return a request with nothing added from a .netrc file, which only a session's own preparing would read."""
        request = self._template.copy()
        request.method = method
        request.prepare_url(url, None)
        request.prepare_headers({**self._session.headers, **headers})
        if json is not None:
            request.prepare_body(None, None, json)
        return request

    def _way_to(self, url: str) -> dict[str, Any]:
        """Return the proxies and the bundle of authorities that the machine is set up with for a host."""
        host = urlsplit(url).netloc
        if host not in self._ways:
            found = self._session.merge_environment_settings(url, {}, None, None, None)
            self._ways[host] = {name: found[name] for name in ("proxies", "verify", "cert")}
        return self._ways[host]


def _open_session() -> Session:
    """Return a session that many threads may use at once: it keeps connections, and no cookies."""
    from http.cookiejar import DefaultCookiePolicy  # noqa: PLC0415

    from requests import Session  # noqa: PLC0415

    from shared.adapters.shared_trust import SharedTrust  # noqa: PLC0415

    class WithoutRedirects(Session):
        """Even where it follows none, a session reads where a redirect leads, and may stumble over it."""

        def get_redirect_target(self, resp: Response) -> None:  # noqa: ARG002  the library names it
            return None

    session = WithoutRedirects()
    session.headers["User-Agent"] = "tidegate"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", SharedTrust(pool_maxsize=_POOL))
    return session


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


def _bounded(response: Response, most: int, doing: str) -> bytes:
    pieces, size, deadline = [], 0, time.monotonic() + LONGEST_ANSWER
    for piece in response.iter_content(64 * 1024):
        size += len(piece)
        if size > most:
            raise Unavailable(f"{doing}: the answer is larger than {most} bytes")
        if time.monotonic() > deadline:
            raise Unavailable(f"{doing}: the answer took longer than {LONGEST_ANSWER:.0f} s")
        pieces.append(piece)
    return b"".join(pieces)
