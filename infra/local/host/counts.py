"""What the host did, counted by subject and kind; benchmarks read it at ``GET /admin/local/counts``."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Literal, get_args

# As the answer names them: calls by function, instances by scale group, storage requests by kind.
Subject = Literal[
    "executions",
    "failed",
    "aborted",
    "starts",
    "drained",
    "lost",
    "platform_polls",
    "lease_calls",
    "timer_status_calls",
]


class Counts:
    """Counters that many threads write to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by: defaultdict[Subject, Counter[str]] = defaultdict(Counter)
        self._most: Counter[str] = Counter()

    def add(self, subject: Subject, kind: str, number: int = 1) -> None:
        """Count ``number`` more of a kind."""
        with self._lock:
            self._by[subject][kind] += number

    def at_once(self, group: str, number: int) -> None:
        """Note how many instances a group has at this moment; the most are kept."""
        with self._lock:
            self._most[group] = max(self._most[group], number)

    def shown(self) -> dict[str, dict[str, int]]:
        """Return every subject with its kinds, those that were never counted as empty."""
        with self._lock:
            subjects = {subject: dict(self._by[subject]) for subject in get_args(Subject)}
            return {**subjects, "most_at_once": dict(self._most)}
