"""Asks a token service for the right to read repositories, and keeps what it grants until shortly before it expires.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from shared.adapters.upstream.challenges import Challenge
from shared.adapters.upstream.errors import UNREADABLE, status_error
from shared.adapters.upstream.http import UpstreamHttp
from shared.errors import Refused, Unavailable
from shared.registry_accounts import Account

# A token is not used when it is about to expire: the request made with it takes time too.
_MARGIN_SECONDS = 30.0
_TOKEN = re.compile(r"[!-~]+")


class Grant(msgspec.Struct):
    """The token service's answer; it names the token in one of two ways, and may leave out its 60 seconds."""

    token: str = ""
    access_token: str = ""
    expires_in: float = 60.0

    @property
    def header(self) -> str:
        """The ``Authorization`` header that shows it."""
        return f"Bearer {self.token or self.access_token}"


_GRANT = msgspec.json.Decoder(Grant)


def basic(account: Account) -> str:
    """Return the ``Authorization`` header that shows an account; empty for none."""
    if not account.username:
        return ""
    return "Basic " + base64.b64encode(f"{account.username}:{account.password}".encode()).decode()


class TokenService:
    """Asks for tokens in the name of one account.

    Args:
        http: how the upstream is asked.
        name: of the registry, for people.
        account: empty to ask anonymously.
        setting: what to check when the account is not accepted, for people.
    """

    def __init__(self, http: UpstreamHttp, name: str, account: Account, setting: str) -> None:
        self._http = http
        self._name = name
        self._account = account
        self._setting = setting

    def ask(self, challenge: Challenge, scopes: tuple[str, ...]) -> Grant:
        """Ask for one token.

        Args:
            challenge: where to ask, and for which service.
            scopes: what it is to be good for; a service may grant less, and does not say so.

        Raises:
            Refused: the account is not accepted, or anonymous callers get nothing.
            RateLimited, Unavailable: see ``shared.errors``.
        """
        doing = f"{self._name}: asking for a token for {', '.join(scopes)}"
        query = [("service", challenge.service)] if challenge.service else []
        url = _with_query(challenge.realm, [*query, *(("scope", scope) for scope in scopes)])
        answer = self._http.ask(doing, url, headers={"Authorization": basic(self._account)})
        if answer.status in {401, 403}:
            raise self._not_granted(doing, answer.status)
        if answer.status != 200:
            raise status_error(doing, answer.status, answer.headers)
        return _grant(answer.body, doing)

    def _not_granted(self, doing: str, status: int) -> Refused:
        code = str(status)
        if self._account.username:
            return Refused(
                f"{self._name} does not accept the account {self._account.username!r} (HTTP {status}): {self._setting}",
                code=code,
            )
        return Refused(
            f"{doing}: anonymous callers get none (HTTP {status}): what is asked for is private, or not there",
            code=code,
        )


class KeptTokens:
    """``Authorization`` headers by scope. Threads that want the same one at once wait for the first to have asked.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[str, float]] = {}
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def get(self, scope: str) -> str:
        """Return the header that is good for a scope; empty if none is kept, or not for much longer."""
        header, good_until = self._kept.get(scope, ("", 0.0))
        return header if header and self._clock() < good_until else ""

    def keep(self, scopes: tuple[str, ...], grant: Grant) -> None:
        """Keep a token that was granted for some scopes."""
        margin = min(_MARGIN_SECONDS, grant.expires_in / 2)
        good_until = self._clock() + grant.expires_in - margin
        for scope in scopes:
            self._kept[scope] = (grant.header, good_until)

    def get_or_ask(self, scope: str, ask: Callable[[], Grant], refused: str = "") -> str:
        """Return the header that is good for a scope, asking for a token if need be.

        Args:
            scope: what it is to be good for.
            ask: asks for one.
            refused: a header that was not accepted any more; any other that is kept is newer.
        """
        kept = self.get(scope)
        if kept and kept != refused:
            return kept
        with self._lock:
            asking = self._asking[scope]
        with asking:
            kept = self.get(scope)
            if kept and kept != refused:
                return kept
            grant = ask()
            self.keep((scope,), grant)
            return grant.header


def scope_of(path: str) -> str:
    """Return the scope of a token for reading one repository."""
    return f"repository:{path}:pull"


def _with_query(realm: str, query: list[tuple[str, str]]) -> str:
    return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"


def _grant(body: bytes, doing: str) -> Grant:
    try:
        grant = _GRANT.decode(body)
    except UNREADABLE:
        # The text is not quoted: it may hold the token.
        raise Unavailable(f"{doing}: the answer is not that of a token service") from None
    if not _TOKEN.fullmatch(grant.token or grant.access_token):
        raise Unavailable(f"{doing}: the answer holds no token")
    return grant
