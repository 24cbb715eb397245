"""Recordings as files: each a sequence of requests with the answers that Azure gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent / "facts"
# Beside the project where it is developed, and not part of it.
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "samples" / "azure-recorded"


@dataclass(frozen=True)
class Interaction:
    """One request and its answer; header names are in lower case."""

    method: str
    host: str
    path: str
    sent: Any
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Recording:
    """A sequence of interactions that belong together; texts without requests have none."""

    name: str
    interactions: tuple[Interaction, ...]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every recording of a folder."""
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        yield Recording(path.stem, tuple(map(_interaction, content.get("interactions") or ())))


def _interaction(entry: dict[str, Any]) -> Interaction:
    request, answer = entry["request"], entry["response"]
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Interaction(
        request["method"],
        request["host"],
        request["path"],
        request["body"],
        answer["status"],
        headers,
        answer["body"],
    )
