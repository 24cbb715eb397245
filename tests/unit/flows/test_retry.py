"""What failed or was rejected is tried again, many at once, because somebody asked; nothing is tried twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.domain.references import Tag
from shared.errors import Refused, ServiceError
from shared.flows.retry import Wish
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import NODE, ONE, TAG, TWO, Died, World

pytestmark = pytest.mark.unit

FAILED, REJECTED = frozenset({Status.FAILED}), frozenset({Status.REJECTED})
TAGS = tuple(Tag(f"tag-{n:02}") for n in range(25))
LIST = b"""
images:
  - {name: node, source: docker.io/library/node, tags: ["22-alpine", {glob: "tag-*"}], target: base/node, gate: node}
"""


@pytest.fixture
def world() -> World:
    """Everything in memory; one tag is promoted."""
    world = World(LIST, new_tags=100)
    world.push(ONE)
    world.check()
    world.settle()
    return world


def rejected(world: World) -> None:
    """Let the tag move to a digest that its gate rejects."""
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(TWO)
    world.check()
    world.settle()
    world.pass_time(timedelta(hours=1))


def failed(world: World) -> None:
    """Let the tag move to a digest that the staging registry will not take."""
    world.staging.fail("start_import", Refused("the registry will not"))
    world.push(TWO)
    world.check()
    world.settle()
    world.pass_time(timedelta(hours=1))


def ask(world: World, statuses: frozenset[Status], image: str | None = None, since: datetime | None = None) -> int:
    """Ask for another try, and return of how many targets."""
    said = Said("ada", "the outage is over", world.clock())
    return len(world.retrier.ask(Wish(statuses, image, since), said, "")[0])


def test_what_failed_is_tried_again_and_promoted(world: World) -> None:
    failed(world)
    assert world.status(TWO) is Status.FAILED
    assert ask(world, FAILED) == 1
    world.settle()
    assert (world.status(TWO), world.target().seen) == (Status.PROMOTED, TWO)


def test_what_was_rejected_is_tested_again_once_its_gate_is_mended(world: World) -> None:
    rejected(world)
    world.pass_time(timedelta(days=3))
    world.sweep()
    assert ask(world, REJECTED) == 1
    world.settle()
    assert world.status(TWO) is Status.PROMOTED


def test_what_was_rejected_is_left_where_only_failures_are_asked_for(world: World) -> None:
    rejected(world)
    assert ask(world, FAILED) == 0
    assert world.status(TWO) is Status.REJECTED


def test_another_entry_is_left_alone(world: World) -> None:
    failed(world)
    assert ask(world, FAILED, image="python") == 0
    assert ask(world, FAILED, image="node") == 1


def test_what_ended_before_the_stated_time_is_left_alone(world: World) -> None:
    failed(world)
    ended = world.candidate(TWO).since
    assert ask(world, FAILED, since=ended + timedelta(seconds=1)) == 0
    assert ask(world, FAILED, since=ended) == 1


def test_what_the_tag_wants_no_more_is_not_tried_again(world: World) -> None:
    failed(world)
    world.push(digest_of("three"))
    world.check()
    world.settle()
    assert ask(world, FAILED) == 0


def test_a_message_that_comes_twice_tries_once(world: World) -> None:
    failed(world)
    ask(world, FAILED)
    delivery = world.outbox.deliver()[0]
    world.work(delivery)
    world.work(delivery)
    assert world.candidate(TWO).generation == 2
    world.settle()
    world.work(delivery)
    assert (world.candidate(TWO).generation, world.status(TWO)) == (2, Status.PROMOTED)


def test_a_target_that_got_what_it_wants_meanwhile_is_left(world: World) -> None:
    failed(world)
    ask(world, FAILED)
    delivery = world.outbox.deliver()[0]
    world.check(image="node")
    world.settle()
    world.work(delivery)
    assert world.candidate(TWO).generation == 2


def test_many_are_asked_for_at_once_and_each_is_tried_once(world: World) -> None:
    for tag in TAGS:
        world.push(digest_of(tag), tag)
    world.staging.fail("start_import", *[Refused("the registry will not")] * len(TAGS))
    world.check()
    world.settle(most=2000)
    assert {world.status(digest_of(tag)) for tag in TAGS} == {Status.FAILED}
    world.pass_time(timedelta(hours=1))
    assert ask(world, FAILED) == len(TAGS)
    world.settle(most=2000)
    assert {world.status(digest_of(tag)) for tag in TAGS} == {Status.PROMOTED}
    assert {world.candidate(digest_of(tag)).generation for tag in TAGS} == {2}


def test_a_death_between_two_messages_is_mended_by_asking_again(world: World) -> None:
    failed(world)
    world.hook = _dies_at("outbox.before:send")
    with pytest.raises(Died):
        ask(world, FAILED)
    world.hook = None
    assert ask(world, FAILED) == 1
    world.settle()
    assert world.status(TWO) is Status.PROMOTED


def test_one_that_cannot_be_tried_keeps_no_other_from_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.hub.push(NODE, TAGS[0], digest_of("tag-00"))
    world.staging.fail("start_import", *[Refused("the registry will not")] * 2)
    world.push(TWO)
    world.check()
    world.settle()
    world.pass_time(timedelta(hours=1))
    ask(world, FAILED)
    (delivery,) = world.outbox.deliver()
    want = world.detector.want

    def broken(repository: str, tag: Tag, *rest: object) -> None:
        if tag == TAG:
            raise ServiceError("the row cannot be read")
        want(repository, tag, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(world.detector, "want", broken)
    with pytest.raises(ServiceError, match="cannot be read"):
        world.work(delivery)
    assert world.candidate(digest_of("tag-00")).generation == 2


def test_it_is_recorded_who_asked_and_why(world: World) -> None:
    failed(world)
    ask(world, FAILED)
    (line,) = world.activity.of("retry", 10)
    assert (line.name, line.detail) == ("retry-asked", "ada: the outage is over (1 tags, failed)")


def _dies_at(moment: str) -> Callable[[str], None]:
    def hook(told: str) -> None:
        if told == moment:
            raise Died

    return hook
