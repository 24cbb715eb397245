"""Locks and purges, told as what may happen: each also with deaths, late and twice, and stale."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Tag
from shared.domain.travel.locked import CHANGES
from tests.doubles.purges import purge
from tests.doubles.referrers import children_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, World
from tests.unit.flows.manners import Manner, Telling, after_each_write, in_every_manner, told
from tests.unit.flows.test_locks import close, closed
from tests.unit.flows.test_records import borne
from tests.unit.flows.test_what_travels_survives import (
    ALL,
    IMAGE,
    REFERRERS,
    REQUIRED,
    bundles,
    comes,
    has,
    is_in,
    is_promoted_once,
    world_of,
)

pytestmark = pytest.mark.unit

FIRST, SECOND = Tag("22-alpine-20260101.1"), Tag("22-alpine-20260101.2")
PLATFORMS = children_of(IMAGE)


def compare(telling: Telling, times: int = 2) -> None:
    """Let the timer compare the base registry, and what follows from it be done."""
    for _ in range(times):
        telling.do(telling.world.look_at_base)
        telling.world.run_for(timedelta(minutes=31))


def is_locked_as_wanted(world: World) -> bool:
    """Whether all of both images is locked, with the tag, and the repository is not."""
    things = (TAG, FIRST, ONE, SECOND, IMAGE, *PLATFORMS)
    return {closed(world, of) for of in things} == {CHANGES} and closed(world, "") == frozenset()


def is_to_be_pulled(world: World) -> bool:
    """Whether the tag, its name, its platforms, its record and what refers to it are there."""
    names = (borne(world), borne(world, SECOND)) == (IMAGE, IMAGE)
    return names and has(world, IMAGE, *PLATFORMS, *(one.digest for one in REFERRERS), *bundles(world))


# 8


@pytest.mark.parametrize("manner", [Manner.TWICE_AND_LATE, Manner.STALE], ids=lambda manner: manner.value)
def test_what_goes_wrong_between_unlock_import_and_lock_ends_locked_and_repaired(manner: Manner) -> None:
    """With deaths it is told by ``test_all_is_locked_in_the_end_whenever_the_process_dies``."""

    def story(telling: Telling) -> None:
        telling.world.base.imports_heed_locks = True
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling)
        compare(telling)

    for world in told(manner, world_of(ALL), story):
        assert world.base.asked["unlock"] > 0
        assert is_promoted_once(world)
        assert is_locked_as_wanted(world)


@pytest.mark.parametrize("of", [SECOND, TAG], ids=["its name", "the tag"])
@in_every_manner
def test_a_lock_that_is_not_found_as_its_tag_was_just_deleted_widens_nothing_and_the_tag_is_repaired(
    manner: Manner, of: Tag
) -> None:
    deleted: list[World] = []

    def story(telling: Telling) -> None:
        world = telling.world

        def delete(moment: str) -> None:
            about_to = moment == "base.before:lock" or of == TAG
            if about_to and borne(world, of) == IMAGE and world not in deleted:
                deleted.append(world)
                world.base.untag(TARGET, of)

        telling.watch = delete
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling, span=timedelta(hours=1))
        compare(telling, times=3)

    for world in told(manner, world_of(ALL + b"    drift: repair\n"), story):
        assert world in deleted
        assert is_promoted_once(world)
        assert is_locked_as_wanted(world)


# 9


@in_every_manner
def test_a_decision_waits_while_a_person_locks_the_tag_and_goes_on_once_it_is_unlocked(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = telling.world
        close(world, TAG)
        telling.begins(lambda: is_in(telling.world.staging))
        comes(telling)
        bar, last = world.target().barred, world.candidate(IMAGE).last
        assert bar is not None
        assert (borne(world), bar.waiting) == (ONE, Waiting.LOCKED)
        assert (last.status, last.reason) == (Status.HELD, Reason.LOCKED_BY_OTHERS)
        assert f"{TARGET}:{TAG} is locked" in last.detail
        world.base.locks.pop((TARGET, TAG))
        world.run_for(timedelta(hours=3))

    unique = ALL.replace(b"lock: [unique, stable]", b"lock: unique")
    for world in told(manner, world_of(unique), story):
        assert is_promoted_once(world)
        assert (closed(world, TAG), closed(world, SECOND), closed(world, IMAGE)) == (frozenset(), CHANGES, CHANGES)
        assert world.base.asked["unlock"] == 0


# 10


def is_purged(telling: Telling) -> None:
    """An image comes; the registry is purged between the import under either tag and its lock, and once more after."""
    world, purged = telling.world, set[Tag]()

    def between(moment: str) -> None:
        now = {tag for tag in (SECOND, TAG) if borne(world, tag) == IMAGE} - purged
        if now and (moment == "base.before:lock" or TAG in now):
            purged.update(now)
            purge(world.base, TARGET)

    telling.watch = between
    world.hub.attach(NODE, *REFERRERS)
    telling.begins(lambda: is_in(telling.world.base))
    comes(telling)
    purge(world.base, TARGET)
    compare(telling)
    purge(world.base, TARGET)
    assert purged == {SECOND, TAG}


@in_every_manner
def test_a_purge_between_promotion_and_lock_and_one_after_leave_all_to_be_pulled(manner: Manner) -> None:
    for world in told(manner, world_of(ALL), is_purged):
        assert is_promoted_once(world)
        assert is_to_be_pulled(world)
        assert is_locked_as_wanted(world)


@pytest.mark.parametrize("watch_list", [ALL, REQUIRED], ids=["named and locked", "untagged until its tag moves"])
def test_a_purge_after_whichever_write_leaves_all_to_be_pulled(watch_list: bytes) -> None:
    def story(telling: Telling) -> None:
        telling.world.hub.attach(NODE, *REFERRERS)
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling)
        compare(telling)

    for world in after_each_write(world_of(watch_list), story, lambda world: purge(world.base, TARGET) and None):
        purge(world.base, TARGET)
        assert is_promoted_once(world)
        assert has(world, IMAGE, *PLATFORMS, *(one.digest for one in REFERRERS), *bundles(world))
        if watch_list is ALL:
            assert is_to_be_pulled(world)
            assert is_locked_as_wanted(world)


def platform_is_gone(telling: Telling, *, everywhere: bool = False) -> None:
    """A purge takes a platform from below its index, as it does where the index alone is locked."""
    world = telling.world
    world.hub.attach(NODE, *REFERRERS)
    comes(telling)
    for registry in (world.base, world.staging) if everywhere else (world.base,):
        registry.purge(TARGET, PLATFORMS[0])
    telling.begins()
    compare(telling, times=3)


@in_every_manner
def test_a_platform_that_a_purge_took_from_below_its_index_is_fetched_again(manner: Manner) -> None:
    for world in told(manner, world_of(ALL), platform_is_gone):
        assert is_promoted_once(world)
        assert is_to_be_pulled(world)
        assert is_locked_as_wanted(world)
