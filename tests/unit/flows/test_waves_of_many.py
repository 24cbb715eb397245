"""Waves of many, of two bases at once, and of registries that say nothing: each is run once, and no more at once."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.turns import waits_for_canary
from shared.domain.references import Tag
from shared.domain.waves.states import MemberState, WaveState
from shared.errors import Unavailable
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import ONE, TARGET, THREE, TWO
from tests.unit.examples import rebuild
from tests.unit.flows.waving import APPS, CANARY, Waving, asking, task

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
OTHER = Tag("20-alpine")
BOTH_TAGS = asking(canary=f"[{APPS}/{CANARY}, {APPS}/canary20]").replace(b"[22-alpine]", b"[22-alpine, 20-alpine]")


def two_bases() -> Waving:
    """Return a world with a task that is built on two tags, and with a canary for each."""
    both = task("both", (TARGET, OTHER, ONE))
    of_other = task("canary20")
    base = msgspec.structs.replace(of_other.dependencies[0], tag=OTHER)
    world = Waving(BOTH_TAGS, [CANARY, msgspec.structs.replace(of_other, dependencies=(base,)), both])
    world.promote(ONE, tag=OTHER)
    return world


def runs_of(world: Waving, name: str) -> int:
    """Return how often a task was run, whatever its bases were."""
    return world.application_runs.started[f"/tasks/{name}"]


def test_two_bases_of_a_task_that_move_within_the_window_are_one_run() -> None:
    world = two_bases()
    world.push(TWO)
    world.push(THREE, OTHER)
    world.check()
    world.run_for(2 * HOUR)
    assert runs_of(world, "both") == 1
    waves = {one.record.tag: one.record for one in world.waves.every("tidegatebase")}
    assert {one.state for one in waves.values()} == {WaveState.DONE}
    ends = sorted(one.state.value for wave in waves.values() for one in wave.members if one.target.endswith("/both"))
    assert ends == [MemberState.BUILT.value, MemberState.COVERED.value]


def test_a_task_that_was_just_built_is_not_run_again_by_who_reads_it_as_it_was_before() -> None:
    world = two_bases()
    assert isinstance(world.application_runs, BuildingRuns)
    world.application_runs.lags = True
    world.push(TWO)
    world.push(THREE, OTHER)
    world.check()
    world.run_for(2 * HOUR)
    assert runs_of(world, "both") == 1
    ends = {one.status: one.detail for one in world.rebuilt() if one.task == "both"}
    assert set(ends) == {RebuildStatus.SUCCEEDED, RebuildStatus.UP_TO_DATE}
    assert "began after this base had moved, built on it" in ends[RebuildStatus.UP_TO_DATE]


def while_canaries_of_one_run() -> Waving:
    """Return a world whose task with two bases could be rebuilt for one, while canaries of the other one's run."""
    world = two_bases()
    world.application_runs.looks = 1000
    world.promote(TWO, timedelta(minutes=2))
    world.application_runs.looks = 1
    world.promote(THREE, timedelta(minutes=40), tag=OTHER)
    return world


def test_who_is_built_on_two_bases_is_built_for_neither_while_one_is_in_canaries() -> None:
    world = while_canaries_of_one_run()
    assert world.wave().state is WaveState.CANARIES
    assert runs_of(world, "both") == 0
    (waits,) = [one for one in world.rebuilt() if one.task == "both"]
    assert waits.detail == "waits for what canaries say of base/node:22-alpine, on which it is built as well"
    world.application_runs.finish()
    world.run_for(2 * HOUR)
    assert runs_of(world, "both") == 1
    assert {one.record.state for one in world.waves.every("tidegatebase")} == {WaveState.DONE}


def test_it_is_built_for_the_other_once_the_first_waits_for_a_person_as_no_base_is_to_wait_for_weeks() -> None:
    world = two_bases()
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    assert world.wave().state is WaveState.HELD
    world.promote(THREE, HOUR, tag=OTHER)
    assert runs_of(world, "both") == 1


def test_a_canary_is_asked_for_alone_and_what_is_for_another_base_waits_for_it() -> None:
    canary = rebuild(wave="w1", canary=True, status=RebuildStatus.RUNNING)
    other = rebuild(wave="w2", base_digest=TWO)
    assert waits_for_canary(other, [canary])
    assert not waits_for_canary(canary, [other])
    assert not waits_for_canary(other, [msgspec.structs.replace(canary, status=RebuildStatus.SUCCEEDED)])


def test_of_two_canaries_of_one_task_the_one_whose_decision_is_older_goes_first() -> None:
    first = rebuild(wave="w1", canary=True)
    second = rebuild(wave="w2", canary=True, since=first.since + HOUR)
    assert waits_for_canary(second, [first])
    assert not waits_for_canary(first, [second])


def test_many_with_a_cap_a_restart_and_a_silent_registry_are_each_run_once() -> None:
    names = [f"task{number:02}" for number in range(24)]
    world = Waving(asking(wave=6), [CANARY, *names])
    world.most_rebuilds = 3
    silent = BuildingRuns(world.base)
    silent.application_tasks = (msgspec.structs.replace(task("quiet"), registry="silentapps"),)
    world.runs = {APPS: world.application_runs, "silentapps": silent}
    world.start()
    silent.fail("task", *[Unavailable("503")] * 4)
    most = 0

    def count(moment: str) -> None:
        nonlocal most
        if moment.startswith("rebuilds.after:replace"):
            most = max(most, sum(one.status is RebuildStatus.RUNNING for one in world.rebuilt()))

    world.hook = count
    world.promote(TWO, timedelta(minutes=12))
    world.start()
    world.run_for(4 * HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert [runs_of(world, name) for name in (CANARY, *names)] == [1] * 25
    assert silent.started["/tasks/quiet"] == 1
    assert most <= 2 * 3  # one cap for each of two registries
