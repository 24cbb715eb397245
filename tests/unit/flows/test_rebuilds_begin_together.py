"""Rebuilds begin together: by one reading, in few writes, and each as if it had begun alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.errors import Conflict, Paced, ServiceError, Unavailable
from shared.ports import Stored
from tests.doubles.world import Died, World
from tests.unit.flows.test_rebuilds_at_once import TASKS, running, world_of

pytestmark = pytest.mark.unit


def begun(world: World) -> World:
    """Deliver what is due until the first round of rebuilds is over."""
    world.application_runs.looks = 10**6
    while not world.rebuilt() or all(one.status is RebuildStatus.WANTED and not one.detail for one in world.rebuilt()):
        world.step()
    return world


def counted(world: World, *names: str) -> Counter[str]:
    """Count calls of the records of rebuilds, but those for all that there are: tests ask so."""
    calls: Counter[str] = Counter()
    for name in names:
        setattr(world.rebuilds, name, _counting(calls, name, getattr(world.rebuilds, name)))
    return calls


def _counting(calls: Counter[str], name: str, call: Callable[..., object]) -> Callable[..., object]:
    def counting(*given: object) -> object:
        calls[name] += bool(given)
        return call(*given)

    return counting


def test_what_is_around_many_is_read_twice_for_each_ten_and_they_are_written_twice() -> None:
    world = world_of(tasks=10, most=10)
    calls = counted(world, "current", "replace", "replace_all")
    begun(world)
    assert running(world) == 10
    assert (calls["current"], calls["replace"], calls["replace_all"]) == (2, 0, 2)


def test_no_more_begin_together_than_the_setting_says() -> None:
    world = begun(world_of(most=3))
    assert running(world) == 3
    assert sum(world.application_runs.started.values()) == 3


def test_of_two_workers_that_claim_at_one_moment_none_runs_one_too_many() -> None:
    world = world_of(tasks=4, most=2)
    real = world.rebuilds.replace_all
    others: list[Rebuild] = []

    def raced(changes: list[tuple[Stored[Rebuild], Rebuild]]) -> object:
        """Another worker claims those that are left, between this one's reading and its writing."""
        if not others and changes[0][1].status is RebuildStatus.RUNNING:
            mine = {one.record.id for one, _ in changes}
            for stored in [one for one in world.rebuilds.current() if one.record.id not in mine]:
                claimed = Rebuild(**{**_fields(stored.record), "status": RebuildStatus.RUNNING, "runs": 1})
                others.append(world.rebuilds.replace(stored, claimed).record)
        return real(changes)

    world.rebuilds.replace_all = raced  # type: ignore[method-assign,assignment]
    begun(world)
    assert len(others) == 2
    assert sum(world.application_runs.started.values()) == 0, "there were four, and two may run"


def _fields(rebuild: Rebuild) -> dict[str, object]:
    return {name: getattr(rebuild, name) for name in rebuild.__struct_fields__}


def test_one_that_another_worker_took_keeps_no_other_from_its_run() -> None:
    world = world_of(tasks=3, most=3)
    real = world.rebuilds.replace_all

    def taken(changes: list[tuple[Stored[Rebuild], Rebuild]]) -> object:
        written = list(real(changes[1:]))
        return [Conflict("taken"), *written] if changes[0][1].status is RebuildStatus.RUNNING else real(changes)

    world.rebuilds.replace_all = taken  # type: ignore[method-assign,assignment]
    begun(world)
    assert sum(world.application_runs.started.values()) == 2


@pytest.mark.parametrize("call", ["task", "start_task", "take_task_turn"])
@pytest.mark.parametrize("error", [Paced("not yet", retry_after=5), Unavailable("503")])
def test_what_goes_wrong_with_one_keeps_no_other_from_being_run_once(call: str, error: ServiceError) -> None:
    world = world_of(tasks=4, most=4)
    world.application_runs.fail(call, error)
    world.settle()
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * 4
    assert set(world.application_runs.started.values()) == {1}


@pytest.mark.parametrize("call", ["current", "replace_all"])
def test_a_store_that_does_not_answer_for_once_has_each_of_them_tried_again(call: str) -> None:
    world = world_of(tasks=4, most=4)
    world.rebuilds.fail(call, Unavailable("503"))
    world.run_for(timedelta(hours=1))
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * 4
    assert set(world.application_runs.started.values()) == {1}


@pytest.mark.parametrize("dies_at", range(1, 60))
def test_whoever_dies_at_any_moment_leaves_what_is_run_once(dies_at: int) -> None:
    world, moments = world_of(tasks=TASKS // 3, most=3), [0]

    def comes(name: str) -> None:
        moments[0] += name.startswith(("rebuilds.", "application_runs.", "outbox."))
        if moments[0] == dies_at:
            moments[0] = 1000
            raise Died

    world.hook = comes
    world.run_for(timedelta(hours=1))
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * (TASKS // 3)
    assert set(world.application_runs.started.values()) == {1}
