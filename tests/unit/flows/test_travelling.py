"""What travels with an image: unique tags and referrers come into the base registry before its tag is moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.referrers import ReferrerState
from tests.doubles.referrers import SBOM, Made, referrer
from tests.doubles.world import NODE, ONE, TAG, TARGET, WATCH_LIST, World

pytestmark = pytest.mark.unit

BEST_EFFORT = WATCH_LIST
REQUIRED = WATCH_LIST + b"    referrers: required\n"
OFF = WATCH_LIST + b"    referrers: 'off'\n"
NAMED = OFF + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"
FIRST, SECOND = Tag("22-alpine-20260101.1"), Tag("22-alpine-20260101.2")


def travelling_world(watch_list: bytes = BEST_EFFORT) -> World:
    """Return a world in which what its list wants beside images is brought."""
    return World(watch_list, travels=True)


def arrive(world: World, digest: Digest = ONE) -> None:
    """Let a digest appear upstream, and come as far as it gets in some minutes."""
    world.push(digest)
    world.check()
    world.run_for(timedelta(minutes=9))


def attach(world: World, *made: Made) -> tuple[Made, ...]:
    """Let referrers be listed upstream."""
    world.hub.attach(NODE, *made)
    return made


def beside(world: World, digest: Digest = ONE) -> Companions:
    """Return the companions of a digest."""
    stored = world.travelling.book.read(TARGET, digest)
    assert stored is not None
    return stored.record


def borne(world: World, tag: Tag = TAG) -> Digest | None:
    """Return what a tag of the base registry points at."""
    return world.base.tags.get((TARGET, tag))


def has(world: World, digest: Digest) -> bool:
    """Whether the base registry has a manifest."""
    return world.base._has(TARGET, digest)


def test_where_nothing_refers_to_an_image_it_is_imported_once_by_its_tag() -> None:
    world = travelling_world()
    arrive(world)
    assert (borne(world), world.status(ONE)) == (ONE, Status.PROMOTED)
    assert (len(world.base.imports), sum(world.base.untagged.values())) == (1, 0)
    assert world.hub.referred == {ONE: 1}


def test_a_signature_and_an_sbom_are_there_before_the_tag_is() -> None:
    world = travelling_world()
    made = attach(world, referrer(ONE), referrer(ONE, SBOM))
    seen = []
    world.hook = lambda moment: seen.append(moment == "base.before:start_import" and borne(world) is None)
    arrive(world)
    assert borne(world) == ONE
    assert all(has(world, one.digest) for one in made)
    assert {one.state for one in beside(world).referrers} == {ReferrerState.ARRIVED}
    assert sum(world.base.untagged.values()) == 3
