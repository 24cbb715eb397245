"""How many requests of each kind every front has served, so that tests and benchmarks can assert counts."""

from __future__ import annotations

import threading
from collections import Counter


class Counts:
    """Thread-safe counters by front and kind of request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fronts: dict[str, Counter[str]] = {}

    def add(self, front: str, kind: str) -> None:
        """Count one request."""
        with self._lock:
            self._fronts.setdefault(front, Counter())[kind] += 1

    def snapshot(self) -> dict[str, dict[str, int]]:
        """Return ``{front: {kind: requests}}``; what was never asked for is absent."""
        with self._lock:
            return {front: dict(kinds) for front, kinds in self._fronts.items()}

    def reset(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._fronts.clear()
