"""Errors of imports: what the text says of the source decides before the status of the answer does.

The status alone misleads: what Resource Manager answers with 401, 403, 404 or 429 may be about us or about the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.azure.errors import IMPORTER, azure_error, code_of, headers_of, said, sdk_errors, words
from shared.adapters.azure.import_texts import Cause, cause_in, is_about_an_operation
from shared.adapters.retry_after import retry_after
from shared.errors import (
    Locked,
    NotFound,
    OperationFailed,
    RateLimited,
    Refused,
    ServiceError,
    Unavailable,
    Unexplained,
)

_MEANINGS: dict[Cause, tuple[type[ServiceError], str]] = {
    Cause.TOO_MANY_REQUESTS: (RateLimited, "the source registry asks for fewer requests"),
    Cause.MISSING: (NotFound, "the source registry does not hold it (any more)"),
    Cause.FORBIDDEN: (Refused, "the source registry does not permit it, check the account used there"),
    Cause.TOO_MANY_MANIFESTS: (
        Refused,
        "the image has more manifests than the 50 that Azure imports at once; watch a tag with fewer platforms",
    ),
    Cause.NO_RANGES: (
        Refused,
        "the source registry serves no parts of blobs (RFC 7233), without which Azure imports nothing from it",
    ),
    Cause.LOCKED: (Locked, "what it goes to is locked in the registry"),
    Cause.BROKE_OFF: (Unavailable, "the copy broke off"),
}
# Statuses of a look that say nothing about the import: the caller, the address or the service was at fault.
_ABOUT_THE_LOOK = frozenset({401, 403, 404, 408, 429})


@contextmanager
def start_errors(doing: str) -> Iterator[None]:
    """Translate what the SDK raises while an import is asked for.

    Args:
        doing: what is being imported from where and to where, for the error's message.

    Raises:
        RateLimited: the source, or ARM, has had enough requests.
        NotFound: the source does not hold it.
        Refused: the source does not permit it or cannot be imported from, or the request is wrong.
        NotPermitted: the app's identity lacks a role, there or at the registry that is copied from.
        Unavailable: no answer, a 5xx, or another import of the same tag is under way.
    """
    try:
        yield
    except sdk_errors() as error:
        raise _source_error(error, doing) or azure_error(error, doing, IMPORTER) from None


@contextmanager
def look_errors(doing: str) -> Iterator[None]:
    """Translate what the SDK raises while an import is looked at.

    Raises:
        NotFound: ARM does not know the operation any more.
        OperationFailed: the import ended badly.
        ServiceError: the look could not be made; the import may still be under way.
    """
    try:
        yield
    except sdk_errors() as error:
        raise _look_error(error, doing) from None


def _look_error(error: Exception, doing: str) -> ServiceError:
    source = _source_error(error, doing)
    if source is not None:
        return OperationFailed(source)
    if _is_about_the_look(error):
        return azure_error(error, doing, IMPORTER)
    return OperationFailed(Unexplained(f"{doing}: it failed: {words(error)}", code=code_of(error)))


def _is_about_the_look(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    if status is None:
        return True
    return (status >= 500 or status in _ABOUT_THE_LOOK) and not is_about_an_operation(said(error))


def _source_error(error: Exception, doing: str) -> ServiceError | None:
    """Return what the text says of the source; ``None`` if it says nothing known."""
    answered = getattr(error, "status_code", None) is not None
    cause = cause_in(said(error)) if answered else None
    if cause is None:
        return None
    kind, meaning = _MEANINGS[cause]
    wait = retry_after(headers_of(error)) if kind is RateLimited else None
    return kind(f"{doing}: {meaning}: {words(error)}", code=code_of(error), retry_after=wait)
