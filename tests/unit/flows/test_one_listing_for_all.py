"""The tasks of a registry are listed once for all signals of a minute, and one registry's trouble is not another's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.references import Digest, Tag
from shared.errors import ServiceError, Unavailable
from shared.rules.listings import READ_FOR
from tests.doubles.registries import InMemoryRuns
from tests.doubles.world import BASE_SERVER, ONE, TAG, TARGET, TWO, Died, World, application_task

pytestmark = pytest.mark.unit

AWAY = Unavailable("503")
BASE = base_name(BASE_SERVER, TARGET)


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted a while ago, and whose application is built on it."""
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    made.pass_time(timedelta(minutes=2))
    made.application_runs.asked.clear()
    return made


def tell(world: World, digest: Digest, *tags: str) -> None:
    """Tell that tags of the base registry were pushed by others, as the registry then shows."""
    for tag in tags or (TAG,):
        world.base.push(TARGET, Tag(tag), digest)
        world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=Tag(tag), digest=digest))


def statuses(world: World, digest: Digest) -> list[RebuildStatus]:
    """Return what became of the rebuilds on a digest."""
    return [one.status for one in world.rebuilt() if one.base_digest == digest]


def test_signals_of_one_minute_make_one_listing_and_one_more_for_what_was_made_since(world: World) -> None:
    tell(world, TWO, *(f"{number}" for number in range(200)), TAG)
    world.settle()
    assert world.application_runs.asked["tasks"] <= 2
    assert statuses(world, TWO) == [RebuildStatus.SUCCEEDED]


def test_searches_of_one_moment_read_once_how_old_the_listing_is_and_what_is_built_on_their_base(world: World) -> None:
    other = base_name(BASE_SERVER, f"{TARGET}-other")
    with pytest.raises(ServiceError):
        _raise(world.kept_listings.built_on(BASE).problems)
    world.settle()
    world.listings.asked.clear()
    found = [world.kept_listings.built_on(base) for base in (BASE, BASE, other)]
    assert [len(one.tasks) for one in found] == [1, 1, 0]
    assert world.listings.asked == {"get": 1, "built_on": 2}
    world.pass_time(READ_FOR)
    world.kept_listings.built_on(BASE)
    assert world.listings.asked == {"get": 2, "built_on": 3}


def _raise(problems: Sequence[ServiceError]) -> None:
    for problem in problems:
        raise problem


def test_a_task_that_was_made_after_the_listing_is_found_a_minute_after_its_signal(world: World) -> None:
    world.kept_listings.built_on(BASE)
    world.settle()
    assert len(world.kept_listings.built_on(BASE).tasks) == 1
    world.pass_time(timedelta(seconds=20))
    new = msgspec.structs.replace(application_task(ONE), name="new", resource_id="/tasks/new")
    world.application_runs.application_tasks += (new,)
    began = world.clock()
    tell(world, TWO)
    world.settle()
    assert statuses(world, TWO) == [RebuildStatus.SUCCEEDED] * 2
    assert world.clock() - began < timedelta(minutes=2)
    assert world.application_runs.asked["tasks"] == 2


def test_signals_that_come_while_another_worker_lists_wait_for_its_listing(world: World) -> None:
    tell(world, TWO)
    tell(world, TWO)
    first, second = world.outbox.deliver()

    def meanwhile(moment: str) -> None:
        if moment == "listings.after:replace":
            world.hook = None
            world.work(second)

    world.hook = meanwhile
    world.work(first)
    world.settle()
    assert world.application_runs.asked["tasks"] <= 2
    assert statuses(world, TWO) == [RebuildStatus.SUCCEEDED]


def test_a_worker_that_dies_while_it_lists_keeps_the_others_waiting_for_two_minutes(world: World) -> None:
    def die(moment: str) -> None:
        if moment == "listings.after:replace":
            world.hook = None
            raise Died

    world.hook = die
    began = world.clock()
    tell(world, TWO)
    world.settle()
    assert statuses(world, TWO) == [RebuildStatus.SUCCEEDED]
    assert world.clock() - began < timedelta(minutes=4)


def test_a_registry_that_cannot_list_its_tasks_keeps_no_other_from_rebuilding(world: World) -> None:
    other = InMemoryRuns()
    other.application_tasks = (msgspec.structs.replace(application_task(ONE), registry="others"),)
    world.runs = {"tidegateapps": world.application_runs, "others": other}
    world.start()
    world.application_runs.fail("tasks", *[ServiceError("the role is missing")] * 99)
    tell(world, TWO)
    with pytest.raises(ServiceError, match="the role is missing"):
        world.settle(most=4000)
    world.outbox.waiting = [item for item in world.outbox.waiting if "base-moved" not in item[2].text]
    world.settle()
    assert [(one.registry, one.status) for one in world.rebuilt() if one.base_digest == TWO] == [
        ("others", RebuildStatus.SUCCEEDED)
    ]


def test_a_registry_that_is_away_is_asked_ever_more_rarely_however_many_signals_wait_and_none_is_lost(
    world: World,
) -> None:
    tags = [f"{number}" for number in range(20)]
    tasks = tuple(
        msgspec.structs.replace(application_task(ONE, tag=Tag(tag)), name=tag, resource_id=f"/tasks/{tag}")
        for tag in tags
    )
    world.application_runs.application_tasks = tasks
    world.application_runs.fail("tasks", *[AWAY] * 8)
    tell(world, TWO, *tags)
    world.settle(most=4000)
    assert statuses(world, TWO) == [RebuildStatus.SUCCEEDED] * 20
    assert world.application_runs.asked["tasks"] <= 8 + 2
