"""Whoever is built on images between is rebuilt after these, once a decision, and on what they were built on anew."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.task_runs import Pushed
from shared.domain.references import Digest, Tag
from shared.domain.waves.results import HowKnown
from shared.domain.waves.states import MemberState, WaveState
from tests.doubles.registries import digest_of
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import BASE_SERVER, ONE, TWO
from tests.unit.flows.waving import APPS, CANARY, HOLD, RESTORE, Waving, asking, task

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
HOST = f"{APPS}.azurecr.io"
RUNTIME, APP, OTHER = "runtime", "app", "other"
OLD = digest_of("runtime of long ago")


def between(name: str = RUNTIME, host: str = HOST, on: tuple[Dependency, ...] = ()) -> ApplicationTask:
    """Return a task that is built on the base and pushes an image of its own name."""
    pushes = (Pushed(host, name, "1"),)
    return msgspec.structs.replace(task(name), pushes=pushes, **({"dependencies": on} if on else {}))


def on(name: str, *images: str, host: str = HOST, owner: str = "", own_trigger: bool = False) -> ApplicationTask:
    """Return a task that is built on images between alone."""
    bases = tuple(Dependency(host, one, "1", OLD) for one in images)
    found = task(name, own_trigger=own_trigger)
    return msgspec.structs.replace(found, dependencies=bases, owner=owner)


def chain(on_failure: str = HOLD, canary: str = f"[{APPS}/{CANARY}]", *more: ApplicationTask) -> Waving:
    """Return a world with a chain of three: the base, a runtime, and an application on that."""
    return Waving(asking(on_failure, canary), [CANARY, between(), on(APP, RUNTIME), *more])


def started(world: Waving) -> list[str]:
    """Return the names of the tasks whose runs began, in order, since the base was promoted the first time."""
    runs = world.application_runs
    assert isinstance(runs, BuildingRuns)
    return [key.removeprefix("/tasks/") for key, _ in runs.bases_at_start]


def test_an_application_is_built_once_and_on_the_runtime_that_was_built_on_the_new_base() -> None:
    world = chain()
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert started(world) == [CANARY, RUNTIME, APP]
    app = next(one for one in world.application_runs.application_tasks if one.name == APP)
    assert app.dependencies[0].digest == digest_of(f"runtime on ['base/node:22-alpine@{TWO}']")


def test_how_it_is_known_on_what_it_was_built_is_told() -> None:
    world = chain()
    world.promote(TWO, HOUR)
    found = world.wave().member(f"acr:{APPS}/{APP}")
    assert found is not None
    assert found.after == (f"acr:{APPS}/{RUNTIME}",)
    assert [(one.how, one.built_on) for one in found.results] == [(HowKnown.BETWEEN, TWO)]


def test_if_the_runtime_fails_the_application_is_not_asked_for_and_it_is_said_why() -> None:
    world = chain()
    world.fails(RUNTIME)
    world.promote(TWO, 2 * HOUR)
    found = world.wave().member(f"acr:{APPS}/{APP}")
    assert found is not None
    assert (found.state, found.detail) == (MemberState.VOID, f"its base failed: acr:{APPS}/{RUNTIME}")
    assert APP not in started(world)
    assert world.state()[0] is WaveState.DONE_WITH_FAILURES


def test_a_run_of_an_application_that_was_built_on_the_old_runtime_is_no_answer() -> None:
    world = chain()
    runs, late = world.application_runs, list[str]()
    assert isinstance(runs, BuildingRuns)

    def start_early(moment: str) -> None:
        if moment == "application_runs.after:start_task" and started(world)[-1] == APP and not late:
            late.append(moment)
            run = list(runs._built_on)[-1]
            key, bases = runs._built_on[run]
            runs._built_on[run] = (key, {**bases, (f"{HOST}/{RUNTIME}", "1"): OLD})

    world.hook = start_early
    world.promote(TWO, 2 * HOUR)
    assert late
    assert started(world) == [CANARY, RUNTIME, APP, APP]
    assert world.state() == (WaveState.DONE, "all-built")


def test_a_canary_in_a_chain_has_what_it_is_built_on_go_first_as_well_and_that_is_said() -> None:
    world = chain(HOLD, f"[{APPS}/{APP}]")
    world.fails(APP)
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.HELD, "canary-failed")
    assert started(world) == [RUNTIME, APP, APP]
    assert any(f"acr:{APPS}/{RUNTIME} goes first as well" in one for one in world.wave().remarks)


def test_the_failure_of_an_application_takes_the_base_back_and_its_runtime_is_the_control_s_base() -> None:
    world = chain(RESTORE, f"[{APPS}/{APP}]")
    world.fails(APP)
    world.promote(TWO, 3 * HOUR)
    assert (world.target().wanted, world.target().seen) == (ONE, ONE)
    assert world.state(3)[0] is WaveState.DONE
    assert started(world) == [RUNTIME, APP, APP, RUNTIME, APP]
    assert world.built_on(RUNTIME) == ONE
    assert world.runs_of(CANARY) == 0


def test_owners_are_canaries_by_their_names() -> None:
    world = chain(HOLD, "[owner:payments]", on("paid", RUNTIME, owner="Payments"))
    world.promote(TWO, HOUR)
    assert [one.target.rpartition("/")[2] for one in world.wave().canaries] == [RUNTIME, "paid"]
    assert next(one.owner for one in world.wave().members if one.target.endswith("/paid")) == "Payments"


def test_a_number_of_canaries_is_taken_of_those_that_wait_for_nobody() -> None:
    world = chain(HOLD, "2")
    world.promote(TWO, HOUR)
    assert [one.target.rpartition("/")[2] for one in world.wave().canaries] == [CANARY, RUNTIME]


def test_a_runtime_that_acr_rebuilds_by_itself_is_waited_for_and_run_by_us_only_if_it_is_not() -> None:
    runtime = msgspec.structs.replace(between(), own_trigger=True)
    world = Waving(asking(), [CANARY, runtime, on(APP, RUNTIME)])
    world.promote(TWO, timedelta(minutes=5))
    world.application_runs.built_by_others(RUNTIME)  # type: ignore[attr-defined]
    world.run_for(HOUR)
    assert (world.member(RUNTIME), world.member(APP)) == (MemberState.COVERED, MemberState.BUILT)
    assert started(world) == [CANARY, APP]


def test_an_application_whose_trigger_runs_it_after_its_runtime_is_not_doubled() -> None:
    world = Waving(asking(), [CANARY, between(), on(APP, RUNTIME, own_trigger=True)])
    runs, done = world.application_runs, list[str]()
    assert isinstance(runs, BuildingRuns)

    def triggered(moment: str) -> None:
        if moment == "waves.before:replace" and (f"{HOST}/{RUNTIME}", "1") in runs.images and not done:
            done.append(moment)
            runs.built_by_others(APP)

    world.hook = triggered
    world.promote(TWO, HOUR)
    assert started(world) == [CANARY, RUNTIME]
    assert (world.member(APP), world.state()[0]) == (MemberState.COVERED, WaveState.DONE)


# 25


def test_a_cycle_is_told_once_and_each_of_it_is_rebuilt_once() -> None:
    first = between("first", on=(*task("first").dependencies, Dependency(HOST, "second", "1", OLD)))
    second = between("second", on=(Dependency(HOST, "first", "1", OLD),))
    world = Waving(asking(), [CANARY, first, second])
    world.promote(TWO, HOUR)
    assert started(world) == [CANARY, "first", "second"]
    assert len(world.wave().remarks) == 1
    assert "first" in world.wave().remarks[0] and "is rebuilt once" in world.wave().remarks[0]
    assert world.state() == (WaveState.DONE, "all-built")


def test_a_task_that_is_built_on_what_it_pushes_itself_is_rebuilt_once() -> None:
    own = between("own", on=(*task("own").dependencies, Dependency(HOST, "own", "1", OLD)))
    world = Waving(asking(), [CANARY, own])
    world.promote(TWO, HOUR)
    assert started(world) == [CANARY, "own"]
    assert world.state() == (WaveState.DONE, "all-built")


# 24: the image between is in the base registry, whose webhook tells of it, or does not.


def in_base() -> Waving:
    """Return a world whose runtime is pushed into the base registry."""
    return Waving(asking(), [CANARY, between(host=BASE_SERVER), on(APP, RUNTIME, host=BASE_SERVER)])


@pytest.mark.parametrize("told", [0, 1, 2], ids=["lost", "once", "twice"])
def test_whether_the_webhook_of_the_image_between_comes_or_not_the_application_is_built_once(told: int) -> None:
    world, sent = in_base(), list[str]()
    world.promote(TWO, timedelta(minutes=1))
    for _ in range(60):
        digest = world.base.tags.get((RUNTIME, "1"))
        if digest and not sent:
            sent.append(digest)
            for _ in range(told):
                world.outbox.send(BaseMoved(v=1, repository=RUNTIME, tag=Tag("1"), digest=Digest(digest)))
        world.run_for(timedelta(minutes=1))
    assert sent
    assert started(world) == [CANARY, RUNTIME, APP]
    assert world.state() == (WaveState.DONE, "all-built")
