"""In-memory doubles of the storage ports. They keep the ports' promises, which ``tests/contract`` holds them to.

Each takes ``before_call``: see ``tests.doubles.scripted``. A test that raises at ``before:<method>`` has the process
die with all earlier calls done and this one not; at ``after:<method>`` this one is done too.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Generic

import msgspec

from shared.budget_ports import StoredBucket, StoredBudget
from shared.configuration_ports import ListSource
from shared.domain.pacing import bucket as pacing
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.exposure import Watch
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.kept_tasks import KeptTask, by_base
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.promotion.tool import Tool
from shared.domain.promotion.usual_times import UsualTimes
from shared.domain.references import Repository, Tag, parse_digest
from shared.domain.scan.scan import Scan
from shared.domain.watching.budget import Budget
from shared.domain.watching.observation import Observation, dated
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.troubles import Noted
from shared.domain.watching.watch_list import ListFile
from shared.errors import Conflict, InvalidReference, TidegateError
from shared.evidence_ports import Kept
from shared.ports import ACTIVITY_DAYS, Event, Known, R, Stored
from shared.run_ports import StoredListing
from shared.target_ports import StoredRuling, StoredTarget
from shared.tool_ports import StoredTool
from shared.trouble_ports import StoredTrouble
from shared.usual_times_ports import StoredUsualTimes
from shared.watch_ports import StoredWatch
from tests.doubles.scripted import Scripted

Hook = Callable[[str], None]
MIDDAY = datetime(2026, 1, 1, 12, tzinfo=UTC)


class SettableClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = MIDDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time it was set to."""
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass, and return the new time."""
        self.now += by
        return self.now


class OneAtATime(Scripted):
    """A double whose changes are made one at a time, as a storage service makes those of one row."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._lock = threading.RLock()

    @contextmanager
    def _change(self, method: str) -> Iterator[None]:
        with self._changing(method), self._lock:
            yield


