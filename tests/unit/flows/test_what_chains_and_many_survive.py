"""Triggers, chains, cycles and many, told as what may happen: each also with deaths, late and twice, and stale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, RebuildStatus
from shared.domain.references import Digest, Tag
from shared.domain.waves.states import MemberState, WaveState
from shared.errors import Unavailable
from tests.doubles.registries import digest_of
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO
from tests.unit.flows.manners import Manner, Telling, in_every_manner
from tests.unit.flows.test_waves_of_chains import APP, HOST, OLD, RUNTIME, between, in_base, on, started
from tests.unit.flows.test_waves_of_many import OTHER, two_bases
from tests.unit.flows.test_what_waves_on_hold_survive import BOTH
from tests.unit.flows.test_what_waves_survive import DONE
from tests.unit.flows.waves_told import HOUR, begins, ends, rebuilds_of, runs_begun, waved, waves
from tests.unit.flows.waving import APPS, CANARY, RESTORE, SHOP, Waving, asking, task

pytestmark = pytest.mark.unit

FIRST = Tag("1")


def of_tasks(*tasks: str | ApplicationTask, watch_list: bytes | None = None) -> Callable[[], Waving]:
    """Return what makes a world with these tasks."""
    return lambda: Waving(watch_list or asking(), tasks)


def runs_of(world: Waving) -> BuildingRuns:
    """Return the tasks' runs."""
    assert isinstance(world.application_runs, BuildingRuns)
    return world.application_runs


# 23


def triggered(telling: Telling, at: str) -> None:
    """A digest comes, and the canary's own trigger has built it by the first moment of a name."""
    world, done = begins(telling), list[str]()

    def build(moment: str) -> None:
        if moment == at and not done:
            done.append(moment)
            runs_of(world).built_by_others(CANARY)

    telling.watch = build
    world.promote(TWO, 2 * HOUR)
    assert done


