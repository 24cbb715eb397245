"""What the registries do not remember: when a tag was first and last pushed, and which digests have been seen."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Epoch seconds of the first and the latest push."""

    created: float
    updated: float


class Catalog:
    """Push times by part, repository and tag or digest.

    What was pushed before the emulator began is taken to be as old as the emulator: its memory starts there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.time()
        self._times: dict[tuple[str, str, str], Times] = {}

    def pushed(self, part: str, repository: str, *references: str) -> None:
        """Record that these tags and digests were pushed now."""
        now = time.time()
        with self._lock:
            for reference in references:
                before = self._times.get((part, repository, reference))
                self._times[part, repository, reference] = Times(before.created if before else now, now)

    def deleted(self, part: str, repository: str, digest: str) -> None:
        """Record that a manifest is gone."""
        with self._lock:
            self._times.pop((part, repository, digest), None)

    def times(self, part: str, repository: str, reference: str) -> Times:
        """Return when a tag or digest was pushed."""
        return self._times.get((part, repository, reference), Times(self._began, self._began))

    def digests(self, part: str, repository: str) -> set[str]:
        """Return the digests pushed to a repository, tagged or not."""
        with self._lock:
            return {
                reference
                for known_part, known_repository, reference in self._times
                if (known_part, known_repository) == (part, repository) and ":" in reference
            }