class InMemoryRecords(OneAtATime, Generic[R]):
    """``Records`` in two dictionaries. Rows are kept as JSON, as the tables do, so no object is ever shared.

    Args:
        kind: ``Candidate``, ``Rebuild`` or ``Scan``.
        before_call: see ``Scripted``.
    """

    def __init__(self, kind: type[R], before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._kind: type[R] = kind
        self._versions = itertools.count(1)
        self._current: dict[str, tuple[bytes, str]] = {}
        self._archive: dict[str, tuple[bytes, str]] = {}

    def get(self, record_id: str) -> Stored[R] | None:
        """See ``Records.get``."""
        self._raise_scripted("get")
        return self._find(record_id)

    def insert(self, record: R, *, absent: bool = False) -> bool:
        """See ``Records.insert``."""
        with self._change("insert"):
            known = record.id in self._current or (record.id in self._archive and not absent)
            if not known:
                self._put(self._current, "current", record)
        return not known

    def replace(self, stored: Stored[R], record: R) -> Stored[R]:
        """See ``Records.replace``."""
        with self._change("replace"):
            found = self._find(record.id)
            if found is None or found.etag != stored.etag:
                raise Conflict(f"{record.id} was changed by another worker")
            self._put(self._current, "current", record)
            self._archive.pop(record.id, None)
            return self._stored(self._current[record.id])

    def replace_all(self, changes: Sequence[tuple[Stored[R], R]]) -> Sequence[Stored[R] | TidegateError]:
        """See ``Records.replace_all``. A process may die between any two, as where they do not fit into one."""
        return [self._replaced(stored, record) for stored, record in changes]

    def _replaced(self, stored: Stored[R], record: R) -> Stored[R] | TidegateError:
        with self._change("replace_all"):
            found = self._current.get(record.id)
            if found is None or found[1] != stored.etag:
                return Conflict(f"{record.id} was changed by another worker")
            self._put(self._current, "current", record)
            return self._stored(self._current[record.id])

    def count(self, statuses: Collection[Enum]) -> int:
        """See ``Records.count``."""
        return sum(one.record.status in statuses for one in self._all("count"))

    def current(self, prefix: str = "") -> Iterator[Stored[R]]:
        """See ``Records.current``."""
        return (one for one in self._all("current") if one.record.id.startswith(prefix))

    def _all(self, method: str) -> list[Stored[R]]:
        self._raise_scripted(method)
        with self._lock:
            return [self._stored(row) for _, row in sorted(self._current.items())]

    def in_status(self, statuses: Collection[Enum], by: datetime | None = None) -> Iterator[Stored[R]]:
        """See ``Records.in_status``."""
        found = [one for one in self._all("in_status") if one.record.status in statuses]
        return (one for one in found if by is None or one.record.look_at <= by)

    def archive_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """See ``Records.archive_all``. A process may die between any two; what is scripted is no record's own error."""
        problems: dict[str, TidegateError] = {}
        for one in stored:
            with self._change("archive_all"):
                try:
                    self._archive_one(one)
                except Conflict as error:
                    problems[one.record.id] = error
        return problems

    def _archive_one(self, stored: Stored[R]) -> None:
        found = self._find(stored.record.id)
        if found and found.record.step > stored.record.step:
            raise Conflict(f"{stored.record.id} was changed by another worker")
        if stored.record.id in self._current:
            self._take_current(stored)
            self._put(self._archive, "archived", stored.record)

    def archived(self, group: str) -> Iterator[Stored[R]]:
        """See ``Records.archived``."""
        self._raise_scripted("archived")
        wanted = group.replace("/", "~").lower()
        with self._lock:
            rows = [row for key, row in sorted(self._archive.items()) if self._group(key) == wanted]
        return map(self._stored, rows)

    def delete_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """See ``Records.delete_all``. A process may die between any two."""
        problems: dict[str, TidegateError] = {}
        for one in stored:
            with self._change("delete_all"):
                found = self._current.get(one.record.id)
                if found and found[1] != one.etag:
                    problems[one.record.id] = Conflict(f"{one.record.id} was changed by another worker")
                elif found:
                    del self._current[one.record.id]
        return problems

    def _find(self, record_id: str) -> Stored[R] | None:
        self._group(record_id)
        with self._lock:
            row = self._current.get(record_id) or self._archive.get(record_id)
        return self._stored(row) if row else None

    def _take_current(self, stored: Stored[R]) -> None:
        if self._current[stored.record.id][1] != stored.etag:
            raise Conflict(f"{stored.record.id} was changed by another worker")
        del self._current[stored.record.id]

    def _put(self, rows: dict[str, tuple[bytes, str]], place: str, record: R) -> None:
        rows[record.id] = (msgspec.json.encode(record), f"{place}:{next(self._versions)}")

    def _stored(self, row: tuple[bytes, str]) -> Stored[R]:
        return Stored(msgspec.json.decode(row[0], type=self._kind), row[1])

    def _group(self, record_id: str) -> str:
        if self._kind is Candidate:
            return group_of(record_id)
        if self._kind is Scan:
            return parse_digest(record_id)
        group = record_id.rpartition("~")[0]
        if group.count("~") != 1:
            raise InvalidReference(f"{record_id[:200]!r} is not a rebuild's id")
        return group


class InMemoryObservations(OneAtATime):
    """``Observations`` in dictionaries."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._known: dict[Repository, dict[Tag, Observation]] = defaultdict(dict)
        self._states: dict[Repository, RepositoryState] = {}
        self._etags: dict[Repository, str] = {}
        self._versions = itertools.count(1)

    def of(self, repository: Repository) -> Known:
        """See ``Observations.of``."""
        self._raise_scripted("of")
        with self._lock:
            state = self._states.get(repository, RepositoryState())
            return self._read(repository, state)

    def together(self, first: Repository, others: Collection[Repository]) -> Mapping[Repository, Known]:
        """See ``Observations.together``: one more comes by the same read. It fails as reading the first one does."""
        self._raise_scripted("of")
        with self._lock:
            came = (first, *sorted(others, key=str)[:1])
            return {one: self._read(one, self._states.get(one, RepositoryState())) for one in came}

    def save(
        self, repository: Repository, known: Known, state: RepositoryState, observations: tuple[Observation, ...]
    ) -> Known:
        """See ``Observations.save``."""
        with self._change("save"):
            if self._etags.get(repository, "") != known.etag:
                raise Conflict(f"{repository} was written by another worker")
            self._known[repository].update({observation.tag: observation for observation in observations})
            self._states[repository] = state
            self._etags[repository] = f"state:{next(self._versions)}"
            return self._read(repository, state)

    def states(self) -> Mapping[Repository, RepositoryState]:
        """See ``Observations.states``."""
        self._raise_scripted("states")
        with self._lock:
            return dict(self._states)

    def every(self) -> Iterator[tuple[Repository, Known]]:
        """See ``Observations.every``."""
        self._raise_scripted("every")
        with self._lock:
            found = sorted(self._states, key=str)
            known = [self._read(one, self._states[one]) for one in found]
        return zip(found, known, strict=True)

    def _read(self, repository: Repository, state: RepositoryState) -> Known:
        tags = {tag: dated(seen, state.seen_at) for tag, seen in self._known[repository].items()}
        return Known(tags, state, self._etags.get(repository, ""))


class InMemoryTroubles(OneAtATime):
    """``Troubles`` in a dictionary."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[tuple[str, str], StoredTrouble] = {}

    def every(self) -> tuple[StoredTrouble, ...]:
        """See ``Troubles.every``."""
        self._raise_scripted("every")
        with self._lock:
            return tuple(stored for _, stored in sorted(self._rows.items(), key=lambda row: row[0]))

    def put(self, stored: StoredTrouble | None, noted: Noted) -> StoredTrouble:
        """See ``Troubles.put``."""
        name = _trouble_name(noted)
        with self._change("put"):
            found = self._rows.get(name)
            if (found.etag if found else "") != (stored.etag if stored else ""):
                raise Conflict(f"the trouble of {noted.trouble.about} was noted by another worker")
            self._rows[name] = StoredTrouble(noted, f"trouble:{next(self._versions)}")
            return self._rows[name]

    def remove(self, stored: StoredTrouble) -> None:
        """See ``Troubles.remove``."""
        name = _trouble_name(stored.noted)
        with self._change("remove"):
            found = self._rows.get(name)
            if found is not None and found.etag != stored.etag:
                raise Conflict(f"the trouble of {stored.noted.trouble.about} was noted by another worker")
            self._rows.pop(name, None)


def _trouble_name(noted: Noted) -> tuple[str, str]:
    return noted.trouble.kind.value, noted.trouble.about


class InMemoryTargets(OneAtATime):
    """``Targets`` in a dictionary. Rows are kept as JSON, as the table does."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[str, tuple[bytes, str]] = {}

    def get(self, target_id: str) -> StoredTarget | None:
        """See ``Targets.get``."""
        self._raise_scripted("get")
        parts_of_target(target_id)
        with self._lock:
            row = self._rows.get(target_id)
        return _stored_target(row) if row else None

    def insert(self, target: Target) -> StoredTarget:
        """See ``Targets.insert``."""
        with self._change("insert"):
            if target.id in self._rows:
                raise Conflict(f"{target.id} is there already")
            return self._put(target)

    def replace(self, stored: StoredTarget, target: Target) -> StoredTarget:
        """See ``Targets.replace``."""
        with self._change("replace"):
            if target.id not in self._rows or self._rows[target.id][1] != stored.etag:
                raise Conflict(f"{target.id} was changed by another worker")
            return self._put(target)

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredTarget]:
        """See ``Targets.of_repository``."""
        self._raise_scripted("of_repository")
        with self._lock:
            found = [_stored_target(row) for _, row in sorted(self._rows.items())]
        place = (registry.lower(), repository)
        return (one for one in found if (one.record.registry, one.record.repository) == place)

    def repositories(self) -> frozenset[tuple[str, str]]:
        """See ``Targets.repositories``."""
        self._raise_scripted("repositories")
        with self._lock:
            return frozenset(parts_of_target(target)[:2] for target in self._rows)

    def every(self, registry: str, after: str = "") -> Iterator[StoredTarget]:
        """See ``Targets.every``."""
        self._raise_scripted("every")
        with self._lock:
            rows = [_stored_target(row) for row in self._rows.values()]
        found = sorted((one for one in rows if one.record.registry == registry.lower()), key=_place)
        last = parts_of_target(after)[1:] if after else None
        return (one for one in found if last is None or _place(one) > (last[0].replace("/", "~"), last[1]))

    def due(self, moment: datetime) -> Iterator[StoredTarget]:
        """See ``Targets.due``."""
        self._raise_scripted("due")
        with self._lock:
            found = [_stored_target(row) for _, row in sorted(self._rows.items())]
        return (one for one in found if one.record.look_at is not None and one.record.look_at <= moment)

    def untold(self) -> Iterator[StoredTarget]:
        """See ``Targets.untold``."""
        self._raise_scripted("untold")
        with self._lock:
            found = [_stored_target(row) for _, row in sorted(self._rows.items())]
        return (one for one in found if one.record.notices)

    def _put(self, target: Target) -> StoredTarget:
        self._rows[target.id] = (msgspec.json.encode(target), f"target:{next(self._versions)}")
        return _stored_target(self._rows[target.id])


def _stored_target(row: tuple[bytes, str]) -> StoredTarget:
    return StoredTarget(msgspec.json.decode(row[0], type=Target), row[1])


def _place(stored: StoredTarget) -> tuple[str, str]:
    return stored.record.repository.replace("/", "~"), stored.record.tag


class InMemoryRulings(OneAtATime):
    """``Rulings`` in a dictionary."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[tuple[Kind, str], StoredRuling] = {}

    def get(self, kind: Kind, subject: str) -> StoredRuling | None:
        """See ``Rulings.get``."""
        self._raise_scripted("get")
        with self._lock:
            return self._rows.get((kind, subject))

    def put(self, stored: StoredRuling | None, ruling: Ruling) -> StoredRuling:
        """See ``Rulings.put``."""
        name = (ruling.kind, ruling.subject)
        with self._change("put"):
            found = self._rows.get(name)
            if (found.etag if found else "") != (stored.etag if stored else ""):
                raise Conflict(f"the ruling on {ruling.subject} was changed by another worker")
            self._rows[name] = StoredRuling(ruling, f"ruling:{next(self._versions)}")
            return self._rows[name]

    def every(self) -> tuple[Ruling, ...]:
        """See ``Rulings.every``."""
        self._raise_scripted("every")
        with self._lock:
            rows = sorted(self._rows.items(), key=lambda row: (row[0][0].value, row[0][1]))
        return tuple(stored.ruling for _, stored in rows)


class InMemoryTools(OneAtATime):
    """``Tools`` in a dictionary. Rows are kept as JSON, as the table does."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[str, tuple[bytes, str]] = {}

    def get(self, name: str) -> StoredTool | None:
        """See ``Tools.get``."""
        self._raise_scripted("get")
        with self._lock:
            row = self._rows.get(name)
        return StoredTool(msgspec.json.decode(row[0], type=Tool), row[1]) if row else None

    def lose(self, name: str) -> None:
        """Let a row be gone."""
        del self._rows[name]

    def put(self, stored: StoredTool | None, tool: Tool) -> StoredTool:
        """See ``Tools.put``."""
        with self._change("put"):
            found = self._rows.get(tool.name)
            if (found[1] if found else "") != (stored.etag if stored else ""):
                raise Conflict(f"the tool {tool.name} was written by another worker")
            self._rows[tool.name] = (msgspec.json.encode(tool), f"tool:{next(self._versions)}")
            return StoredTool(tool, self._rows[tool.name][1])


class InMemoryBudgets(OneAtATime):
    """``Budgets`` in a dictionary. ``asked`` counts the transactions of each kind."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.asked: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._rows: dict[str, StoredBudget] = {}

    def get(self, upstream: str) -> StoredBudget:
        """See ``Budgets.get``."""
        self.asked["get"] += 1
        self._raise_scripted("get")
        with self._lock:
            return self._rows.get(upstream) or StoredBudget(Budget(upstream=upstream), "")

    def every(self) -> tuple[Budget, ...]:
        """See ``Budgets.every``."""
        self._raise_scripted("every")
        with self._lock:
            return tuple(stored.budget for stored in self._rows.values())

    def replace(self, stored: StoredBudget, budget: Budget) -> StoredBudget:
        """See ``Budgets.replace``."""
        self.asked["replace"] += 1
        with self._change("replace"):
            found = self._rows.get(budget.upstream)
            if (found.etag if found else "") != stored.etag:
                raise Conflict(f"the budget of {budget.upstream} was changed by another worker")
            self._rows[budget.upstream] = StoredBudget(budget, f"budget:{next(self._versions)}")
            return self._rows[budget.upstream]


class InMemoryBuckets(OneAtATime):
    """``Buckets`` in a dictionary. ``asked`` counts the transactions of each kind."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.asked: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._rows: dict[tuple[str, pacing.Kind], StoredBucket] = {}

    def get(self, subscription: str, kind: pacing.Kind) -> StoredBucket:
        """See ``Buckets.get``."""
        self.asked["get"] += 1
        self._raise_scripted("get")
        with self._lock:
            empty = StoredBucket(pacing.Bucket(subscription=subscription, kind=kind), "")
            return self._rows.get((subscription, kind), empty)

    def replace(self, stored: StoredBucket, bucket: pacing.Bucket) -> StoredBucket:
        """See ``Buckets.replace``."""
        self.asked["replace"] += 1
        place = (bucket.subscription, bucket.kind)
        with self._change("replace"):
            found = self._rows.get(place)
            if (found.etag if found else "") != stored.etag:
                raise Conflict(f"what ARM grants {place} was changed by another worker")
            self._rows[place] = StoredBucket(bucket, f"bucket:{next(self._versions)}")
            return self._rows[place]


class InMemoryListings(OneAtATime):
    """``Listings`` in dictionaries. ``asked`` counts transactions, ``written`` the rows of bases that were written."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.asked: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._rows: dict[str, StoredListing] = {}
        self._bases: defaultdict[str, dict[str, tuple[KeptTask, ...]]] = defaultdict(dict)

    def get(self, registry: str) -> StoredListing:
        """See ``Listings.get``."""
        self.asked["get"] += 1
        self._raise_scripted("get")
        with self._lock:
            return self._rows.get(registry.lower()) or StoredListing(Listing(registry=registry), "")

    def built_on(self, registry: str, base: str) -> tuple[KeptTask, ...]:
        """See ``Listings.built_on``."""
        self.asked["built_on"] += 1
        self._raise_scripted("built_on")
        with self._lock:
            return self._bases[registry.lower()].get(base, ())

    def tasks(self, registry: str) -> Iterator[KeptTask]:
        """See ``Listings.tasks``."""
        self.asked["tasks"] += 1
        with self._lock:
            bases = tuple(self._bases[registry.lower()].values())
        yield from (task for tasks in bases for task in tasks)
        self._raise_scripted("tasks")

    def replace(self, stored: StoredListing, listing: Listing) -> StoredListing:
        """See ``Listings.replace``."""
        self.asked["replace"] += 1
        with self._change("replace"):
            return self._put(stored, listing)

    def keep(self, stored: StoredListing, listing: Listing, tasks: Iterable[KeptTask]) -> StoredListing:
        """See ``Listings.keep``: the rows of each base by themselves, so that a death between two is tried."""
        self.asked["keep"] += 1
        there, wanted = self._bases[listing.registry.lower()], by_base(tasks)
        for base in sorted({*there, *wanted}):
            if there.get(base, ()) != wanted.get(base, ()):
                with self._change("keep"):
                    stored = self._put(stored, stored.listing)
                    there[base] = wanted.get(base, ())
                    self.written[base] += 1
        with self._change("keep"):
            return self._put(stored, listing)

    def _put(self, stored: StoredListing, listing: Listing) -> StoredListing:
        found = self._rows.get(listing.registry.lower())
        if (found.etag if found else "") != stored.etag:
            raise Conflict(f"the tasks of {listing.registry} are listed by another worker")
        self._rows[listing.registry.lower()] = StoredListing(listing, f"listing:{next(self._versions)}")
        return self._rows[listing.registry.lower()]


class InMemoryUsualTimes(OneAtATime):
    """``KeptUsualTimes`` in memory. ``asked`` counts the transactions of each kind."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.asked: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._stored = StoredUsualTimes(UsualTimes(), "")

    def get(self) -> StoredUsualTimes:
        """See ``KeptUsualTimes.get``."""
        self.asked["get"] += 1
        self._raise_scripted("get")
        with self._lock:
            return self._stored

    def replace(self, stored: StoredUsualTimes, times: UsualTimes) -> StoredUsualTimes:
        """See ``KeptUsualTimes.replace``."""
        self.asked["replace"] += 1
        with self._change("replace"):
            if self._stored.etag != stored.etag:
                raise Conflict("the usual times were written by another worker")
            self._stored = StoredUsualTimes(times, f"times:{next(self._versions)}")
            return self._stored


class InMemoryActivity(OneAtATime):
    """``Activity`` in a dictionary. ``events`` has every line in the order it was added."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._events: dict[tuple[str, datetime, str], Event] = {}

    @property
    def events(self) -> tuple[Event, ...]:
        """Every line about everything, in the order of their being added."""
        with self._lock:
            return tuple(self._events.values())

    def append(self, event: Event) -> None:
        """See ``Activity.append``."""
        with self._change("append"):
            self._events.setdefault((event.subject, event.at, event.name), event)

    def of(self, subject: str, limit: int) -> tuple[Event, ...]:
        """See ``Activity.of``."""
        self._raise_scripted("of")
        lines = [event for event in self.events if event.subject == subject]
        return tuple(sorted(lines, key=lambda event: event.at, reverse=True)[:limit])

    def recent(self, now: datetime, limit: int, after: str = "") -> tuple[tuple[Event, ...], str]:
        """See ``Activity.recent``."""
        self._raise_scripted("recent")
        if after and not (re.fullmatch(r"[0-9]{18}-[0-9a-f]{24}", after) and after < "4"):
            raise InvalidReference(f"after: {after!r}")
        oldest = now.date() - timedelta(days=ACTIVITY_DAYS)
        lines = sorted((_line_place(event), event) for event in self.events if event.at.date() >= oldest)
        found = [(place, event) for place, event in lines if place > after]
        return tuple(event for _, event in found[:limit]), found[limit - 1][0] if len(found) > limit else ""


class InMemoryEvidence(OneAtATime):
    """``EvidenceStore`` in a dictionary: ``kept`` by record and name, and ``times`` of what tests want to be old."""

    def __init__(self, before_call: Hook | None = None, clock: Callable[[], datetime] = lambda: MIDDAY) -> None:
        super().__init__(before_call)
        self.kept: dict[tuple[str, str], bytes] = {}
        self.times: dict[tuple[str, str], datetime] = {}
        self._etags: dict[tuple[str, str], int] = {}
        self._clock = clock

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """See ``Evidence.keep``."""
        with self._change("keep"):
            self.kept[candidate, name] = content
            self.times[candidate, name] = self._clock()
            self._etags[candidate, name] = self._etags.get((candidate, name), 0) + 1

    def read(self, candidate: str, name: str) -> bytes | None:
        """See ``Evidence.read``."""
        self._raise_scripted("read")
        return self.kept.get((candidate, name))

    def of(self, record: str) -> tuple[Kept, ...]:
        """See ``EvidenceStore.of``."""
        return tuple(one for one in self.every() if one.record == record)

    def every(self) -> Iterator[Kept]:
        """See ``EvidenceStore.every``."""
        self._raise_scripted("every")
        for record, name in sorted(self.kept):
            at, etag = self.times.get((record, name), MIDDAY), self._etags.get((record, name), 0)
            yield Kept(record, name, len(self.kept[record, name]), at, str(etag))

    def drop(self, kept: Kept) -> bool:
        """See ``EvidenceStore.drop``."""
        with self._change("drop"):
            place = (kept.record, kept.name)
            if place not in self.kept or str(self._etags.get(place, 0)) != kept.etag:
                return False
            del self.kept[place]
            return True


class InMemoryWatches(OneAtATime):
    """``Watches`` in an attribute: ``watch``."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.watch: Watch | None = None
        self.written = 0

    def get(self) -> StoredWatch | None:
        """See ``Watches.get``."""
        self._raise_scripted("get")
        return StoredWatch(self.watch, str(self.written)) if self.watch is not None else None

    def put(self, stored: StoredWatch | None, watch: Watch) -> StoredWatch:
        """See ``Watches.put``."""
        with self._change("put"):
            if (stored.etag if stored else "0") != str(self.written):
                raise Conflict("the watch was changed by another worker")
            self.watch, self.written = watch, self.written + 1
            return StoredWatch(watch, str(self.written))


class InMemoryConfiguration(OneAtATime):
    """``Configuration`` in attributes that tests set: ``text`` and ``gates``.

    Args:
        text: the watch list, YAML; ``None`` for none.
        gates: the files of each gate.
        modified: when the list was stored, UTC.
        before_call: see ``Scripted``.
    """

    def __init__(
        self,
        text: bytes | None = b"images: []\n",
        gates: Mapping[str, Mapping[str, bytes]] | None = None,
        *,
        modified: datetime = MIDDAY,
        before_call: Hook | None = None,
    ) -> None:
        super().__init__(before_call)
        self.text = text
        self.gates = dict(gates or {})
        self.modified = modified
        self.more: tuple[ListFile, ...] = ()
        self._last_good: ListSource | None = None

    def watch_list(self) -> ListSource | None:
        """See ``Configuration.watch_list``."""
        self._raise_scripted("watch_list")
        if self.text is None:
            return None
        if self.more:
            whole = msgspec.json.encode([self.text, *self.more])
            return ListSource(self.text, _version(whole), "blobs", self.modified, self.more)
        return ListSource(self.text, _version(self.text), "blob config/images.yaml", self.modified)

    def last_good(self) -> ListSource | None:
        """See ``Configuration.last_good``."""
        self._raise_scripted("last_good")
        return self._last_good

    def keep_last_good(self, source: ListSource) -> None:
        """See ``Configuration.keep_last_good``."""
        with self._change("keep_last_good"):
            origin = "blob config/images.last-good.yaml"
            self._last_good = ListSource(
                source.text, source.version, origin, self.modified, source.more, source.lacks_main
            )

    def gate(self, name: str) -> Mapping[str, bytes]:
        """See ``Configuration.gate``."""
        self._raise_scripted("gate")
        return dict(self.gates.get(name, {}))


def _version(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _line_place(event: Event) -> str:
    left = (datetime.max.replace(tzinfo=UTC) - event.at) // timedelta(microseconds=1)
    return f"{left:018d}-{hashlib.sha256(f'{event.subject} {event.name}'.encode()).hexdigest()[:24]}"
