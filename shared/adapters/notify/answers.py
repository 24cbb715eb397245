"""What an answer of a destination means: taken, not now, never, or nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from shared.adapters.notify.posting import Answer
from shared.adapters.redaction import redacted
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, NotTaken, RateLimited, Refused, ServiceError, Unavailable
from shared.sender_ports import Sent

# The service itself says that it did nothing. Any other 5xx may come from something in between, which cannot know.
_NOT_NOW = {408, 425, 500, 503}


def taken(doing: str, answer: Answer, hints: Mapping[int, str]) -> Sent:
    """Return that a service took a message.

    Args:
        doing: to which destination, for the error's message.
        answer: the service's.
        hints: what a status means of this service, and what to do.

    Raises:
        RateLimited, NotTaken, NotFound, Refused, Unavailable: it did not, or nobody knows; see ``shared.sender_ports``.
    """
    if 200 <= answer.status < 300:
        return Sent(answer.status, redacted(answer.text))
    raise _error(doing, answer, hints.get(answer.status, ""))


def _error(doing: str, answer: Answer, hint: str) -> ServiceError:
    status, code, wait = answer.status, str(answer.status), retry_after(answer.headers)
    words = redacted(answer.text)
    told = f"{doing}: HTTP {status}" + (f", {words}" if words else "") + (f". {hint}" if hint else "")
    if status == 429:
        return RateLimited(told, code=code, retry_after=wait)
    if status in _NOT_NOW:
        return NotTaken(told, code=code, retry_after=wait)
    if status >= 500 or status < 200:
        return Unavailable(f"{told}. It may have arrived", code=code, retry_after=wait)
    if status < 400:
        return Refused(f"{told}. Redirects are not followed: set the address that it leads to", code=code)
    return (NotFound if status == 404 else Refused)(told, code=code)
