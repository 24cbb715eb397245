"""When imports and gates are looked at: what instances before have learnt is known, and costs next to nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Status
from shared.domain.promotion.usual_times import BASE_IMPORT, STAGING_IMPORT, UsualTimes, gate_kind
from shared.errors import Unavailable
from shared.rules.timekeeping import Timekeeper
from shared.usual_times_ports import StoredUsualTimes
from tests.doubles.storage import InMemoryUsualTimes
from tests.doubles.world import ONE, World

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)


def test_a_new_instance_knows_what_one_before_has_learnt() -> None:
    kept = InMemoryUsualTimes()
    Timekeeper(kept).took(STAGING_IMPORT, 20 * SECOND)
    assert Timekeeper(kept).usual(STAGING_IMPORT) == 16 * SECOND
    assert Timekeeper(kept).pause(STAGING_IMPORT, 6 * SECOND) == 10 * SECOND


def test_a_hundred_imports_that_take_as_long_as_usual_cost_a_read_and_few_writes() -> None:
    kept = InMemoryUsualTimes()
    keeper = Timekeeper(kept)
    for _ in range(100):
        keeper.pause(STAGING_IMPORT)
        usual = keeper.usual(STAGING_IMPORT)
        keeper.took(STAGING_IMPORT, max(20 * SECOND, usual or 20 * SECOND))
    assert kept.asked["get"] == 1
    assert kept.asked["replace"] <= 3


def test_a_storage_account_that_does_not_answer_keeps_nobody_from_looking() -> None:
    kept = InMemoryUsualTimes()
    kept.fail("get", Unavailable("503"), Unavailable("503"))
    keeper = Timekeeper(kept)
    assert keeper.pause(STAGING_IMPORT) == SECOND
    keeper.took(STAGING_IMPORT, 20 * SECOND)
    assert keeper.usual(STAGING_IMPORT) == 16 * SECOND


def test_a_write_that_failed_is_made_by_the_next_that_ends() -> None:
    kept = InMemoryUsualTimes()
    kept.fail("replace", Unavailable("503"))
    keeper = Timekeeper(kept)
    keeper.took(STAGING_IMPORT, 20 * SECOND)
    assert kept.get().times == UsualTimes()
    keeper.took(STAGING_IMPORT, 20 * SECOND)
    assert kept.get().times.of(STAGING_IMPORT) is not None


def test_of_two_instances_neither_undoes_what_the_other_learnt_of_another_kind() -> None:
    kept = InMemoryUsualTimes()
    one, other = Timekeeper(kept), Timekeeper(kept)
    one.usual(STAGING_IMPORT)
    other.usual(STAGING_IMPORT)
    one.took(STAGING_IMPORT, 20 * SECOND)
    other.took("gate node", 90 * SECOND)
    other.took("gate node", 120 * SECOND)
    assert set(kept.get().times.seconds) == {STAGING_IMPORT, "gate node"}


def test_a_kind_that_this_version_does_not_know_stays_kept() -> None:
    kept = InMemoryUsualTimes()
    kept.replace(StoredUsualTimes(UsualTimes(), ""), UsualTimes({"of tomorrow": 1.0}))
    Timekeeper(kept).took(STAGING_IMPORT, 20 * SECOND)
    assert kept.get().times.seconds == {"of tomorrow": 1.0, STAGING_IMPORT: 16.0}


def test_both_imports_and_the_gate_of_an_update_are_learnt_from() -> None:
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
    assert set(world.usual_times.get().times.seconds) == {STAGING_IMPORT, BASE_IMPORT, gate_kind("node")}


def test_an_update_without_a_table_of_usual_times_is_promoted_all_the_same() -> None:
    world = World()
    world.usual_times.fail("get", *(Unavailable("503") for _ in range(200)))
    world.push(ONE)
    world.check()
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
