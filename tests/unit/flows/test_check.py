"""A check compares a tag with what is known of this tag alone."""

from __future__ import annotations

import pytest

from shared.domain.promotion.candidate import Status
from shared.domain.references import Tag
from tests.doubles.world import ONE, TWO, World

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
