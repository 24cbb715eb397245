"""The one place where errors of the Azure Storage SDKs become errors of ``shared.errors``.

A translated error tells what was asked, what came back and what to do. It quotes no message of the SDK and is not
chained to its error: those hold addresses with SAS tokens, and signatures.

Storage error codes: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.adapters.retry_after import retry_after
from shared.errors import Conflict, NotFound, RateLimited, Refused, ServiceError, TidegateError, Unavailable

_NO_ANSWER = "the storage account gave no answer; it is tried again"
_NOT_SIGNED_IN = (
    "the app could not sign in to the storage account: check that it has an identity, or that the key in its "
    "connection string is whole"
)
_FAULT = "the storage SDK was used in a way it does not allow: a fault of this program"
_MEANINGS: dict[int, tuple[type[ServiceError], str]] = {
    401: (Refused, "the storage account does not know the app: check its identity or its connection string"),
    403: (
        Refused,
        "the storage account does not allow it: check the key in the connection string, or the roles of the app's "
        "identity (Storage Blob Data Owner, Storage Queue Data Contributor, Storage Table Data Contributor), and the "
        "account's network rules",
    ),
    404: (NotFound, "the storage account says it is not there"),
    408: (Unavailable, "the storage account took too long; it is tried again"),
    413: (Refused, "the storage account says it is too large"),
    429: (RateLimited, "the storage account asks for fewer requests; it is tried again"),
    503: (RateLimited, "the storage account is busy; it is tried again"),
}


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Run calls of a storage SDK, and raise their errors as errors of ``shared.errors``.

    Args:
        asked: what the calls are for, as the beginning of a sentence: ``writing row a of the table b``.

    Raises:
        TidegateError: see ``translate``.
    """
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError  # noqa: PLC0415

    try:
        yield
    except (AzureError, SerializationError, DeserializationError) as error:
        raise translate(error, asked) from None


def translate(error: Exception, asked: str) -> TidegateError:
    """Return the error of ``shared.errors`` that an error of the SDKs amounts to.

    Args:
        error: of ``azure.core.exceptions`` or derived from one.
        asked: see ``translated``.

    Returns:
        ``Unavailable`` without an answer or for a 5xx, ``RateLimited`` if the account is busy, ``Conflict`` where an
        ETag or a key was in the way, ``NotFound``, ``Refused`` for other 4xx, or a permanent ``ServiceError``.
    """
    from azure.core import exceptions as azure  # noqa: PLC0415

    status = getattr(error, "status_code", None)
    if isinstance(error, azure.DecodeError):
        return Unavailable(f"{asked}: the storage account's answer was cut short or cannot be read; it is tried again")
    if isinstance(status, int):
        return _by_status(error, status, asked)
    if isinstance(error, azure.ServiceRequestError | azure.ServiceResponseError):
        return unanswered(asked)
    if isinstance(error, azure.ClientAuthenticationError):
        return Unavailable(f"{asked}: {_NOT_SIGNED_IN}")
    if isinstance(error, azure.HttpResponseError):
        return _by_class(error, asked)
    return ServiceError(f"{asked}: {_FAULT} ({type(error).__name__})")


def _by_status(error: Exception, status: int, asked: str) -> TidegateError:
    code = error_code(error) or str(status)
    if status in (409, 412) and not code.endswith("BeingDeleted"):
        return Conflict(f"{asked}: somebody else wrote it first ({code}); it is looked at again")
    kind, meaning = _MEANINGS.get(status) or _rest(status)
    return kind(f"{asked}: {meaning} ({code})", code=code, retry_after=_asked_wait(error))


def _rest(status: int) -> tuple[type[ServiceError], str]:
    if status >= 500 or status == 409:
        return Unavailable, "the storage account cannot do it now; it is tried again"
    return Refused, "the storage account does not accept the request"


def _by_class(error: Exception, asked: str) -> TidegateError:
    """Without a response only the class tells what happened."""
    from azure.core import exceptions as azure  # noqa: PLC0415

    if isinstance(error, azure.ResourceNotFoundError):
        return _by_status(error, 404, asked)
    if isinstance(error, azure.ResourceExistsError | azure.ResourceModifiedError):
        return _by_status(error, 409, asked)
    if isinstance(error, azure.TooManyRedirectsError | azure.ResourceNotModifiedError):
        return _by_status(error, 400, asked)
    return unanswered(asked)


def unanswered(asked: str) -> Unavailable:
    """Return the error of what was sent and got no answer: it may have been done. See ``translated`` for ``asked``."""
    return Unavailable(f"{asked}: {_NO_ANSWER}")


def error_code(error: Exception) -> str:
    """Return the storage account's own word for an error, such as ``TableNotFound``; empty if it gave none."""
    code: Any = getattr(error, "error_code", None)
    return str(getattr(code, "value", code or ""))


def _asked_wait(error: Exception) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    return retry_after(headers) if headers else None
