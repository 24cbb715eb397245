"""When each import and run began and ended, so that benchmarks can subtract the time spent inside them."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Operation:
    """One import or run; times are epoch seconds, ``finished`` and ``outcome`` are unset while it goes on."""

    kind: str
    target: str
    started: float
    finished: float | None = None
    outcome: str = ""


class Operations:
    """Every import and run since the emulator began, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Operation] = []

    def begin(self, kind: str, target: str) -> Operation:
        """Record that an operation began now, and return its record for ``end``."""
        operation = Operation(kind, target, time.time())
        with self._lock:
            self._all.append(operation)
        return operation

    def end(self, operation: Operation, outcome: str) -> None:
        """Record that it ended now."""
        with self._lock:
            operation.finished, operation.outcome = time.time(), outcome

    def snapshot(self) -> list[dict[str, Any]]:
        """Return every record as a JSON object."""
        with self._lock:
            return [asdict(operation) for operation in self._all]
