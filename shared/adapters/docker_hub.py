"""Docker Hub: the one upstream that wants a token for every repository, and counts what is asked of it.

Tokens: https://distribution.github.io/distribution/spec/auth/token/
Limits: https://docs.docker.com/docker-hub/usage/pulls/ (HEAD is not a pull, GET of a manifest is)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from shared.adapters.oci_registry import TIMEOUTS, OciRegistry, attach, open_session
from shared.adapters.requests_errors import requests_errors, status_error
from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from requests import Response, Session

_SERVICE = "registry.docker.io"
_LARGEST_ANSWER = 64 * 1024
# A token is not used when it is about to expire: the request made with it takes time too.
_MARGIN_SECONDS = 30.0


class _Grant(msgspec.Struct):
    """The token service's answer; it names the token in one of two ways, and may leave out its 60 seconds."""

    token: str = ""
    access_token: str = ""
    expires_in: float = 60.0


def docker_hub(registry_url: str, auth_url: str, username: str = "", token: str = "") -> OciRegistry:
    """Return Docker Hub as an upstream.

    Args:
        registry_url: its registry, or a proxy of it.
        auth_url: its token service, or a proxy of it.
        username: account to ask as; empty to ask anonymously.
        token: personal access token of that account.
    """
    return OciRegistry("Docker Hub", registry_url, HubTokens(auth_url, username, token))


class HubTokens:
    """Tokens of Docker Hub, one for each repository, kept until shortly before they expire.

    Args:
        url: the token service.
        username: account to ask as; empty to ask anonymously.
        token: personal access token of that account.
        clock: seconds that only go forward.
    """

    def __init__(self, url: str, username: str, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = f"{url.rstrip('/')}/token"
        self._account = (username, token) if username and token else None
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, float]] = {}

    @cached_property
    def _session(self) -> Session:
        return open_session()

    def authorization(self, path: str, *, fresh: bool) -> str:
        """Return the ``Authorization`` header for reading a repository.

        Args:
            path: the repository's name.
            fresh: whether to ask for a new token even if one is kept.

        Raises:
            Refused: the account is not accepted.
            RateLimited, Unavailable: see ``shared.errors``.
        """
        with self._lock:
            kept, good_until = self._kept.get(path, ("", 0.0))
        if kept and not fresh and self._clock() < good_until:
            return kept
        grant = self._ask(path)
        header = f"Bearer {grant.token or grant.access_token}"
        with self._lock:
            self._kept[path] = (header, self._clock() + grant.expires_in - _MARGIN_SECONDS)
        return header

    def _ask(self, path: str) -> _Grant:
        doing = f"Docker Hub: asking for a token for {path}"
        with requests_errors(doing):
            response = self._session.get(
                self._url,
                params={"service": _SERVICE, "scope": f"repository:{path}:pull"},
                auth=self._account or attach(""),
                timeout=TIMEOUTS,
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = _bounded(response, doing)
        if response.status_code in {401, 403} and self._account:
            raise _account_refused(self._account[0], response.status_code)
        if response.status_code != 200:
            raise status_error(doing, response.status_code, response.headers)
        return _grant(body, doing)


def _bounded(response: Response, doing: str) -> bytes:
    body = b""
    for piece in response.iter_content(8192):
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise Unavailable(f"{doing}: the answer is larger than {_LARGEST_ANSWER} bytes")
    return body


def _grant(body: bytes, doing: str) -> _Grant:
    try:
        grant = msgspec.json.decode(body, type=_Grant)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The text is not quoted: it may hold the token.
        raise Unavailable(f"{doing}: the answer is not that of a token service") from None
    if not (grant.token or grant.access_token):
        raise Unavailable(f"{doing}: the answer holds no token")
    return grant


def _account_refused(username: str, status: int) -> Refused:
    return Refused(
        f"Docker Hub does not accept the account {username!r} (HTTP {status}): check DOCKER_HUB_USERNAME, and whether "
        "the access token in DOCKER_HUB_TOKEN has expired or was revoked",
        code=str(status),
    )
