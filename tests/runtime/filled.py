"""An account as after the first fill of a large base registry: all tags observed and promoted, many more under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.observations_table import ObservationsTable
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.promotion.candidate import Candidate, Change
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.references import Repository, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState, answered
from tests.contract.examples import candidate, digest

BASE = "tidegatebase"
TAGS_EACH = 100
_A_BATCH = 100
# Of the lines of a history, each of 300 letters: a record is then of 3 kB.
_LINES = 8


@dataclass(frozen=True)
class Filled:
    """What an account holds.

    Attributes:
        upstream: ``host:port`` of the registry that is watched.
        repositories: how many, of ``TAGS_EACH`` tags each.
        under_way: candidates that have not ended.
    """

    upstream: str
    repositories: int
    under_way: int

    def source(self, number: int) -> Repository:
        """Return one of the watched repositories."""
        return Repository(self.upstream, f"library/image-{number:04}")

    def fill(self, account: StorageAccount) -> None:
        """Write everything into the account's tables, and the watch list into its blob."""
        Container(account, "config").write("images.yaml", "\n".join(["images:", *self._entries()]).encode())
        observations, targets = ObservationsTable(account), Table(account, "targets")
        for number in range(self.repositories):
            seen = tuple(_seen(tag, number) for tag in _tags())
            state = answered(RepositoryState(), whole_list=True, rules="", now=_an_hour_ago())
            observations.save(self.source(number), observations.of(self.source(number)), state, seen)
            _write(targets, [_row_of(self._target(number, tag)) for tag in _tags()])
        records = [_in_current(_under_way(number)) for number in range(self.under_way)]
        for start in range(0, len(records), _A_BATCH):
            _write(Table(account, "candidates"), records[start : start + _A_BATCH])

    def _entries(self) -> Iterator[str]:
        tags = ", ".join(_tags())
        for number in range(self.repositories):
            source = self.source(number)
            name = source.path.rpartition("/")[2]
            yield f"  - {{name: {name}, source: '{source}', tags: [{tags}], target: base/{name}}}"

    def _target(self, number: int, tag: Tag) -> Target:
        origin = Origin(f"image-{number:04}", self.source(number), tag, "")
        one, now = digest(number), _an_hour_ago()
        return Target(
            registry=BASE,
            repository=f"base/image-{number:04}",
            tag=tag,
            origin=origin,
            wanted=one,
            number=1,
            decided_at=now,
            reached=1,
            searched=1,
            seen=one,
            seen_at=now,
            sightings=(Sighting(1, one),),
            passed=(one,),
        )


def _tags() -> list[Tag]:
    return [Tag(f"24.{index}") for index in range(TAGS_EACH)]


def _an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def _seen(tag: Tag, number: int) -> Observation:
    place, then = f"base/image-{number:04}:{tag}", _an_hour_ago()
    return Observation(tag=tag, digest=digest(number), order=1, targets=(place,), first_seen=then, last_checked=then)


def _under_way(number: int) -> Candidate:
    """One in ten is overdue, so that the sweep takes it up."""
    first = candidate(number, target=f"base/other-{number:04}")
    lines = tuple(Change(first.since, Status.DETECTED, Reason.TROUBLE, "why it waits, " * 21) for _ in range(_LINES))
    look_at = datetime.now(UTC) + timedelta(hours=1 if number % 10 else -1)
    return msgspec.structs.replace(first, history=(*first.history, *lines), look_at=look_at)


def _in_current(record: Candidate) -> Row:
    text = msgspec.json.encode(record).decode()
    return Row("current", record.id, text, {"status": record.status.value, "look_at": record.look_at})


def _row_of(target: Target) -> Row:
    return Row(key(f"{BASE}/{target.repository}"), target.tag, msgspec.json.encode(target).decode())


def _write(table: Table, rows: Sequence[Row]) -> None:
    table.write_together(rows[:-1], rows[-1], "")
