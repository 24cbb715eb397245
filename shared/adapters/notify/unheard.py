"""What libraries write into the log of the requests they make, kept out of it: they quote whole addresses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Sending(threading.local):
    """Whether this thread sends to a destination."""

    now = False


class _Unheard(logging.Filter):
    """Lets nothing through of a thread that sends."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  whatever it says
        return not _sending.now


_sending = _Sending()
_UNHEARD = _Unheard()
# A filter hears only what is said to its own logger, and none of what is said to those below.
_LIBRARIES = (
    *(f"urllib3.{part}" for part in ("connection", "connectionpool", "poolmanager", "response", "util.retry")),
    *("requests_oauthlib.oauth1_auth", "requests_oauthlib.oauth2_session", "oauthlib.oauth1.rfc5849"),
)


@contextmanager
def unheard() -> Iterator[None]:
    """Have nothing logged by what this thread's requests are made with; what matters is told by the errors."""
    # A filter that is there already is added no second time.
    for name in _LIBRARIES:
        logging.getLogger(name).addFilter(_UNHEARD)
    _sending.now = True
    try:
        yield
    finally:
        _sending.now = False
