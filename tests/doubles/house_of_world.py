"""Housekeeping of a world's base registry: what it really holds, with the locks that it really bears."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from shared.domain.housekeeping.manifests import Links, Manifest, TagAt
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import Round, Tally
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import CHANGES
from shared.flows.keep_house import HouseKeeper
from shared.flows.list_house import HouseLister, SiteListed
from shared.housekeeping_ports import Locked
from shared.rules.house_looks import HouseLooks, Settled
from shared.rules.house_needs import HouseNeeds
from shared.rules.house_travelling import RecordedTravel
from tests.doubles.house import INDEX, OCI, InMemoryHouseBooks
from tests.doubles.referrers import content_of, subject_of
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.scripted import Scripted
from tests.doubles.storage import SettableClock
from tests.doubles.world import BASE, TARGET, World


class HeldByRegistry(Scripted):
    """The port ``HouseRegistry`` over a registry in memory: what is locked or opened is written by that.

    Args:
        registry: the registry.
        clock: tells the time.
        before_call: see ``Scripted``.

    Attributes:
        asked: how many requests were made of each kind.
    """

    def __init__(self, registry: InMemoryRegistry, clock: SettableClock, before_call: Callable[[str], None]) -> None:
        super().__init__(before_call)
        self.asked: Counter[str] = Counter()
        self._registry = registry
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[object, datetime]] = {}

    def manifests(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See the port."""
        self._count("manifests")
        yield tuple(self._manifest(repository, one) for one in self._held(repository))

    def newest(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See the port."""
        self._count("newest")
        found = [self._manifest(repository, one) for one in self._held(repository)]
        yield tuple(sorted(found, key=lambda one: one.updated or self._clock(), reverse=True))

    def tags(self, repository: str) -> Iterator[tuple[TagAt, ...]]:
        """See the port."""
        self._count("tags")
        yield tuple(self._tag(repository, tag) for where, tag in sorted(self._registry.tags) if where == repository)

    def is_locked(self, repository: str) -> bool:
        """See the port."""
        self._count("is_locked")
        return self._closed(repository, "")

    def links(self, repository: str, digest: Digest) -> Links | None:
        """See the port."""
        self._count("links")
        if digest not in self._held(repository):
            return None
        parts = json.loads(content_of(digest)).get("manifests", ())
        return Links(tuple(Digest(one["digest"]) for one in parts), Digest(subject_of(digest)))

    def manifest(self, repository: str, digest: Digest) -> Manifest | None:
        """See the port."""
        self._count("manifest")
        return self._manifest(repository, digest) if digest in self._held(repository) else None

    def tag(self, repository: str, tag: Tag) -> TagAt | None:
        """See the port."""
        self._count("tag")
        return self._tag(repository, tag) if (repository, tag) in self._registry.tags else None

    def delete_manifest(self, repository: str, digest: Digest) -> Locked | None:
        """See the port."""
        self.asked["delete_manifest"] += 1
        with self._changing("delete_manifest"):
            if any(self._closed(repository, of) for of in ("", digest, *self._tags_of(repository, digest))):
                return Locked("REGISTRY_DISALLOWED_OPERATION")
            self._registry.purge(repository, digest)
        return None

    def delete_tag(self, repository: str, tag: Tag) -> Locked | None:
        """See the port."""
        self.asked["delete_tag"] += 1
        with self._changing("delete_tag"):
            if self._closed(repository, "") or self._closed(repository, tag):
                return Locked("REGISTRY_DISALLOWED_OPERATION")
            self._registry.untag(repository, tag)
        return None

    def _held(self, repository: str) -> list[Digest]:
        return sorted(one for where, one in self._registry._manifests if where == repository)

    def _tags_of(self, repository: str, digest: Digest) -> tuple[Tag, ...]:
        return tuple(tag for (where, tag), at in self._registry.tags.items() if (where, at) == (repository, digest))

    def _closed(self, repository: str, of: str) -> bool:
        return not CHANGES.isdisjoint(self._registry.locks.get((repository, of), ()))

    def _manifest(self, repository: str, digest: Digest) -> Manifest:
        tags = self._tags_of(repository, digest)
        locked = self._closed(repository, digest)
        media_type = INDEX if "manifests" in json.loads(content_of(digest)) else OCI
        updated = self._written(repository, digest, (locked, tags))
        return Manifest(digest=digest, media_type=media_type, updated=updated, locked=locked, tags=tags)

    def _tag(self, repository: str, tag: Tag) -> TagAt:
        digest, locked = self._registry.tags[repository, tag], self._closed(repository, tag)
        return TagAt(name=tag, digest=digest, updated=self._written(repository, tag, (digest, locked)), locked=locked)

    def _written(self, repository: str, of: str, state: object) -> datetime:
        """What is not as it was when it was last seen was written since."""
        known = self._seen.get((repository, of))
        if known is None or known[0] != state:
            known = self._seen[repository, of] = (state, self._clock())
        return known[1]

    def _count(self, kind: str) -> None:
        self.asked[kind] += 1
        self._raise_scripted(kind)


class KeptWorld:
    """A world whose base registry is kept: of each tag the latest name stays.

    Args:
        world: the world.
        places: where something is deleted.
    """

    def __init__(self, world: World, places: frozenset[Place] = frozenset({Place.BASE})) -> None:
        self.world = world
        self.registry = HeldByRegistry(world.base, world.clock, world._moment("house"))
        self.books = InMemoryHouseBooks(world._moment("books"))
        self.told: list[Tally] = []
        self._places = places

    def sweep(self) -> None:
        """Sweep as a process does that has just started."""
        HouseKeeper(self._looks, self.books, self.world.activity, self.told.append).sweep()

    def round(self) -> Round:
        """Sweep until a round is over."""
        for _ in range(20):
            self.sweep()
            stored = self.books.get()
            assert stored is not None
            if stored.round.ended_at is not None:
                return stored.round
            self.world.clock.advance(timedelta(minutes=5))
        raise AssertionError("the round does not end")

    def listed(self) -> SiteListed:
        """List what would go from the one repository."""
        lister = HouseLister(self._looks, self.books)
        (site,) = lister.list(place=Place.BASE, name=TARGET).sites
        return site

    @property
    def _looks(self) -> HouseLooks:
        world = self.world
        release = world.travelling.release
        travel = RecordedTravel(world.companions, world.unique_names, BASE, world.clock, release)
        records = (world.targets, world.candidates, world.rebuilds, world.scans, world.tools)
        needs = HouseNeeds(*records, world.watch_lists.in_force, BASE, lambda: True, travel)
        settled = Settled(places=self._places, stays=timedelta(days=30), uniques_kept=1)
        return HouseLooks({Place.BASE: self.registry}, {}, self.books, needs, settled, world.clock)
