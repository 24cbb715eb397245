"""Where lists of tasks leave out what they are built on, each is read once, slowly, and kept; no search is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved, ListTasks
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.listing import MOST_READS
from shared.domain.promotion.rebuilds import ApplicationTask, RebuildStatus
from shared.domain.references import Digest, Tag
from shared.errors import UNREADABLE, RateLimited, Refused, ServiceError, Unavailable
from tests.doubles.world import BASE_SERVER, ONE, TARGET, THREE, TWO, Died, World, application_task

pytestmark = pytest.mark.unit

BASE = base_name(BASE_SERVER, TARGET)


def task(name: str, tag: str, digest: Digest = ONE) -> ApplicationTask:
    """Return a task that is built on a tag of the base."""
    return msgspec.structs.replace(application_task(digest, tag=Tag(tag)), name=name, resource_id=f"/tasks/{name}")


def world_of(*tasks: ApplicationTask) -> World:
    """Return a world whose registry lists these tasks without their bases."""
    world = World()
    world.application_runs.application_tasks = tasks
    world.application_runs.without_bases = True
    return world


def tell(world: World, digest: Digest, *tags: str) -> None:
    """Tell that tags of the base registry were pushed by others, as the registry then shows."""
    for tag in tags:
        world.base.push(TARGET, Tag(tag), digest)
        world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=Tag(tag), digest=digest))


def searched(world: World, digest: Digest, *tags: str) -> int:
    """Let tags move, and whatever follows; return how many reads of lists and single tasks that cost.

    A rebuild reads its task before its run, too: one each.
    """
    world.application_runs.asked.clear()
    before = len(world.rebuilt())
    tell(world, digest, *tags)
    world.settle(most=4000)
    asked = world.application_runs.asked
    return asked["tasks"] + asked["task"] + asked["ended_since"] - (len(world.rebuilt()) - before)


def rebuilt(world: World, digest: Digest) -> set[str]:
    """Return which tasks were rebuilt on a digest."""
    return {one.task for one in world.rebuilt() if one.base_digest == digest and one.status is RebuildStatus.SUCCEEDED}


def ran(world: World, name: str, digest: Digest, tag: str) -> None:
    """Let a task be built, as ACR tells it."""
    others = [one for one in world.application_runs.application_tasks if one.name != name]
    world.application_runs.application_tasks = (*others, task(name, tag, digest))
    assert world.application_runs.ended is not None
    world.application_runs.ended[name] = world.clock()


def test_each_task_is_read_once_and_later_searches_read_only_lists() -> None:
    world = world_of(*(task(f"task{number}", f"{number}") for number in range(40)))
    assert searched(world, TWO, "1", "2") == 1 + 40
    assert rebuilt(world, TWO) == {"task1", "task2"}
    world.pass_time(timedelta(minutes=5))
    assert searched(world, TWO, "3", "4") == 2
    assert rebuilt(world, TWO) == {"task1", "task2", "task3", "task4"}


def test_what_was_read_outlives_every_process_and_a_day_later_is_read_again() -> None:
    world = world_of(task("shop", "1"), task("web", "2"))
    searched(world, TWO, "1")
    world.start()
    world.pass_time(timedelta(hours=23))
    assert searched(world, TWO, "2") == 2
    world.pass_time(timedelta(hours=2))
    assert searched(world, THREE, "2") == 2 + 2


def test_more_tasks_than_a_round_reads_are_read_in_several_and_the_search_waits_for_the_last() -> None:
    count = 3 * MOST_READS + 1
    world = world_of(*(task(f"task{number}", f"{number}") for number in range(count)))
    began = world.clock()
    last = f"{count - 1}"
    tell(world, TWO, last)
    rounds = []
    for _ in range(60):
        due = world.outbox.next_due()
        if due is None:
            break
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            before = world.application_runs.asked["task"]
            world.work(delivery)
            rounds.append(world.application_runs.asked["task"] - before)
    assert rebuilt(world, TWO) == {f"task{last}"}
    assert max(rounds) == MOST_READS
    assert world.clock() - began < timedelta(minutes=3)
    assert world.application_runs.asked["tasks"] == 1


def test_a_task_that_was_built_by_whomever_is_read_again_and_found_by_what_it_is_built_on_now() -> None:
    world = world_of(task("shop", "1"))
    searched(world, TWO, "1", "2")
    world.pass_time(timedelta(minutes=10))
    ran(world, "shop", TWO, "2")
    world.pass_time(timedelta(minutes=10))
    searched(world, THREE, "2")
    assert rebuilt(world, THREE) == {"shop"}


def test_a_base_that_returns_to_an_earlier_digest_rebuilds_what_was_built_on_another_since() -> None:
    """What was kept says that the task is built on the digest that returns."""
    world = World()
    world.application_runs.without_bases = True
    for digest in (ONE, TWO, ONE):
        world.push(digest)
        world.check()
        world.settle()
        ran(world, "shop", digest, "22-alpine")
        world.pass_time(timedelta(minutes=10))
    assert [one.decision for one in world.rebuilt() if one.status is RebuildStatus.SUCCEEDED] == [2, 3]


def test_of_more_runs_than_can_be_looked_through_every_task_is_read_again() -> None:
    world = world_of(task("shop", "1"), task("web", "2"))
    searched(world, TWO, "1")
    world.application_runs.ended = None
    world.pass_time(timedelta(minutes=10))
    assert searched(world, TWO, "2") == 2 + 2


def test_a_task_that_is_gone_meanwhile_is_forgotten() -> None:
    world = world_of(task("shop", "1"), task("web", "1"))
    world.application_runs.application_tasks = (task("shop", "1"),)
    listed = tuple(world.application_runs._listed(one) for one in (task("shop", "1"), task("web", "1")))
    world.application_runs.tasks = lambda: listed  # type: ignore[method-assign]
    tell(world, TWO, "1")
    world.settle()
    assert rebuilt(world, TWO) == {"shop"}
    assert [one.name for one in world.kept_listings.last()] == ["shop"]


@pytest.mark.parametrize("error", [RateLimited("429", retry_after=30), Unavailable("503")])
def test_a_registry_that_has_had_enough_is_left_alone_and_what_was_read_is_kept(error: ServiceError) -> None:
    world = world_of(*(task(f"task{number}", "1") for number in range(10)))
    real, left = world.application_runs.task, 4

    def limited(name: str) -> ApplicationTask | None:
        nonlocal left
        left -= 1
        if left == -1:
            raise error
        return real(name)

    world.application_runs.task = limited  # type: ignore[method-assign]
    began = world.clock()
    world.list_tasks()
    assert world.listings.get("tidegateapps").listing.unread == 6
    assert [type(sent.message) for sent in world.outbox.sent] == [ListTasks]
    assert world.outbox.next_due() == began + timedelta(seconds=30 if isinstance(error, RateLimited) else 15)
    tell(world, TWO, "1")
    world.settle()
    assert rebuilt(world, TWO) == {f"task{number}" for number in range(10)}


def test_a_task_that_may_not_be_read_keeps_no_other_from_being_found() -> None:
    world = world_of(task("secret", "1"), task("shop", "1"))
    world.application_runs.fail("task", Refused("403"))
    tell(world, TWO, "1")
    world.settle()
    assert rebuilt(world, TWO) == {"shop"}
    assert world.listings.get("tidegateapps").listing.unread == 0


@pytest.mark.parametrize("moment", range(24))
def test_a_death_between_any_two_writes_loses_no_search_and_rebuilds_nothing_twice(moment: int) -> None:
    tasks = [task(f"task{number}", f"{number}") for number in range(MOST_READS + 5)]
    other = msgspec.structs.replace(tasks[0].dependencies[0], repository="base/other")
    world = world_of(*(msgspec.structs.replace(one, dependencies=(*one.dependencies, other)) for one in tasks))
    left = moment

    def die(told: str) -> None:
        nonlocal left
        left -= told.startswith(("listings", "outbox"))
        if left == -1:
            world.hook = None
            raise Died

    tell(world, TWO, "0", f"{MOST_READS + 4}")
    world.hook = die
    began = world.clock()
    world.settle(most=4000)
    assert world.hook is None, "nobody died"
    assert rebuilt(world, TWO) == {"task0", f"task{MOST_READS + 4}"}
    assert world.application_runs.started.total() == 2
    assert world.clock() - began < timedelta(minutes=6)


def test_a_row_that_cannot_be_read_is_listed_anew_and_loses_no_search() -> None:
    world = world_of(task("shop", "1"))
    searched(world, TWO, "1")
    world.listings.fail("built_on", ServiceError("1 rows cannot be read", code=UNREADABLE))
    world.listings.fail("tasks", ServiceError("1 rows cannot be read", code=UNREADABLE))
    world.application_runs.asked.clear()
    tell(world, THREE, "1")
    world.settle()
    assert rebuilt(world, THREE) == {"shop"}
    assert world.application_runs.asked["tasks"] >= 1


def test_a_message_for_the_next_round_that_was_lost_is_made_good_by_the_sweep() -> None:
    world = world_of(*(task(f"task{number}", "1") for number in range(MOST_READS + 1)))
    world.list_tasks()
    world.outbox.waiting.clear()
    world.listings.asked.clear()
    for _ in range(3):
        world.pass_time(timedelta(minutes=1))
        world.sweep()
        world.settle()
    assert world.listings.get("tidegateapps").listing.unread == 0
    assert len(world.listings.built_on("tidegateapps", BASE)) == MOST_READS + 1


def test_a_message_that_comes_twice_or_late_lists_once() -> None:
    world = world_of(task("shop", "1"))
    world.kept_listings.built_on(BASE)
    (delivery,) = world.outbox.deliver()
    for _ in range(3):
        world.work(delivery)
    assert world.application_runs.asked["tasks"] == 1
    stale = ListTasks(v=1, registry="gone", step=0)
    world.task_lister.take(stale)
    assert world.application_runs.asked["tasks"] == 1


def test_a_listing_that_takes_longer_than_it_is_kept_serves_those_that_waited_for_it() -> None:
    world = world_of(task("shop", "1"))
    real = world.application_runs.tasks

    def slow() -> object:
        world.pass_time(timedelta(seconds=90))
        return real()

    world.application_runs.tasks = slow  # type: ignore[method-assign,assignment]
    tell(world, TWO, "1")
    world.settle()
    assert rebuilt(world, TWO) == {"shop"}
    assert world.application_runs.asked["tasks"] == 1


def deliver_until(world: World, until: datetime) -> None:
    """Deliver what is due by then."""
    while (due := world.outbox.next_due()) is not None and due <= until:
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.clock.now = max(world.clock.now, until)


def test_five_hundred_promotions_over_three_hundred_tasks_without_bases_read_four_hundred_times_at_most() -> None:
    """As they come in ten minutes, each told twice: by the promotion and by the registry. Tasks come in three pages."""
    pages, built = 3, 20
    world = world_of(*(task(f"task{number}", f"{number}") for number in range(480, 780)))
    for number in range(500):
        tell(world, TWO, f"{number}", f"{number}")
        deliver_until(world, world.clock() + timedelta(seconds=1.2))
    world.settle(most=4000)
    asked = world.application_runs.asked
    assert rebuilt(world, TWO) == {f"task{number}" for number in range(480, 500)}
    assert asked["task"] - built == 300
    assert asked["tasks"] * pages + asked["ended_since"] + asked["task"] - built <= 400


def test_a_thousand_signals_at_once_make_one_listing_and_none_dies() -> None:
    world = world_of(*(task(f"task{number}", f"{number}") for number in range(1000, 1010)))
    began = world.clock()
    tell(world, TWO, *(f"{number}" for number in range(10, 1010)))
    signals = world.outbox.deliver()
    for delivery in signals:
        world.work(delivery)
    assert sum(isinstance(sent.message, ListTasks) for sent in world.outbox.sent) == 1
    assert world.application_runs.asked.total() == 0, "a signal asks no registry"
    world.settle()
    assert len(rebuilt(world, TWO)) == 10
    assert world.application_runs.asked["tasks"] == 1
    assert world.clock() - began < timedelta(minutes=1)
