"""What the product's records say: the one place of these tests that knows how they are kept and what they mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from infra.local.topology import BASE
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.companions_table import CompanionsTable
from shared.adapters.storage.observations_table import ObservationsTable
from shared.adapters.storage.tables import Row, Table
from shared.domain.promotion import rebuilds, schedule
from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.barring import bar_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest, Repository, Tag, parse_repository
from shared.domain.travel.companions import Companions
from shared.domain.travel.next_step import is_waited_for
from shared.domain.travel.telling import told_counts, told_locks
from shared.domain.watching.observation import Observation, Presence
from shared.domain.waves import wave as waves
from shared.storage_settings import Storage
from tests.chaos.found_waves import FoundWaves, decided, is_settled, judged
from tests.chaos.found_waves import story_of as story_of_wave
from tests.chaos.judge import Record
from tests.chaos.judge_waves import Decided, Rebuild, Wave
from tests.chaos.pace import faster

R = TypeVar("R", Candidate, Target, rebuilds.Rebuild)
_TABLES: dict[type[Any], str] = {Candidate: "candidates", Target: "targets", rebuilds.Rebuild: "rebuilds"}


class Found:
    """Reads the tables.

    Args:
        connection: of the storage account itself, past whatever stands before it.
        pace: how many times faster than life the product runs.
    """

    def __init__(self, connection: str, pace: float) -> None:
        self._account = StorageAccount(Storage(connection_string=connection), _no_credential)
        self._observations = ObservationsTable(self._account)
        self._companions = CompanionsTable(self._account)
        self._waves = FoundWaves(self._account)
        self.longest = faster("LONGEST_RETRY", schedule.LONGEST_RETRY, pace)
        # A record's message may be late by the grace, then the sweep comes round, then the machine is slow.
        self.grace = faster("OVERDUE_GRACE", schedule.OVERDUE_GRACE, pace) + timedelta(seconds=30)

    def records(self, waiting: Collection[str] = ()) -> tuple[Record, ...]:
        """Return every record of candidates, targets, rebuilds, companions and waves.

        Args:
            waiting: names of tags that wait for people, who do not come: nothing is to be done about them.
        """
        held = frozenset(_tag(one) for one in self._all(Target) if _waits(one) and _tag(one) in waiting)
        return (
            *(_candidate(one, held) for one in self._all(Candidate)),
            *self._targets(held),
            *map(_rebuild, self._all(rebuilds.Rebuild)),
            *map(_companions, self.companions()),
            *map(_wave, self._waves.all()),
        )

    def companions(self) -> tuple[Companions, ...]:
        """Return what is known of what lies beside images."""
        return tuple(stored.record for stored in self._companions.every(BASE))

    def waves(self) -> tuple[Wave, ...]:
        """Return every wave."""
        return tuple(map(judged, self._waves.all()))

    def decided(self) -> dict[str, Decided]:
        """Return what is decided of each tag of the base registry, by its name."""
        return decided(self._all(Target))

    def tried_daily(self) -> int:
        """Return how many candidates are under way only because they had failed a day ago, which goes on for ever."""
        return sum(one.retried and one.status not in ENDS for one in self._all(Candidate))

    def wanted(self) -> dict[str, str]:
        """Return what the last decision on each tag of the base registry says, by the tag's name."""
        return {_tag(target): str(target.wanted) for target in self._all(Target)}

    def stories(self) -> dict[str, tuple[str, ...]]:
        """Return what the records tell of each tag of the base registry, for people."""
        told: defaultdict[str, list[str]] = defaultdict(list)
        for target in self._all(Target):
            told[_tag(target)] += _story_of_target(target)
        for one in sorted(self._all(Candidate), key=lambda one: one.detected_at):
            for place in one.places:
                told[_name(place.repository, place.tag)] += [f"candidate {one.digest}", *_story(one)]
        return {name: tuple(lines) for name, lines in told.items()}

    def rebuilds(self) -> tuple[Rebuild, ...]:
        """Return every rebuild with the names of its runs."""
        return tuple(
            Rebuild(
                one.id,
                one.task,
                _name(one.base_repository, one.base_tag),
                one.decision,
                rebuilds.rebuild_run_names(one),
                one.wave,
                one.attempt,
                one.canary,
            )
            for one in self._all(rebuilds.Rebuild)
        )

    def noticed(self, repositories: Iterable[str]) -> dict[tuple[str, str], str | None]:
        """Return what the product last saw upstream, by repository and tag; ``None`` for what is gone.

        What is held back for minutes, since the tag goes back and forth, was seen all the same.
        """
        return {
            (repository, tag): str(_last_seen(seen)) if seen.presence is Presence.PRESENT else None
            for repository in repositories
            for tag, seen in self._known(parse_repository(repository)).items()
        }

    def _targets(self, held: frozenset[str]) -> Iterator[Record]:
        """Whether a target's source still has what it bore last is what the product knows of it, or an import said."""
        targets = self._all(Target)
        lost = {one.digest for one in self._all(Candidate) if one.status is Status.FAILED or one.retried}
        seen = {source: self._known(source) for source in {one.origin.source for one in targets}}
        for one in targets:
            known = seen[one.origin.source].get(one.origin.source_tag)
            there = known is not None and known.presence is Presence.PRESENT
            yield _target(one, _tag(one) in held, there and (one.awaited is None or one.awaited.digest not in lost))

    def _known(self, repository: Repository) -> Mapping[Tag, Observation]:
        return self._observations.of(repository).tags

    def _all(self, kind: type[R]) -> list[R]:
        """Every record, current or archived; the current one counts where a death left both."""
        rows = sorted(Table(self._account, _TABLES[kind]).select("PartitionKey ge @first", {"first": ""}), key=_archive)
        decoder = msgspec.json.Decoder(kind)
        return list({record.id: record for record in (decoder.decode(row.record) for row in rows)}.values())


