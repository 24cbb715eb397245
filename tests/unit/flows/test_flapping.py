"""Upstreams lag behind themselves: what they say twice counts, and what they say once does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.events.messages import CheckRepositories
from shared.domain.references import Tag
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit

TWO_TAGS = b"""
images:
  - {name: node, source: node, tags: [22-alpine, 22], target: base/node, gate: none}
"""


@pytest.fixture
def world() -> World:
    """A world whose tag moved from one digest to another."""
    made = World()
    for digest in (ONE, TWO):
        made.push(digest)
        checked(made)
        made.pass_time(timedelta(minutes=15))
    return made


def checked(world: World) -> None:
    """Check, and let everything happen, second looks too."""
    world.check()
    world.settle()


def looked(world: World) -> None:
    """Check, and let happen what is due now."""
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)


def live(world: World, minutes: int) -> None:
    """Check, and let happen what is due within some minutes."""
    world.check()
    until = world.clock() + timedelta(minutes=minutes)
    while (due := world.outbox.next_due()) is not None and due <= until:
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.clock.now = until


def test_a_copy_that_lags_behind_leads_to_no_decision_no_import_and_no_rebuild(world: World) -> None:
    rebuilds = len(world.rebuilt())
    world.push(ONE)
    looked(world)
    world.push(TWO)
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO
    assert world.target().number == 2
    assert len(world.rebuilt()) == rebuilds
    assert world.observations.of(NODE).tags[TAG].doubted is None


def test_a_tag_that_went_back_is_followed_after_the_second_look_which_is_asked_for(world: World) -> None:
    world.push(ONE)
    looked(world)
    sent = world.outbox.sent[-1]
    assert isinstance(sent.message, CheckRepositories)
    assert (sent.message.repositories, sent.delay) == ((str(NODE),), timedelta(minutes=3, seconds=5))
    assert world.base.tags[TARGET, TAG] == TWO
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE


def test_where_the_message_of_the_second_look_is_lost_the_next_check_is_that_look(world: World) -> None:
    world.push(ONE)
    looked(world)
    world.outbox.waiting.clear()
    world.pass_time(timedelta(minutes=15))
    checked(world)
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_tag_that_returns_is_told_once_with_the_time_at_which_it_counts(world: World) -> None:
    world.push(ONE)
    for _ in range(3):
        looked(world)
    (event,) = [event for event in world.activity.events if event.name == "flapping"]
    assert event.subject == f"repository:{NODE}"
    assert f"{TAG} bears {ONE} again (second-look)" in event.detail
    doubted = world.observations.of(NODE).tags[TAG].doubted
    assert doubted is not None
    assert f"at {doubted.due:%H:%M} UTC a second look counts" in event.detail


def test_tags_that_return_together_have_one_second_look_which_asks_the_registry_and_not_its_catalogue() -> None:
    world = World(TWO_TAGS)
    for digest in (ONE, TWO, ONE):
        for tag in (TAG, Tag("22")):
            world.hub.push(NODE, tag, digest)
        looked(world)
        if digest is not ONE or not world.base.tags:
            world.settle()
            world.pass_time(timedelta(minutes=15))
    asked = world.hub.asked.total()
    sent = [one for one in world.outbox.sent if one.delay == timedelta(minutes=3, seconds=5)]
    assert len(sent) == 1
    world.hub.lie(NODE, TAG, TWO)
    world.settle()
    assert world.hub.asked.total() - asked == 2
    assert {world.base.tags[TARGET, TAG], world.base.tags[TARGET, Tag("22")]} == {ONE}


def test_a_tag_that_flips_all_day_is_decided_a_few_times_and_ends_on_what_stays(world: World) -> None:
    for number in range(96):
        world.push((ONE, TWO)[number % 2])
        live(world, 15)
    assert world.target().number <= 2 + 6
    last = digest_of("mended")
    world.push(last)
    live(world, 15)
    assert world.base.tags[TARGET, TAG] == last, "what is new does not wait"
    world.push(ONE)
    for _ in range(70):
        live(world, 15)
    assert world.base.tags[TARGET, TAG] == ONE
