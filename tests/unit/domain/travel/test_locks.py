"""What is to be locked, opened and left: over every way in which a lock may stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, combinations, product

import msgspec
import pytest

from shared.domain.references import Digest, Tag
from shared.domain.travel import changes, lock_changes
from shared.domain.travel.companions import Companions, Unique
from shared.domain.travel.locked import CHANGES, Attributes, LockState, Right
from shared.domain.travel.locks import (
    MOST_UNDONE,
    OPEN_FOR,
    Judged,
    Move,
    Others,
    is_locked,
    judged,
    lock_times,
    needs_others,
    next_lock,
    ours_alone,
    wanted_locks,
)
from shared.domain.travel.next_step import Todo, needs_image, next_step
from shared.domain.travel.telling import told_locks, waits_because
from shared.domain.watching.travelling import Lockable, ReferrerMode, Travelling
from shared.errors import NotPermitted
from tests.unit.domain.travel.records import AMD64, ARM64, IMAGE, NOW, PARTS, STABLE, new

pytestmark = pytest.mark.unit

NAME = Tag("22-20261128.1")
BOTH = Travelling(ReferrerMode.OFF, "{tag}-{yyyymmdd}.{n}", locks=(Lockable.UNIQUE, Lockable.STABLE))
NOBODY = Others()
ALL = frozenset(Right)


def there(asked: Travelling = BOTH) -> Companions:
    """Return the companions of an index that is in the base registry under its name, and of which nothing is locked."""
    known = lock_changes.known_parts(new(asked), PARTS, NOW)
    known = changes.named(known, Unique(NAME, STABLE, 1, NOW), NOW)
    return changes.image_landed(known, NAME, NOW)


def locked(known: Companions, *things: str, ours: frozenset[Right] = CHANGES) -> Companions:
    """Return companions of which some is locked."""
    for of in things:
        known = lock_changes.kept(known, of, ours, CHANGES, NOW)
    return known


def every(known: Companions) -> tuple[str, ...]:
    """Return all that is to be locked."""
    return tuple(wanted_locks(known, NOW))


def subsets(rights: frozenset[Right]) -> list[frozenset[Right]]:
    """Return every subset."""
    listed = sorted(rights, key=lambda one: one.value)
    return [frozenset(some) for some in chain.from_iterable(combinations(listed, n) for n in range(len(listed) + 1))]


# What is wanted.


def test_names_come_first_then_platforms_then_their_index_and_the_tag_at_last() -> None:
    known = lock_changes.borne(there(), STABLE, 1, NOW)
    assert every(known) == (NAME, AMD64, ARM64, IMAGE, STABLE)


def test_the_tag_is_not_locked_before_it_bears_the_digest_nor_after_it_left() -> None:
    known = there()
    assert STABLE not in every(known)
    known = lock_changes.borne(known, STABLE, 1, NOW)
    assert STABLE in every(known)
    assert STABLE not in every(lock_changes.left(known, [STABLE], NOW))


@pytest.mark.parametrize("locks", [(), (Lockable.BLOCKED,)])
def test_nothing_is_locked_that_nobody_asks_for(locks: tuple[Lockable, ...]) -> None:
    known = there(msgspec.structs.replace(BOTH, locks=locks))
    assert (every(known), next_step(known, NOW)) == ((), Todo.TELL)


def test_a_name_stays_locked_when_nobody_wants_the_digest_any_more() -> None:
    known = changes.unwanted(there(), STABLE, 1, NOW)
    assert set(every(known)) == {NAME, *PARTS}
    assert every(lock_changes.released(known, NAME, NOW)) == ()


def test_what_is_blocked_is_closed_to_pulls_as_well() -> None:
    known = lock_changes.blocked(there(), NOW, is_blocked=True)
    wanted = wanted_locks(known, NOW)
    assert {of: wanted[of] for of in PARTS} == dict.fromkeys(PARTS, ALL)
    assert wanted[NAME] == CHANGES


def test_a_tag_may_be_moved_once_all_of_the_image_is_locked_and_not_before() -> None:
    known = there()
    (want,) = known.wants
    for of in (NAME, AMD64, ARM64):
        known = locked(known, of)
        assert known.wants[0].ready_at is None
    known = locked(known, IMAGE)
    assert known.wants[0].ready_at is not None
    assert is_locked(known, want)


def test_who_never_locks_ours_again_keeps_nobody_waiting() -> None:
    known = locked(there(), NAME, AMD64, ARM64)
    known = lock_changes.kept(known, IMAGE, CHANGES, CHANGES, NOW)
    for _ in range(MOST_UNDONE + 1):
        known = lock_changes.undone(known, [IMAGE], NOW)
    lock = known.lock_of(IMAGE)
    assert lock is not None and lock.state is LockState.UNDONE
    assert is_locked(known, known.wants[0])
    assert next_lock(known, NOW) is None
    assert next_lock(known, NOW + timedelta(days=1, minutes=1)) == IMAGE


def test_for_an_import_that_was_refused_manifests_and_tag_are_open_for_an_hour() -> None:
    known = lock_changes.opened(there(), STABLE, 1, NOW)
    assert every(known) == (NAME,)
    assert set(wanted_locks(known, NOW + OPEN_FOR)) == {NAME, *PARTS}
    assert set(every(lock_changes.borne(known, STABLE, 1, NOW))) == {NAME, *PARTS, STABLE}


def test_who_bears_a_tag_that_is_to_move_leaves_it_open_and_stays_locked() -> None:
    bears = lock_changes.borne(there(), STABLE, 1, NOW)
    assert every(lock_changes.opened(bears, STABLE, 2, NOW)) == (NAME, AMD64, ARM64, IMAGE)


# What is to be done about one lock.


def standings() -> Iterator[tuple[Companions, str, Attributes, Others]]:
    """Every way in which the lock of a manifest may stand: what is ours, closed, ours for others, wanted by others."""
    bases = (
        there(),
        lock_changes.blocked(there(), NOW, is_blocked=True),
        there(msgspec.structs.replace(BOTH, locks=())),
    )
    for known, mine, closed, ours, theirs in product(bases, subsets(ALL), subsets(ALL), subsets(ALL), subsets(ALL)):
        yield lock_changes.kept(known, IMAGE, mine, mine, NOW), IMAGE, Attributes(closed, IMAGE), Others(ours, theirs)


def test_whatever_the_standing_nothing_of_others_is_opened_and_nothing_wanted_stays_open() -> None:
    moves = set()
    for known, of, found, others in standings():
        wanted = wanted_locks(known, NOW).get(of, frozenset())
        lock = known.lock_of(of)
        assert lock is not None
        mine, to_do = frozenset(lock.ours), judged(known, of, found, others, NOW)
        moves.add(to_do.move)
        told = (sorted(one.value for one in mine), found, others, to_do)
        if to_do.move is Move.OPEN:
            assert to_do.rights, told
            assert to_do.rights <= mine & found.closed, told
            assert not to_do.rights & (wanted | others.wanted), told
        elif to_do.move is Move.CLOSE:
            assert to_do.rights == wanted - found.closed, told
            assert to_do.ours <= mine | others.ours | to_do.rights, told
            assert mine & found.closed <= to_do.ours, told
        elif to_do.move is Move.KEEP:
            assert wanted <= found.closed, told
            assert to_do.ours <= wanted & (mine | others.ours), told
        elif to_do.move is Move.WAIT:
            assert mine & found.closed & others.wanted, told
        else:
            assert to_do.move is Move.FORGET and not wanted, told
        assert to_do == judged(known, of, found, others, NOW)
    assert moves == {Move.OPEN, Move.CLOSE, Move.KEEP, Move.WAIT, Move.FORGET}


def test_what_the_others_have_to_do_with_it_is_asked_wherever_it_matters() -> None:
    for known, of, found, others in standings():
        if judged(known, of, found, others, NOW) != judged(known, of, found, NOBODY, NOW):
            assert needs_others(known, of, found, NOW)


def test_what_is_not_there_is_an_answer() -> None:
    known = there()
    assert judged(known, NAME, None, NOBODY, NOW) == Judged(Move.MISSING)
    assert judged(known, "other", None, NOBODY, NOW) == Judged(Move.FORGET)
    missed = lock_changes.missed(known, NAME, NOW)
    lock = missed.lock_of(NAME)
    assert lock is not None and (lock.state, lock.ours) == (LockState.MISSING, ())
    assert next_lock(missed, NOW) == AMD64


def test_a_name_that_points_elsewhere_is_not_locked() -> None:
    elsewhere = Attributes(frozenset(), Digest(AMD64))
    assert judged(there(), NAME, elsewhere, NOBODY, NOW).move is Move.MOVED
    assert lock_changes.moved_away(there(), NAME, NOW).unique[0].landed_at is None


def test_what_was_written_down_to_be_closed_is_ours_whether_it_was_or_not() -> None:
    known = lock_changes.claimed(there(), IMAGE, CHANGES, NOW)
    closed, still_open = Attributes(CHANGES, IMAGE), Attributes(frozenset(), IMAGE)
    assert judged(known, IMAGE, closed, NOBODY, NOW) == Judged(Move.KEEP, ours=CHANGES)
    assert judged(known, IMAGE, still_open, NOBODY, NOW) == Judged(Move.CLOSE, CHANGES, CHANGES)


def test_a_lock_that_waits_until_another_image_has_noted_it_is_looked_at_again() -> None:
    known = lock_changes.borne(there(Travelling(ReferrerMode.OFF, locks=(Lockable.STABLE,))), STABLE, 1, NOW)
    known = locked(known, *PARTS, STABLE)
    held = lock_changes.waits(known, STABLE, NOW)
    assert list(lock_times(held, NOW)) == []
    nobody = changes.unwanted(locked(known, *PARTS), STABLE, 1, NOW)
    for of in PARTS:
        nobody = lock_changes.forgotten(nobody, of, NOW)
    nobody = lock_changes.waits(nobody, STABLE, NOW)
    assert [one.state for one in nobody.locks] == [LockState.SET]
    assert nobody.look_at == NOW + lock_changes.WAITS_FOR
    assert list(lock_times(nobody, NOW)) == [NOW + lock_changes.WAITS_FOR]
    assert next_lock(nobody, NOW + lock_changes.WAITS_FOR) == STABLE


def test_what_others_closed_in_part_is_ours_for_the_rest_alone() -> None:
    half = Attributes(frozenset({Right.DELETE}), IMAGE)
    assert judged(there(), IMAGE, half, NOBODY, NOW) == Judged(
        Move.CLOSE, frozenset({Right.WRITE}), frozenset({Right.WRITE})
    )


def test_only_what_we_closed_ourselves_is_ours_alone() -> None:
    one = locked(locked(there(), NAME), IMAGE, ours=frozenset({Right.WRITE}))
    other = lock_changes.kept(there(), AMD64, CHANGES, CHANGES, NOW)
    adopts = lock_changes.kept(there(), ARM64, frozenset(), CHANGES, NOW)
    assert ours_alone([one, other, adopts]) == {NAME, AMD64}
    assert ours_alone([adopts, lock_changes.kept(there(), ARM64, CHANGES, CHANGES, NOW)]) == {ARM64}


# Words.


def test_a_name_that_is_not_there_once_is_looked_for_and_twice_is_brought_again() -> None:
    once = lock_changes.missed(there(), NAME, NOW)
    assert [one.landed_at for one in once.unique] == [NOW]
    twice = lock_changes.missed(once, NAME, NOW)
    assert [one.landed_at for one in twice.unique] == [None]
    assert needs_image(twice)


def test_a_platform_that_is_not_there_twice_has_the_image_brought_again_however_long_that_takes() -> None:
    known = there()
    for _ in range(3):
        known = lock_changes.missed(known, AMD64, NOW)
    assert (known.parts_gone, needs_image(known)) == ((AMD64,), True)
    lock = known.lock_of(AMD64)
    assert lock is not None
    assert lock.tries.failures == 3
    assert changes.part_landed(known, AMD64, NOW).parts_gone == ()


def test_a_tag_that_came_back_is_locked_at_once() -> None:
    known = lock_changes.borne(locked(there(), *every(there())), STABLE, 1, NOW)
    for _ in range(2):
        known = lock_changes.missed(known, STABLE, NOW)
    assert next_lock(known, NOW) is None
    assert next_lock(lock_changes.borne(known, STABLE, 1, NOW), NOW) == STABLE


def test_people_are_told_what_cannot_be_locked_and_what_is() -> None:
    known = lock_changes.lock_fell(locked(there(), NAME), IMAGE, NotPermitted("the role is missing"), NOW)
    (want,) = known.wants
    assert waits_because(known, want) == f"{IMAGE} cannot be locked: the role is missing"
    assert told_locks(known) == f"{NAME} is locked; {IMAGE[:19]} is being locked: the role is missing"


def test_a_record_of_an_earlier_version_has_no_locks() -> None:
    known = msgspec.json.decode(msgspec.json.encode(new()), type=Companions)
    assert (known.locks, known.opened, known.blocked) == ((), None, False)
