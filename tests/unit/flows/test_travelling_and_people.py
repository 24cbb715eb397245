"""What people do, and what others do to the base registry, where something travels with images."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from shared.domain.events.registry_event import Push
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.travel.referrers import ReferrerState
from shared.errors import Unavailable
from tests.doubles.referrers import SBOM, index, legacy_tag, referrer
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE_SERVER, NODE, ONE, TAG, TARGET, TWO, World
from tests.unit.flows.decided import acted, said
from tests.unit.flows.test_travelling import (
    BEST_EFFORT,
    FIRST,
    NAMED,
    OFF,
    REQUIRED,
    SECOND,
    arrive,
    attach,
    beside,
    borne,
    has,
    travelling_world,
)

pytestmark = pytest.mark.unit

ALL = REQUIRED + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"


def look(world: World) -> None:
    """Let the timer compare the base registry, twice as it does where something differs, and what follows."""
    for _ in range(2):
        world.pass_time(timedelta(minutes=20))
        world.look_at_base()
        world.run_for(timedelta(minutes=12))


def roll_back(world: World, digest: Digest) -> None:
    """Let a person go back to a digest."""
    acted(world.actor.roll_back(world.target().id, digest, said(world)))
    world.run_for(timedelta(minutes=9))


def test_going_back_waits_for_nothing_and_makes_no_name() -> None:
    world = travelling_world(ALL)
    attach(world, referrer(ONE))
    arrive(world)
    arrive(world, TWO)
    assert borne(world, SECOND) == TWO
    world.hub.trouble(NODE, Unavailable("502"))
    roll_back(world, ONE)
    assert (borne(world), world.target().why) == (ONE, Why.ROLLED_BACK)
    assert sorted(tag for _, tag in world.base.tags) == sorted([TAG, FIRST, SECOND])


def test_what_a_former_version_promoted_is_gone_back_to_at_once_and_completed_beside() -> None:
    world = World(REQUIRED)
    arrive(world)
    arrive(world, TWO)
    world.travels = True
    world.start()
    (signed,) = attach(world, referrer(ONE))
    world.hub.fail("referrers", Unavailable("502"))
    roll_back(world, ONE)
    assert borne(world) == ONE
    world.run_for(timedelta(minutes=30))
    assert has(world, signed.digest)


def test_what_is_purged_from_beside_an_image_is_brought_again() -> None:
    world = travelling_world(ALL)
    signed, sbom = attach(world, referrer(ONE), referrer(ONE, SBOM))
    arrive(world)
    world.run_for(timedelta(minutes=30))
    world.base.purge(TARGET, signed.digest)
    world.base.untag(TARGET, FIRST)
    look(world)
    assert has(world, signed.digest)
    assert (borne(world), borne(world, FIRST)) == (ONE, ONE)
    assert {one.state for one in beside(world).referrers} == {ReferrerState.ARRIVED}
    assert has(world, sbom.digest)


def test_what_older_clients_find_by_a_tag_is_brought_again_where_the_tag_alone_is_gone_or_moved() -> None:
    world = travelling_world(REQUIRED)
    old, tag = referrer(ONE, about="-"), legacy_tag(ONE)
    world.hub.attach_by_tag(NODE, old, tag)
    arrive(world)
    world.run_for(timedelta(minutes=30))
    assert borne(world, tag) == old.digest
    world.base.untag(TARGET, tag)
    look(world)
    assert has(world, old.digest)
    assert borne(world, tag) == old.digest
    world.base.tags[TARGET, tag] = ONE
    look(world)
    assert borne(world, tag) == old.digest


def test_an_image_that_is_purged_while_its_tag_waits_is_there_with_all_that_refers_to_it_in_the_end() -> None:
    world = travelling_world(REQUIRED)
    signed, sbom = attach(world, referrer(ONE), referrer(ONE, SBOM))
    purged: list[str] = []

    def purge(moment: str) -> None:
        if not purged and any(has(world, one.digest) for one in (signed, sbom)):
            purged.append(moment)
            world.base.purge(TARGET, ONE)

    world.hook = purge
    arrive(world)
    assert purged
    assert borne(world) == ONE
    look(world)
    assert all(has(world, one.digest) for one in (signed, sbom))


def test_an_index_of_more_manifests_than_azure_imports_is_refused_before_anything_is_there() -> None:
    world = travelling_world(ALL)
    image = index(*(digest_of(str(number)) for number in range(52)))
    world.hub.platforms[image] = 52
    attach(world, referrer(image))
    arrive(world, image)
    assert world.status(image) is Status.FAILED
    assert "52 manifests" in world.candidate(image).last.detail
    assert (world.base.tags, world.base.untagged, world.staging.imports) == ({}, {}, {})
    assert list(world.companions.every("tidegatebase")) == []


def test_what_staging_has_no_more_either_is_fetched_from_its_upstream() -> None:
    world = travelling_world(BEST_EFFORT)
    (signed,) = attach(world, referrer(ONE))
    arrive(world)
    world.run_for(timedelta(minutes=30))
    world.base.purge(TARGET, signed.digest)
    world.staging.purge(TARGET, signed.digest)
    look(world)
    world.run_for(timedelta(minutes=30))
    assert has(world, signed.digest)


def test_what_nobody_has_any_more_is_named() -> None:
    world = travelling_world(BEST_EFFORT)
    (signed,) = attach(world, referrer(ONE))
    arrive(world)
    world.run_for(timedelta(minutes=30))
    world.base.purge(TARGET, signed.digest)
    world.staging.purge(TARGET, signed.digest)
    world.hub.detach(NODE, signed)
    look(world)
    world.run_for(timedelta(hours=1))
    assert [one.state for one in beside(world).referrers] == [ReferrerState.GONE]
    assert borne(world) == ONE


def test_where_nothing_is_gone_a_comparison_is_two_listings() -> None:
    world = travelling_world(ALL)
    attach(world, referrer(ONE))
    arrive(world)
    world.run_for(timedelta(minutes=30))
    world.base.asked.clear()
    world.look_at_base()
    world.run_for(timedelta(minutes=2))
    assert world.base.asked == {"list_tags": 1, "closed": 1}


def test_a_name_of_what_was_replaced_is_left_to_whoever_deletes_it() -> None:
    world = travelling_world(NAMED)
    arrive(world)
    arrive(world, TWO)
    world.run_for(timedelta(minutes=30))
    world.base.untag(TARGET, FIRST)
    look(world)
    assert (borne(world), borne(world, FIRST), borne(world, SECOND)) == (TWO, None, TWO)


def test_what_was_overwritten_is_put_back_without_waiting_for_anything() -> None:
    world = travelling_world(REQUIRED + b"    drift: repair\n")
    arrive(world)
    world.hub.trouble(NODE, Unavailable("502"))
    world.run_for(timedelta(minutes=30))
    world.base.push(TARGET, TAG, TWO)
    look(world)
    look(world)
    assert borne(world) == ONE


@pytest.mark.parametrize(("asks", "there"), [(ALL, True), (BEST_EFFORT, False)])
def test_what_was_there_before_its_entry_asked_for_something_gets_it_if_the_entry_says_so(
    asks: bytes, there: bool
) -> None:
    world = World(OFF)
    (signed,) = attach(world, referrer(ONE))
    arrive(world)
    world.configuration.text = asks
    world.travels = True
    world.start()
    world.sweep()
    look(world)
    assert (borne(world), has(world, signed.digest)) == (ONE, there)
    assert borne(world, FIRST) == (ONE if there else None)
    number = world.target().number
    arrive(world, TWO)
    assert (borne(world), world.target().number) == (TWO, number + 1)


# What wakes nobody.


def test_neither_names_nor_referrers_wake_a_rebuild_or_a_look() -> None:
    world = travelling_world(ALL)
    (signed,) = attach(world, referrer(ONE))
    arrive(world)
    world.run_for(timedelta(minutes=30))
    rebuilt, world.base.asked = len(world.rebuilt()), Counter()
    for tag, digest in ((FIRST, ONE), (legacy_tag(ONE), signed.digest)):
        world.told(Push(BASE_SERVER, TARGET, tag, digest))
        world.told(Push(BASE_SERVER, TARGET, tag, digest))
    world.run_for(timedelta(minutes=9))
    assert len(world.rebuilt()) == rebuilt
    assert world.base.asked["list_tags"] == 0
