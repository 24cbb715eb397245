"""A task that the app's identity may not run: left to whoever may, and told so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.errors import MayNotRun, NotPermitted, ServiceError, Unavailable
from tests.doubles.world import ONE, TAG, TARGET, TWO, World, application_task

pytestmark = pytest.mark.unit

REFUSED = MayNotRun("lacks tasks/write on /tasks/shop", code="LinkedAuthorizationFailed")
SUBJECT = "task:tidegateapps/shop"


@pytest.fixture
def world() -> World:
    """A base that is at ``ONE``, and a task built on it."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    return world


def refuse(world: World, times: int, *, own_trigger: bool = False) -> None:
    """Refuse the next runs of the task, whose own trigger does nothing even where it is on."""
    world.application_runs.fail("start_task", *[REFUSED] * times)
    world.application_runs.application_tasks = (application_task(ONE, own_trigger=own_trigger),)


def whenever_it_is_run(world: World, happens: Callable[[], None]) -> None:
    """Let something happen just before each try to run the task."""
    world.hook = lambda moment: happens() if moment == "application_runs.before:start_task" else None


def update(world: World) -> Rebuild:
    """Promote ``TWO`` and return what became of the rebuild."""
    world.push(TWO)
    world.check()
    world.settle()
    return rebuild_of(world)


def rebuild_of(world: World) -> Rebuild:
    """Return the rebuild on ``TWO``."""
    return next(rebuild for rebuild in world.rebuilt() if rebuild.base_digest == TWO)


def signal(world: World) -> Rebuild:
    """Tell once more that the base moved to ``TWO``."""
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=TWO))
    world.settle()
    return rebuild_of(world)


def test_a_right_that_comes_within_a_quarter_of_an_hour_loses_nothing(world: World) -> None:
    refuse(world, 6)
    assert update(world).status is RebuildStatus.SUCCEEDED
    assert world.application_runs.started.total() == 1


def test_a_missing_right_is_waited_for_a_quarter_of_an_hour_and_no_longer(world: World) -> None:
    refuse(world, 99)
    rebuild = update(world)
    asked = world.application_runs.asked["start_task"]
    assert asked == 7
    assert timedelta(minutes=15) < rebuild.look_at - rebuild.since < timedelta(minutes=18)


def test_a_task_that_nobody_rebuilds_is_told_as_such_with_what_to_do(world: World) -> None:
    refuse(world, 99)
    rebuild = update(world)
    assert rebuild.status is RebuildStatus.BY_NOBODY
    assert rebuild.detail.startswith("nobody rebuilds it: its own base image trigger is off")
    assert "lacks tasks/write on /tasks/shop" in rebuild.detail
    assert [(line.name, line.detail) for line in world.activity.of(SUBJECT, 9)] == [
        ("task-not-permitted", rebuild.detail)
    ]


def test_a_task_whose_own_trigger_is_on_is_left_to_acr_alone(world: World) -> None:
    refuse(world, 99, own_trigger=True)
    rebuild = update(world)
    assert rebuild.status is RebuildStatus.BY_ACR_ALONE
    assert "left to ACR's own base image trigger, which is on" in rebuild.detail
    assert len(world.activity.of(SUBJECT, 9)) == 1


def test_a_task_that_was_built_meanwhile_is_up_to_date_and_nobody_is_troubled(world: World) -> None:
    def build() -> None:
        world.application_runs.application_tasks = (application_task(TWO),)

    refuse(world, 99)
    whenever_it_is_run(world, build)
    assert update(world).status is RebuildStatus.UP_TO_DATE
    assert world.activity.of(SUBJECT, 9) == ()


def test_a_task_that_is_gone_by_then_fails(world: World) -> None:
    def remove() -> None:
        world.application_runs.application_tasks = ()

    refuse(world, 99)
    whenever_it_is_run(world, remove)
    rebuild = update(world)
    assert rebuild.status is RebuildStatus.FAILED
    assert rebuild.detail.startswith("the task is gone")


def test_a_right_that_comes_later_works_with_the_next_signal_about_the_same_digest(world: World) -> None:
    refuse(world, 7)
    assert update(world).status is RebuildStatus.BY_NOBODY
    assert signal(world).status is RebuildStatus.SUCCEEDED
    assert world.application_runs.started.total() == 1


def test_a_signal_while_the_right_is_still_missing_ends_as_before_and_says_so_again(world: World) -> None:
    refuse(world, 99)
    update(world)
    assert signal(world).status is RebuildStatus.BY_NOBODY
    assert len(world.activity.of(SUBJECT, 9)) == 2


def test_a_registry_that_is_away_when_the_task_is_looked_at_is_asked_again(world: World) -> None:
    def go_away() -> None:
        if world.application_runs.asked["start_task"] == 7:
            world.application_runs.fail("task", Unavailable("503"))

    refuse(world, 99)
    whenever_it_is_run(world, go_away)
    assert update(world).status is RebuildStatus.BY_NOBODY
    assert world.application_runs.asked["start_task"] == 8


@pytest.mark.parametrize(("refusals", "found"), [(6, 1), (99, 0)])
def test_tasks_that_may_not_be_listed_are_asked_for_again_for_a_quarter_of_an_hour(
    world: World, refusals: int, found: int
) -> None:
    world.pass_time(timedelta(minutes=2))
    world.application_runs.fail("tasks", *[NotPermitted("tasks/read", code="AuthorizationFailed")] * refusals)
    world.push(TWO)
    world.check()
    if found:
        world.settle()
    else:
        with pytest.raises(ServiceError, match="tasks/read"):
            world.settle()
    assert len([rebuild for rebuild in world.rebuilt() if rebuild.base_digest == TWO]) == found


def test_a_base_that_the_tasks_own_trigger_does_not_see_is_not_left_to_it(world: World) -> None:
    task = application_task(ONE, own_trigger=True)
    base = msgspec.structs.replace(task.dependencies[0], watched=False)
    world.application_runs.application_tasks = (msgspec.structs.replace(task, dependencies=(base,)),)
    began = world.clock()
    rebuild = update(world)
    assert rebuild.status is RebuildStatus.SUCCEEDED
    assert world.clock() - began < timedelta(minutes=10)
