"""What registries hold, as housekeeping lists and deletes it, in memory; and what it remembers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from shared.domain.housekeeping.manifests import Links, Manifest, TagAt
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import Round
from shared.domain.housekeeping.task_runs import NamedRun
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import Released
from shared.errors import Conflict
from shared.housekeeping_ports import Locked, StoredLinks, StoredRound
from shared.rules.house_looks import HouseLooks, Settled
from shared.rules.house_needs import HouseNeeds
from shared.rules.house_travelling import RecordedTravel
from tests.doubles.companions import InMemoryCompanions, InMemoryUniqueNames
from tests.doubles.scripted import Scripted
from tests.doubles.storage import Hook, OneAtATime, SettableClock
from tests.doubles.world import BASE, World

T = TypeVar("T")

INDEX = "application/vnd.oci.image.index.v1+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
NOTHING = Digest("")


class InMemoryHouse(Scripted):
    """The port ``HouseRegistry``: it deletes what refers to a manifest with it, as Azure's registries do.

    Args:
        clock: tells when something is written.
        before_call: see ``Scripted``.

    Attributes:
        asked: how many requests were made of each kind, pages apart.
        page: how many there are on a page.
        locked: repositories that are locked.
        refuses: digests whose deletion is refused, though they are listed as any other.
        in_order: whether what was written last is listed first when that is asked for.
        while_listing: is called before each page, with its number from 1.
    """

    def __init__(self, clock: SettableClock, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._clock = clock
        self.asked: Counter[str] = Counter()
        self.page = 100
        self.locked: set[str] = set()
        self.refuses: set[Digest] = set()
        self.in_order = True
        self.while_listing: Callable[[int], None] | None = None
        self._held: defaultdict[str, dict[Digest, Manifest]] = defaultdict(dict)
        self._said: defaultdict[str, dict[Digest, Links]] = defaultdict(dict)
        self._tags: defaultdict[str, dict[Tag, TagAt]] = defaultdict(dict)

    def push(
        self,
        repository: str,
        digest: Digest,
        *tags: str,
        days: float = 0,
        children: Iterable[Digest] = (),
        subject: Digest = NOTHING,
        locked: bool = False,
    ) -> Digest:
        """Write a manifest with its tags, so many days ago."""
        at, links = self._clock() - timedelta(days=days), Links(tuple(children), subject)
        media_type = INDEX if links.children else OCI
        self._held[repository][digest] = Manifest(digest=digest, media_type=media_type, updated=at, locked=locked)
        self._said[repository][digest] = links
        for tag in tags:
            self.tag_at(repository, digest, tag, at)
        return digest

    def tag_at(self, repository: str, digest: Digest, tag: str, at: datetime | None = None) -> None:
        """Point a tag at a manifest."""
        self._tags[repository][Tag(tag)] = TagAt(name=Tag(tag), digest=digest, updated=at or self._clock())
        if at is None:
            self._write(repository, digest, updated=self._clock())

    def lock(self, repository: str, digest: Digest) -> None:
        """Lock a manifest, which is written by that."""
        self._write(repository, digest, locked=True, updated=self._clock())

    def held(self, repository: str) -> frozenset[Digest]:
        """Return what a repository holds."""
        return frozenset(self._held[repository])

    def names(self, repository: str) -> frozenset[Tag]:
        """Return the tags of a repository."""
        return frozenset(self._tags[repository])

    def is_whole(self, repository: str) -> bool:
        """Whether every index that is there has all that it names, and every tag its manifest."""
        held = self._held[repository]
        children = (child for digest in held for child in self._said[repository][digest].children)
        return all(one in held for one in (*children, *(tag.digest for tag in self._tags[repository].values())))

    def _write(self, repository: str, digest: Digest, **fields: object) -> None:
        self._held[repository][digest] = msgspec.structs.replace(self._held[repository][digest], **fields)

    # The port.

    def manifests(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See the port."""
        found = sorted(self._held[repository].values(), key=lambda one: one.digest)
        return self._pages("manifests", [self._listed(repository, one) for one in found])

    def newest(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See the port."""
        found = [self._listed(repository, one) for one in self._held[repository].values()]
        found.sort(key=lambda one: one.updated or self._clock(), reverse=self.in_order)
        return self._pages("newest", found)

    def tags(self, repository: str) -> Iterator[tuple[TagAt, ...]]:
        """See the port."""
        return self._pages("tags", list(self._tags[repository].values()))

    def is_locked(self, repository: str) -> bool:
        """See the port."""
        self._count("is_locked")
        return repository in self.locked

    def links(self, repository: str, digest: Digest) -> Links | None:
        """See the port."""
        self._count("links")
        return self._said[repository][digest] if digest in self._held[repository] else None

    def manifest(self, repository: str, digest: Digest) -> Manifest | None:
        """See the port."""
        self._count("manifest")
        found = self._held[repository].get(digest)
        return self._listed(repository, found) if found else None

    def tag(self, repository: str, tag: Tag) -> TagAt | None:
        """See the port."""
        self._count("tag")
        return self._tags[repository].get(tag)

    def delete_manifest(self, repository: str, digest: Digest) -> Locked | None:
        """See the port."""
        self.asked["delete_manifest"] += 1
        with self._changing("delete_manifest"):
            found = self._held[repository].get(digest)
            if found is not None and (found.locked or digest in self.refuses):
                return Locked("REGISTRY_DISALLOWED_OPERATION")
            self._drop(repository, digest)
        return None

    def delete_tag(self, repository: str, tag: Tag) -> Locked | None:
        """See the port."""
        self.asked["delete_tag"] += 1
        with self._changing("delete_tag"):
            found = self._tags[repository].get(tag)
            if found is not None and found.locked:
                return Locked("REGISTRY_DISALLOWED_OPERATION")
            self._tags[repository].pop(tag, None)
        return None

    def _drop(self, repository: str, digest: Digest) -> None:
        self._held[repository].pop(digest, None)
        self._tags[repository] = {name: tag for name, tag in self._tags[repository].items() if tag.digest != digest}
        for one in [one for one in self._held[repository] if self._said[repository][one].subject == digest]:
            self._drop(repository, one)

    def _listed(self, repository: str, one: Manifest) -> Manifest:
        tags = (tag.name for tag in self._tags[repository].values() if tag.digest == one.digest)
        return msgspec.structs.replace(one, tags=tuple(sorted(tags)))

    def _pages(self, kind: str, found: list[T]) -> Iterator[tuple[T, ...]]:
        for number, begin in enumerate(range(0, len(found), self.page), 1):
            if self.while_listing is not None:
                self.while_listing(number)
            self._count(kind)
            yield tuple(found[begin : begin + self.page])

    def _count(self, kind: str) -> None:
        self.asked[kind] += 1
        self._raise_scripted(kind)


def _locks_nothing(repository: str, digest: Digest, name: Tag | None) -> Released:
    raise AssertionError(f"nothing of {repository} is locked by us, and {name or digest} is to be opened")


class InMemoryRunNames(Scripted):
    """The port ``RunNames`` in a dictionary, ``ended``: when the run of each name ended."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.ended: dict[str, datetime | None] = {}
        self.asked: Counter[str] = Counter()

    def names(self) -> Iterator[tuple[NamedRun, ...]]:
        """See the port."""
        self.asked["names"] += 1
        self._raise_scripted("names")
        yield tuple(NamedRun(name, at) for name, at in self.ended.items())

    def name(self, name: str) -> NamedRun | None:
        """See the port."""
        self.asked["name"] += 1
        self._raise_scripted("name")
        return NamedRun(name, self.ended[name]) if name in self.ended else None

    def forget(self, name: str) -> None:
        """See the port."""
        self.asked["forget"] += 1
        with self._changing("forget"):
            self.ended.pop(name, None)


class InMemoryHouseBooks(OneAtATime):
    """``HouseBooks``, as JSON, so that no object is ever shared."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._round: bytes | None = None
        self._links: dict[tuple[Place, str], bytes] = {}
        self._versions: Counter[object] = Counter()

    def get(self) -> StoredRound | None:
        """See ``HouseBooks.get``."""
        self._raise_scripted("get")
        if self._round is None:
            return None
        return StoredRound(msgspec.json.Decoder(Round).decode(self._round), str(self._versions["round"]))

    def put(self, stored: StoredRound | None, known: Round) -> StoredRound:
        """See ``HouseBooks.put``."""
        with self._change("put"):
            if (stored.etag if stored else "0") != str(self._versions["round"]):
                raise Conflict("the round was changed by another worker")
            self._round = msgspec.json.encode(known)
            self._versions["round"] += 1
            return StoredRound(known, str(self._versions["round"]))

    def links(self, place: Place, repository: str) -> StoredLinks:
        """See ``HouseBooks.links``."""
        self._raise_scripted("links")
        key = (place, repository)
        found = self._links.get(key, b"{}")
        return StoredLinks(msgspec.json.Decoder(dict[Digest, Links]).decode(found), str(self._versions[key]))

    def keep_links(self, place: Place, repository: str, stored: StoredLinks, links: Mapping[Digest, Links]) -> None:
        """See ``HouseBooks.keep_links``."""
        key = (place, repository)
        with self._change("keep_links"):
            if stored.etag != str(self._versions[key]):
                raise Conflict(f"what is known of {repository} was changed by another worker")
            self._links[key] = msgspec.json.encode(links)
            self._versions[key] += 1


class Houses:
    """What both registries hold, and all that housekeeping needs beside the records.

    Args:
        clock: tells the time.
        before_call: see ``Scripted``.
        places: where something is deleted.
    """

    def __init__(
        self, clock: SettableClock, before_call: Hook | None = None, places: frozenset[Place] = frozenset(Place)
    ) -> None:
        self.clock = clock
        self.staging = InMemoryHouse(clock, before_call)
        self.base = InMemoryHouse(clock, before_call)
        self.runs = InMemoryRunNames(before_call)
        self.books = InMemoryHouseBooks(before_call)
        self.companions = InMemoryCompanions(before_call)
        self.names = InMemoryUniqueNames(before_call)
        self.travel = RecordedTravel(self.companions, self.names, BASE, clock, _locks_nothing)
        self.places = places
        self.remembers = True
        self.named: tuple[Digest, ...] = ()

    def looks(self, world: World) -> HouseLooks:
        """Return what a process looks with that has just started."""
        records = (world.targets, world.candidates, world.rebuilds, world.scans, world.tools)
        needs = HouseNeeds(*records, world.watch_lists.in_force, BASE, lambda: self.remembers, self.travel, self.named)
        registries = {Place.STAGING: self.staging, Place.BASE: self.base}
        settled = Settled(places=self.places, stays=timedelta(days=30), uniques_kept=2)
        return HouseLooks(registries, {"tidegatestaging": self.runs}, self.books, needs, settled, self.clock)
