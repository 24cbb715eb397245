"""The one place where the errors of ``requests``, and HTTP statuses of upstreams, become errors of Tidegate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.adapters.redaction import redacted
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable

if TYPE_CHECKING:
    from requests.exceptions import RequestException

# These mean that the request could not even be written down, so sending it again is of no use.
_WRONG_REQUEST = (
    "InvalidHeader",
    "InvalidProxyURL",
    "InvalidSchema",
    "InvalidURL",
    "MissingSchema",
    "TooManyRedirects",
    "URLRequired",
    "UnrewindableBodyError",
)


@contextmanager
def requests_errors(doing: str) -> Iterator[None]:
    """Translate what ``requests`` raises within.

    Args:
        doing: what is being asked, of whom and of which image, for the error's message.

    Raises:
        Refused: the address in the settings cannot be used.
        Unavailable: no answer, or one that broke off.
    """
    from requests.exceptions import RequestException  # noqa: PLC0415  costs 0.1 s, and not every process asks

    try:
        yield
    except RequestException as error:
        # Not chained: the library's text may quote an address with a query, and would be logged with the traceback.
        raise request_error(error, doing) from None


def request_error(error: RequestException, doing: str) -> ServiceError:
    """Return the error of Tidegate for one of ``requests``; see ``requests_errors``."""
    name = type(error).__name__
    if name in _WRONG_REQUEST:
        return Refused(f"{doing}: the request cannot be sent, check the address in the settings: {_said(error)}")
    return Unavailable(f"{doing}: no usable answer ({name}): {_said(error)}", code=name)


def _said(error: Exception) -> str:
    return redacted(str(error)) or "no reason given"


def status_error(doing: str, status: int, headers: Mapping[str, str]) -> ServiceError:
    """Return the error for an HTTP status that is not a success.

    Args:
        doing: as for ``requests_errors``.
        status: the HTTP status, 300 or above.
        headers: of the answer; names in any case.

    Returns:
        What the status means for the caller: see ``shared.errors``.
    """
    code = str(status)
    if status == 429:
        return RateLimited(f"{doing}: too many requests", code=code, retry_after=retry_after(headers))
    if status == 404:
        return NotFound(f"{doing}: not found", code=code)
    if status in {401, 403}:
        return Refused(f"{doing}: not permitted (HTTP {status})", code=code)
    if status == 408 or status >= 500:
        return Unavailable(f"{doing}: HTTP {status}", code=code, retry_after=retry_after(headers))
    if status < 400:
        return Refused(f"{doing}: redirected (HTTP {status}), which is not followed; check the address", code=code)
    return Refused(f"{doing}: HTTP {status}", code=code)
