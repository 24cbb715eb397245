"""What stands in the base registry when an entry appears is taken as it is, not imported over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.said import Why
from shared.domain.references import Tag
from shared.errors import NotPermitted, Refused, Unavailable
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

STANDS = digest_of("stands")
MINUTES = timedelta(minutes=2)


def standing(watch_list: bytes = WATCH_LIST) -> World:
    """A world whose base registry holds an image before its entry appears; upstream there is another one."""
    world = World(watch_list)
    world.base.push(TARGET, TAG, STANDS)
    world.push(ONE)
    return world


def checked(world: World, image: str = "") -> None:
    """Check, and let everything that follows happen."""
    world.check(image)
    world.settle()


def looked(world: World) -> None:
    """Check, and let happen what is due now."""
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)


def test_what_stands_there_is_adopted_and_nothing_is_imported_tested_or_rebuilt() -> None:
    world = standing()
    for _ in range(3):
        checked(world)
        world.sweep()
        world.settle()
    target = world.target()
    assert (target.wanted, target.why, target.number) == (STANDS, Why.ADOPTED, 1)
    assert world.base.tags[TARGET, TAG] == STANDS
    assert world.staging.imports.total() == world.base.imports.total() == 0
    assert (world.rebuilt(), list(world.candidates.current())) == ([], [])
    assert world.base.asked["digest"] == 1, "it is read once"


def test_the_first_move_of_the_source_replaces_it_by_the_usual_way() -> None:
    world = standing()
    checked(world)
    world.push(TWO)
    checked(world)
    assert world.base.tags[TARGET, TAG] == TWO
    assert (world.target().why, world.target().number) == (Why.NEWEST, 2)
    assert world.staging_runs.started[TWO] == 1


def test_where_nothing_stands_the_first_digest_is_imported() -> None:
    world = World()
    world.push(ONE)
    checked(world)
    assert (world.base.tags[TARGET, TAG], world.target().why) == (ONE, Why.NEWEST)


def test_an_entry_that_adopts_nothing_replaces_what_stands_there() -> None:
    world = standing(WATCH_LIST + b"    adopt: false\n")
    checked(world)
    assert (world.base.tags[TARGET, TAG], world.target().why) == (ONE, Why.NEWEST)


def test_what_was_adopted_is_replaced_when_its_entry_adopts_nothing_any_more_and_somebody_asks_for_it() -> None:
    world = standing()
    checked(world)
    world.configuration.text = WATCH_LIST + b"    adopt: false\n"
    checked(world)
    assert world.base.tags[TARGET, TAG] == STANDS
    checked(world, "node")
    for _ in range(3):
        world.pass_time(MINUTES)
        world.sweep()
        world.settle()
    assert (world.base.tags[TARGET, TAG], world.target().why) == (ONE, Why.NEWEST)


@pytest.mark.parametrize("error", [Unavailable("503"), NotPermitted("no AcrPull")])
def test_while_the_base_registry_cannot_be_read_nothing_new_is_begun(error: Unavailable | NotPermitted) -> None:
    world = standing()
    world.base.fail("digest", error)
    looked(world)
    assert world.staging.imports.total() == 0
    assert world.book.of(TARGET, TAG) is None
    (event,) = world.activity.events
    assert event.name == "first-imports-wait"
    assert f"the base registry could not be read: {error}" in event.detail
    checked(world)
    assert world.target().why is Why.ADOPTED


def test_a_base_registry_that_fails_is_read_again_soon_and_if_that_lasts_by_the_next_check() -> None:
    world = standing()
    world.base.fail("digest", *[Unavailable("503")] * 3)
    checked(world)
    assert world.target().why is Why.ADOPTED
    world = standing()
    world.base.fail("digest", *[Unavailable("503")] * 99)
    checked(world)
    assert world.base.asked["digest"] == 7
    world.base.mend()
    checked(world)
    assert world.target().why is Why.ADOPTED


@pytest.mark.parametrize("error", [NotPermitted("no AcrPull"), Refused("locked")])
def test_a_place_that_may_not_be_read_waits_for_the_next_check_and_keeps_no_other_waiting(
    error: NotPermitted | Refused,
) -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b"[22-alpine, 20-alpine]"), new_tags=1)
    for tag in (TAG, Tag("20-alpine")):
        world.push(ONE, tag)
    world.base.fail("digest", error)
    looked(world)
    assert world.base.asked["digest"] == 2
    assert world.book.of(TARGET, TAG) is None
    assert world.target(Tag("20-alpine")).newest is not None
    checked(world)
    assert world.base.tags[TARGET, TAG] == ONE


def moments() -> int:
    """Count the moments before and after every write of a check that adopts."""
    world, seen = standing(), list[str]()
    world.check()
    world.hook = seen.append
    for delivery in world.outbox.deliver():
        world.work(delivery)
    return len(seen)


@pytest.mark.parametrize("moment", range(moments()))
def test_a_check_that_dies_anywhere_is_made_again_and_adopts(moment: int) -> None:
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world = standing()
    world.check()
    world.hook = die
    for delivery in world.outbox.deliver():
        world.work(delivery)
    world.hook = None
    assert left < 0, "the process was to die, and did not"
    checked(world)
    assert (world.target().wanted, world.target().why) == (STANDS, Why.ADOPTED)
    assert world.base.imports.total() == 0
    world.push(TWO)
    checked(world)
    assert world.base.tags[TARGET, TAG] == TWO
