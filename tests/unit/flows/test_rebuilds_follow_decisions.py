"""A task is run once for each decision that its base reached, however signals come, are lost or are late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.events.messages import BaseMoved, CheckRepositories, LookAtDue, Message, decode
from shared.domain.promotion.due import Due
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.references import Digest, Tag, parse_repository
from shared.errors import ServiceError, Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, World, application_task

pytestmark = pytest.mark.unit

UNREADABLE = ServiceError("1 rows cannot be read", code="UnreadableRow")


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted, and whose application is built on it."""
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    return made


def is_of_a_rebuild(delivery: Delivery) -> bool:
    """Whether a message is about rebuilds."""
    return is_about_one(decode(delivery.text))


def is_about_one(message: Message) -> bool:
    """Whether it is a signal, or has rebuilds looked at."""
    return isinstance(message, BaseMoved) or (isinstance(message, LookAtDue) and message.due is Due.REBUILDS)


def promote(world: World, digest: Digest) -> list[Delivery]:
    """Let the tag move and be promoted; return the messages about rebuilds, which nobody has worked on."""
    kept: list[Delivery] = []
    world.push(digest)
    world.check()
    while world.target().seen != digest:
        due = world.outbox.next_due()
        assert due is not None
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            if is_of_a_rebuild(delivery):
                kept.append(delivery)
            else:
                world.work(delivery)
    late = [item for item in world.outbox.waiting if is_of_a_rebuild(item[2])]
    world.outbox.waiting = [item for item in world.outbox.waiting if not is_of_a_rebuild(item[2])]
    return kept + [item[2] for item in late]


def built(world: World, digest: Digest) -> None:
    """Let the task say what it was built on."""
    world.application_runs.application_tasks = (application_task(digest),)


def rebuild(world: World, digest: Digest) -> Rebuild:
    """Return the only rebuild for a digest."""
    (found,) = (one for one in world.rebuilt() if one.base_digest == digest)
    return found


def pushed(digest: Digest) -> BaseMoved:
    """Return what the webhook would say."""
    return BaseMoved(v=1, repository=TARGET, tag=TAG, digest=digest)


def step(world: World) -> None:
    """Deliver what is due next."""
    due = world.outbox.next_due()
    assert due is not None
    world.clock.now = max(world.clock.now, due)
    for delivery in world.outbox.deliver():
        world.work(delivery)


def swept(world: World, *, hours: int = 0) -> None:
    """Let time pass, with sweeps."""
    for pause in [timedelta(minutes=4)] * 3 + [timedelta(hours=1)] * hours:
        world.settle()
        world.pass_time(pause)
        world.sweep()
    world.settle()


def test_going_back_to_an_earlier_digest_rebuilds_and_a_second_signal_of_it_does_not(world: World) -> None:
    for digest, before in ((TWO, ONE), (ONE, TWO), (TWO, ONE)):
        built(world, before)
        world.push(digest)
        world.check()
        world.settle()
        world.outbox.send(pushed(digest))
        world.settle()
    assert world.application_runs.started.total() == 3
    assert sorted(one.decision for one in world.rebuilt()) == [2, 3, 4]


def test_a_run_that_would_begin_after_its_base_moved_on_is_left_to_the_next_rebuild(world: World) -> None:
    (search,) = promote(world, TWO)
    world.list_tasks()
    world.work(search)
    waits = [item for item in world.outbox.waiting if is_of_a_rebuild(item[2])]
    world.outbox.waiting = [item for item in world.outbox.waiting if not is_of_a_rebuild(item[2])]
    searches = promote(world, THREE)
    world.outbox.waiting += waits
    world.settle()
    assert rebuild(world, TWO).status is RebuildStatus.OVERTAKEN
    assert world.application_runs.started.total() == 0
    for delivery in searches:
        world.work(delivery)
    world.settle()
    assert rebuild(world, THREE).status is RebuildStatus.SUCCEEDED
    assert world.application_runs.started.total() == 1


@pytest.mark.parametrize(("found", "runs"), [(THREE, 1), (TWO, 2)])
def test_a_run_that_began_before_its_base_moved_on_is_waited_for_and_what_it_was_built_on_decides(
    world: World, found: Digest, runs: int
) -> None:
    world.application_runs.looks = 1000
    (search,) = promote(world, TWO)
    world.list_tasks()
    world.work(search)
    while not world.application_runs.started.total():
        step(world)
    running = [item for item in world.outbox.waiting if is_of_a_rebuild(item[2])]
    world.outbox.waiting = [item for item in world.outbox.waiting if not is_of_a_rebuild(item[2])]
    searches = promote(world, THREE)
    world.outbox.waiting += running
    for delivery in searches:
        world.work(delivery)
    for _ in range(6):
        step(world)
    assert (rebuild(world, THREE).status, world.application_runs.started.total()) == (RebuildStatus.WANTED, 1)
    built(world, found)
    world.application_runs.looks = 1
    world.application_runs.finish()
    world.settle()
    assert world.application_runs.started.total() == runs
    assert rebuild(world, THREE).status is (RebuildStatus.UP_TO_DATE if runs == 1 else RebuildStatus.SUCCEEDED)


