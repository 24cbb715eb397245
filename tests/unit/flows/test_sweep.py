"""The sweep takes up and puts away what it can, whatever becomes of a single record."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum

import msgspec
import pytest

from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.errors import UNREADABLE, NotPermitted, Paced, ServiceError, TidegateError, Unavailable
from shared.flows.sweep import sweep_rebuilds
from shared.ports import Stored
from shared.rules import putting_away
from shared.rules.progress import Progress, rebuild_progress
from shared.rules.wake import Waker
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.registries import InMemoryRuns
from tests.doubles.storage import InMemoryRecords, SettableClock
from tests.doubles.world import Died
from tests.unit.examples import NOON, rebuild

pytestmark = pytest.mark.unit


def test_a_sweep_says_nothing_of_what_waits_and_is_left_alone_and_a_word_of_what_it_took_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tidegate.sweep")
    clock = SettableClock(NOON)
    rebuilds = InMemoryRecords(Rebuild)
    rebuilds.insert(rebuild(status=RebuildStatus.RUNNING, runs=1))
    progress = rebuild_progress(rebuilds, Waker(InMemoryOutbox(clock), clock), clock)
    assert sweep_rebuilds(progress, {"tidegateapps": InMemoryRuns()}).under_way == 1
    assert caplog.messages == []
    clock.advance(timedelta(days=2))
    sweep_rebuilds(progress, {"tidegateapps": InMemoryRuns()})
    assert caplog.messages == ["sweep: 1 under way, 1 overdue, 0 put away"]


def test_a_rebuild_of_a_registry_that_is_not_in_the_settings_any_more_is_put_away_and_keeps_nobody_waiting() -> None:
    clock = SettableClock(NOON + timedelta(days=2))
    rebuilds, outbox = InMemoryRecords(Rebuild), InMemoryOutbox(clock)
    rebuilds.insert(rebuild(registry="former", status=RebuildStatus.SUCCEEDED, runs=1))
    rebuilds.insert(rebuild(status=RebuildStatus.RUNNING, runs=1))
    swept = sweep_rebuilds(rebuild_progress(rebuilds, Waker(outbox, clock), clock), {"tidegateapps": InMemoryRuns()})
    assert (swept.overdue, swept.archived) == (1, 1)


CLOCK = SettableClock(NOON + timedelta(days=2))
PACED = Paced("not yet", retry_after=9)


def ended(*runs: int, records: InMemoryRecords[Rebuild] | None = None) -> Progress[Rebuild]:
    """Return the rules for rebuilds that ended long ago, each of a task of its own and with so many runs."""
    rebuilds = InMemoryRecords(Rebuild) if records is None else records
    for number, count in enumerate(runs):
        one = rebuild(status=RebuildStatus.SUCCEEDED, runs=count)
        rebuilds.insert(msgspec.structs.replace(one, task=f"task{number:03}"))
    return rebuild_progress(rebuilds, Waker(InMemoryOutbox(CLOCK), CLOCK), CLOCK)


def swept(progress: Progress[Rebuild], runs: InMemoryRuns) -> int:
    """Sweep, and return how many were put away."""
    before = len(list(progress.records.current()))
    archived = sweep_rebuilds(progress, {"tidegateapps": runs}).archived
    assert before - len(list(progress.records.current())) == archived
    return archived


def test_many_are_put_away_in_a_sweep_and_the_rest_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(putting_away, "MOST_ARCHIVED", 7)
    progress = ended(*[0] * 10)
    assert [swept(progress, InMemoryRuns()) for _ in range(3)] == [7, 3, 0]


def test_names_of_runs_are_deleted_only_so_many_in_a_sweep_and_what_has_none_is_put_away_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(putting_away, "MOST_FORGOTTEN", 4)
    progress = ended(2, 0, 2, 0, 2, 0, 150, 1)
    assert [swept(progress, InMemoryRuns()) for _ in range(4)] == [5, 2, 1, 0]


def test_a_registry_that_asks_to_wait_is_asked_no_more_in_this_sweep_and_what_needs_it_not_is_put_away() -> None:
    runs = InMemoryRuns()
    progress = ended(1, 0, 1, 1, 0)
    runs.fail("forget", PACED)
    assert [swept(progress, runs) for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("error", [NotPermitted("no role"), Unavailable("no answer")])
def test_a_name_that_cannot_be_deleted_keeps_its_record_alone_from_being_put_away(error: TidegateError) -> None:
    runs = InMemoryRuns()
    progress = ended(1, 1, 1)
    runs.fail("forget", error)
    assert swept(progress, runs) == 2
    assert [each.record.task for each in progress.records.current()] == ["task000"]


def test_where_nothing_can_be_put_away_the_sweep_says_so_and_takes_up_what_it_finds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = InMemoryRecords(Rebuild)
    progress = ended(0, 0, records=records)
    records.insert(rebuild(status=RebuildStatus.RUNNING, runs=1))
    records.fail("archive_all", Unavailable("the storage account gave no answer"))
    found = sweep_rebuilds(progress, {"tidegateapps": InMemoryRuns()})
    assert (found.overdue, found.archived) == (1, 0)
    assert "2 records could not be put away, the next sweep tries again" in caplog.text
    assert swept(progress, InMemoryRuns()) == 2


class OneUnreadable(InMemoryRecords[Rebuild]):
    """Rebuilds of which the last cannot be read."""

    def in_status(self, statuses: Collection[Enum], by: datetime | None = None) -> Iterator[Stored[Rebuild]]:
        """See ``Records.in_status``."""
        yield from super().in_status(statuses, by)
        raise ServiceError("1 rows cannot be read", code=UNREADABLE)


def test_a_row_that_cannot_be_read_is_told_and_keeps_nothing_from_being_put_away() -> None:
    records = OneUnreadable(Rebuild)
    progress = ended(0, 1, records=records)
    with pytest.raises(ServiceError, match="cannot be read"):
        sweep_rebuilds(progress, {"tidegateapps": InMemoryRuns()})
    assert list(InMemoryRecords.current(records)) == []


class Mortal:
    """Lets the process die at the moment of a number."""

    def __init__(self, moment: int) -> None:
        self.moments = 0
        self._moment = moment

    def __call__(self, _: str) -> None:
        """Count a moment."""
        self.moments += 1
        if self.moments == self._moment:
            raise Died


def killed(moment: int) -> tuple[Progress[Rebuild], InMemoryRuns, int]:
    """Sweep three ended rebuilds, die at a moment, and return what is there then, with how many moments there were."""
    runs = InMemoryRuns()
    records = InMemoryRecords(Rebuild)
    progress, mortal = ended(1, 0, 2, records=records), Mortal(moment)
    runs.before_call = records.before_call = mortal
    with suppress(Died):
        sweep_rebuilds(progress, {"tidegateapps": runs})
    runs.before_call = records.before_call = None
    return progress, runs, mortal.moments


@pytest.mark.parametrize("moment", range(1, killed(0)[2] + 1))
def test_wherever_a_sweep_dies_the_next_puts_away_what_is_left_and_no_record_is_lost(moment: int) -> None:
    progress, runs, moments = killed(moment)
    assert moments == moment
    swept(progress, runs)
    records = progress.records
    assert list(records.current()) == []
    assert sorted(
        each.record.task for number in range(3) for each in records.archived(f"tidegateapps~task{number:03}")
    ) == ["task000", "task001", "task002"]
