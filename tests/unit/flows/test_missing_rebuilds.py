"""What a lost signal, a lost search or an old listing left undone is found by comparing tasks with decisions."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.promotion.target import target_id
from shared.domain.references import Tag
from shared.errors import ServiceError
from shared.target_ports import StoredTarget
from tests.doubles.storage import InMemoryRecords
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World, application_task

pytestmark = pytest.mark.unit

OTHER = Tag("22-slim")
NEW = msgspec.structs.replace(application_task(ONE), name="new", resource_id="/tasks/new")


@pytest.fixture
def world() -> World:
    """A world whose tag moved to ``TWO``; what was built on ``ONE`` was rebuilt."""
    made = World()
    for digest in (ONE, TWO):
        made.push(digest)
        made.check()
        made.settle()
    made.application_runs.application_tasks = (application_task(TWO),)
    made.application_runs.started.clear()
    return made


def hours_pass(world: World, hours: int = 2) -> None:
    """Let hours pass, with sweeps."""
    for _ in range(hours * 6):
        world.pass_time(timedelta(minutes=10))
        world.sweep()
        world.settle()


def of(world: World, task: str) -> list[Rebuild]:
    """Return the rebuilds of a task."""
    return [one for one in world.rebuilt() if one.task == task]


def missed(world: World) -> list[str]:
    """Return which tasks were told to have missed a rebuild."""
    return [event.subject for event in world.activity.events if event.name == "rebuild-missing"]


def searches(world: World) -> int:
    """Return how many searches were asked for."""
    return sum(isinstance(sent.message, BaseMoved) for sent in world.outbox.sent)


def test_a_task_that_was_made_just_after_the_listing_is_rebuilt_and_told(world: World) -> None:
    world.application_runs.application_tasks += (NEW,)
    hours_pass(world)
    assert [one.status for one in of(world, "new")] == [RebuildStatus.SUCCEEDED]
    assert missed(world) == ["task:tidegateapps/new"]


def test_a_rebuild_whose_search_is_believed_made_and_was_not_is_made(world: World) -> None:
    world.rebuilds = InMemoryRecords(Rebuild)
    world.start()
    for name in world.application_runs.names:
        world.application_runs.forget(name)
    world.application_runs.application_tasks = (application_task(ONE),)
    hours_pass(world)
    assert world.application_runs.started.total() == 1
    assert [one.status for one in of(world, "shop")] == [RebuildStatus.SUCCEEDED]


def test_tasks_that_are_built_on_what_was_decided_are_left_alone_and_nothing_is_told(world: World) -> None:
    before = searches(world)
    hours_pass(world, hours=5)
    assert world.application_runs.started.total() == 0
    assert (missed(world), searches(world)) == ([], before)


def test_a_rebuild_that_failed_is_not_made_again_for_the_same_decision(world: World) -> None:
    world.application_runs.application_tasks += (NEW,)
    world.application_runs.end("/tasks/new", RunStatus.FAILED)
    hours_pass(world, hours=60)
    assert world.application_runs.started["/tasks/new"] == 1
    assert missed(world) == ["task:tidegateapps/new"]


def test_the_first_filling_of_a_tag_rebuilds_nothing_however_long_it_lasts() -> None:
    world = World()
    world.push(TWO)
    world.check()
    world.settle()
    hours_pass(world, hours=5)
    assert (world.rebuilt(), missed(world)) == ([], [])
    assert world.target().searched == 1


def test_a_tag_that_bore_something_before_its_first_decision_is_no_first_filling() -> None:
    world = World(WATCH_LIST + b"    adopt: false\n")
    world.base.push(TARGET, TAG, ONE)
    world.push(TWO)
    world.check()
    world.settle()
    assert [one.status for one in of(world, "shop")] == [RebuildStatus.SUCCEEDED]


def test_tasks_are_listed_for_a_comparison_once_an_hour_and_not_for_each_sweep(world: World) -> None:
    asked = world.application_runs.asked["tasks"]
    hours_pass(world, hours=6)
    assert 5 <= world.application_runs.asked["tasks"] - asked <= 7


def test_a_registry_that_is_away_is_compared_later_and_breaks_no_sweep(world: World) -> None:
    world.application_runs.application_tasks += (NEW,)
    world.application_runs.fail("tasks", *[ServiceError("the role is missing")] * 3)
    hours_pass(world, hours=3)
    assert [one.status for one in of(world, "new")] == [RebuildStatus.SUCCEEDED]


def test_a_base_whose_record_cannot_be_read_keeps_no_task_on_another_base_from_its_rebuild(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = msgspec.structs.replace(application_task(ONE, tag=OTHER), name="other", resource_id="/tasks/other")
    world.application_runs.application_tasks += (other, NEW)
    real = world.targets.get

    def spoiled(target: str) -> StoredTarget | None:
        if target == target_id(BASE, TARGET, OTHER):
            raise ServiceError("1 rows cannot be read", code="UnreadableRow")
        return real(target)

    monkeypatch.setattr(world.targets, "get", spoiled)
    hours_pass(world)
    assert [one.status for one in of(world, "new")] == [RebuildStatus.SUCCEEDED]
    assert missed(world) == ["task:tidegateapps/new"]


@pytest.mark.parametrize("moment", range(12))
def test_a_comparison_that_dies_between_any_two_writes_makes_each_rebuild_once(world: World, moment: int) -> None:
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            world.hook = None
            raise Died

    world.application_runs.application_tasks += (NEW,)
    world.pass_time(timedelta(hours=2))
    world.list_tasks()
    world.hook = die
    try:
        world.comparison.compare()
    except Died:
        world.start()
    world.settle()
    hours_pass(world)
    assert world.application_runs.started["/tasks/new"] == 1
    assert [one.status for one in of(world, "new")] == [RebuildStatus.SUCCEEDED]
