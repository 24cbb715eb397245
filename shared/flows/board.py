"""Put together how everything that is watched stands, for pages: each table is read once, and nobody outside is asked.

A page of a hundred rows wants counts over thousands, and a browser has no patience. So what was put together is kept
for some seconds, its time is shown on the page, and whoever comes meanwhile reads no table.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from shared.budget_ports import Budgets
from shared.domain.promotion.board import (
    Line,
    Promoted,
    Watched,
    Wish,
    line,
    promotions,
    tool_line,
    wishes,
)
from shared.domain.promotion.built import Built, Dependants, Places, by_place, counted, dependants
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.consents import Consent, Waived
from shared.domain.promotion.exposure import Exposure
from shared.domain.promotion.standing import tool_stands
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import awaited_candidate
from shared.domain.references import Repository
from shared.domain.watching.budget import Budget
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.selection import wanted_places
from shared.domain.watching.troubles import Noted
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import TidegateError
from shared.ports import Clock, Known, Observations, Records
from shared.rules.listings import KeptListings
from shared.rules.reading import readable, readable_each
from shared.target_ports import Targets
from shared.tool_ports import Tools
from shared.trouble_ports import Troubles
from shared.watch_ports import Watches

log = logging.getLogger("tidegate.pages")

KEPT_FOR = timedelta(seconds=15)
SHOWN_FOR = timedelta(seconds=60)
# What charts look back.
DAYS = timedelta(days=30)


class Decided(msgspec.Struct, frozen=True):
    """What somebody answered about a digest, where."""

    place: str
    target: str
    consent: Consent


class WaivedAt(msgspec.Struct, frozen=True):
    """What somebody waived, or asks to, for one tag."""

    place: str
    target: str
    owner: str
    waived: Waived


class Board(msgspec.Struct, frozen=True):
    """How everything stands.

    Attributes:
        at: when it was put together, UTC.
        lines: every watched tag, by its place.
        wishes: what is asked of people, the oldest first.
        decided: what people answered, the latest first.
        troubles: what is wrong and was told, the oldest first.
        exposures: what is in use and does not stand clean, by its tag.
        waived: what is waived for single tags, or asked to be.
        dependants: what is built on tags of the base registry, by the tag.
        promoted: when tags came to what passed, within ``DAYS``.
        budgets: what is left of upstreams' limits, by their names.
        deferred: how many repositories wait for their upstream's budget, by the upstream.
        unreadable: which records could not be read; empty if all could.
    """

    at: datetime
    lines: tuple[Line, ...]
    wishes: tuple[Wish, ...]
    decided: tuple[Decided, ...]
    troubles: tuple[Noted, ...]
    exposures: tuple[Exposure, ...]
    waived: tuple[WaivedAt, ...]
    dependants: tuple[Dependants, ...]
    promoted: tuple[Promoted, ...]
    budgets: tuple[Budget, ...]
    deferred: Mapping[str, int]
    unreadable: str


class _Reading:
    """What one putting together has read so far."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.owners = owners
        self.lines: list[Line] = []
        self.wishes: list[Wish] = []
        self.decided: list[Decided] = []
        self.waived: list[WaivedAt] = []
        self.dependants: list[Dependants] = []
        self.promoted: list[Promoted] = []
        self.deferred: defaultdict[str, int] = defaultdict(int)
        self.problems: list[str] = []

    def told(self, problem: str) -> None:
        """Keep what could not be read."""
        if problem:
            self.problems.append(problem)


def _in_a_thread(do: Callable[[], None]) -> None:
    threading.Thread(target=do, name="pages", daemon=True).start()


