"""The sweep takes up and puts away what it can, whatever becomes of a single record."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.flows.sweep import sweep_rebuilds
from shared.rules.progress import rebuild_progress
from shared.rules.wake import Waker
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.registries import InMemoryRuns
from tests.doubles.storage import InMemoryRecords, SettableClock
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