def _no_credential() -> Any:
    raise RuntimeError("the twin's storage is reached by its connection string")


def _archive(row: Row) -> bool:
    return bool(row.partition == "current")


def _name(repository: str, tag: str) -> str:
    return f"{repository}:{tag}"


def _tag(target: Target) -> str:
    return _name(target.repository, target.tag)


def _candidate(one: Candidate, held: frozenset[str]) -> Record:
    """What one of its tags keeps waiting for people, who do not come, goes on for as long."""
    key = f"{one.source} {one.digest} {one.gate}"
    waits = one.status is Status.HELD and any(_name(place.repository, place.tag) in held for place in one.places)
    return Record("candidate", one.id, key, one.status in ENDS or one.retried or waits, one.look_at, _story(one))


def _story(one: Candidate) -> tuple[str, ...]:
    return tuple(
        f"  {change.at:%H:%M:%S.%f} {change.status.value} {change.reason.value} {change.detail}".rstrip()
        for change in one.history
    )


def _waits(one: Target) -> bool:
    """Whether what is decided waits for people who locked the tag."""
    bar = bar_of(one)
    return bar is not None and bar.waiting is Waiting.LOCKED


def _target(one: Target, waits: bool, there: bool) -> Record:
    """What goes on for days has ended: reading after imports without a known end, asking for what its source lost."""
    awaited = one.awaited if there else None
    reached = not one.wanted or one.reached == one.number or waits
    open_ = one.importing or awaited or one.search_at or not reached
    return Record("target", one.id, one.id, not open_, one.look_at, _story_of_target(one))


def _story_of_target(one: Target) -> tuple[str, ...]:
    decision = f"decision {one.number} for {one.wanted or 'nothing'}, {one.why.value}"
    reached = f"reached {one.reached}, searched {one.searched}, seen {one.seen or 'nothing'}"
    waits = f"due {one.look_at}, importing {one.importing}, awaited {one.awaited}, unsettled {one.unsettled}"
    sighted = ", ".join(f"{one.order} {one.digest[7:15]}" for one in one.sightings)
    passed = ", ".join(digest[7:15] for digest in one.passed)
    return decision, reached, waits, f"trouble {one.trouble or 'none'}", f"sighted {sighted}", f"passed {passed}"


def _companions(one: Companions) -> Record:
    """What only follows goes on for days, and has ended."""
    return Record("companions", one.id, one.id, not is_waited_for(one, datetime.now(UTC)), one.look_at, story_of(one))


def story_of(one: Companions) -> tuple[str, ...]:
    """Return what the record of what lies beside an image tells, for people."""
    wants = (
        f"for {want.tag}, decision {want.number}: ready {want.ready_at}, borne {want.borne_at}" for want in one.wants
    )
    named = (f"{each.name} for {each.tag}, landed {each.landed_at}" for each in one.unique)
    recorded = one.record.record if one.record is not None else None
    record = f"record {recorded.state.value} {recorded.truth.ground.value}" if recorded is not None else "no record"
    told = f"{told_counts(one)}; {told_locks(one)}; {record}; listed {one.listed} times, due {one.look_at}"
    trouble = one.record.tries.trouble if one.record is not None else ""
    return (*wants, *named, told, f"troubles {one.image_tries.trouble} {one.listing_tries.trouble} {trouble}")


def _rebuild(one: rebuilds.Rebuild) -> Record:
    key = f"{one.task} on {_name(one.base_repository, one.base_tag)} {one.base_digest}, decision {one.decision}"
    key += f", attempt {one.attempt}" if one.decision else f" {one.id}"
    told = f"{one.status.value} since {one.since:%H:%M:%S}, {one.runs} runs, the last {one.run_id}: {one.detail}"
    return Record("rebuild", one.id, key, one.status in rebuilds.REBUILD_ENDS, one.look_at, (told,))


def _wave(one: waves.Wave) -> Record:
    return Record("wave", one.id, one.id, is_settled(one), one.look_at, tuple(story_of_wave(one)))


def _last_seen(seen: Observation) -> Digest:
    doubted = seen.doubted
    held_back = doubted is not None and doubted.due - doubted.since >= timedelta(minutes=5)
    return doubted.digest if doubted is not None and held_back else seen.digest
