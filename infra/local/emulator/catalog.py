"""What the registries do not remember: when something was first and last pushed, and when a tag left a manifest."""

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
    """Times by part, repository and tag or digest.

    What was pushed before the emulator began is taken to be as old as the emulator: its memory starts there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.time()
        self._times: dict[tuple[str, str, str], Times] = {}
        self._on: dict[tuple[str, str, str], str] = {}
        self._left: dict[tuple[str, str, str], float] = {}

    def pushed(self, part: str, repository: str, *references: str) -> None:
        """Record that these tags and digests were pushed now."""
        now = time.time()
        with self._lock:
            for reference in references:
                before = self._times.get((part, repository, reference))
                self._times[part, repository, reference] = Times(before.created if before else now, now)

    def tagged(self, part: str, repository: str, tag: str, digest: str) -> None:
        """Record that a tag was pushed now, and that it left the manifest it was on, if that was another one."""
        self.pushed(part, repository, tag, digest)
        with self._lock:
            before = self._on.get((part, repository, tag), digest)
            self._on[part, repository, tag] = digest
        if before != digest:
            self.left(part, repository, before)

    def deleted(self, part: str, repository: str, reference: str) -> None:
        """Record that a tag or manifest is gone."""
        with self._lock:
            self._times.pop((part, repository, reference), None)
            self._on.pop((part, repository, reference), None)
            self._left.pop((part, repository, reference), None)

    def left(self, part: str, repository: str, digest: str) -> None:
        """Record that a tag left a manifest now."""
        with self._lock:
            self._left[part, repository, digest] = time.time()

    def times(self, part: str, repository: str, reference: str) -> Times:
        """Return when a tag or digest was pushed."""
        return self._times.get((part, repository, reference), Times(self._began, self._began))

    def since(self, part: str, repository: str, digest: str) -> float | None:
        """Return when a tag last left a manifest; ``None`` if none has since the emulator began."""
        return self._left.get((part, repository, digest))
