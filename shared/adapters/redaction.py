"""Makes other systems' words fit to be shown: their error texts may quote addresses that carry permissions."""

from __future__ import annotations

import re

_LONGEST = 400
_SECRETS = (
    (re.compile(r"\?[^\s'\"<>)]+"), "?…"),  # the query of a shared access signature
    (re.compile(r"//[^/\s@]+@"), "//…@"),  # user and password before a host
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), "…"),  # a JSON web token
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
    (
        re.compile(r"(?i)\b(sig|signature|password|\w*token|\w*secret|\w*key)\b([\"']?\s*[=:]\s*[\"']?)[^\s&,;\"']+"),
        r"\1\2…",
    ),
)


def redacted(text: str) -> str:
    """Return the text on one line, without anything that looks like a secret, at most 400 characters long."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
