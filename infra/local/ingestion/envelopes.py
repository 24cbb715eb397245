"""From the bytes of a request to telemetry envelopes.

The exporters send JSON, an array or one envelope a line, as a rule compressed with gzip:
https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

Envelope = dict[str, Any]


class UnreadableError(ValueError):
    """The body is not what an exporter sends; the message says why."""


def read_envelopes(body: bytes, encoding: str = "") -> list[Envelope]:
    """Read the envelopes of one request.

    Arguments:
        body: as it came.
        encoding: the request's ``Content-Encoding``.

    Raises:
        UnreadableError: not gzip though it says so, not JSON, or an envelope without a name or data.
    """
    try:
        text = (gzip.decompress(body) if encoding == "gzip" else body).decode()
        envelopes = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UnreadableError(f"the body cannot be read: {error}") from error
    for envelope in envelopes:
        if not (isinstance(envelope, dict) and envelope.get("name") and "baseType" in envelope.get("data", {})):
            raise UnreadableError(f"not an envelope: {json.dumps(envelope)[:200]}")
    return list(envelopes)
