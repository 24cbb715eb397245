"""Why an import failed: ARM says so in the text of an error, and the text decides before the status does.

Texts seen in the wild: https://learn.microsoft.com/azure/container-registry/container-registry-import-images and
https://github.com/Azure/acr/issues, such as ``An error occurred when getting manifest. StatusCode: 429, Reason: Too
Many Requests, Details: {"errors":[{"code":"TOOMANYREQUESTS",…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.azure.errors import IMPORTER, azure_error, code_of, headers_of, quoted, sdk_errors
from shared.adapters.retry_after import retry_after
from shared.errors import NotFound, OperationFailed, RateLimited, Refused, ServiceError, Unavailable

_INNER_STATUS = re.compile(r"StatusCode:\s*(?P<status>\d{3})", re.IGNORECASE)
# What the source registry answered, as a status and as the error codes of the OCI distribution specification.
_TOO_MANY = ({"429"}, ("toomanyrequests", "pull rate limit"))
_MISSING = ({"404"}, ("manifest_unknown", "manifest unknown", "name_unknown", "manifest not found"))
_FORBIDDEN = (
    {"401", "403"},
    ("unauthorized: authentication required", "access to the resource is denied", "insufficient_scope"),
)
_BROKEN = ({"500", "502", "503", "504"}, ("error copying blobs",))
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
        Refused: a role or an account is missing, or the request is wrong.
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
    status = getattr(error, "status_code", None)
    if status is None or status >= 500 or status in _ABOUT_THE_LOOK:
        return azure_error(error, doing, IMPORTER)
    return OperationFailed(azure_error(error, doing, IMPORTER))


def _source_error(error: Exception, doing: str) -> ServiceError | None:
    """Return what the source registry's answer, quoted in ARM's text, amounts to; ``None`` if none is quoted."""
    said = quoted(error)
    code = code_of(error)
    if _quotes(said, _TOO_MANY):
        text = f"{doing}: the source registry asks for fewer requests: {said}"
        return RateLimited(text, code=code, retry_after=retry_after(headers_of(error)))
    if _quotes(said, _MISSING):
        return NotFound(f"{doing}: the source registry does not hold it (any more): {said}", code=code)
    if _quotes(said, _FORBIDDEN):
        return Refused(f"{doing}: the source registry does not permit it, check the account used: {said}", code=code)
    if _quotes(said, _BROKEN):
        return Unavailable(f"{doing}: the copy broke off: {said}", code=code)
    return None


def _quotes(said: str, signs: tuple[set[str], tuple[str, ...]]) -> bool:
    statuses, phrases = signs
    inner = _INNER_STATUS.search(said)
    if inner:
        return inner["status"] in statuses
    return any(phrase in said.lower() for phrase in phrases)
