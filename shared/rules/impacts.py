"""Tells who would be rebuilt if tags of the base registry moved, from what is kept: nobody outside is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from shared.domain.policy.rebuilding import ACR
from shared.domain.promotion.candidate import Place
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.promotion.target import Target
from shared.domain.watching.selection import exact_tags
from shared.domain.watching.watch_list import Image, WatchList
from shared.domain.waves.builders import (
    CLAIMED,
    Builder,
    lacking_right,
    of_claim,
    of_task,
    task_id,
    together,
)
from shared.domain.waves.graph import Graph, Impact, Root
from shared.domain.waves.listed import listed_builders
from shared.ports import Records
from shared.rules.claims import Claims
from shared.rules.listings import KeptListings, Listed
from shared.rules.reading import readable
from shared.target_ports import Targets


class Foreseen(msgspec.Struct, frozen=True):
    """What would be rebuilt, and how much is known of that.

    Attributes:
        targets: the tags that would move; those that have no record are known by their places alone.
        places: all of those tags.
        impact: what would be rebuilt.
        listings: how old what is known of each registry's tasks is.
        problems: what could not be read, for people.
    """

    targets: tuple[Target, ...]
    places: tuple[Place, ...]
    impact: Impact
    listings: tuple[Listing, ...]
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing: every registry was listed, and it is known what all tasks are built on."""
        known = all(one.listed_at is not None and not one.unread and one.runs_at is not None for one in self.listings)
        return known and not self.problems


class Impacts:
    """Puts it together.

    Args:
        listings: the tasks of the application registries.
        rebuilds: where rebuilds are; they say which tasks the app may not run.
        targets: what the base registry's tags are.
        watch_list: gives the list in force.
        registry: the base registry's name.
        base: its login server, as application tasks name it.
        host: gives the login server of an application registry.
        claims: reads what images claim of their bases; ``None`` if nobody does.
        asks: says whether the settings name a dispatcher.
    """

    def __init__(
        self,
        listings: KeptListings,
        rebuilds: Records[Rebuild],
        targets: Targets,
        watch_list: Callable[[], WatchList],
        registry: str,
        base: str,
        host: Callable[[str], str],
        claims: Claims | None = None,
        asks: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._listings = listings
        self._rebuilds = rebuilds
        self._targets = targets
        self._watch_list = watch_list
        self._registry = registry
        self._base = base
        self._host = host
        self._claims = claims
        self._asks = asks

    def of_entry(self, image: Image, *, tag: str = "") -> Foreseen:
        """Return what would be rebuilt if tags of an entry moved; what is too old for that is asked for anew.

        Args:
            image: the entry.
            tag: only this one of the base registry; empty for all.

        Raises:
            WatchListError: there is no watch list to go by.
            ServiceError: the storage account did not answer.
        """
        found, problem = readable(self._targets.of_repository(self._registry, image.target))
        targets = [one.record for one in found if one.record.origin.image == image.name and one.record.let_go is None]
        named = {Place(image.target, to) for to in exact_tags(image.rules).values()}
        places = sorted({*named, *(one.place for one in targets)}, key=str)
        wanted = [one for one in places if not tag or one.tag == tag]
        return self._of(wanted, targets, [problem], renew=True)

    def of_places(self, places: Sequence[Place]) -> Foreseen:
        """Return what would be rebuilt if some tags moved, from what is kept: a transaction for each repository.

        Raises:
            WatchListError: there is no watch list to go by.
            ServiceError: the storage account did not answer.
        """
        targets: list[Target] = []
        problems: list[str] = []
        for repository in sorted({one.repository for one in places}):
            found, problem = readable(self._targets.of_repository(self._registry, repository))
            targets += [one.record for one in found]
            problems.append(problem)
        return self._of(places, targets, problems, renew=False)

    def _of(
        self, places: Sequence[Place], targets: Iterable[Target], problems: Iterable[str], *, renew: bool
    ) -> Foreseen:
        known = {one.place: one for one in targets}
        listed = self._listings.known(renew=renew)
        ended, problem = self._ended()
        claimed, unread = self._claims.of(listed.tasks) if self._claims is not None and renew else ((), "")
        builders = together(
            [
                *(of_task(one, self._host(one.registry), lacking_right(ended, one)) for one in listed.tasks),
                *listed_builders(self._watch_list(), self._base, known.values()),
                *(one for claim in claimed if (one := of_claim(claim)) is not None),
            ]
        )
        return Foreseen(
            targets=tuple(known[one] for one in places if one in known),
            places=tuple(places),
            impact=Graph(self._whom(builders, listed)).impact([self._root(one, known.get(one)) for one in places]),
            listings=listed.listings,
            problems=tuple(one for one in (*problems, problem, unread, *listed.problems) if one),
        )

    def _whom(self, builders: Iterable[Builder], listed: Listed) -> Iterator[Builder]:
        """Nobody rebuilds what the list names and nobody knows; in a registry that was never listed it may be."""
        tasks = {task_id(one.registry, one.name) for one in listed.tasks}
        unlisted = {f"{ACR}:{one.registry.lower()}/" for one in listed.listings if one.listed_at is None}
        for one in builders:
            kind = one.id.partition(":")[0]
            may_be = bool(listed.problems) or any(map(one.id.startswith, unlisted))
            known = one.id in tasks or may_be if kind == ACR else kind == CLAIMED or self._asks(kind)
            yield one if known else msgspec.structs.replace(one, not_asked=True)

    def _ended(self) -> tuple[Mapping[str, RebuildStatus], str]:
        """Return how the latest rebuild of each task stands, of those that did not end long ago."""
        found, problem = readable(self._rebuilds.current())
        latest = sorted((one.record for one in found), key=lambda one: one.since)
        return {task_id(one.registry, one.task): one.status for one in latest}, problem

    def _root(self, place: Place, target: Target | None) -> Root:
        borne = {target.seen, target.wanted, *(one.digest for one in target.former)} if target else set()
        return Root(base_name(self._base, place.repository), place.tag, frozenset(borne - {""}))
