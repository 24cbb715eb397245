"""The one place where the errors of ``requests`` and ``urllib3``, and HTTP statuses of upstreams, become Tidegate's."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from shared.adapters.public_addresses import NotPublic
from shared.adapters.redaction import redacted
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable

# What decoders of JSON raise over bytes from elsewhere: brackets within brackets are a RecursionError.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_CONNECTION = re.compile(r"^\w+\(host='(?P<host>[^']*)', port=(?P<port>\w+)\): ")


def http_error(doing: str, error: Exception) -> ServiceError:
    """Translate what ``shared.adapters.connections`` raises, and what reading its answers does.

    Args:
        doing: what is being asked, of whom and of which image, for the error's message.
        error: what was raised; its text may quote what nobody should log, so it is not to be chained.

    Returns:
        ``Refused`` where the request could not even be written down, the machine is not set up for it, or its address
        is not one to be sent to;
        ``Unavailable`` where there was no answer, or one that broke off.
    """
    from requests.exceptions import RequestException  # noqa: PLC0415  costs 0.1 s, and not every process asks
    from urllib3.exceptions import HTTPError, LocationValueError  # noqa: PLC0415

    if isinstance(error, RequestException | LocationValueError):
        return Refused(
            f"{doing}: the request cannot be sent, check the address and the proxy in the settings: {_said(error)}"
        )
    if isinstance(error, ValueError) and not isinstance(error, HTTPError):
        return Refused(
            f"{doing}: the request cannot be sent, its address or a header has characters that no request may have"
        )
    if isinstance(error, OSError) and not isinstance(error, HTTPError):
        return Refused(f"{doing}: the bundle of authorities cannot be read, check REQUESTS_CA_BUNDLE: {_said(error)}")
    if isinstance(error, NotPublic):
        return Refused(
            f"{doing}: it sends us to an address that not everybody can reach, which is not followed: {error}. If that "
            "is its token service, name the host as token_host in the registry's entry in REGISTRY_CREDENTIALS"
        )
    name = type(error).__name__
    return Unavailable(f"{doing}: no usable answer ({name}): {_said(error)}", code=name)


def _said(error: Exception) -> str:
    """What was said, and of which address, without the name that a connection has in the code."""
    return redacted(_CONNECTION.sub(r"\g<host>:\g<port>: ", str(error))) or "no reason given"


def status_error(doing: str, status: int, headers: Mapping[str, str]) -> ServiceError:
    """Return the error for an HTTP status that is not a success.

    Args:
        doing: as for ``http_errors``.
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