def test_a_search_whose_message_was_lost_is_made_an_hour_later(world: World) -> None:
    promote(world, TWO)
    swept(world, hours=2)
    assert rebuild(world, TWO).status is RebuildStatus.SUCCEEDED
    assert world.target().searched == world.target().number


def test_a_search_that_was_refused_is_made_again_until_it_can_be(world: World) -> None:
    world.pass_time(timedelta(minutes=2))
    world.application_runs.fail("tasks", *[ServiceError("the role is missing")] * 3)
    world.push(TWO)
    world.check()
    for _ in range(12):
        while world.outbox.next_due() is not None:
            due = world.outbox.next_due()
            world.clock.now = max(world.clock.now, due or world.clock.now)
            for delivery in world.outbox.deliver():
                try:
                    world.work(delivery)
                except ServiceError:
                    world.outbox.waiting = [item for item in world.outbox.waiting if not is_of_a_rebuild(item[2])]
        world.pass_time(timedelta(hours=1))
        world.sweep()
    assert rebuild(world, TWO).status is RebuildStatus.SUCCEEDED


def test_what_others_pushed_over_a_promoted_digest_is_not_searched_for_again_and_again(world: World) -> None:
    promote(world, TWO)
    world.base.push(TARGET, TAG, THREE)
    swept(world, hours=3)
    asked = len([sent for sent in world.outbox.sent if is_about_one(sent.message)])
    swept(world, hours=5)
    assert len([sent for sent in world.outbox.sent if is_about_one(sent.message)]) == asked


def test_a_digest_that_is_about_to_be_replaced_rebuilds_nothing(world: World) -> None:
    world.base.looks = 30
    world.push(TWO)
    world.check()
    while not world.base.imports[TARGET, TAG, TWO]:
        step(world)
    world.push(THREE)
    world.check()
    while THREE not in world.target().passed:
        step(world)
    while world.base.tags[TARGET, TAG] != TWO:
        step(world)
    world.outbox.send(pushed(TWO))
    world.settle()
    assert [one.base_digest for one in world.rebuilt() if one.base_digest != ONE] == [THREE]


def test_an_import_that_ends_late_is_put_right_at_once_if_the_registry_tells_of_it(world: World) -> None:
    def lose(moment: str) -> None:
        if moment == "base.after:start_import":
            world.hook = None
            raise Unavailable("the answer was lost")

    world.base.looks = 1000
    world.hook = lose
    world.push(TWO)
    world.check()
    while not world.target().failures:
        step(world)
    world.base.looks = 1
    world.push(THREE)
    world.check()
    world.settle()
    built(world, THREE)
    world.base.push(TARGET, TAG, TWO)
    world.outbox.send(pushed(TWO))
    world.settle()
    assert world.base.tags[TARGET, TAG] == THREE
    assert TWO not in {one.base_digest for one in world.rebuilt()}


def test_a_candidate_that_cannot_be_read_keeps_no_rebuild_from_being_swept(world: World) -> None:
    (search,) = promote(world, TWO)
    world.list_tasks()
    world.work(search)
    world.outbox.waiting.clear()
    world.pass_time(timedelta(minutes=4))
    world.candidates.fail("in_status", UNREADABLE)
    with pytest.raises(ServiceError, match="cannot be read"):
        world.sweep()
    world.settle()
    assert rebuild(world, TWO).status is RebuildStatus.SUCCEEDED


def test_a_row_that_cannot_be_read_keeps_no_later_repository_of_its_message_from_being_checked() -> None:
    world = World(
        b"images:\n"
        b"- {name: a, source: a, tags: [1], target: base/a}\n"
        b"- {name: b, source: b, tags: [1], target: base/b}\n"
    )
    for name in ("a", "b"):
        world.hub.push(parse_repository(name), Tag("1"), ONE)
    world.check()
    world.observations.fail("of", UNREADABLE)
    (check,) = world.outbox.deliver()
    with pytest.raises(ServiceError, match="cannot be read"):
        world.work(check)
    world.outbox.waiting = [item for item in world.outbox.waiting if not item[2].asks_for(CheckRepositories)]
    world.settle()
    assert set(world.base.tags) == {("base/b", "1")}
