"""What an answer that is no yes means: a clear no, a no for now, or nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from shared.adapters.dispatch.one_request import Answer
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable

# Said for "now" by whoever stands in front, which cannot know what became of the request behind it.
_NOBODY_KNOWS = {408, 425}


def refusal(doing: str, answer: Answer, hints: Mapping[int, str], *, limited: bool = False) -> ServiceError:
    """Return what an answer amounts to that does not accept.

    A 5xx is never a no: builds were begun behind a 500 and a 502.

    Args:
        doing: what was asked and of whom.
        answer: whatever came.
        hints: what a status means of this service, and what to do.
        limited: whether it says by its headers that too much was asked.
    """
    status, code, wait = answer.status, str(answer.status), retry_after(answer.headers)
    words, hint = answer.text, hints.get(status, "")
    told = f"{doing}: HTTP {status}" + (f", {words}" if words else "") + (f". {hint}" if hint else "")
    if status == 429 or limited:
        return RateLimited(told, code=code, retry_after=wait)
    if status in _NOBODY_KNOWS or status >= 500 or status < 300:
        return Unavailable(f"{told}. It may have begun", code=code, retry_after=wait)
    if status < 400:
        return Refused(f"{told}. Redirects are not followed: set the address or name that it leads to", code=code)
    return (NotFound if status == 404 else Refused)(told, code=code)
