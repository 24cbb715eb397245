"""Tell who would be rebuilt if a tag moved, in which order, whose they are, and which were failing before."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.listing import KnownTasks, known_tasks
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.watching.watch_list import WatchList
from shared.domain.waves.builders import Apart
from shared.domain.waves.graph import Edge, Hit
from shared.domain.waves.results import Baseline
from shared.errors import MalformedRequest
from shared.rules.impacts import Foreseen, Impacts

# More are not told at once; how many there are is.
MOST_TOLD = 5000
MOST_OF_A_CANDIDATE = 200
# On their way to tags that they are not decided for yet.
_ON_THEIR_WAY = frozenset(
    {Status.DETECTED, Status.IMPORTING, Status.STAGED, Status.VALIDATING, Status.PROMOTING, Status.HELD}
)


class MovingTag(msgspec.Struct, frozen=True):
    """A tag that would move.

    Attributes:
        place: the tag, such as ``base/node:22``.
        target: its id; ``None`` if it has no record yet.
        digest: what it bears; ``None`` if it is not there.
    """

    place: str
    target: str | None
    digest: Digest | None


class DependantTold(msgspec.Struct, frozen=True):
    """Who would be rebuilt, or takes the tag without being asked.

    Attributes:
        id: such as ``acr:contosoapps/shop``.
        owner: whose it is; ``None`` if nobody says so.
        level: 0 if it is built on a tag that moves, and one more than the last of those that it waits for.
        on: on what of all that moves it is built, by tag or digest, and how that is known.
        after: who is rebuilt before it.
        apart: why it is in no wave; ``None`` if it can be in one.
        before: how it stood: whether its last run that decided anything had passed.
        run: that run; ``None`` if none is known.
    """

    id: str
    owner: str | None
    level: int
    on: tuple[Edge, ...]
    after: tuple[str, ...]
    apart: Apart | None
    before: Baseline
    run: str | None


class ImpactTold(msgspec.Struct, frozen=True, kw_only=True):
    """What would be rebuilt.

    Attributes:
        tags: the tags that would move.
        rebuilt: how many would be rebuilt in waves.
        apart: how many take the tag without that, or not at all.
        failing: how many of both were failing before.
        owners: whose they are.
        dependants: they, in the order in which they would be rebuilt.
        left_out: how many more there are than are told.
        cycles: who is built on what they push, by way of each other; each is rebuilt once.
        registries: how much is known of each application registry.
        whole: whether nothing is missing; if not, the next who asks in some seconds may be told more.
        problems: what could not be read.
    """

    tags: tuple[MovingTag, ...]
    rebuilt: int
    apart: int
    failing: int
    owners: tuple[str, ...]
    dependants: tuple[DependantTold, ...]
    left_out: int
    cycles: tuple[tuple[str, ...], ...]
    registries: tuple[KnownTasks, ...]
    whole: bool
    problems: tuple[str, ...]


class ImpactTeller:
    """Tells it.

    Args:
        impacts: put it together.
    """

    def __init__(self, impacts: Impacts) -> None:
        self._impacts = impacts

    def of_entry(self, watch_list: WatchList, name: str, tag: str = "") -> ImpactTold:
        """Tell of the tags of an entry.

        Args:
            watch_list: in force.
            name: the entry's.
            tag: only this one of the base registry; empty for all.

        Raises:
            MalformedRequest: 404, there is no such entry, it is a tool, or it has no such tag.
            ServiceError: the storage account did not answer.
        """
        image = watch_list.named(name)
        if image is None or image.is_tool:
            raise MalformedRequest(f"the watch list has no entry named {name!r} that is promoted", status=404)
        found = self._impacts.of_entry(image, tag=tag)
        if tag and not found.places:
            raise MalformedRequest(f"{name} has no tag {tag!r} in the base registry that is known", status=404)
        return _told(found, MOST_TOLD)

    def of_candidate(self, candidate: Candidate) -> ImpactTold | None:
        """Tell what comes of a candidate if it is promoted; ``None`` if that is decided, or nothing can come of it.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if candidate.tool or candidate.status not in _ON_THEIR_WAY:
            return None
        return _told(self._impacts.of_places(candidate.places), MOST_OF_A_CANDIDATE)


def _told(found: Foreseen, most: int) -> ImpactTold:
    hits = found.impact.hits
    rebuilt = len(found.impact.rebuilt)
    return ImpactTold(
        tags=tuple(_tags(found)),
        rebuilt=rebuilt,
        apart=len(hits) - rebuilt,
        failing=len(found.impact.failing),
        owners=tuple(sorted({one.builder.owner for one in hits if one.builder.owner})),
        dependants=tuple(map(_dependant, hits[:most])),
        left_out=max(len(hits) - most, 0),
        cycles=found.impact.cycles,
        registries=tuple(map(known_tasks, found.listings)),
        whole=found.is_whole,
        problems=found.problems,
    )


def _tags(found: Foreseen) -> Iterator[MovingTag]:
    known = {one.place: one for one in found.targets}
    for place in found.places:
        target = known.get(place)
        yield MovingTag(str(place), target.id if target else None, (target.seen or None) if target else None)


def _dependant(hit: Hit) -> DependantTold:
    one = hit.builder
    return DependantTold(
        one.id, one.owner or None, hit.level, hit.on, hit.after, hit.apart, one.before, one.run or None
    )
