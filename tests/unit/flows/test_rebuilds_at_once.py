"""No more rebuilds run at once in a registry than the setting says; the others wait, the oldest comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.promotion.turns import ahead_of
from shared.errors import ServiceError
from shared.ports import Stored
from tests.doubles.world import ONE, TAG, TARGET, TWO, World, application_task
from tests.unit.examples import NOON, rebuild

pytestmark = pytest.mark.unit

TASKS = 12


def world_of(tasks: int = TASKS, most: int = 3) -> World:
    """Return a world with tasks that are built on a base, which others have just pushed."""
    world = World()
    world.most_rebuilds = most
    world.start()
    made = application_task(ONE)
    world.application_runs.application_tasks = tuple(
        msgspec.structs.replace(made, name=f"task{number}", resource_id=f"/tasks/{number}") for number in range(tasks)
    )
    world.base.push(TARGET, TAG, TWO)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=TWO))
    return world


def running(world: World) -> int:
    """Return how many rebuilds run."""
    return sum(one.status is RebuildStatus.RUNNING for one in world.rebuilt())


def played(world: World) -> list[int]:
    """Play all that waits, and return how many rebuilds ran after each message."""
    counts = []
    while (due := world.outbox.next_due()) is not None:
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
            counts.append(running(world))
    return counts


def test_no_more_run_at_once_than_the_setting_says_and_all_are_run_in_the_end() -> None:
    world = world_of()
    assert max(played(world)) == 3
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * TASKS
    assert set(world.application_runs.started.values()) == {1}


def test_a_rebuild_that_waits_for_its_turn_says_so() -> None:
    world = world_of(most=1)
    world.application_runs.looks = 10**6
    for _ in range(4):
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            world.work(delivery)
    waiting = {one.detail for one in world.rebuilt() if one.status is RebuildStatus.WANTED}
    assert waiting == {"waits for its turn: at most 1 rebuilds run at once in tidegateapps"}
    assert running(world) == 1


@pytest.mark.parametrize("end", [RunStatus.FAILED, RunStatus.TIMEOUT])
def test_a_run_that_ends_badly_gives_its_place_to_the_next(end: RunStatus) -> None:
    world = world_of(tasks=4, most=1)
    world.application_runs.end("/tasks/0", *[end] * 3)
    played(world)
    ended = [one.status for one in world.rebuilt()]
    assert sorted(status.value for status in ended) == ["failed", "succeeded", "succeeded", "succeeded"]


def test_those_that_wait_are_taken_up_by_the_sweep_when_their_messages_are_lost() -> None:
    world = world_of()
    for _ in range(3):
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.outbox.waiting.clear()
    for _ in range(4):
        world.pass_time(timedelta(minutes=12))
        world.sweep()
        played(world)
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * TASKS


def test_a_rebuild_that_cannot_be_read_ends_none_of_the_others_and_those_wait_for_each_other_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of()
    real = world.rebuilds.current

    def spoiled(prefix: str = "") -> Iterator[Stored[Rebuild]]:
        yield from real(prefix)
        raise ServiceError("1 rows cannot be read", code="UnreadableRow")

    with monkeypatch.context() as patch:
        patch.setattr(world.rebuilds, "current", spoiled)
        while (due := world.outbox.next_due()) is not None:
            world.clock.now = max(world.clock.now, due)
            for delivery in world.outbox.deliver():
                world.work(delivery)
                assert sum(one.record.status is RebuildStatus.RUNNING for one in real()) <= 3
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.SUCCEEDED] * TASKS


def test_one_that_cannot_begin_keeps_no_younger_one_from_its_turn() -> None:
    young = rebuild(task="young", since=NOON + timedelta(minutes=1))
    runs = rebuild(task="busy", status=RebuildStatus.RUNNING)
    older = rebuild(task="older")
    assert ahead_of(young, [young, older]) == 1
    assert ahead_of(young, [runs, rebuild(task="busy", base_digest=TWO)]) == 1
    assert ahead_of(young, [rebuild(task="older", failures=2)]) == 0
    assert ahead_of(young, [rebuild(task="older", waits=2)]) == 0
    assert ahead_of(older, [young]) == 0
