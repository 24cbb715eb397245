"""Which digests are needed: by all records read once for many repositories, and by those about one read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

import msgspec

from shared.domain.housekeeping.judging import Going, Said, Unique
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.rounds import Site
from shared.domain.housekeeping.uses import Uses, merged, of_target, of_tool
from shared.domain.promotion.candidate import Candidate, run_names
from shared.domain.promotion.due import SCANS, UNDER_WAY
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.rebuilds import Rebuild, rebuild_run_names
from shared.domain.promotion.target import Target, target_id
from shared.domain.promotion.tool import Tool
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest, Tag
from shared.domain.scan.scan import SCAN_ENDS, Scan
from shared.domain.scan.scan_runs import scan_run_names
from shared.domain.travel.locked import Released
from shared.domain.watching.scanner import SCANNER
from shared.domain.watching.watch_list import WatchList
from shared.errors import Unavailable, WatchListError
from shared.ports import Records, Stored
from shared.target_ports import Targets
from shared.tool_ports import Tools


class Travel(Protocol):
    """What is known of what travels with images."""

    def uniques(self, repository: str) -> Iterable[Unique]:
        """Return the unique tags of a repository of the base registry."""
        ...

    def needed(self, place: Place) -> Iterable[tuple[str, Digest]]:
        """Return the digests that are needed for what is still on its way, in staging or in base, by repository."""
        ...

    def needs(self, repository: str, digest: Digest) -> bool:
        """Whether something is on its way that is to lie beside a digest in a repository of the base registry, now."""
        ...

    def release(self, repository: str, going: Going) -> Released | None:
        """Prepare a unique tag, or a manifest with its unique tags, for its deletion from base, which follows at once.

        What nothing locks is let go of, so that it is not found to be missing, and brought back.

        Returns:
            What came of opening our locks, for minutes; what was opened so is let go of after it was deleted, as what
            is not deleted has to be locked again. ``None`` where nothing is locked.
        """
        ...

    def let_go(self, repository: str, going: Going) -> None:
        """Take note of what was released, and is deleted."""
        ...

    def said(self, repository: str) -> Said:
        """Return what records say of a repository of the base registry."""
        ...

    def forget(self, repository: str, gone: Collection[Digest]) -> None:
        """Take note that replaced records are not in the base registry any more."""
        ...


class Needed(msgspec.Struct, frozen=True):
    """What all records need, as they were when they were read.

    Attributes:
        staging: digests in staging, in whichever repository.
        base: digests in the base registry, by repository.
        held: tags of the base registry whose entries are on hold, by repository.
        repositories: repositories of either registry that records know.
        candidates: ids of candidates under way, by digest.
    """

    staging: Uses
    base: dict[str, Uses]
    held: dict[str, frozenset[Tag]]
    repositories: dict[Place, frozenset[str]]
    candidates: dict[Digest, frozenset[str]]

    def of(self, site: Site) -> Uses:
        """Return the digests that are needed in a repository."""
        return self.staging if site.place is Place.STAGING else self.base.get(site.name, {})


class HouseNeeds:
    """Reads what records need.

    Args:
        targets: what the tags of the base registry should point at.
        candidates: what is on its way.
        rebuilds: runs of application tasks.
        scans: scans of digests.
        tools: what is mirrored for runs.
        watch_list: gives the list in force, which names the tools.
        registry: name of the base registry.
        remembers: whether what people decided is known here; see ``Memory.remembers``.
        travel: what is known of what travels with images.
        named: digests in staging that the settings name, such as that of the client by which gates are run.
    """

    def __init__(
        self,
        targets: Targets,
        candidates: Records[Candidate],
        rebuilds: Records[Rebuild],
        scans: Records[Scan],
        tools: Tools,
        watch_list: Callable[[], WatchList],
        registry: str,
        remembers: Callable[[], bool],
        travel: Travel,
        named: Iterable[Digest] = (),
    ) -> None:
        self._targets = targets
        self._candidates = candidates
        self._rebuilds = rebuilds
        self._scans = scans
        self._tools = tools
        self._watch_list = watch_list
        self._registry = registry.lower()
        self._remembers = remembers
        self._named = tuple((digest, Spared.DECIDED) for digest in named)
        self.travel = travel

    def all(self) -> Needed:
        """Read every record that may need something.

        Raises:
            ServiceError: some could not be read, so that nobody knows what they need; nothing may be deleted.
        """
        if not self._remembers():
            raise Unavailable("what people decided is not known here yet, and so nobody knows what they pinned or hold")
        of_base: defaultdict[str, list[tuple[Digest, Spared]]] = defaultdict(list)
        held: defaultdict[str, set[Tag]] = defaultdict(set)
        for target in (stored.record for stored in self._targets.every(self._registry)):
            of_base[target.repository] += of_target(target)
            held[target.repository] |= _held((target,))
        tools, under_way = self._known_tools(), [one.record for one in self._candidates.in_status(UNDER_WAY)]
        scans = [one.record for one in self._scans.in_status(SCANS)]
        staging = [*(each for found in of_base.values() for each in found), *_of_records(under_way, scans, tools)]
        staging += self._named
        staging += [(digest, Spared.RECORDED) for _, digest in self.travel.needed(Place.STAGING)]
        for repository, digest in self.travel.needed(Place.BASE):
            of_base[repository].append((digest, Spared.RECORDED))
        homes = {one.home.repository for one in under_way} | {one.repository for one in tools}
        homes |= {one.repository for one in scans}
        ids: defaultdict[Digest, set[str]] = defaultdict(set)
        for one in under_way:
            ids[one.digest].add(one.id)
        return Needed(
            merged(staging),
            {repository: merged(found) for repository, found in of_base.items()},
            {repository: frozenset(tags) for repository, tags in held.items()},
            {Place.STAGING: frozenset(homes | of_base.keys()), Place.BASE: frozenset(of_base)},
            {digest: frozenset(found) for digest, found in ids.items()},
        )

    def again(self, site: Site, going: Going, known: Needed) -> Spared | None:
        """Read the records anew that may have come to need what goes from a repository since all of them were read.

        Returns:
            Why it is needed; ``None`` if it is not.

        Raises:
            ServiceError: some could not be read.
        """
        digest = going.digest
        if going.why is Goes.REPLACED and digest not in self.travel.said(site.name).replaced:
            return Spared.CHANGED
        targets = [stored.record for stored in self._targets.of_repository(self._registry, site.name)]
        if _held(targets) != known.held.get(site.name, frozenset()):
            return Spared.CHANGED
        found = [each for target in targets for each in of_target(target)]
        found += [(digest, Spared.RECORDED)] if self.travel.needs(site.name, digest) else []
        if site.place is Place.STAGING:
            found += self._named
            found += self._of_candidates(digest, targets, known)
            found += [each for tool in self._known_tools() for each in of_tool(tool)]
            found += _of_scan(self._scans.get(digest))
        return merged(found).get(digest)

    def run_names(self) -> frozenset[str]:
        """Return the names of runs that current records know.

        Raises:
            ServiceError: some could not be read.
        """
        candidates = (name for one in self._candidates.current() for name in run_names(one.record))
        rebuilds = (name for one in self._rebuilds.current() for name in rebuild_run_names(one.record))
        scans = (name for one in self._scans.current() for name in scan_run_names(one.record))
        return frozenset((*candidates, *rebuilds, *scans))

    def _of_candidates(
        self, digest: Digest, targets: Iterable[Target], known: Needed
    ) -> Iterator[tuple[Digest, Spared]]:
        """A tag of another repository that wants what lies here has joined the candidate that brought it here."""
        ids = {candidate_id(one.origin.source, digest, one.origin.gate) for one in targets}
        for stored in map(self._candidates.get, sorted(ids | known.candidates.get(digest, frozenset()))):
            if stored is None:
                continue
            if stored.record.status not in ENDS:
                yield digest, Spared.UNDER_WAY
            for place in stored.record.places:
                if self.travel.needs(place.repository, digest):
                    yield digest, Spared.RECORDED
                found = self._targets.get(target_id(self._registry, place.repository, place.tag))
                yield from of_target(found.record) if found else ()

    def _known_tools(self) -> list[Tool]:
        try:
            watch_list = self._watch_list()
        except WatchListError as error:
            raise Unavailable("no watch list is in force, so that nobody knows which tools runs are given") from error
        names = [*(image.name for image in watch_list.images if image.is_tool), SCANNER]
        return [stored.tool for stored in map(self._tools.get, names) if stored is not None]


def _held(targets: Iterable[Target]) -> frozenset[Tag]:
    return frozenset(one.tag for one in targets if one.hold is not None)


def _of_records(
    candidates: Iterable[Candidate], scans: Iterable[Scan], tools: Iterable[Tool]
) -> Iterator[tuple[Digest, Spared]]:
    yield from ((one.digest, Spared.UNDER_WAY) for one in candidates)
    yield from ((one.digest, Spared.UNDER_WAY) for one in scans)
    yield from (each for tool in tools for each in of_tool(tool))


def _of_scan(stored: Stored[Scan] | None) -> Iterator[tuple[Digest, Spared]]:

    if stored is not None and stored.record.status not in SCAN_ENDS:
        yield stored.record.digest, Spared.UNDER_WAY
