"""The one place where errors of the registries' SDKs become errors of ``shared.errors``: ARM, data plane, identity.

A translated error quotes the service's words without what looks like a secret, and is not chained to the SDK's error:
that one may quote an address that carries its own permission, and would be logged with the traceback.

ARM's errors: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from shared.adapters.redaction import redacted
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, NotPermitted, RateLimited, Refused, ServiceError, Unavailable

# It has no built-in role that gives no more: those that may write what is said of images may push them, too.
LOCKER = "Tidegate locks"
IMPORTER = "Container Registry Data Importer and Data Reader"
TASKS_CONTRIBUTOR = "Container Registry Tasks Contributor"

_NOT_SIGNED_IN = (
    "the app's identity gave no token; if this lasts, check that the app has a managed identity and, for a "
    "user-assigned one, that its client id is set"
)
_SPREADING = "a role given just now takes up to ten minutes to work"
# Resource Manager's sentence about a right that is missing on another resource than the one that was asked: up to 600
# characters, of which the second half says where.
_LINKED = re.compile(r"to perform action(?:\(s\))? '(?P<action>[^']+)' on the linked scope\(s\) '(?P<scope>[^']+)'")
# What a failed operation's text begins with: 230 to 335 characters that say nothing of the reason.
_PREFIX = re.compile(
    r"(?:Deployment failed\. Correlation ID: \S+ )?"
    r"Operation registries-[\w-]+ failed\. Resource /subscriptions/\S+/registries/\S+\s*",
    re.IGNORECASE,
)


@contextmanager
def azure_errors(doing: str, role: str) -> Iterator[None]:
    """Translate what a registry's SDK raises within.

    Args:
        doing: what is being asked, of which registry and image, for the error's message.
        role: the role that permits it, named if it is not permitted.

    Raises:
        ServiceError: see ``azure_error``.
    """
    try:
        yield
    except sdk_errors() as error:
        raise azure_error(error, doing, role) from None


def sdk_errors() -> tuple[type[Exception], ...]:
    """Return what the SDKs raise: their own errors, and the JSON reader's where an answer, good or bad, is no JSON."""
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError  # noqa: PLC0415

    return (AzureError, SerializationError, DeserializationError, JSONDecodeError)


def azure_error(error: Exception, doing: str, role: str) -> ServiceError:
    """Return the error of ``shared.errors`` that an error of the SDKs amounts to.

    Args:
        error: of ``azure.core.exceptions`` or derived from one.
        doing: see ``azure_errors``.
        role: see ``azure_errors``.

    Returns:
        By the answer's status, if there was an answer; else ``Unavailable``, also where the identity gave no token:
        its endpoint has outages, and nothing in the SDK's error tells them from an identity that does not exist.
    """
    from azure.core import exceptions as azure  # noqa: PLC0415

    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 400:
        return _by_status(error, status, doing, role)
    if isinstance(error, azure.ClientAuthenticationError):
        return Unavailable(f"{doing}: {_NOT_SIGNED_IN}: {words(error)}", code="NoToken")
    if isinstance(error, azure.ResourceNotFoundError):
        return NotFound(f"{doing}: {words(error)}", code="404")
    if isinstance(error, azure.SerializationError):
        return Refused(f"{doing}: the request cannot be written down: {words(error)}", code=type(error).__name__)
    return Unavailable(f"{doing}: no usable answer ({type(error).__name__}): {words(error)}", code=code_of(error))


def _by_status(error: Exception, status: int, doing: str, role: str) -> ServiceError:
    code = code_of(error)
    told = f"{doing}: {words(error)} (HTTP {status}, {code})"
    if status == 404:
        return NotFound(told, code=code)
    if status in {401, 403}:
        return NotPermitted(f"{_missing_right(error, told, doing, role)} ({_SPREADING})", code=code)
    if status == 429:
        return RateLimited(told, code=code, retry_after=retry_after(headers_of(error)))
    if status in {408, 409} or status >= 500:  # 409: ARM is busy with another operation on the same resource
        return Unavailable(told, code=code, retry_after=retry_after(headers_of(error)))
    return Refused(told, code=code)


def _missing_right(error: Exception, told: str, doing: str, role: str) -> str:
    linked = _LINKED.search(said(error))
    if linked is None:
        return f"{told}; give the app's identity the role {role!r} there"
    action, scope = redacted(linked["action"]), redacted(linked["scope"])
    return (
        f"{doing}: the app's identity may do that there, but lacks {action!r} on {scope.rpartition('/')[2]}: "
        f"give it the role {role!r} on {scope}"
    )


def code_of(error: Exception) -> str:
    """Return the service's own word for an error, or its HTTP status, or the error's class."""
    told = getattr(getattr(error, "error", None), "code", None) or getattr(error, "error_code", None)
    told = told or getattr(error, "status_code", None) or type(error).__name__
    return redacted(str(getattr(told, "value", told)))


def words(error: Exception) -> str:
    """Return why, in the service's words or else in the SDK's, fit to be shown."""
    of_sdk = getattr(error, "message", "") or str(error)
    return quoted(error) or redacted(_PREFIX.sub("", of_sdk)) or "no reason given"


def quoted(error: Exception) -> str:
    """Return what the service said, with the details below it, fit to be shown; empty if it said nothing."""
    return redacted(_PREFIX.sub("", _told(error)))


def said(error: Exception) -> str:
    """Return all that the service said, as long as it is, to be judged and never shown."""
    return _told(error) or str(error)


def _told(error: Exception) -> str:
    told = getattr(error, "error", None)
    parts = [getattr(told, "message", None), *(detail.message for detail in getattr(told, "details", None) or ())]
    return " ".join(str(part) for part in parts if part)


def headers_of(error: Exception) -> Mapping[str, str]:
    """Return the headers of the answer that is behind an error; empty if there was none."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    return dict(headers) if headers else {}
