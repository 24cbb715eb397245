"""First imports come in waves: how many new tags one check begins, and which of them first, while there is room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shared.domain.references import Repository, Tag
from shared.domain.watching.versions import parse_version
from shared.errors import RateLimited, ServiceError, Unavailable

_MANY_MOVED = 8


class Place(Protocol):
    """Room for new candidates."""

    most: int

    def take(self) -> bool:
        """Take the place of one candidate, if there is room."""
        ...

    def give_back(self) -> None:
        """Take note that no candidate was made after all."""
        ...


class Wave:
    """What one check may begin: so many places in the base registry that were never told of any digest.

    Args:
        most: how many.
        room: for their candidates, among all that are under way.

    Attributes:
        crowded: whether there was no room for something.
        closed: what keeps anything new from being begun; ``None`` while something is.
        problem: what kept something from being begun, last.
        held: the upstream repositories of which something was not begun since the wave was closed.
    """

    def __init__(self, most: int, room: Place) -> None:
        self._most = most
        self._room = room
        self.crowded = False
        self._begun: set[str] = set()
        self.closed: ServiceError | None = None
        self.problem: ServiceError | None = None
        self.held: dict[Repository, None] = {}

    def admits(self, place: str, source: Repository) -> bool:
        """Whether a new place is begun in this check; a place that was admitted before is admitted again."""
        if self.closed is not None:
            self.held[source] = None
            return False
        return place in self._begun or self._begins(place)

    def adopted(self, place: str) -> None:
        """Take note that a place stood in the base registry already: it counts, and needs no candidate."""
        if place in self._begun:
            self._room.give_back()

    def _begins(self, place: str) -> bool:
        if self.crowded or len(self._begun) >= self._most:
            return False
        if not self._room.take():
            self.crowded = True
            return False
        self._begun.add(place)
        return True

    @property
    def why(self) -> str:
        """Why some of what is new is not begun, for people."""
        if self.problem is not None:
            return f"the base registry could not be read: {self.problem}"
        if self.crowded:
            return f"{self._room.most} candidates are under way, and new ones are made as those end"
        return f"at most {self._most} are begun in one"

    def hold(self, place: str, problem: ServiceError, source: Repository) -> None:
        """Take note that a place could not be begun; an outage closes the wave, a missing right does not."""
        if place in self._begun:
            self._begun.discard(place)
            self._room.give_back()
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


def share(left: int, moved: int) -> int:
    """Return how many of the repositories that are left a check does itself; the others go on in another one.

    Of many that moved each takes a part of a second. Whoever meets them has more before him, and hands on half of it.

    Args:
        left: how many are left.
        moved: how many places were told of a move since something was last handed on.
    """
    return (left + 1) // 2 if moved >= _MANY_MOVED else left
