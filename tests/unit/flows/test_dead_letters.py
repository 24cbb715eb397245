"""What died is recorded by the sweep, then deleted, and the sweep wakes for what it was about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.dead_letter_ports import HIDDEN, MOST_AT_ONCE
from shared.domain.events.messages import MESSAGE_QUEUES, LookAtDue
from shared.domain.promotion.statuses import Status
from shared.errors import Unavailable
from shared.flows.poisoned import MOST_REQUESTS
from tests.doubles.queues import Delivery
from tests.doubles.world import TARGET, TWO, Died, World

pytestmark = pytest.mark.unit


@pytest.fixture
def world() -> World:
    """A world in which the import of a new digest has died."""
    world = World()
    world.push(TWO)
    world.check()
    while not (imports := [each for _, _, each in world.outbox.waiting if each.asks_for(LookAtDue)]):
        world.work(world.outbox.deliver()[0])
    world.outbox.waiting.clear()
    world.outbox.poison.extend(imports)
    return world


def told(world: World, queue: str = "imports") -> int:
    """How many lines there are about dead messages of a queue."""
    return len([event for event in world.activity.events if event.subject == f"queue:{queue}"])


def assert_arrives(world: World) -> None:
    """Let time pass, and see the digest in the base registry, imported and tested once."""
    for _ in range(5):
        world.settle()
        world.pass_time(HIDDEN)
        world.sweep()
    world.settle()
    assert world.status(TWO) is Status.PROMOTED
    assert set(world.base.tags.values()) == {TWO}
    assert world.staging_runs.started[TWO] == 1
    assert world.outbox.poison == []


def test_what_died_is_recorded_once_and_its_candidate_goes_on(world: World) -> None:
    world.sweep()
    assert (told(world), world.outbox.poison) == (1, [])
    assert_arrives(world)
    assert told(world) == 1


MOMENTS = (
    "evidence.before:keep",
    "activity.before:append",
    "activity.after:append",
    "dead_letters.before:delete",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_whoever_dies_on_the_way_leaves_it_to_be_recorded_once_more(world: World, moment: str) -> None:
    died = list[str]()

    def die(now: str) -> None:
        if now == moment and not died:
            died.append(now)
            raise Died

    world.hook = die
    with pytest.raises(Died):
        world.dead_letter_reader.read()
    world.start()
    assert len(world.outbox.poison) == 1
    before = told(world)
    world.pass_time(HIDDEN)
    world.sweep()
    assert told(world) == before + 1
    assert_arrives(world)


@pytest.mark.parametrize("part", ["evidence", "activity"])
def test_what_cannot_be_handled_just_now_stays_and_keeps_nothing_else_from_it(world: World, part: str) -> None:
    method = {"evidence": "keep", "activity": "append"}[part]
    getattr(world, part).fail(method, Unavailable("503"))
    world.outbox.poison.append(Delivery("validations", "junk", world.clock()))
    with pytest.raises(Unavailable):
        world.dead_letter_reader.read()
    assert [each.queue for each in world.outbox.poison] == ["imports"]
    assert told(world, "validations") == 1
    assert_arrives(world)


def test_a_queue_that_cannot_be_asked_keeps_the_other_from_nothing(world: World) -> None:
    world.dead_letters.fail("take", Unavailable("503"))
    world.outbox.poison.append(Delivery("validations", "junk", world.clock()))
    with pytest.raises(Unavailable):
        world.dead_letter_reader.read()
    assert told(world, "validations") == 1
    assert_arrives(world)


def test_more_than_a_request_brings_are_read_until_none_is_left(world: World) -> None:
    world.outbox.poison.extend(Delivery("validations", f"junk {n}", world.clock()) for n in range(3 * MOST_AT_ONCE))
    world.sweep()
    assert world.outbox.poison == []


def test_a_flood_is_read_in_parts() -> None:
    world = World()
    bound = MOST_AT_ONCE * MOST_REQUESTS
    world.outbox.poison.extend(Delivery("imports", f"junk {n}", world.clock()) for n in range(bound + 5))
    world.sweep()
    assert len(world.outbox.poison) == 5


def test_the_line_says_when_the_message_died(world: World) -> None:
    died = world.clock()
    world.outbox.poison[:] = [Delivery("imports", world.outbox.poison[0].text, died)]
    world.pass_time(timedelta(hours=3))
    world.sweep()
    (line,) = [event for event in world.activity.events if event.name == "message-poisoned"]
    assert f"died {died:%Y-%m-%d %H:%M:%S} UTC" in line.detail


@pytest.mark.parametrize("queue", MESSAGE_QUEUES)
def test_what_is_due_is_looked_at_whichever_queue_its_message_came_through(queue: str) -> None:
    world = World()
    world.push(TWO)
    world.check()
    for _ in range(200):
        due = world.outbox.next_due()
        if due is None:
            break
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(Delivery(queue, delivery.text, delivery.due))
    assert world.status(TWO) is Status.PROMOTED
    assert [place for place, _ in world.base.tags] == [TARGET]
