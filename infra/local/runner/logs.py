"""The run log, in the words and format of ACR's builder (https://github.com/Azure/acr-builder)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from infra.local.runner.model import RunResult


class RunLog:
    """Writes one line at a time, whichever step's thread it comes from."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()

    def raw(self, line: str) -> None:
        """Write a line as it is: what containers and builds print."""
        with self._lock:
            self._write(line)

    def say(self, text: str) -> None:
        """Write a line of the builder's own, with its timestamp in UTC."""
        self.raw(f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S} {text}")


def go_duration(seconds: float) -> str:
    """Return whole seconds as Go prints a duration: ``18s``, ``1m5s``, ``1h0m5s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def last_line(run_id: str, result: RunResult, seconds: float) -> str:
    """Return the line that closes a run's log; for Canceled and Timeout no original is known, so the words are ours."""
    duration = go_duration(seconds)
    match result.status:
        case "Succeeded":
            return f"Run ID: {run_id} was successful after {duration}"
        case "Canceled":
            return f"Run ID: {run_id} was canceled after {duration}"
        case "Timeout":
            return f"Run ID: {run_id} timed out after {duration}. Error: {result.error}"
        case _:
            return f"Run ID: {run_id} failed after {duration}. Error: {result.error}"
