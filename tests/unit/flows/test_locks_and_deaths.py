"""Whoever dies between any two writes, and whatever people do meanwhile: what is wanted is locked, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.travel import lock_changes
from shared.domain.travel.locked import CHANGES, Right
from shared.domain.travel.locks import wanted_locks
from shared.domain.travel.next_step import Todo, next_step
from shared.travel_ports import StoredCompanions
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, Died, World
from tests.unit.flows.test_locks import BOTH, NAMED, STABLE, UNIQUE, closed
from tests.unit.flows.test_travelling import FIRST, SECOND, arrive, beside, borne, travelling_world
from tests.unit.flows.test_travelling_and_deaths import Travelling, more, spent

pytestmark = pytest.mark.unit


def moves_on(mortal: Travelling) -> None:
    """An image comes, and another one after it; the base registry is compared."""
    mortal.arrive()
    mortal.world.push(TWO)
    mortal.do(mortal.world.check)
    mortal.world.run_for(timedelta(minutes=61))
    mortal.do(mortal.world.look_at_base)
    mortal.world.run_for(timedelta(minutes=31))


def is_refused(mortal: Travelling) -> None:
    """The same, at a registry that imports nothing into what is locked."""
    mortal.world.base.imports_heed_locks = True
    moves_on(mortal)
    mortal.do(mortal.world.look_at_base)
    mortal.world.run_for(timedelta(minutes=91))


def moments(story: Callable[[Travelling], None], watch_list: bytes) -> Iterator[tuple[int, World]]:
    """Return the end of a story for a death at each of its moments."""
    whole = Travelling(watch_list, 0)
    story(whole)
    for moment in range(1, whole.moments + 1):
        mortal = Travelling(watch_list, moment)
        story(mortal)
        yield moment, mortal.world


@pytest.mark.parametrize("story", [moves_on, is_refused])
def test_all_is_locked_in_the_end_whenever_the_process_dies(story: Callable[[Travelling], None]) -> None:
    for moment, world in moments(story, BOTH):
        assert borne(world) == TWO, moment
        assert {closed(world, of) for of in (TAG, FIRST, ONE, SECOND, TWO)} == {CHANGES}, moment
        assert closed(world, "") == frozenset(), moment
        lock = beside(world, TWO).lock_of(TAG)
        assert lock is not None and set(lock.ours) == CHANGES, moment


def test_a_former_image_is_opened_once_whenever_the_process_dies() -> None:
    for moment, world in moments(moves_on, STABLE):
        assert borne(world) == TWO, moment
        assert (closed(world, TAG), closed(world, TWO), closed(world, ONE)) == (CHANGES, CHANGES, frozenset()), moment


def test_who_looks_late_by_what_was_read_before_locks_and_opens_nothing() -> None:
    world = travelling_world(BOTH)
    known: list[StoredCompanions] = []

    def remember(moment: str) -> None:
        if moment == "companions.before:replace":
            known.extend(world.companions.of_repository(BASE, TARGET))

    world.hook = remember
    arrive(world)
    arrive(world, TWO)
    world.hook = None
    world.run_for(timedelta(minutes=31))
    world.look_at_base()
    world.run_for(timedelta(minutes=9))
    before, rows = {of: set(rights) for of, rights in world.base.locks.items()}, dict(world.companions._rows)
    current = {one.etag for one in world.companions.of_repository(BASE, TARGET)}
    late = [one for one in known if one.etag not in current]
    assert len({one.etag for one in late}) > 10
    for stored in late:
        world.travelling.locker.step(stored)
    assert (world.base.locks, world.companions._rows) == (before, rows)


def dies_in(world: World, moment: int, act: Callable[[], object]) -> bool:
    """Do something, and say whether the process died on the way, at its n-th moment."""
    moments = iter(range(1, 1_000_000))

    def count(_: str) -> None:
        if next(moments) == moment:
            raise Died

    world.hook = count
    try:
        act()
    except Died:
        return True
    finally:
        world.hook = None
        world.start()
    return False


def test_a_name_that_is_let_go_is_open_in_the_end_whenever_the_process_dies() -> None:
    for moment in range(1, 100):
        world = travelling_world(BOTH)
        arrive(world)
        arrive(world, TWO)
        world.run_for(timedelta(minutes=31))
        world.look_at_base()
        world.run_for(timedelta(minutes=9))
        died = dies_in(world, moment, lambda: world.travelling.locker.release(TARGET, ONE, FIRST))  # noqa: B023
        assert not world.travelling.locker.release(TARGET, ONE, FIRST).in_the_way, moment
        assert (closed(world, FIRST), closed(world, ONE)) == (frozenset(), frozenset()), moment
        assert {closed(world, of) for of in (TAG, SECOND, TWO)} == {CHANGES}, moment
        if not died:
            return
    raise AssertionError("it never comes to its end")


# Whatever people do.

THINGS = (FIRST, ONE, TAG)
_PEOPLE = st.sampled_from([f"{does} {of}" for does in ("lock", "unlock") for of in THINGS])
_DEATHS = st.integers(1, 12).map(lambda moment: f"die {moment}")
_OURS = st.sampled_from(["look", "compare", "leave", "return", "release"])


class People:
    """An image that is looked at while people lock and unlock what we do, and processes die.

    Attributes:
        theirs: what people closed, and we had not written down to close.
    """

    def __init__(self) -> None:
        self.world = travelling_world(BOTH)
        arrive(self.world)
        self.theirs: set[tuple[str, Right]] = set()

    def do(self, what: str) -> None:
        """Let one thing happen."""
        does, _, of = what.partition(" ")
        if does in {"lock", "unlock"}:
            self.by_people(does, of)
        elif does == "die":
            self.dies(int(of))
        elif does == "compare":
            self.world.pass_time(timedelta(minutes=31))
            self.world.look_at_base()
            self.world.run_for(timedelta(minutes=3))
            self.look()
        elif does != "look":
            self.change(does)
        else:
            self.look()

    def by_people(self, does: str, of: str) -> None:
        """People close or open all of something."""
        now = self.world.base.locks.setdefault((TARGET, of), set())
        lock = beside(self.world).lock_of(of)
        ours = set(lock.ours) if lock is not None else set()
        if does == "lock":
            self.theirs |= {(of, right) for right in CHANGES - now - ours}
            now |= CHANGES
        else:
            self.theirs -= {(of, right) for right in CHANGES}
            now -= CHANGES

    def dies(self, at: int) -> None:
        """A process dies at its n-th moment."""
        dies_in(self.world, at, self.look)

    def change(self, what: str) -> None:
        """What is wanted changes."""
        book, now = self.world.travelling.book, self.world.clock()
        stored = book.read(TARGET, ONE)
        assert stored is not None
        if what == "leave":
            book.step(stored, lambda record: lock_changes.left(record, [TAG], now))
        elif what == "return":
            number = stored.record.wants[0].number
            book.step(stored, lambda record: lock_changes.borne(record, TAG, number, now))
        else:
            book.step(stored, lambda record: lock_changes.released(record, FIRST, now))

    def look(self) -> None:
        """Look at the image until nothing is to be done."""
        for _ in range(30):
            stored = self.world.travelling.book.read(TARGET, ONE)
            assert stored is not None
            if next_step(stored.record, self.world.clock()) is not Todo.LOCK:
                return
            self.world.travelling.locker.step(stored)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(_PEOPLE, _DEATHS, _OURS), max_size=14))
def test_whatever_people_do_we_open_nothing_of_theirs_and_end_with_what_is_wanted(story: list[str]) -> None:
    people = People()
    for what in story:
        people.do(what)
        for of, right in people.theirs:
            assert right in closed(people.world, of), (what, of)
    people.world.run_for(timedelta(days=2))
    for _ in range(2):
        people.do("compare")
        people.world.pass_time(timedelta(days=2))
        people.look()
    wanted = wanted_locks(beside(people.world), people.world.clock())
    for of, rights in wanted.items():
        assert rights <= closed(people.world, of), of
    for of in set(THINGS) - set(wanted):
        left = {right for right in closed(people.world, of) if (of, right) not in people.theirs}
        assert not left, of
    assert closed(people.world, "") == frozenset()


# What it costs.


def test_two_locks_cost_ten_requests_and_five_transactions(asked: Counter[str]) -> None:
    without, unique, both = (spent(asked, watch_list) for watch_list in (NAMED, UNIQUE, BOTH))
    assert more(unique, without) == {
        "InMemoryCompanions.replace": 5,
        "InMemoryRegistry.attributes": 7,
        "InMemoryRegistry.lock": 2,
        "InMemoryRegistry.manifest": 1,
    }
    assert more(both, unique)["InMemoryRegistry.lock"] == 1
