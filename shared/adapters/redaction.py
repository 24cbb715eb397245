"""Makes other systems' words fit to be shown: their error texts may quote addresses that carry permissions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

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


# A shorter one would blank what is no secret.
_SHORTEST = 6
_hidden: list[str] = []


def hide(secrets: Iterable[str]) -> None:
    """Blank these texts from now on wherever they stand, whatever stands around them; for all of the process.

    Args:
        secrets: as they are set; also hidden as JSON, an address or base64 would spell them.
    """
    spelt = {text for secret in secrets if len(secret) >= _SHORTEST for text in _spellings(secret)}
    # The longest first, so that no part of one is left where another begins it.
    _hidden[:] = sorted({*_hidden, *spelt}, key=len, reverse=True)


def _spellings(secret: str) -> set[str]:
    once = json.dumps(secret)[1:-1]
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, once, json.dumps(once)[1:-1], quote(secret), quote(secret, safe=""), encoded}


def redacted(text: str) -> str:
    """Return the text on one line, without anything that looks like a secret, at most 400 characters long.

    It stands in logs, which people read on terminals: what does something there, or cannot be seen, is spelt out.
    """
    for secret in _hidden:
        text = text.replace(secret, "…")
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
