"""What happened, as a table of times: from the product's own records, for people to read after the scenes."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def timeline(candidates: list[dict[str, Any]]) -> list[str]:
    """Return a line for every change of every candidate, oldest first.

    Args:
        candidates: as the HTTP API shows them, with their histories.

    Returns:
        Lines of seconds since the first change, image and short digest, status and reason.
    """
    changes = [
        (datetime.fromisoformat(change["at"]), f"{_tags(one['targets'])} {one['digest'][7:15]}", change)
        for one in candidates
        for change in one["history"]
    ]
    changes.sort(key=lambda change: change[:2])
    begin = changes[0][0] if changes else None
    return [_line((at - begin).total_seconds() if begin else 0, image, change) for at, image, change in changes]


def _tags(targets: list[dict[str, str]]) -> str:
    return f"{targets[0]['repository']}:{','.join(target['tag'] for target in targets)}"


def _line(seconds: float, image: str, change: dict[str, Any]) -> str:
    return f"{seconds:7.1f} s  {image:<42} {change['status']:<11} {change['reason']}"
