"""Which unique tag a digest gets: the next number of the tag and the day, given once and written down first."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.references import Tag
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.watching.unique_tags import unique_tag
from shared.errors import ServiceError
from shared.ports import Clock, Registry
from shared.travel_ports import NamedDigest, UniqueNames

# So many a tag gets in a day at most; whoever took so many names did it to be in the way.
_MOST_NUMBERS = 200


class Namer:
    """Gives digests their unique tags.

    Args:
        names: which names are given, and to whom.
        base: the base registry, in which others may have used a name.
        clock: tells the time.
        moves: says of a tag of a repository whether it is one that moves from digest to digest: an entry may write what
            looks like a name, whether it is there yet or not.
    """

    def __init__(self, names: UniqueNames, base: Registry, clock: Clock, moves: Callable[[str, Tag], bool]) -> None:
        self._names = names
        self._base = base
        self._clock = clock
        self._moves = moves

    def name(self, companions: Companions, want: Want) -> Unique:
        """Give a digest its name for a tag; whoever died after it was given gets the same one.

        Raises:
            InvalidReference: no name can be made of the tag.
            ServiceError: the registry or the storage account did not answer, or there are too many names.
        """
        number, now = 0, self._clock()
        while number < _MOST_NUMBERS:
            number += 1
            name = unique_tag(want.asked.unique_tag, want.tag, want.at, number)
            if self._is_taken(companions, name):
                continue
            asked = NamedDigest(
                registry=companions.registry,
                repository=companions.repository,
                name=name,
                digest=companions.digest,
                tag=want.tag,
                number=want.number,
                at=now,
            )
            given = self._names.claim(asked)
            if (given.digest, given.tag) == (companions.digest, want.tag):
                return Unique(name, want.tag, want.number, given.at)
        raise ServiceError(
            f"{companions.repository}:{want.tag} has had {_MOST_NUMBERS} unique tags of {want.at:%Y-%m-%d} already, or "
            "others use their names, so that it gets no other one: delete what is not needed of them"
        )

    def _is_taken(self, companions: Companions, name: Tag) -> bool:
        borne = self._base.digest(companions.repository, name)
        return borne not in {None, companions.digest} or self._moves(companions.repository, name)
