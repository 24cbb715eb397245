"""The document of what people decided as text, and its schema: what another program, or another year, reads. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.domain.decisions.records import Decisions

MEDIA_TYPE = "application/json"
NAME = "tidegate-decisions.json"


def written(decisions: Decisions) -> bytes:
    """Return a document as text: for people who compare two of them, a line for each value, the same each time."""
    return msgspec.json.format(msgspec.json.encode(decisions), indent=2) + b"\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    said = msgspec.json.schema(Decisions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What people decided", **said}
