"""Housekeeping, told as what may happen to it between its listing and its deletion: with deaths, twice, and stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from shared.domain.housekeeping.manifests import Manifest
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import BUSY_FOR, EVERY
from shared.domain.promotion.said import Held, Why
from shared.domain.promotion.target import Former
from shared.domain.references import Digest, Tag
from shared.errors import Unavailable
from shared.flows.keep_house import HouseKeeper
from shared.rules.house_travelling import RecordedTravel
from tests.doubles.house import Houses
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, ONE, TARGET, Died, World
from tests.unit.flows.manners import Manner, in_every_manner
from tests.unit.flows.test_keep_house import COMES_TO_NEED, OLD, UNIQUE, House, after_the_listing, is_old
from tests.unit.flows.test_records import borne
from tests.unit.flows.test_travelling import NAMED, arrive
from tests.unit.flows.test_travelling_and_people import roll_back

pytestmark = pytest.mark.unit

Ready = Callable[[House], None]


def kept(manner: Manner, ready: Ready) -> Iterator[House]:
    """Keep house in a manner, twice over, and return how it ended each time."""
    if manner is Manner.DIES:
        yield from after_each_death(ready)
        return
    house = House()
    ready(house)
    if manner is Manner.STALE:
        lags(house)
    for _ in range(2):
        house.round()
        if manner is Manner.TWICE_AND_LATE:
            house.clock.advance(timedelta(minutes=7))
            house.sweep()
        house.clock.advance(EVERY)
    yield house


def after_each_death(ready: Ready) -> Iterator[House]:
    """Keep house once for each write: the process dies right after it, and another one goes on."""
    for at in range(1, 100):
        house, seen = House(), list[str]()
        ready(house)

        def die(name: str, seen: list[str] = seen, at: int = at) -> None:
            seen.extend([name] if name.startswith("after:") else [])
            if len(seen) == at:
                raise Died

        house.hook = die
        died = False
        for _ in range(2):
            try:
                house.round()
            except Died:
                died, house.hook = True, None
                house.clock.advance(BUSY_FOR)
                house.round()
            house.clock.advance(EVERY)
        if not died:
            assert at > 1, "nothing is written in a round"
            return
        yield house
    raise AssertionError("it never comes to its end")


def lags(house: House) -> None:
    """Let what is looked at once more right before it is deleted be told as it was listed."""
    for registry in (house.staging, house.base):
        known = {digest: registry._listed(TARGET, one) for digest, one in registry._held[TARGET].items()}

        def manifest(_: str, digest: Digest, known: dict[Digest, Manifest] = known) -> Manifest | None:
            return known.get(digest)

        registry.manifest = manifest  # type: ignore[method-assign, assignment]


# 29


@pytest.mark.parametrize("happens", COMES_TO_NEED.values(), ids=COMES_TO_NEED)
@pytest.mark.parametrize("place", [Place.STAGING, Place.BASE], ids=lambda place: place.value)
@in_every_manner
def test_what_is_decided_pinned_held_or_locked_between_listing_and_deletion_stays(
    manner: Manner, place: Place, happens: Callable[[House], object]
) -> None:
    def ready(house: House) -> None:
        is_old(house, place)
        after_the_listing(house, lambda: happens(house))

    for house in kept(manner, ready):
        assert OLD[0] in (house.staging if place is Place.STAGING else house.base).held(TARGET)


@pytest.mark.parametrize("manner", [Manner.DIES, Manner.TWICE_AND_LATE], ids=lambda manner: manner.value)
def test_what_gets_a_referrer_between_listing_and_deletion_stays_with_it(manner: Manner) -> None:
    """Whoever lists what was written last is not told of it by a replica that lags: only there it could be lost."""
    signature = digest_of("a signature that comes between")

    def ready(house: House) -> None:
        is_old(house, Place.STAGING)
        after_the_listing(house, lambda: house.staging.push(TARGET, signature, subject=OLD[0]))

    for house in kept(manner, ready):
        assert house.staging.held(TARGET) == {OLD[0], signature}


@in_every_manner
def test_a_third_page_of_nine_that_fails_deletes_nothing(manner: Manner) -> None:
    every = [digest_of(f"many {number}") for number in range(9)]

    def ready(house: House) -> None:
        house.staging.page = 1
        for one in every:
            house.staged(one)

        def fail(number: int) -> None:
            if number == 3:
                raise Unavailable("page 3 of 9")

        house.staging.while_listing = fail

    for house in kept(manner, ready):
        assert house.staging.held(TARGET) == set(every)


# 30

NEEDED: dict[str, Callable[[House], object]] = {
    "it is the former": lambda house: house.change(former=(*house.target.former, Former(OLD[3], house.clock()))),
    "its entry is on hold": lambda house: house.change(hold=Held("x", "y", house.clock(), "node")),
    "a record in force names it": lambda house: house.travels(OLD[3]),
}


@pytest.mark.parametrize("needed", NEEDED.values(), ids=NEEDED)
@in_every_manner
def test_the_unique_tag_beyond_the_last_ones_that_a_rollback_needs_stays(
    manner: Manner, needed: Callable[[House], object]
) -> None:
    def ready(house: House) -> None:
        for number in range(4):
            house.unique(number)
        needed(house)

    for house in kept(manner, ready):
        assert OLD[3] in house.base.held(TARGET)
        assert UNIQUE[3] in house.base.names(TARGET)
        assert house.staging.held(TARGET) == frozenset()


class Cleared:
    """A world of which four images were promoted under names of their own, in whose registries house is kept."""

    def __init__(self) -> None:
        self.world = World(NAMED, travels=True)
        self.digests = [ONE, *(digest_of(f"promoted {number}") for number in range(2, 5))]
        for digest in self.digests:
            arrive(self.world, digest)
        self.world.pass_time(timedelta(days=40))
        self.houses = Houses(self.world.clock)
        kept = self.world.companions, self.world.unique_names
        self.houses.travel = RecordedTravel(*kept, BASE, self.world.clock, self.world.travelling.release)

    def keep_house(self) -> None:
        """Keep house, and let what went be gone."""
        for registry, house in ((self.world.base, self.houses.base), (self.world.staging, self.houses.staging)):
            for _, digest in registry._manifests:
                tags = [tag for (_, tag), held in registry.tags.items() if held == digest]
                house.push(TARGET, digest, *tags, days=40)
            assert house.held(TARGET)
        keeper = HouseKeeper(self.houses.looks(self.world), self.houses.books, self.world.activity, lambda _: None)
        for _ in range(20):
            keeper.sweep()
            self.world.pass_time(timedelta(minutes=5))
        for registry, house in ((self.world.base, self.houses.base), (self.world.staging, self.houses.staging)):
            for digest in {one for _, one in registry._manifests} - house.held(TARGET):
                registry.purge(TARGET, digest)
            for tag in {tag for _, tag in registry.tags} - house.names(TARGET):
                registry.untag(TARGET, Tag(tag))


def test_what_staging_has_no_more_is_gone_back_to_by_its_unique_tag_however_old() -> None:
    cleared = Cleared()
    cleared.keep_house()
    world = cleared.world
    oldest, name = cleared.digests[0], Tag("22-alpine-20260101.1")
    assert borne(world, name) == oldest
    world.staging._manifests.clear()
    world.staging.tags.clear()
    roll_back(world, oldest)
    assert (borne(world), borne(world, name), world.target().why) == (oldest, oldest, Why.ROLLED_BACK)
    assert sum(tag.startswith("22-alpine-") and held == oldest for (_, tag), held in world.base.tags.items()) == 1
