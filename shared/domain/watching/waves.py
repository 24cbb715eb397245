"""First imports come in waves: how many new tags one check begins, and which of them first."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.references import Repository, Tag
from shared.domain.watching.versions import parse_version
from shared.errors import RateLimited, ServiceError, Unavailable


class Wave:
    """What one check may begin: so many places in the base registry that were never told of any digest.

    Args:
        most: how many.

    Attributes:
        closed: what keeps anything new from being begun; ``None`` while something is.
        problem: what kept something from being begun, last.
        held: the upstream repositories of which something was not begun since the wave was closed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: set[str] = set()
        self.closed: ServiceError | None = None
        self.problem: ServiceError | None = None
        self.held: dict[Repository, None] = {}

    def admits(self, place: str, source: Repository) -> bool:
        """Whether a new place is begun in this check; a place that was admitted before is admitted again."""
        if self.closed is not None:
            self.held[source] = None
            return False
        if place not in self._begun and len(self._begun) >= self._most:
            return False
        self._begun.add(place)
        return True

    @property
    def why(self) -> str:
        """Why some of what is new is not begun, for people."""
        if self.problem is not None:
            return f"the base registry could not be read: {self.problem}"
        return f"at most {self._most} are begun in one"

    def hold(self, place: str, problem: ServiceError, source: Repository) -> None:
        """Take note that a place could not be begun; an outage closes the wave, a missing right does not."""
        self._begun.discard(place)
        self.problem = problem
        if isinstance(problem, Unavailable | RateLimited):
            self.closed = problem
            self.held[source] = None


def in_turn(tags: Iterable[Tag], exact: Iterable[Tag]) -> tuple[Tag, ...]:
    """Put tags into the order in which they are begun.

    Args:
        tags: all of them, as the upstream lists them.
        exact: those that the watch list names, in its order.

    Returns:
        First what is named, then versions from the newest on, then the others as they were listed.
    """
    listed = dict.fromkeys(tags)
    named = [tag for tag in dict.fromkeys(exact) if tag in listed]
    rest = [tag for tag in listed if tag not in set(named)]
    versions = {tag: version for tag in rest if (version := parse_version(tag)) is not None}
    newest_first = sorted(versions, key=versions.__getitem__, reverse=True)
    return (*named, *newest_first, *(tag for tag in rest if tag not in versions))
