"""Which manifests of a repository refer to which: read once of each, for what a manifest says never changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from infra.local.emulator.manifests import Manifest


class Subjects:
    """What is known of one registry's subjects.

    Args:
        find: returns a manifest of a repository by its digest, or ``None`` if it is not there, or not there yet.
    """

    def __init__(self, find: Callable[[str, str], Manifest | None]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._seen: dict[str, set[str]] = {}
        self._referring: dict[tuple[str, str], list[str]] = {}

    def look(self, repository: str, digests: Iterable[str]) -> None:
        """Read those manifests that were never read; one that is not there yet is looked for again the next time."""
        with self._lock:
            seen = self._seen.setdefault(repository, set())
            for digest in digests:
                if digest not in seen and (found := self._find(repository, digest)):
                    seen.add(digest)
                    if found.subject:
                        self._referring.setdefault((repository, found.subject), []).append(digest)

    def referring(self, repository: str, subject: str) -> list[Manifest]:
        """Return those of the manifests that were read which refer to one and are there, by their digests."""
        with self._lock:
            known = sorted(self._referring.get((repository, subject), ()))
        return [found for digest in known if (found := self._find(repository, digest))]
