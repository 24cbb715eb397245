"""Who asks: an API key of ours, or who signed in by App Service authentication. Nobody else is anybody.

App Service strips the header that names who signed in from every request and sets it anew, while its authentication is
on; while it is off the Functions host hands on whatever was sent. So the header is believed only if our own setting and
the platform's variable both say that it is on, and refused otherwise, with all that came with it.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import azure.functions as func

from shared.domain.access.callers import Caller
from shared.domain.access.principal import HEADER as PRINCIPAL_HEADER
from shared.domain.access.principal import read_principal
from shared.errors import MalformedRequest
from shared.ports import Clock
from shared.rules.known_keys import KnownKeys

log = logging.getLogger("tidegate.web")

KEY_HEADER = "x-api-key"
MOST_FAILURES = 100
_WINDOW = timedelta(minutes=1)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_UNPROVEN = f"this address wants an identity: an API key in the header {KEY_HEADER}, or somebody who signed in"
_NOT_BELIEVED = (
    f"the header {PRINCIPAL_HEADER} is not believed: sign-in is not on, by the setting SIGN_IN_ENABLED and by the "
    "platform's own WEBSITE_AUTH_ENABLED"
)


class Callers:
    """Tells who asks.

    Args:
        keys: tells whose an API key is.
        sign_in: whether setting and platform say that App Service authentication is on.
        clock: tells the time.
    """

    def __init__(self, keys: KnownKeys, clock: Clock, *, sign_in: bool) -> None:
        self._keys = keys
        self._sign_in = sign_in
        self._failures = _Failures(clock)

    def identify(self, request: func.HttpRequest) -> Caller:
        """Return who asks.

        Raises:
            MalformedRequest: 401, nobody who is known; 403, a browser was sent here by another site; 429, too many
                failed a moment ago.
            ServiceError: the keys cannot be read now.
        """
        try:
            caller = self._proven(request)
        except MalformedRequest as error:
            if self._failures.too_many():
                raise MalformedRequest("too many requests without an identity; ask again later", status=429) from error
            raise
        if PRINCIPAL_HEADER in request.headers:
            _refuse_from_elsewhere(request)
        return caller

    def _proven(self, request: func.HttpRequest) -> Caller:
        principal, key = request.headers.get(PRINCIPAL_HEADER), request.headers.get(KEY_HEADER)
        if principal is not None and not self._sign_in:
            raise MalformedRequest(_NOT_BELIEVED, status=401)
        if principal is not None and key is not None:
            raise MalformedRequest("two identities at once: a key, and somebody who signed in", status=401)
        if principal is not None:
            return read_principal(principal)
        found = self._keys.find(key) if key is not None else None
        if found is None:
            raise MalformedRequest(_UNPROVEN, status=401)
        return found.caller


def _refuse_from_elsewhere(request: func.HttpRequest) -> None:
    """A browser sends its session's cookie along wherever a page of another site sends it.

    What changes something is taken from our own pages, as the browser tells it, or from what is no browser and sends
    neither header. https://www.w3.org/TR/fetch-metadata/
    """
    if request.method in _READING:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is None or origin == f"https://{urlsplit(request.url).netloc}"
    if not (site == "same-origin" if site is not None else ours):
        raise MalformedRequest("a browser was sent here by a page of another site; nothing was done", status=403)


class _Failures:
    """Counts what failed within a minute: one line in the log says it, and beyond a bound nothing is said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._count = 0

    def too_many(self) -> bool:
        """Count one more; return whether there were too many."""
        with self._lock:
            now = self._clock()
            if self._since is None or not timedelta() <= now - self._since < _WINDOW:
                self._since, self._count = now, 0
            self._count += 1
            first, over = self._count == 1, self._count > MOST_FAILURES
        if first:
            log.warning("a request without a known identity was refused; further ones within a minute are not told")
        return over
