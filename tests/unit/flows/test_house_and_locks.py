"""Housekeeping and locks: what we locked is opened right before it goes, what others locked stays, and nothing bare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.housekeeping.reasons import Place, Spared
from shared.domain.housekeeping.rounds import EVERY
from shared.domain.promotion.said import Pinned, Said
from shared.domain.record.record import Form, Piece, Record
from shared.domain.record.record import RecordState as Inside
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import CHANGES, LockState, Right
from shared.domain.travel.recorded import Recorded, RecordState
from shared.errors import NotPermitted, RateLimited, Unavailable
from tests.doubles.house_of_world import KeptWorld
from tests.doubles.referrers import index, referrer
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, ONE, TAG, TARGET, World
from tests.unit.flows.test_actions_on_the_app import said
from tests.unit.flows.test_locks import BLOCKED, BOTH, FIRST, NAMED, SECOND, UNIQUE, close, closed, look_at_base
from tests.unit.flows.test_travelling import arrive, beside, borne, has, travelling_world

pytestmark = pytest.mark.unit

SHARED, OWN, OTHER = (digest_of(name) for name in ("shared platform", "own platform", "other platform"))
OLD, NEW = index(SHARED, OWN), index(SHARED, OTHER)
SIGNATURE = referrer(OLD).digest
ALL_OF_NEW = (SECOND, NEW, SHARED, OTHER)
ALL_OF_OLD = (FIRST, OLD, OWN)
DAY = timedelta(days=1)


def aged(watch_list: bytes = UNIQUE, places: frozenset[Place] = frozenset({Place.BASE})) -> KeptWorld:
    """Return a world that promoted an index after another one of weeks ago, which share a platform."""
    world = travelling_world(watch_list)
    world.base._manifests |= {(TARGET, one) for one in (SHARED, OWN, OTHER)}
    for digest in (OLD, NEW):
        arrive(world, digest)
        look_at_base(world)
    world.base._manifests.add((TARGET, SIGNATURE))
    house = KeptWorld(world, places)
    house.listed()
    # Ten formers are kept in any case; here are not as many.
    (stored,) = world.targets.every(BASE)
    world.targets.replace(stored, msgspec.structs.replace(stored.record, former=()))
    world.pass_time(timedelta(days=20))
    assert borne(world) == NEW
    return house


@pytest.fixture
def house() -> KeptWorld:
    """Such a world."""
    return aged()


def after(world: World, moment: str, happens: Callable[[], object]) -> None:
    """Let something happen once, right after a moment came for the first time."""
    seen: list[str] = []

    def watch(name: str) -> None:
        if name == moment and not seen:
            seen.append(name)
            happens()

    world.hook = watch


def pin(world: World) -> None:
    """Let a person pin the old index."""
    (stored,) = world.targets.every(BASE)
    pinned = Pinned(OLD, Said("somebody", "it must stay", world.clock()))
    world.targets.replace(stored, msgspec.structs.replace(stored.record, pinned=pinned))


def all_closed(world: World, *things: str) -> bool:
    """Whether things are there, and locked."""
    tags = {tag for where, tag in world.base.tags if where == TARGET}
    there = all(has(world, Digest(of)) if ":" in of else of in tags for of in things)
    return there and {closed(world, of) for of in things} == {CHANGES}


# What goes.


@pytest.mark.parametrize("watch_list", [UNIQUE, BOTH], ids=["names locked", "and the tag"])
def test_an_old_name_that_only_we_locked_goes_with_its_platforms_and_the_newer_stays_locked(watch_list: bytes) -> None:
    house = aged(watch_list)
    assert all_closed(house.world, *ALL_OF_OLD, *ALL_OF_NEW)
    known = house.round()
    assert known.tally.deleted == {"old-unique-tag": 1, "with-its-index": 1, "with-its-subject": 1}
    assert not any(has(house.world, one) for one in (OLD, OWN, SIGNATURE))
    assert (TARGET, FIRST) not in house.world.base.tags
    assert all_closed(house.world, *ALL_OF_NEW)
    assert (beside(house.world, OLD).unique, beside(house.world, OLD).locks) == ((), ())


def test_a_platform_that_a_newer_index_has_as_well_is_never_open(house: KeptWorld) -> None:
    bare: list[str] = []
    house.world.hook = lambda name: bare.append(name) if closed(house.world, SHARED) != CHANGES else None
    house.round()
    assert not has(house.world, OLD)
    assert bare == []


def test_a_dry_listing_says_what_goes_and_opens_and_writes_nothing(house: KeptWorld) -> None:
    changed: list[str] = []
    house.world.hook = changed.append
    listed = house.listed()
    assert [name for name in changed if not name.startswith("books.")] == []
    house.world.hook = None
    known = house.round()
    assert listed.tally.deleted == known.tally.deleted
    assert {one.digest for one in listed.goes} == {OLD, OWN, SIGNATURE}
    assert not any(has(house.world, one.digest) for one in listed.goes)
    assert next((one.tags, one.unlocks) for one in listed.goes) == ((FIRST,), True)


def test_a_name_goes_alone_where_a_person_gave_its_image_another_tag(house: KeptWorld) -> None:
    house.world.base.push(TARGET, Tag("mine"), OLD)
    house.listed()
    house.world.pass_time(2 * DAY)
    assert house.round().tally.deleted == {"old-unique-tag": 1}
    assert (TARGET, FIRST) not in house.world.base.tags
    assert has(house.world, OLD)
    assert has(house.world, OWN)
    assert (beside(house.world, OLD).unique, closed(house.world, OLD)) == ((), frozenset())
    assert all_closed(house.world, *ALL_OF_NEW)


def test_a_platform_of_a_blocked_image_that_stays_for_another_can_be_pulled_again() -> None:
    house = aged(BLOCKED)
    house.world.ruler.block(OLD, said(house.world))
    look_at_base(house.world)
    assert closed(house.world, OWN) == {*CHANGES, Right.READ}
    house.world.pass_time(2 * DAY)
    house.round()
    assert not has(house.world, OLD)
    house.world.run_for(timedelta(hours=1))
    assert closed(house.world, SHARED) == CHANGES
    assert beside(house.world, OLD).locks == ()


# What stays.


def test_what_others_locked_before_us_stays_and_is_named() -> None:
    world = travelling_world(UNIQUE)
    world.base._manifests |= {(TARGET, one) for one in (SHARED, OTHER)}
    world.base.push(TARGET, Tag("theirs"), ONE)
    close(world, ONE)
    arrive(world)
    world.base.untag(TARGET, Tag("theirs"))
    arrive(world, NEW)
    house = KeptWorld(world)
    house.listed()
    (stored,) = world.targets.every(BASE)
    world.targets.replace(stored, msgspec.structs.replace(stored.record, former=()))
    world.pass_time(20 * DAY)
    (locked,) = (one for one in house.listed().stays if one.why is Spared.LOCKED)
    assert (locked.digest, locked.tags) == (ONE, (FIRST,))
    assert house.round().tally.deleted == {}
    assert world.base.asked["unlock"] == 0
    assert all_closed(world, FIRST, ONE)


THEIRS: dict[str, str] = {"the name": FIRST, "the index": OLD, "a platform": OWN, "the repository": ""}


@pytest.mark.parametrize("of", THEIRS.values(), ids=THEIRS)
def test_what_somebody_locks_between_opening_and_deletion_is_never_opened(house: KeptWorld, of: str) -> None:
    world = house.world
    after(world, "house.before:delete_manifest", lambda: close(world, of))
    house.round()
    world.hook = None
    for _ in range(2):
        world.run_for(timedelta(hours=1))
        assert closed(world, of) == CHANGES
        world.pass_time(EVERY)
        house.round()
    assert closed(world, of) == CHANGES
    assert has(world, OWN)
    if of != OWN:
        assert all_closed(world, FIRST, OLD)
    assert all_closed(world, *ALL_OF_NEW)


MEANWHILE: dict[str, Callable[[KeptWorld], object]] = {
    "pinned": lambda house: pin(house.world),
    "pushed to": lambda house: house.world.base.push(TARGET, Tag("mine"), OLD),
    "not answered": lambda house: house.registry.fail("delete_manifest", *[Unavailable("503")] * 9),
    "not permitted": lambda house: house.registry.fail("delete_manifest", *[NotPermitted("AcrDelete")] * 9),
    "asked to wait": lambda house: house.registry.fail("manifest", *[RateLimited("429")] * 9),
}


@pytest.mark.parametrize("happens", MEANWHILE.values(), ids=MEANWHILE)
def test_what_was_opened_and_is_not_deleted_is_locked_again_within_minutes(
    house: KeptWorld, happens: Callable[[KeptWorld], object]
) -> None:
    world = house.world
    after(world, "base.after:unlock", lambda: happens(house))
    house.sweep()
    assert world.base.asked["unlock"] > 0
    world.hook = None
    world.run_for(timedelta(minutes=25))
    if (TARGET, FIRST) in world.base.tags:
        assert all_closed(world, *ALL_OF_OLD)
    assert has(world, OLD)
    assert all_closed(world, *ALL_OF_NEW)
    assert beside(world, OLD).look_at is None


def test_where_our_lock_cannot_be_opened_nothing_goes_and_it_is_told(house: KeptWorld) -> None:
    house.world.base.fail("unlock", NotPermitted("give the role 'Tidegate locks'"))
    assert house.round().tally.spared["locked"] == 1
    assert all_closed(house.world, *ALL_OF_OLD)
    found, _ = house.world.activity.recent(house.world.clock(), 100)
    (line,) = (one.detail for one in found if one.name == "house-kept")
    assert "Tidegate locks" in line
    house.world.run_for(timedelta(hours=3))
    assert all_closed(house.world, *ALL_OF_OLD)


def test_a_name_that_was_opened_is_locked_again_also_where_housekeeping_is_switched_off_since(
    house: KeptWorld,
) -> None:
    assert not house.world.travelling.release(TARGET, OLD, None).in_the_way
    assert {closed(house.world, of) for of in ALL_OF_OLD} == {frozenset()}
    house.world.run_for(timedelta(minutes=25))
    assert all_closed(house.world, *ALL_OF_OLD, *ALL_OF_NEW)
    lock = beside(house.world, OLD).lock_of(FIRST)
    assert lock is not None and lock.state is LockState.SET
    assert beside(house.world, OLD).unique[0].released_at is None


def test_a_tag_that_wants_what_was_opened_has_it_locked_at_once(house: KeptWorld) -> None:
    world = house.world
    world.travelling.release(TARGET, OLD, None)
    world.push(OLD)
    world.check()
    world.run_for(timedelta(minutes=5))
    assert borne(world) == OLD
    assert all_closed(world, *ALL_OF_OLD)


def test_where_nothing_is_locked_a_name_is_let_go_of_before_it_is_deleted() -> None:
    house = aged(NAMED)
    done: list[str] = []
    house.world.hook = done.append
    house.round()
    moments = [name for name in done if "before" in name and not name.startswith("books.")]
    assert moments[:2] == ["companions.before:replace", "house.before:delete_manifest"]
    assert (TAG, has(house.world, OLD), house.world.base.asked["attributes"]) == (TAG, False, 0)


@pytest.mark.parametrize("owner", ["ours", "theirs"])
def test_a_replaced_record_goes_whoever_locked_the_image_that_it_is_about(house: KeptWorld, owner: str) -> None:
    world, record, former = house.world, referrer(NEW, note="record").digest, referrer(NEW, note="before").digest
    world.base._manifests |= {(TARGET, record), (TARGET, former)}
    stored = world.travelling.book.read(TARGET, NEW)
    assert stored is not None
    pieces, since = (Piece(Form.BUNDLE, NEW, record),), world.clock() - 2 * DAY
    inside = Record(state=Inside.ATTACHED, pieces=pieces, former=(former,), since=since)
    theirs = (msgspec.structs.replace(one, ours=(), state=LockState.THEIRS) for one in stored.record.locks)
    locks = stored.record.locks if owner == "ours" else tuple(theirs)
    recorded = Recorded(state=RecordState.DONE, record=inside)
    world.companions.replace(stored, msgspec.structs.replace(stored.record, record=recorded, locks=locks))
    house.listed()
    world.pass_time(DAY)
    assert house.round().tally.deleted["replaced-record"] == 1
    assert (has(world, former), has(world, record)) == (False, True)
    assert all_closed(world, *ALL_OF_NEW)
    assert world.base.asked["unlock"] == 3, "those of the old index alone"
