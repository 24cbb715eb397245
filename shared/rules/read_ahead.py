"""What is known of the repositories of a check: read many at a time, and each once more if that was a while ago."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.references import Repository
from shared.ports import Clock, Known, Observations

# What others write meanwhile is guarded by its ETag; what they have seen meanwhile is seen again by the next check.
FRESH_FOR = timedelta(minutes=1)


class ReadAhead:
    """Knows what is known of repositories, for one check.

    Args:
        observations: what is known.
        clock: tells the time.
        repositories: all that the check asks for.
    """

    def __init__(self, observations: Observations, clock: Clock, repositories: Iterable[Repository]) -> None:
        self._observations = observations
        self._clock = clock
        self._left = set(repositories)
        self._read: dict[Repository, Known] = {}
        self._read_at: datetime | None = None

    def of(self, repository: Repository) -> Known:
        """Return what is known of a repository. What was read ahead is given once: who asks again has it read anew.

        Raises:
            ServiceError: it cannot be read.
        """
        if self._read_at is None or self._clock() - self._read_at > FRESH_FOR:
            self._read.clear()
        known = self._read.pop(repository, None)
        if known is None:
            known = self._ahead(repository) if repository in self._left else self._observations.of(repository)
        self._left.discard(repository)
        return known

    def _ahead(self, repository: Repository) -> Known:
        others = self._left - {repository}
        if not others:
            return self._observations.of(repository)
        self._read_at = self._clock()
        self._read = dict(self._observations.together(repository, others))
        return self._read.pop(repository)
