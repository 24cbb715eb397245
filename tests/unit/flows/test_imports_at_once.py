"""As many imports into staging as the setting says are under way at once; the others wait, each owner in turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Reason, Status
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, Died, World
from tests.unit.flows.test_gates_at_once import TAGS, WATCH_LIST, all_promoted, step

pytestmark = pytest.mark.unit


def several(most: int) -> World:
    """Return a world with six new tags, of which five have one owner, and room for some imports at once."""
    world = World(WATCH_LIST)
    world.most_imports = most
    world.start()
    world.staging.looks = 5
    for tag in TAGS:
        world.hub.push(NODE, tag, digest_of(tag))
    world.check()
    return world


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_imports_than_the_setting_says_are_under_way_and_all_are_made_in_the_end(most: int) -> None:
    world, seen = several(most), set[int]()
    while step(world):
        seen.add(world.candidates.count({Status.IMPORTING}))
    assert max(seen) == most
    assert all_promoted(world)


def test_waiting_for_room_is_no_failure_and_no_line_of_history() -> None:
    at_once, waited = several(6), several(1)
    at_once.settle()
    waited.settle()
    assert waited.clock.now > at_once.clock.now
    for tag in TAGS:
        record, usual = waited.candidate(digest_of(tag)), at_once.candidate(digest_of(tag)).history
        assert [(one.reason, one.times) for one in record.history] == [(one.reason, one.times) for one in usual]
        assert record.failures == 0


def test_an_owner_with_one_update_waits_for_one_of_those_who_have_many() -> None:
    world = several(1)
    world.settle()
    began = {
        tag: next(one.at for one in world.candidate(digest_of(tag)).history if one.reason is Reason.IMPORT_STARTED)
        for tag in TAGS
    }
    assert sorted(TAGS, key=began.__getitem__).index(TAGS[5]) <= 2


def test_a_death_at_any_moment_leaves_nobody_waiting_for_room() -> None:
    world, moments = several(1), list[str]()
    world.hook = moments.append
    world.settle()
    for number in range(0, len(moments), 3):
        world, left = several(1), [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise Died

        world.hook = die
        for _ in range(4):
            world.settle()
            world.pass_time(timedelta(minutes=15))
            world.check()
            world.sweep()
        world.settle()
        assert left[0] < 0
        assert all_promoted(world), f"moment {number}: {moments[number]}"