class Boards:
    """Puts it together.

    Args:
        watch_list: gives the list in force.
        observations: what is known of upstreams.
        targets: what the base registry's tags should be.
        candidates: what is on its way, or ended not long ago.
        troubles: what was found to be wrong.
        tools: what runs are given from the staging registry.
        watches: the standing watch.
        budgets: what is left of upstreams' limits.
        listings: the tasks of application registries.
        registry: the base registry's name.
        login_server: its address.
        clock: tells the time.
        beside: has something done while its caller goes on.
    """

    def __init__(
        self,
        watch_list: Callable[[], WatchList],
        observations: Observations,
        targets: Targets,
        candidates: Records[Candidate],
        troubles: Troubles,
        tools: Tools,
        watches: Watches,
        budgets: Budgets,
        listings: KeptListings,
        registry: str,
        login_server: str,
        clock: Clock,
        beside: Callable[[Callable[[], None]], None] = _in_a_thread,
    ) -> None:
        self._watch_list = watch_list
        self._observations = observations
        self._targets = targets
        self._candidates = candidates
        self._troubles = troubles
        self._tools = tools
        self._watches = watches
        self._budgets = budgets
        self._listings = listings
        self._registry = registry
        self._login_server = login_server
        self._clock = clock
        self._beside = beside
        self._lock = threading.Lock()
        self._kept: Board | None = None
        self._renewing = False
        self._changes = 0

    def now(self) -> Board:
        """Return how everything stands, as of at most ``SHOWN_FOR`` ago.

        What is older than ``KEPT_FOR`` is shown once more while it is put together anew beside: whoever goes from page
        to page waits for the first alone.

        Raises:
            WatchListError: there is no watch list to go by.
            ServiceError: the storage account did not answer.
        """
        with self._lock:
            kept, now = self._kept, self._clock()
            if kept is None or not timedelta(0) <= now - kept.at < SHOWN_FOR:
                kept = self._kept = self._put_together()
            elif now - kept.at >= KEPT_FOR and not self._renewing:
                self._renewing = True
                self._beside(self._renew)
            return kept

    def forget(self) -> None:
        """Put it together anew when it is asked for next: somebody has just changed something."""
        with self._lock:
            self._kept, self._changes = None, self._changes + 1

    def _renew(self) -> None:
        """What was read before somebody changed something is not taken; what cannot be read is asked for again."""
        changes, fresh = self._changes, None
        try:
            fresh = self._put_together()
        except TidegateError as error:
            log.warning("pages are not put together anew: %s", error)
        finally:
            with self._lock:
                self._renewing = False
                if fresh is not None and self._changes == changes:
                    self._kept = fresh

    def _put_together(self) -> Board:
        now, watch_list = self._clock(), self._watch_list()
        reading = _Reading({image.name: image.owner or "" for image in watch_list.images})
        troubles = self._wrong()
        self._of_tags(watch_list, reading, {one.trouble.about: one for one in troubles})
        stored = self._watches.get()
        recent = (one for one in reading.promoted if one.at > now - DAYS)
        return Board(
            at=now,
            lines=tuple(sorted(reading.lines, key=lambda one: (one.place, one.image))),
            wishes=tuple(sorted(reading.wishes, key=lambda one: one.since)),
            decided=tuple(sorted(reading.decided, key=lambda one: one.consent.at, reverse=True)),
            troubles=tuple(one for one in troubles if one.told),
            exposures=stored.watch.exposures if stored is not None else (),
            waived=tuple(reading.waived),
            dependants=tuple(sorted(reading.dependants, key=lambda one: one.place)),
            promoted=tuple(sorted(recent, key=lambda one: one.at)),
            budgets=tuple(sorted(self._budgets.every(), key=lambda one: one.upstream)),
            deferred=dict(reading.deferred),
            unreadable="\n".join(reading.problems),
        )

    def _wrong(self) -> tuple[Noted, ...]:
        found = (stored.noted for stored in self._troubles.every())
        return tuple(sorted((one for one in found if one.ended_at is None), key=lambda one: one.since))

    def _of_tags(self, watch_list: WatchList, reading: _Reading, troubles: Mapping[str, Noted]) -> None:
        """Most tags are what their source is: of the others alone records are kept, until candidates are read."""
        watched, known = self._watched(watch_list, reading)
        built, behind = dict(self._built(reading)), list[tuple[Watched, Target, Built]]()
        for target in self._each_target(reading):
            on, found = built.pop((target.repository, target.tag), {}), watched.pop(target.place, None)
            _of_people(target, on, reading)
            if found is not None and awaited_candidate(target):
                behind.append((found, target, counted(on, target.wanted)))
            elif found is not None:
                reading.lines.append(line(found, target, {}, troubles, counted(on, target.wanted)))
        reading.dependants += [dependants(f"{path}:{tag}", "", "", on) for (path, tag), on in built.items()]
        current = self._current(reading)
        reading.lines += [line(one, target, current, troubles, of) for one, target, of in behind]
        reading.lines += [line(one, None, current, troubles) for one in watched.values()]
        reading.lines += [self._tool(one, reading, known, current) for one in watch_list.images if one.is_tool]

    def _watched(
        self, watch_list: WatchList, reading: _Reading
    ) -> tuple[dict[Place, Watched], Mapping[Repository, Known]]:
        """Return what is watched, and what is known of tools' sources: of all others each tag's is let go by itself."""
        known = self._known(watch_list, reading)
        watched = {one.place: one for image in watch_list.images for one in _watched(image, known)}
        tools = {one.repository for one in watch_list.images if one.is_tool}
        return watched, {name: one for name, one in known.items() if name in tools}

    def _known(self, watch_list: WatchList, reading: _Reading) -> Mapping[Repository, Known]:
        wanted = {image.repository for image in watch_list.images}
        found, problem = readable(self._observations.every())
        reading.told(problem)
        for repository, known in found:
            if repository in wanted and known.state.deferred:
                reading.deferred[repository.registry] += 1
        return {repository: known for repository, known in found if repository in wanted}

    def _each_target(self, reading: _Reading) -> Iterator[Target]:
        """Records are large: each is let go before the next one is read."""
        yield from readable_each((stored.record for stored in self._targets.every(self._registry)), reading.told)

    def _current(self, reading: _Reading) -> Mapping[str, Candidate]:
        """Whatever came to a tag, or was overtaken, keeps none from following its source."""
        records = (stored.record for stored in self._candidates.in_status(_IN_THE_WAY))
        return {one.id: _slim(one) for one in readable_each(records, reading.told)}

    def _built(self, reading: _Reading) -> Places:
        """The digest that each task is built on, by the tag of the base registry and the task."""
        tasks, problem = readable(self._listings.last())
        reading.told(problem)
        return by_place(tasks, self._login_server)

    def _tool(
        self, image: Image, reading: _Reading, known: Mapping[Repository, Known], current: Mapping[str, Candidate]
    ) -> Line:
        (tag,) = image.wanted
        found, problem = readable(map(self._tools.get, [image.name]))
        reading.told(problem)
        tool = next((stored.tool for stored in found if stored is not None), None)
        candidate = current.get(tool.candidate(tool.newest.digest)) if tool and tool.newest else None
        seen = known.get(image.repository, _UNKNOWN).tags.get(tag)
        return tool_line(image, tool_stands(tag, seen, tool, candidate))


_IN_THE_WAY = frozenset(Status) - {Status.PROMOTED, Status.SUPERSEDED, Status.MIRRORED}
_UNKNOWN = Known({}, RepositoryState())


def _watched(image: Image, known: Mapping[Repository, Known]) -> Iterator[Watched]:
    if image.is_tool:
        return
    tags, source = known.get(image.repository, _UNKNOWN).tags, str(image.repository)
    for tag, to in wanted_places(image.rules, tags).items():
        yield Watched(image, source, tag, Place(image.target, to), tags.get(tag))


def _of_people(target: Target, on: Mapping[str, str], reading: _Reading) -> None:
    if on:
        reading.dependants.append(dependants(str(target.place), target.id, target.wanted, on))
    if target.let_go is None:
        owner = reading.owners.get(target.origin.image, "")
        reading.wishes += wishes(target, owner)
        reading.waived += [WaivedAt(str(target.place), target.id, owner, one) for one in target.waived]
        reading.decided += [Decided(str(target.place), target.id, one) for one in target.consents]
        reading.promoted += promotions(target)


def _slim(candidate: Candidate) -> Candidate:
    return msgspec.structs.replace(candidate, history=candidate.history[-1:], evidence=(), secret="", operation="")
