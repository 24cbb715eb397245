"""Whoever dies while what we locked is opened and deleted: the next day all is as if nobody had, nothing is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import EVERY
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import CHANGES
from shared.housekeeping import Housekeeping
from tests.doubles.house_of_world import KeptWorld
from tests.doubles.world import TARGET, Died, World
from tests.unit.flows.test_house_and_locks import (
    ALL_OF_NEW,
    ALL_OF_OLD,
    OLD,
    OWN,
    SIGNATURE,
    aged,
    all_closed,
    pin,
)
from tests.unit.flows.test_locks import BOTH, FIRST, NAMED, UNIQUE, close, closed
from tests.unit.flows.test_travelling import beside, has
from tests.unit.flows.test_travelling_and_deaths import more

if TYPE_CHECKING:
    from shared.bootstrap import Parts


pytestmark = pytest.mark.unit


def dies(house: KeptWorld, at: int, *, watch: Callable[[], object] = lambda: None) -> str:
    """Sweep with a process that dies at its n-th moment, and return that; empty if it came to its end."""
    moments: list[str] = []

    def count(name: str) -> None:
        moments.append(name)
        watch()
        if len(moments) == at:
            raise Died(name)

    house.world.hook = count
    try:
        house.sweep()
    except Died:
        return moments[-1]
    finally:
        house.world.hook = None
        house.world.start()
    return ""


def each_death(*, watch: Callable[[World], object] = lambda _: None) -> list[tuple[str, KeptWorld]]:
    """Return such a world for each moment at which a process that keeps house may die, right after that."""
    found: list[tuple[str, KeptWorld]] = []
    for at in range(1, 200):
        house = aged()
        died = dies(house, at, watch=lambda: watch(house.world))  # noqa: B023
        if not died:
            return found
        found.append((f"{at} {died}", house))
    raise AssertionError("it never comes to its end")


def settle(house: KeptWorld) -> None:
    """Let pass what it takes until what was opened is locked again, and what was written last is known."""
    house.world.run_for(timedelta(minutes=25))
    house.listed()


def next_day(house: KeptWorld) -> None:
    """Let the next round be made, a day after the last one, and what follows from it."""
    house.world.pass_time(EVERY - timedelta(minutes=25))
    house.round()
    settle(house)


def has_gone(house: KeptWorld) -> bool:
    """Whether all went that was to go, and nothing of it is known any more."""
    gone = not any(has(house.world, one) for one in (OLD, OWN, SIGNATURE))
    known = beside(house.world, OLD)
    return gone and (TARGET, FIRST) not in house.world.base.tags and not (known.unique or known.locks or known.wants)


def is_bare(world: World) -> bool:
    """Whether something of what stays is open."""
    return not all_closed(world, *ALL_OF_NEW)


def test_whoever_dies_at_whichever_write_leaves_what_the_next_days_round_ends() -> None:
    bare: list[str] = []
    deaths = each_death(watch=lambda world: bare.append("bare") if is_bare(world) else None)
    names = Counter(name.partition(" ")[2] for name, _ in deaths)
    assert names["base.after:unlock"] == 3
    assert {"house.after:delete_manifest", "companions.before:replace", "books.before:put"} <= names.keys()
    for name, house in deaths:
        settle(house)
        if (TARGET, FIRST) in house.world.base.tags:
            assert all_closed(house.world, *ALL_OF_OLD), name
        next_day(house)
        assert has_gone(house), name
        assert not is_bare(house.world), name
        assert beside(house.world, OLD).look_at is None, name
    assert bare == []


def test_what_a_person_pins_after_somebody_died_is_locked_again_as_a_whole() -> None:
    for name, house in each_death():
        if not has(house.world, OLD):
            continue
        pin(house.world)
        settle(house)
        next_day(house)
        assert all_closed(house.world, *ALL_OF_OLD, *ALL_OF_NEW), name


def is_open(house: KeptWorld, of: str) -> bool:
    """Whether something is there and open; what is written down to be ours cannot be told from what people close."""
    lock = beside(house.world, OLD).lock_of(of)
    there = has(house.world, Digest(of)) if ":" in of else (TARGET, Tag(of)) in house.world.base.tags
    return there and not closed(house.world, of) and (lock is None or not lock.ours)


def test_what_a_person_locks_after_somebody_died_and_was_open_is_never_opened() -> None:
    locked: Counter[str] = Counter()
    for name, house in each_death():
        things = [of for of in ALL_OF_OLD if is_open(house, of)]
        if not things:
            continue
        locked.update(things)
        for of in things:
            close(house.world, of)
        for _ in range(2):
            settle(house)
            next_day(house)
            assert {closed(house.world, of) for of in things} == {CHANGES}, name
        assert not is_bare(house.world), name
    assert locked.keys() == set(ALL_OF_OLD)


# What it costs.


def test_where_housekeeping_is_off_locks_cost_nothing_more(asked: Counter[str]) -> None:
    house = aged(BOTH, frozenset[Place]())
    before = house.registry.asked + house.world.base.asked
    asked.clear()
    app = Housekeeping(cast("Parts", SimpleNamespace(settings=SimpleNamespace(cleared=()), clock=house.world.clock)))
    for _ in range(3):
        app.sweep()
        assert list(app.troubles()) == []
        house.sweep()
        house.world.pass_time(EVERY)
    assert asked == {"InMemoryHouseBooks.get": 3}, "by the keeper, that the app does not even make"
    assert house.registry.asked + house.world.base.asked == before


# These are counted by the registry itself.
_REQUESTS = (
    ".attributes",
    ".unlock",
    *(f".{kind}" for kind in ("manifest", "manifests", "newest", "tags", "is_locked")),
)


def spent(asked: Counter[str], watch_list: bytes) -> tuple[Counter[str], Counter[str]]:
    """Return what a round costs in which a name goes with its index and two that hang on it, and another stays."""
    house = aged(watch_list)
    house.world.base.asked.clear()
    house.registry.asked.clear()
    asked.clear()
    house.round()
    calls = Counter({name: count for name, count in asked.items() if count and not name.endswith(_REQUESTS)})
    return calls, +(house.registry.asked + house.world.base.asked)


def test_where_nothing_is_locked_a_round_costs_what_it_did(asked: Counter[str]) -> None:
    calls, requests = spent(asked, NAMED)
    travel = {name: count for name, count in calls.items() if name.startswith(("InMemoryCompanions", "InMemoryUnique"))}
    assert travel == {
        "InMemoryCompanions.every": 2,
        "InMemoryCompanions.of_repository": 1,
        "InMemoryCompanions.get": 4,
        "InMemoryCompanions.replace": 1,
        "InMemoryUniqueNames.of_repository": 1,
    }
    assert requests == {
        **dict.fromkeys(("manifests", "tags", "is_locked"), 1),
        "links": 6,
        **dict.fromkeys(("newest", "manifest"), 3),
        "delete_manifest": 2,
    }


def test_an_old_name_that_is_locked_costs_this_much_more(asked: Counter[str]) -> None:
    (free, few), (locked, many) = spent(asked, NAMED), spent(asked, UNIQUE)
    assert more(many, few) == {"attributes": 4, "unlock": 3, "manifest": 1}
    assert more(locked, free) == {
        "InMemoryCompanions.get": 3,
        "InMemoryCompanions.of_repository": 4,
        "InMemoryCompanions.replace": 8,
        "InMemoryTargets.of_repository": 1,
    }
