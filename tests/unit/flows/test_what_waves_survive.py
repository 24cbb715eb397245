"""Canaries and their way back, told as what may happen: each also with deaths, late and twice, and stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.promotion.rebuilds import EndKind
from shared.domain.promotion.said import Guilt
from shared.domain.promotion.target import Target
from shared.domain.waves.results import Baseline, LastRun
from shared.domain.waves.states import ON_IT, MemberState, WaveState
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO
from tests.unit.flows.manners import Manner, Telling, in_every_manner
from tests.unit.flows.waves_told import (
    DAY,
    HOUR,
    begins,
    ends,
    others_were_built_on,
    rebuilds_of,
    waved,
)
from tests.unit.flows.waving import ALL, APPS, BLOG, CANARY, RESTORE, SHOP, Waving, asking

pytestmark = pytest.mark.unit

NEVER = 10**6
DONE = WaveState.DONE, "all-built"


def holding() -> Waving:
    """Return a world whose waves are held when a canary fails."""
    return Waving(asking())


def restoring() -> Waving:
    """Return a world whose tag goes back when a canary fails."""
    return Waving(asking(RESTORE))


def comes(world: Waving) -> None:
    """Let a digest come whose canary is under way until it is let go."""
    world.application_runs.looks = NEVER
    world.promote(TWO, timedelta(minutes=40))
    assert world.state()[0] is WaveState.CANARIES
    world.application_runs.looks = 1


def goes_on(world: Waving, by: timedelta = 2 * HOUR) -> None:
    """Let what is under way end, and some time pass."""
    world.application_runs.finish()
    world.run_for(by)


# 11


@in_every_manner
def test_a_run_that_read_its_base_before_the_tag_moved_is_no_answer_and_is_asked_for_again(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world, late = begins(telling), list[str]()
        runs = world.application_runs
        assert isinstance(runs, BuildingRuns)

        def read_early(moment: str) -> None:
            if moment == "application_runs.after:start_task" and not late:
                late.append(moment)
                run, (key, bases) = next(iter(runs._built_on.items()))
                runs._built_on[run] = (key, {**bases, (TARGET, TAG): ONE})

        telling.watch = read_early
        world.promote(TWO, 2 * HOUR)
        assert late

    for world in waved(manner, holding, story):
        assert ends(world) == [(2, *DONE)]
        first, *others = world.wave().canaries[0].results
        assert (first.built_on, others[-1].built_on) == (ONE, TWO)
        assert {world.built_on(name) for name in ALL} == {TWO}


# 12


@in_every_manner
def test_what_fails_its_canary_goes_back_is_confirmed_and_left_and_a_newer_digest_goes_through(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY)
        world.promote(TWO, 2 * HOUR)
        telling.do(world.check)
        world.run_for(HOUR)
        assert (world.target().wanted, world.target().seen) == (ONE, ONE)
        world.promote(THREE, 2 * HOUR)

    for world in waved(manner, restoring, story):
        assert ends(world) == [(2, WaveState.RESTORED, "went-back"), (3, *DONE), (4, *DONE)]
        assert (world.canaried().digest, world.canaried().guilt) == (TWO, Guilt.CONFIRMED)
        assert (world.target().seen, {world.built_on(name) for name in ALL}) == (THREE, {THREE})
        assert not others_were_built_on(world, TWO)


# 13


@in_every_manner
def test_a_control_that_fails_too_makes_a_suspicion_and_holds_with_all_logs_and_no_third_turn(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY, times=9)
        world.promote(TWO, 3 * HOUR)
        world.run_for(2 * DAY, sweeps=6 * HOUR)

    for world in waved(manner, restoring, story):
        assert ends(world) == [(2, WaveState.RESTORED, "went-back"), (3, WaveState.HELD, "control-failed")]
        assert (world.canaried().guilt, world.target().number, world.target().seen) == (Guilt.SUSPECTED, 3, ONE)
        for number in (2, 3):
            failed = [one for one in rebuilds_of(world, CANARY) if one.decision == number]
            logs = [world.evidence.read(one.id, "rebuild-1.log") for one in failed]
            assert logs == [b"canary broke"] * len(failed)
            assert len(failed) >= 2
        assert not others_were_built_on(world, TWO)


# 14


def failing(*names: str, canary: str) -> Callable[[], Waving]:
    """Return what makes a world with tasks that were failing before."""

    def make() -> Waving:
        world = Waving(asking(RESTORE, canary))
        for name in names:
            world.last_runs.of[f"{APPS}/{name}"] = LastRun("r0", passed=False, kind=EndKind.BUILD, built_on=ONE)
        return world

    return make


def all_pass(telling: Telling) -> None:
    """A digest comes, and nobody fails."""
    begins(telling).promote(TWO, 2 * HOUR)


@in_every_manner
def test_a_canary_that_was_failing_before_is_excluded_and_another_one_decides(manner: Manner) -> None:
    make = failing(CANARY, canary=f"[{APPS}/{CANARY}, {APPS}/{SHOP}]")
    for world in waved(manner, make, all_pass):
        assert ends(world) == [(2, *DONE)]
        (canary,) = (one for one in world.wave().members if one.target.endswith(CANARY))
        assert (canary.state in ON_IT, canary.baseline) == (True, Baseline.FAILING)
        assert next(iter(world.application_runs.started)) == f"/tasks/{SHOP}"
        assert [world.runs_of(name) for name in ALL] == [1, 1, 1]


@in_every_manner
def test_if_every_canary_was_failing_before_the_wave_is_held_and_nobody_is_asked(manner: Manner) -> None:
    for world in waved(manner, failing(CANARY, canary=f"[{APPS}/{CANARY}]"), all_pass):
        assert ends(world) == [(2, WaveState.HELD, "all-excluded")]
        assert world.application_runs.started.total() == 0


# 15, 16


def just_before(world: Waving, number: int, act: Callable[[], object]) -> None:
    """Let something happen in the instant before a decision is written."""
    replace = world.targets.replace

    def replaced(stored: object, target: Target) -> object:
        if target.number == number and stored.record.number < number:  # type: ignore[attr-defined]
            act()
        return replace(stored, target)  # type: ignore[arg-type]

    world.targets.replace = replaced  # type: ignore[method-assign, assignment]


HEARD, SAME, LATE = "heard just before it is written", "in the same second", "long after"
# A death between its failure and the decision lets that be judged first, which is the way back: another story.
ORDERS = [(manner, when) for manner in Manner for when in (HEARD, SAME, LATE) if (manner, when) != (Manner.DIES, HEARD)]


@pytest.mark.parametrize(("manner", "when"), ORDERS, ids=lambda one: getattr(one, "value", one))
def test_a_failure_around_a_newer_decision_takes_nothing_back_in_whatever_order_they_come(
    manner: Manner, when: str
) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY)
        runs = world.application_runs
        telling.watch = lambda _: setattr(runs, "looks", NEVER if world.runs_of(CANARY) == 1 else 1)
        world.promote(TWO, timedelta(minutes=40))
        assert (world.runs_of(CANARY), world.state()[0]) == (2, WaveState.CANARIES)

        def end() -> None:
            runs.finish()
            if when == HEARD:
                for stored in list(world.rebuilds.current()):
                    world.rebuilder.look(stored)

        if when != LATE:
            just_before(world, 3, end)
        world.promote(THREE, HOUR)
        runs.finish()
        world.run_for(2 * HOUR)

    for world in waved(manner, restoring, story):
        assert ends(world) == [(2, WaveState.SUPERSEDED, "moved-on"), (3, *DONE)]
        assert (world.target().number, world.target().seen, world.target().canaried) == (3, THREE, ())
        assert [world.member(name) for name in (SHOP, BLOG)] == [MemberState.VOID, MemberState.VOID]
        assert [world.runs_of(name, TWO) for name in ALL] == [2, 0, 0]
        assert {world.built_on(name) for name in ALL} == {THREE}
        order = [key for key, bases in world.application_runs.bases_at_start if bases[TARGET, TAG] == THREE]  # type: ignore[attr-defined]
        assert order[0] == "/tasks/canary"