@in_every_manner
def test_what_a_trigger_built_before_our_run_counts_and_is_not_run_by_us_and_that_is_said(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        triggered(telling, "waves.after:insert")

    ours = 1 if manner is Manner.STALE else 0  # whoever is told that nobody has built it runs it, once
    for world in waved(manner, of_tasks(CANARY, SHOP), story):
        assert ends(world) == [(2, *DONE)]
        assert [world.runs_of(name) for name in (CANARY, SHOP)] == [ours, 1]
        if not ours:
            (rebuild,) = rebuilds_of(world, CANARY)
            assert world.member(CANARY) is MemberState.COVERED
            assert rebuild.detail == "the task is built on this digest by now"


@in_every_manner
def test_what_a_trigger_builds_after_our_run_began_is_no_second_one_of_ours(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        triggered(telling, "application_runs.after:start_task")

    for world in waved(manner, of_tasks(CANARY, SHOP), story):
        assert ends(world) == [(2, *DONE)]
        assert runs_begun(world) == {"/tasks/canary": 1, "/tasks/shop": 1}


@in_every_manner
def test_a_trigger_that_builds_for_one_of_two_signals_leaves_the_other_to_us_once(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world, done = begins(telling), list[str]()

        def build(moment: str) -> None:
            left = [one for one in world.rebuilt() if one.status is RebuildStatus.LEFT_TO_ACR]
            if left and not done:
                done.append(moment)
                runs_of(world).built_by_others(CANARY)

        telling.watch = build
        world.promote(TWO, 2 * HOUR)
        world.promote(THREE, 2 * HOUR)

    for world in waved(manner, of_tasks(task(CANARY, own_trigger=True), SHOP), story):
        assert ends(world) == [(2, *DONE), (3, *DONE)]
        assert [world.runs_of(CANARY, digest) for digest in (TWO, THREE)] == [0, 1]
        assert [world.runs_of(SHOP, digest) for digest in (TWO, THREE)] == [1, 1]
        details = [one.detail for one in rebuilds_of(world, CANARY) if one.base_digest == TWO]
        assert any(one.startswith("ACR's own base image trigger rebuilt it") for one in details)


# 24


def through_base(telling: Telling, told: int) -> None:
    """A digest comes; the image between is pushed into base, which tells it so often."""
    world, sent = begins(telling), list[str]()

    def tell(_: str) -> None:
        digest = world.base.tags.get((RUNTIME, FIRST))
        if digest is not None and digest not in sent:
            sent.append(digest)
            moved = BaseMoved(v=1, repository=RUNTIME, tag=FIRST, digest=Digest(digest))
            for _ in range(told):
                telling.do(lambda: world.outbox.send(moved))

    telling.watch = tell
    world.promote(TWO, HOUR)
    assert sent


@pytest.mark.parametrize("told", [0, 2], ids=["its webhook is lost", "its webhook comes twice"])
@in_every_manner
def test_an_application_is_built_once_on_an_image_between_that_was_built_on_the_new_base(
    manner: Manner, told: int
) -> None:
    for world in waved(manner, in_base, lambda telling: through_base(telling, told)):
        assert ends(world) == [(2, *DONE)]
        assert started(world) == [CANARY, RUNTIME, APP]
        app = next(one for one in world.application_runs.application_tasks if one.name == APP)
        assert app.dependencies[0].digest == digest_of(f"runtime on ['base/node:22-alpine@{TWO}']")


@in_every_manner
def test_an_application_whose_image_between_fails_is_not_asked_for_and_it_is_said_why(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        begins(telling).fails(RUNTIME, times=9)
        begins(telling).promote(TWO, 2 * HOUR)

    for world in waved(manner, of_tasks(CANARY, between(), on(APP, RUNTIME)), story):
        found = world.wave().member(f"acr:{APPS}/{APP}")
        assert found is not None
        assert (found.state, found.detail) == (MemberState.VOID, f"its base failed: acr:{APPS}/{RUNTIME}")
        assert APP not in started(world)
        assert ends(world) == [(2, WaveState.DONE_WITH_FAILURES, "some-not-built")]


@in_every_manner
def test_an_image_between_that_fails_as_a_canary_takes_the_base_back_and_is_the_control(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        begins(telling).fails(RUNTIME)
        begins(telling).promote(TWO, 2 * HOUR)

    make = of_tasks(between(), on(APP, RUNTIME), watch_list=asking(RESTORE, f"[{APPS}/{RUNTIME}]"))
    for world in waved(manner, make, story):
        assert [end[1] for end in ends(world)] == [WaveState.RESTORED, WaveState.DONE]
        assert (world.target().seen, world.canaried().digest) == (ONE, TWO)
        assert started(world) == [RUNTIME, RUNTIME, RUNTIME]


# 25


def cycle() -> list[ApplicationTask]:
    """Return two tasks, each built on what the other pushes."""
    first = between("first", on=(*task("first").dependencies, Dependency(HOST, "second", "1", OLD)))
    return [first, between("second", on=(Dependency(HOST, "first", "1", OLD),))]


@pytest.mark.parametrize("of_itself", [False, True], ids=["of two", "of itself"])
@in_every_manner
def test_a_cycle_is_told_once_and_each_of_it_is_run_once_a_decision(manner: Manner, of_itself: bool) -> None:
    own = between("own", on=(*task("own").dependencies, Dependency(HOST, "own", "1", OLD)))
    tasks = [own] if of_itself else cycle()

    def story(telling: Telling) -> None:
        world = begins(telling)
        world.promote(TWO, HOUR)
        world.promote(THREE, HOUR)

    for world in waved(manner, of_tasks(CANARY, *tasks), story):
        assert ends(world) == [(2, *DONE), (3, *DONE)]
        once = [CANARY, *(one.name for one in tasks)]
        assert started(world) == [*once, *once]
        assert [len(one.remarks) for one in waves(world)] == [1, 1]


# 26


def both_move(telling: Telling) -> None:
    """Two bases move in the same check."""
    world = begins(telling)
    world.push(TWO)
    world.push(THREE, OTHER)
    telling.do(world.check)
    world.run_for(3 * HOUR)


@in_every_manner
def test_two_bases_of_a_task_that_move_within_the_window_are_one_run(manner: Manner) -> None:
    for world in waved(manner, two_bases, both_move):
        assert {one.state for one in waves(world)} == {WaveState.DONE}
        assert world.application_runs.started["/tasks/both"] == 1
        ends_of_both = [one.state for wave in waves(world) for one in wave.members if one.target.endswith("/both")]
        assert Counter(ends_of_both) == {MemberState.BUILT: 1, MemberState.COVERED: 1}


@in_every_manner
def test_a_canary_is_asked_for_alone_while_another_base_of_its_task_moves(manner: Manner) -> None:
    def make() -> Waving:
        both = task(CANARY, (TARGET, OTHER, ONE))
        world = Waving(BOTH.replace(b"canary20", b"nobody"), [both, SHOP])
        world.promote(ONE, tag=OTHER)
        return world

    at_once: list[int] = []

    def story(telling: Telling) -> None:
        world = begins(telling)

        def count(moment: str) -> None:
            if moment.startswith("rebuilds.after:replace"):
                running = [one for one in world.rebuilt() if one.task == CANARY]
                at_once.append(sum(one.status is RebuildStatus.RUNNING for one in running))

        telling.watch = count
        both_move(telling)

    for world in waved(manner, make, story):
        assert max(at_once) == 1
        assert {one.state for one in waves(world)} == {WaveState.DONE}
        assert {one.digest for one in world.application_runs.application_tasks[0].dependencies} == {TWO, THREE}


# 27


def many() -> Waving:
    """Return a world with many tasks, a cap of three, another tag with a canary, and a registry that says nothing."""
    of_other = task("canary20")
    base = msgspec.structs.replace(of_other.dependencies[0], tag=OTHER)
    names = [f"task{number:02}" for number in range(12)]
    watch_list = BOTH.replace(b"wave: 10", b"wave: 6")
    world = Waving(watch_list, [CANARY, msgspec.structs.replace(of_other, dependencies=(base,)), *names])
    world.most_rebuilds, world.application_runs.looks = 3, 14
    silent = BuildingRuns(world.base)
    silent.application_tasks = (msgspec.structs.replace(task("quiet"), registry="silentapps"),)
    world.runs = {APPS: world.application_runs, "silentapps": silent}
    world.start()
    world.promote(ONE, tag=OTHER)
    world.list_tasks()
    return world


@in_every_manner
def test_many_keep_to_the_cap_and_each_is_run_once_and_canaries_of_another_tag_go_between(manner: Manner) -> None:
    most: list[int] = []

    def story(telling: Telling) -> None:
        world = begins(telling)

        def count(moment: str) -> None:
            if moment.startswith("rebuilds.after:replace"):
                here = [one for one in world.rebuilt() if one.registry == APPS]
                most.append(sum(one.status is RebuildStatus.RUNNING for one in here))

        telling.watch = count
        silent = world.runs["silentapps"]
        silent.fail("task", *[Unavailable("503")] * 4)
        world.promote(TWO, timedelta(minutes=2))
        world.promote(TWO, 8 * HOUR, tag=OTHER)

    for world in waved(manner, many, story, most=12):
        assert {(one.tag, *end[1:]) for one, end in zip(waves(world), ends(world), strict=True)} == {
            (TAG, *DONE),
            (OTHER, *DONE),
        }
        assert set(runs_begun(world).values()) == {1}
        assert len(runs_begun(world)) == 15
        keys = [key for key, _ in runs_of(world).bases_at_start]
        assert keys.index("/tasks/canary20") < len(keys) - 2
    assert max(most) <= 3
