"""Locks: closed before the tag moves, kept apart from others', and closed again where somebody opens them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import CHANGES, LockState, Right
from shared.domain.travel.locks import ours_alone
from shared.errors import NotPermitted, Unavailable
from tests.doubles.referrers import index, referrer
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, World
from tests.unit.flows.test_actions_on_the_app import said
from tests.unit.flows.test_travelling import FIRST, OFF, SECOND, arrive, attach, beside, borne, has, travelling_world

pytestmark = pytest.mark.unit

NAMED = OFF + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"
UNIQUE = NAMED + b"    lock: unique\n"
BOTH = NAMED + b"    lock: [unique, stable]\n"
STABLE = OFF + b"    lock: stable\n"
BLOCKED = NAMED + b"    lock: [unique, blocked]\n"


def closed(world: World, of: str) -> frozenset[Right]:
    """Return what a tag or a digest of the base registry is closed to; an empty name is the repository."""
    return frozenset(world.base.locks.get((TARGET, of), ()))


def close(world: World, of: str) -> None:
    """Let a person lock something."""
    world.base.locks[TARGET, of] = set(CHANGES)


def look_at_base(world: World, *, minutes: int = 31) -> None:
    """Let the base registry be compared, after a while, and let what follows from that be done."""
    world.run_for(timedelta(minutes=minutes))
    world.look_at_base()
    world.run_for(timedelta(minutes=9))


def indexed(world: World, name: str = "index") -> tuple[Digest, tuple[Digest, ...]]:
    """Let an index of two platforms appear, and come as far as it gets in some minutes."""
    parts = (digest_of(f"{name} amd64"), digest_of(f"{name} arm64"))
    digest = index(*parts)
    arrive(world, digest)
    for part in parts:
        world.base._manifests.add((TARGET, part))
    world.run_for(timedelta(hours=1))
    return digest, parts


# What is locked, and when.


def test_nothing_is_locked_or_asked_where_no_entry_says_so() -> None:
    world = travelling_world(NAMED)
    arrive(world)
    assert borne(world) == ONE
    assert (world.base.locks, world.base.asked["attributes"], world.base.asked["lock"]) == ({}, 0, 0)


def test_the_name_and_the_manifest_are_locked_before_the_tag_moves() -> None:
    world = travelling_world(UNIQUE)
    early = []

    def watch(moment: str) -> None:
        if borne(world) is not None and not (closed(world, FIRST) and closed(world, ONE)):
            early.append(moment)

    world.hook = watch
    arrive(world)
    assert (borne(world), early) == (ONE, [])
    assert (closed(world, FIRST), closed(world, ONE), closed(world, TAG)) == (CHANGES, CHANGES, frozenset())


def test_the_platforms_of_an_index_are_locked_with_it() -> None:
    world = travelling_world(UNIQUE)
    digest, parts = indexed(world)
    assert borne(world) == digest
    assert {closed(world, of) for of in (FIRST, digest, *parts)} == {CHANGES}


def test_the_tag_that_moves_on_is_locked_before_anything_is_rebuilt() -> None:
    world = travelling_world(BOTH)
    bare = []
    sends = "outbox.before:send"
    world.hook = lambda moment: bare.append(moment == sends and borne(world) == ONE and not closed(world, TAG))
    arrive(world)
    assert (borne(world), closed(world, TAG), any(bare)) == (ONE, CHANGES, False)


def test_a_tag_is_locked_without_any_name_if_the_entry_says_so() -> None:
    world = travelling_world(STABLE)
    arrive(world)
    assert (borne(world), closed(world, TAG), closed(world, ONE)) == (ONE, CHANGES, CHANGES)
    assert len(world.base.untagged) == 1


def test_a_lock_moves_on_with_its_tag_and_the_former_keeps_its_own() -> None:
    world = travelling_world(BOTH)
    arrive(world)
    arrive(world, TWO)
    look_at_base(world)
    assert (borne(world), closed(world, TAG)) == (TWO, CHANGES)
    assert {closed(world, of) for of in (FIRST, ONE, SECOND, TWO)} == {CHANGES}
    assert world.base.asked["unlock"] == 0
    lock = beside(world, TWO).lock_of(TAG)
    assert lock is not None and set(lock.ours) == CHANGES
    assert beside(world).lock_of(TAG) is None


def test_what_only_the_tag_locked_is_opened_once_the_tag_has_left_it() -> None:
    world = travelling_world(STABLE)
    arrive(world)
    arrive(world, TWO)
    look_at_base(world)
    world.run_for(timedelta(minutes=15))
    assert (closed(world, TAG), closed(world, TWO), closed(world, ONE)) == (CHANGES, CHANGES, frozenset())


def test_a_platform_that_another_locked_index_names_stays_locked() -> None:
    world = travelling_world(STABLE)
    shared, one, two = digest_of("shared"), index(digest_of("shared"), ONE), index(digest_of("shared"), TWO)
    for digest in (one, two):
        world.base._manifests |= {(TARGET, shared), (TARGET, ONE), (TARGET, TWO)}
        arrive(world, digest)
    look_at_base(world)
    world.run_for(timedelta(minutes=15))
    assert borne(world) == two
    assert (closed(world, one), closed(world, ONE)) == (frozenset(), frozenset())
    assert {closed(world, of) for of in (two, TWO, shared)} == {CHANGES}


@pytest.mark.parametrize("before", [NAMED, UNIQUE], ids=["nothing locked", "its name locked"])
def test_an_entry_that_comes_to_ask_for_locks_has_what_is_in_force_locked(before: bytes) -> None:
    world = travelling_world(before)
    arrive(world)
    world.configuration.text = BOTH
    look_at_base(world)
    look_at_base(world)
    assert {closed(world, of) for of in (TAG, FIRST, ONE)} == {CHANGES}
    assert (borne(world), world.target().number) == (ONE, 1)


def test_a_lock_that_is_not_permitted_keeps_the_tag_and_says_why() -> None:
    world = travelling_world(UNIQUE)
    world.base.fail("lock", *[NotPermitted("give the role 'Tidegate locks'")] * 12)
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=1))
    assert borne(world) is None
    assert "Tidegate locks" in world.candidate(ONE).last.detail
    world.run_for(timedelta(hours=2))
    assert (borne(world), closed(world, ONE)) == (ONE, CHANGES)


# What others locked.


def test_a_tag_that_a_person_locked_holds_a_decision_until_it_is_unlocked() -> None:
    world = travelling_world(UNIQUE)
    arrive(world)
    close(world, TAG)
    arrive(world, TWO)
    bar = world.target().barred
    assert bar is not None
    assert (borne(world), bar.waiting) == (ONE, Waiting.LOCKED)
    last = world.candidate(TWO).last
    assert (last.status, last.reason) == (Status.HELD, Reason.LOCKED_BY_OTHERS)
    assert f"{TARGET}:{TAG} is locked" in last.detail
    world.base.locks.pop((TARGET, TAG))
    world.run_for(timedelta(hours=2))
    assert borne(world) == TWO


def test_a_locked_repository_is_left_alone_as_a_whole() -> None:
    world = travelling_world(BOTH)
    world.base.push(TARGET, Tag("theirs"), TWO)
    close(world, "")
    arrive(world)
    assert (borne(world), sum(world.base.imports.values()), sum(world.base.untagged.values())) == (None, 0, 0)
    assert "repository" in world.candidate(ONE).last.detail
    world.base.locks.clear()
    world.run_for(timedelta(hours=3))
    assert (borne(world), closed(world, "")) == (ONE, frozenset())


def test_what_comes_later_waits_as_well_while_its_repository_is_locked() -> None:
    world = travelling_world(UNIQUE.replace(b"referrers: 'off'", b"referrers: required"))
    arrive(world)
    close(world, "")
    (late,) = attach(world, referrer(ONE))
    world.run_for(timedelta(hours=3))
    assert not has(world, late.digest)
    assert "locked as a whole" in beside(world).referrers[0].tries.trouble
    world.base.locks.pop((TARGET, ""))
    world.run_for(timedelta(hours=6))
    assert has(world, late.digest)


def test_an_import_that_is_refused_for_a_lock_of_others_is_a_hold_that_says_so() -> None:
    world = travelling_world(STABLE)
    world.base.imports_heed_locks = True
    world.base.push(TARGET, Tag("theirs"), ONE)
    close(world, ONE)
    arrive(world)
    bar = world.target().barred
    assert bar is not None
    assert (borne(world), bar.waiting) == (None, Waiting.LOCKED)
    assert f"{ONE} is locked, not by this app" in bar.detail
    world.base.locks.pop((TARGET, ONE))
    world.run_for(timedelta(hours=3))
    assert borne(world) == ONE


def test_what_others_locked_before_us_is_never_opened() -> None:
    world = travelling_world(STABLE)
    world.base.push(TARGET, Tag("theirs"), ONE)
    close(world, ONE)
    arrive(world)
    lock = beside(world).lock_of(ONE)
    assert lock is not None and lock.state is LockState.THEIRS
    arrive(world, TWO)
    look_at_base(world)
    world.run_for(timedelta(minutes=15))
    assert (borne(world), closed(world, ONE), closed(world, TAG)) == (TWO, CHANGES, CHANGES)


def test_a_name_that_is_not_there_locks_nothing_else() -> None:
    world = travelling_world(UNIQUE)
    gone = []

    def delete(moment: str) -> None:
        if moment == "base.before:lock" and not gone:
            gone.append(moment)
            world.base.untag(TARGET, FIRST)

    world.hook = delete
    arrive(world)
    world.run_for(timedelta(hours=3))
    assert gone
    assert closed(world, "") == frozenset()
    assert borne(world) is None or closed(world, ONE) == CHANGES


# What others open.


def test_what_somebody_unlocks_is_locked_again_a_few_times_a_day() -> None:
    world = travelling_world(BOTH)
    arrive(world)
    closed_again = 0
    for _ in range(6):
        world.base.locks.pop((TARGET, FIRST), None)
        look_at_base(world)
        closed_again += closed(world, FIRST) == CHANGES
    assert closed_again == 3
    lock = beside(world).lock_of(FIRST)
    assert lock is not None and lock.state is LockState.UNDONE
    world.run_for(timedelta(hours=26))
    look_at_base(world)
    assert closed(world, FIRST) == CHANGES


def test_where_nothing_differs_a_comparison_is_two_listings_and_no_more() -> None:
    world = travelling_world(BOTH)
    arrive(world)
    look_at_base(world)
    world.base.asked.clear()
    world.look_at_base()
    world.run_for(timedelta(minutes=3))
    assert {name: count for name, count in world.base.asked.items() if count} == {"list_tags": 1, "closed": 1}


# Imports that are refused for our locks.


def test_a_tag_is_unlocked_only_where_its_import_is_refused_and_locked_again() -> None:
    world = travelling_world(BOTH)
    arrive(world)
    world.base.imports_heed_locks = True
    arrive(world, TWO)
    world.run_for(timedelta(minutes=30))
    assert borne(world) == TWO
    assert world.base.asked["unlock"] > 0
    world.base.imports_heed_locks = False
    look_at_base(world)
    assert {closed(world, of) for of in (TAG, FIRST, ONE, SECOND, TWO)} == {CHANGES}


# Blocks, and names that are let go.


def test_a_blocked_digest_is_not_to_be_pulled_until_it_is_let_in_again() -> None:
    world = travelling_world(BLOCKED)
    arrive(world)
    world.ruler.block(ONE, said(world))
    look_at_base(world)
    assert closed(world, ONE) == {*CHANGES, Right.READ}
    world.ruler.release(ONE, said(world))
    look_at_base(world)
    assert closed(world, ONE) == CHANGES


def test_a_name_is_unlocked_before_it_is_deleted_and_its_image_with_it() -> None:
    world = travelling_world(BOTH)
    arrive(world)
    arrive(world, TWO)
    look_at_base(world)
    assert {FIRST, ONE} <= ours_alone(one.record for one in world.companions.of_repository(BASE, TARGET))
    assert not world.travelling.release(TARGET, ONE, FIRST).in_the_way
    assert (closed(world, FIRST), closed(world, ONE)) == (frozenset(), frozenset())
    assert {closed(world, of) for of in (TAG, SECOND, TWO)} == {CHANGES}


def test_a_registry_that_does_not_answer_is_no_lock_of_others() -> None:
    world = travelling_world(UNIQUE)
    world.base.fail("attributes", *[Unavailable("503")] * 2)
    attach(world, referrer(ONE))
    arrive(world)
    world.run_for(timedelta(minutes=20))
    assert borne(world) == ONE


def test_a_platform_of_what_is_blocked_is_pulled_still_where_another_image_has_it() -> None:
    world = travelling_world(BLOCKED)
    shared, bad, good = digest_of("shared"), index(digest_of("shared"), ONE), index(digest_of("shared"), TWO)
    for digest in (bad, good):
        world.base._manifests |= {(TARGET, shared), (TARGET, ONE), (TARGET, TWO)}
        arrive(world, digest)
    world.ruler.block(bad, said(world))
    look_at_base(world)
    assert borne(world) == good
    assert [Right.READ in closed(world, of) for of in (bad, ONE, shared, good, TWO)] == [True] * 2 + [False] * 3
    world.ruler.block(good, said(world))
    look_at_base(world)
    assert [Right.READ in closed(world, of) for of in (bad, ONE, shared, good, TWO)] == [True] * 5
