"""What the text of a failed import says of its cause: pure, over the whole text, however long.

Resource Manager says why an import failed in words alone, and in them quotes what the source registry answered.

Import: https://learn.microsoft.com/azure/container-registry/container-registry-import-images
Error codes of registries: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
Texts seen in the wild: https://github.com/Azure/acr/issues
"""

from __future__ import annotations

import re
from enum import Enum

_INNER_STATUS = re.compile(r"StatusCode:\s*(?P<status>[45]\d{2})", re.IGNORECASE)
_ERRORS = re.compile(r"[\"']errors[\"']\s*:\s*\[(?P<errors>.*)", re.DOTALL)
_CODE = re.compile(r"[\"']code[\"']\s*:\s*[\"'](?P<code>\w+)[\"']", re.IGNORECASE)
# The number is documented, the sentence is not: any that counts manifests is taken for it.
_MANIFESTS = re.compile(
    r"\b(?:too many|number of|(?:maximum of|more than|limit of|at most|up to) \d+) manifests\b"
    r"|\b50\b[^.{]{0,40}\bmanifests\b|\bmanifests\b[^.{]{0,60}\b50\b",
    re.IGNORECASE,
)
# How an operation's failure begins, whatever HTTP status it comes with.
_OPERATION = re.compile(r"Operation registries-[\w-]+ failed", re.IGNORECASE)


class Cause(Enum):
    """Why an import failed."""

    TOO_MANY_REQUESTS = "too-many-requests"  # the source asks for fewer requests
    MISSING = "missing"  # the source does not hold it
    FORBIDDEN = "forbidden"  # the source does not let Azure read it
    TOO_MANY_MANIFESTS = "too-many-manifests"  # more than Azure imports at once
    NO_RANGES = "no-ranges"  # the source serves no parts of blobs, which Azure needs
    LOCKED = "locked"  # what it goes to is locked
    BROKE_OFF = "broke-off"  # the copy did not come to its end


_STATUSES = {
    "429": Cause.TOO_MANY_REQUESTS,
    "404": Cause.MISSING,
    "401": Cause.FORBIDDEN,
    "403": Cause.FORBIDDEN,
    **dict.fromkeys(("408", "500", "502", "503", "504"), Cause.BROKE_OFF),
}
_CODES = {
    "TOOMANYREQUESTS": Cause.TOO_MANY_REQUESTS,
    **dict.fromkeys(("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "TAG_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"), Cause.MISSING),
    **dict.fromkeys(("UNAUTHORIZED", "DENIED", "FORBIDDEN"), Cause.FORBIDDEN),
    **dict.fromkeys(("UNKNOWN", "UNAVAILABLE", "INTERNAL_ERROR"), Cause.BROKE_OFF),
}
# In this order: a registry that limits says so together with other things.
_PHRASES = (
    (Cause.TOO_MANY_REQUESTS, ("toomanyrequests", "pull rate limit")),
    (Cause.LOCKED, ("registry_disallowed_operation", "operation is disallowed on this registry, repository or image")),
    (Cause.NO_RANGES, ("rfc 7233",)),
    (
        Cause.MISSING,
        (
            "manifest_unknown",
            "manifest unknown",
            "name_unknown",
            "manifest not found",
            "unable to find manifest digest",
        ),
    ),
    (
        Cause.FORBIDDEN,
        ("unauthorized: authentication required", "access to the resource is denied", "insufficient_scope"),
    ),
    (
        Cause.BROKE_OFF,
        ("error copying blobs", "unexpected response status code", "unexpected length of body"),
    ),
)


def cause_in(text: str) -> Cause | None:
    """Find the cause that a text tells.

    Args:
        text: all that Resource Manager said.

    Returns:
        The cause: as the status the source answered with says, or else the error codes in its body, or else known
        words. ``None`` if none of these is known.
    """
    plain = text.replace("\\", "")
    return _by_status(plain) or _by_code(plain) or _by_words(plain)


def is_about_an_operation(text: str) -> bool:
    """Whether a text tells that an operation failed, and not that it may not be looked at."""
    return _OPERATION.search(text) is not None or _ERRORS.search(text.replace("\\", "")) is not None


def _by_status(text: str) -> Cause | None:
    found = _INNER_STATUS.search(text)
    return _STATUSES.get(found["status"]) if found else None


def _by_code(text: str) -> Cause | None:
    errors = _ERRORS.search(text)
    codes = (_CODES.get(found["code"].upper()) for found in _CODE.finditer(errors["errors"])) if errors else ()
    return next((cause for cause in codes if cause), None)


def _by_words(text: str) -> Cause | None:
    said = text.lower()
    for cause, phrases in _PHRASES:
        if any(phrase in said for phrase in phrases):
            return cause
    return Cause.TOO_MANY_MANIFESTS if _MANIFESTS.search(said) else None
