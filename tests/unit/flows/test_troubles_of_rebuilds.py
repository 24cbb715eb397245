"""A task that stays on its old base, as its rebuild failed or nobody may run it, is a trouble until it is built."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.references import Digest
from shared.errors import UNREADABLE, MayNotRun, ServiceError
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TWO, World, application_task

pytestmark = pytest.mark.unit

SHOP, THREE = "task:tidegateapps/shop", digest_of("three")
REFUSED = MayNotRun("lacks tasks/write on /tasks/shop", code="LinkedAuthorizationFailed")


def hours_pass(world: World, hours: int = 1) -> None:
    """Let hours pass, with sweeps."""
    for _ in range(hours * 6):
        world.pass_time(timedelta(minutes=10))
        world.sweep()
        world.settle()


def moved(world: World, digest: Digest) -> None:
    """Let the tag move, and whatever follows."""
    world.push(digest)
    world.check()
    world.settle()


@pytest.fixture
def world() -> World:
    """A base that is at ``ONE``, and a task built on it."""
    made = World()
    moved(made, ONE)
    return made


@pytest.fixture
def failing(world: World) -> World:
    """The same, once the base moved to ``TWO`` and the rebuild failed."""
    world.application_runs.end("/tasks/shop", RunStatus.FAILED)
    moved(world, TWO)
    assert [one.status for one in world.rebuilt()] == [RebuildStatus.FAILED]
    return world


def built(world: World, digest: Digest) -> None:
    """Let the task be built on a digest, by whomever."""
    world.application_runs.application_tasks = (application_task(digest),)


def lasting(world: World) -> list[tuple[str, str]]:
    """What the last survey told of, by kind and subject."""
    return [(one.trouble.kind.value, one.trouble.about) for one in world.lasting]


def lines(world: World) -> list[str]:
    """The names of the activity log's lines about the task, the oldest first."""
    return [event.name for event in world.activity.events if event.subject == SHOP]


def test_a_rebuild_that_failed_is_told_once_and_seen_until_the_task_is_built(failing: World) -> None:
    hours_pass(failing)
    assert lasting(failing) == [("not-rebuilt", SHOP)]
    hours_pass(failing, 30)
    assert lasting(failing) == [("not-rebuilt", SHOP)], "also once its record is in the archive"
    assert lines(failing) == ["not-rebuilt"]
    built(failing, TWO)
    hours_pass(failing, 2)
    assert lasting(failing) == []
    assert lines(failing) == ["not-rebuilt", "not-rebuilt-over"]


def test_the_trouble_says_which_task_on_which_base_why_and_since_when_and_for_which_entry(failing: World) -> None:
    (rebuild,) = failing.rebuilt()
    hours_pass(failing)
    (one,) = failing.lasting
    assert one.trouble.detail.startswith(f"tidegateapps/shop is not built on {TWO}, which base/node:22-alpine is: ")
    assert "its rebuild is failed: run " in one.trouble.detail
    assert one.trouble.detail.endswith(f"(rebuild {rebuild.id})")
    assert (one.trouble.images, one.since) == (("node",), rebuild.look_at)


def test_a_rebuild_of_the_next_decision_that_succeeds_ends_the_trouble(failing: World) -> None:
    hours_pass(failing)
    moved(failing, THREE)
    built(failing, THREE)
    hours_pass(failing)
    assert lasting(failing) == []
    assert lines(failing)[-1] == "not-rebuilt-over"


def test_a_task_that_nobody_may_run_is_a_trouble_of_the_same_kind(world: World) -> None:
    world.application_runs.fail("start_task", *[REFUSED] * 99)
    moved(world, TWO)
    hours_pass(world)
    assert lasting(world) == [("not-rebuilt", SHOP)]
    assert "its rebuild is by-nobody: nobody rebuilds it" in world.lasting[0].trouble.detail
    assert lines(world) == ["task-not-permitted", "not-rebuilt"]


def test_a_rebuild_that_is_under_way_or_succeeded_is_none_though_the_last_listing_is_old(world: World) -> None:
    moved(world, TWO)
    for _ in range(6):
        world.pass_time(timedelta(minutes=10))
        world.teller.survey()
        assert lasting(world) == []


def test_a_task_that_was_disabled_is_left_alone(failing: World) -> None:
    failing.application_runs.application_tasks = (msgspec.structs.replace(application_task(ONE), enabled=False),)
    hours_pass(failing, 2)
    assert lasting(failing) == []


@pytest.mark.parametrize(("table", "method"), [("rebuilds", "get"), ("listings", "tasks")])
def test_what_cannot_be_read_of_rebuilds_is_told_and_ends_no_trouble(failing: World, table: str, method: str) -> None:
    hours_pass(failing)
    getattr(failing, table).fail(method, ServiceError("the row cannot be read", code=UNREADABLE))
    failing.pass_time(timedelta(minutes=20))
    failing.teller.survey()
    assert set(lasting(failing)) == {("not-rebuilt", SHOP), ("records-unreadable", f"table:{table}")}
