"""References to images as scanners write them, which may be of files and folders as well."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"@((?:sha256:[0-9a-f]{64})|(?:sha512:[0-9a-f]{128}))\Z")
_TAG = re.compile(r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")


def digest_of(reference: str) -> str:
    """Return the digest that a reference ends with; empty if it has none."""
    found = _DIGEST.search(reference)
    return found[1] if found else ""


def repository_of(reference: str) -> str:
    """Return the repository of a reference, with its registry, without tag and digest."""
    return _TAG.sub("", _DIGEST.sub("", reference))
