"""Where a digest can still be had: the base registry itself, then staging, then the upstream; or nowhere."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.references import DOCKER_HUB
from shared.domain.watching.budget import Learned
from shared.errors import NotFound, RateLimited, Unavailable
from shared.ports import ImportSource
from shared.rules.sources import Place
from tests.doubles.world import NODE, ONE, TARGET, TWO, World

pytestmark = pytest.mark.unit


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted twice."""
    made = World()
    for digest in (ONE, TWO):
        made.push(digest)
        made.check()
        made.settle()
    return made


def back(world: World) -> Target:
    """Return the target as it is when somebody went back."""
    return msgspec.structs.replace(world.target(), wanted=ONE, why=Why.ROLLED_BACK)


def lose(world: World, *places: Place) -> None:
    """Let some have the first digest no more."""
    if Place.BASE in places:
        world.base.purge(TARGET, ONE)
    if Place.STAGING in places:
        world.staging.purge(TARGET, ONE)
    if Place.UPSTREAM in places:
        world.hub.purge(NODE, ONE)


@pytest.mark.parametrize(
    ("lost", "place"),
    [
        ((), Place.BASE),
        ((Place.BASE,), Place.STAGING),
        ((Place.BASE, Place.STAGING), Place.UPSTREAM),
        ((Place.BASE, Place.STAGING, Place.UPSTREAM), None),
    ],
)
def test_who_is_nearest_is_asked_first(world: World, lost: tuple[Place, ...], place: Place | None) -> None:
    lose(world, *lost)
    assert world.sources.where(world.target(), ONE) is place
    assert world.hub.sought[NODE, ONE] == (len(lost) >= 2)


def test_what_is_copied_from_is_named_as_the_registry_is_asked_for_it(world: World) -> None:
    assert world.sources.of(back(world)).own
    lose(world, Place.BASE)
    assert world.sources.of(back(world)).staging
    lose(world, Place.STAGING)
    assert world.sources.of(back(world)) == ImportSource(NODE, ONE)


def test_what_has_just_passed_is_copied_from_staging_without_a_question(world: World) -> None:
    fresh = msgspec.structs.replace(world.target(), wanted=ONE, former=())
    asked = world.base.asked["holds"] + world.staging.asked["holds"]
    assert world.sources.of(fresh).staging
    assert world.base.asked["holds"] + world.staging.asked["holds"] == asked == 0


def test_after_a_failure_the_others_are_preferred_to_the_base_registry_itself(world: World) -> None:
    failed = msgspec.structs.replace(back(world), failures=1)
    assert world.sources.of(failed).staging
    lose(world, Place.STAGING, Place.UPSTREAM)
    assert world.sources.of(failed).own


def test_what_nobody_has_is_asked_of_staging_which_says_so(world: World) -> None:
    lose(world, *Place)
    assert world.sources.of(back(world)).staging


def test_who_cannot_be_asked_hides_nothing_that_another_one_has(world: World) -> None:
    world.base.fail("holds", Unavailable("503"))
    assert world.sources.where(world.target(), ONE) is Place.STAGING


def test_that_nobody_has_it_is_said_only_when_all_were_asked(world: World) -> None:
    lose(world, *Place)
    world.staging.fail("holds", Unavailable("503"))
    with pytest.raises(Unavailable):
        world.sources.where(world.target(), ONE)


def test_a_repository_that_is_gone_upstream_has_nothing(world: World) -> None:
    lose(world, Place.BASE, Place.STAGING)
    world.hub.trouble(NODE, NotFound("gone"))
    assert world.sources.where(world.target(), ONE) is None


def test_an_upstream_that_grants_nothing_is_not_asked(world: World) -> None:
    lose(world, Place.BASE, Place.STAGING)
    world.ledger.learned(DOCKER_HUB, Learned(locked_for=timedelta(hours=1)))
    with pytest.raises(RateLimited, match=r"docker\.io is short"):
        world.sources.where(world.target(), ONE)
    assert world.hub.sought.total() == 0
