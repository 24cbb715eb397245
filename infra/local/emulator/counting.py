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

    def refused(self, front: str, kind: str, *, early: bool) -> None:
        """Count a request that has been counted already as one that was refused, and as nothing else.

        Args:
            front: where.
            kind: as what it has been counted.
            early: whether its caller had been told to wait until later.
        """
        with self._lock:
            kinds = self._fronts.setdefault(front, Counter())
            kinds[kind] -= 1
            kinds[f"{'refused early' if early else 'refused'}: {kind}"] += 1

    def snapshot(self) -> dict[str, dict[str, int]]:
        """Return ``{front: {kind: requests}}``; what was never asked for is absent."""
        with self._lock:
            return {front: dict(+kinds) for front, kinds in self._fronts.items()}

    def reset(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._fronts.clear()
