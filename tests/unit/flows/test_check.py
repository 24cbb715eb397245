"""A check compares a tag with what is known of this tag alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import target_id
from shared.domain.references import Digest, Tag
from shared.errors import ServiceError
from shared.target_ports import StoredTarget
from tests.doubles.world import BASE, ONE, TWO, World

pytestmark = pytest.mark.unit

WATCH_LIST = b"""
images:
  - {name: node, source: node, tags: [22], target: base/node, gate: none}
  - {name: node-alpine, source: node, tags: [alpine], target: base/node/22, gate: none}
"""


def test_a_tag_that_moves_leaves_alone_what_is_on_its_way_into_a_repository_below() -> None:
    world = World(WATCH_LIST)
    world.push(ONE, Tag("22"))
    world.check()
    world.settle()
    world.push(ONE, Tag("alpine"))
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    world.push(TWO, Tag("22"))
    world.check()
    world.settle()
    assert world.status(ONE, None) is Status.PROMOTED
    assert world.base.tags["base/node/22", Tag("alpine")] == ONE
    assert world.base.tags["base/node", Tag("22")] == TWO


TWO_TAGS = b"images: [{name: node, source: node, tags: [22, 20], target: base/node, gate: none}]"
UNREADABLE = ServiceError("1 rows cannot be read", code="UnreadableRow")


def spoil(world: World, monkeypatch: pytest.MonkeyPatch, tag: Tag) -> None:
    """Let the record of a tag be one that cannot be read."""
    real = world.targets.get

    def spoiled(target: str) -> StoredTarget | None:
        if target == target_id(BASE, "base/node", tag):
            raise UNREADABLE
        return real(target)

    monkeypatch.setattr(world.targets, "get", spoiled)


def push(world: World, digest: Digest) -> None:
    """Let both tags move, and ask for a check."""
    for tag in ("22", "20"):
        world.push(digest, Tag(tag))
    world.check()


def settle(world: World) -> None:
    """Let everything happen that follows, although some messages meet a row that cannot be read."""
    while (due := world.outbox.next_due()) is not None:
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            with suppress(ServiceError):
                world.work(delivery)
    world.pass_time(timedelta(hours=1))


@pytest.mark.parametrize("known", [True, False], ids=["told before", "never told"])
def test_a_tag_whose_record_cannot_be_read_keeps_no_other_from_its_check_and_is_told_once_it_is_mended(
    monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    world = World(TWO_TAGS)
    if known:
        push(world, ONE)
        settle(world)
    with monkeypatch.context() as patch:
        spoil(world, patch, Tag("22"))
        push(world, TWO)
        (check,) = world.outbox.deliver()
        with pytest.raises(ServiceError, match="cannot be read"):
            world.work(check)
        settle(world)
    assert world.base.tags["base/node", Tag("20")] == TWO
    assert world.base.tags.get(("base/node", Tag("22"))) == (ONE if known else None)
    assert not [event for event in world.activity.events if event.name == "first-imports-wait"]

    world.check()
    settle(world)
    assert world.base.tags["base/node", Tag("22")] == TWO
