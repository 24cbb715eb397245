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


@contextmanager
def unheard() -> Iterator[None]:
    """Have nothing logged by what this thread's requests are made with; what matters is told by the errors."""
    # A filter that is there already is added no second time.
    logging.getLogger("urllib3.connectionpool").addFilter(_UNHEARD)
    _sending.now = True
    try:
        yield
    finally:
        _sending.now = False
