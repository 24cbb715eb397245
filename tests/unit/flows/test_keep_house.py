"""Housekeeping deletes what nobody needs, once a day, each thing looked at again, whoever dies when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.housekeeping.judging import ORPHANS_STAY
from shared.domain.housekeeping.manifests import Manifest, TagAt
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.rounds import BUSY_FOR, EVERY, Round, Tally
from shared.domain.housekeeping.task_runs import RUNS_STAY
from shared.domain.promotion.candidate import run_name, run_names
from shared.domain.promotion.identity import short
from shared.domain.promotion.said import Held, Pinned, Said
from shared.domain.promotion.target import Former, Target
from shared.domain.record.record import Form, Piece, Record
from shared.domain.record.record import RecordState as Inside
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.watching.troubles import Kind
from shared.domain.watching.watch_list import WatchList
from shared.errors import NotPermitted, RateLimited, ServiceError, Unavailable, WatchListError
from shared.flows import keep_house
from shared.flows.keep_house import HouseKeeper
from shared.rules import house_site
from shared.rules.house_looks import HouseLooks
from shared.travel_ports import NamedDigest
from tests.doubles.house import Houses
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

ALL = frozenset(Place)
OLD = [digest_of(f"old {number}") for number in range(9)]
RECORD, FORMER = digest_of("record"), digest_of("record before")
SAID = Said("somebody", "it must stay", World().clock())
UNIQUE = [Tag(f"22-alpine-2025120{number}.1") for number in range(9)]


def beside(digest: Digest, repository: str = TARGET, *wants: Want) -> Companions:
    """Return the companions of a digest."""
    return Companions(
        registry=BASE, repository=repository, digest=digest, source=NODE, staging=repository, wants=tuple(wants)
    )


class House:
    """A world that promoted ``TWO`` after ``ONE``, and what its registries hold."""

    def __init__(self, places: frozenset[Place] = ALL) -> None:
        self.world = World()
        for digest in (ONE, TWO):
            self.world.push(digest)
            self.world.check()
            self.world.settle()
        self.clock = self.world.clock
        self.hook: Callable[[str], None] | None = None
        self.in_memory = Houses(self.clock, self.moment, places)
        self.staging, self.base = self.in_memory.staging, self.in_memory.base
        self.runs, self.books = self.in_memory.runs, self.in_memory.books
        self.companions, self.names = self.in_memory.companions, self.in_memory.names
        self.told: list[Tally] = []

    def moment(self, name: str) -> None:
        """Something is about to be changed, or was."""
        if self.hook is not None:
            self.hook(name)

    @property
    def looks(self) -> HouseLooks:
        """What a process looks with that has just started."""
        return self.in_memory.looks(self.world)

    @property
    def keeper(self) -> HouseKeeper:
        """What a process keeps house with that has just started."""
        return HouseKeeper(self.looks, self.books, self.world.activity, self.told.append)

    def staged(self, digest: Digest, days: float = 100, **more: object) -> Digest:
        """Have a candidate's digest in staging."""
        return self.staging.push(TARGET, digest, f"22-alpine-{short(digest)}", days=days, **more)  # type: ignore[arg-type]

    def unique(self, number: int, **more: object) -> Digest:
        """Have a digest in the base registry with a unique tag; the higher the number the older."""
        at = self.clock() - timedelta(days=number + 2)
        self.named(number, at)
        return self.base.push(TARGET, OLD[number], UNIQUE[number], days=number + 2, **more)  # type: ignore[arg-type]

    def named(self, number: int, at: datetime) -> None:
        """Have a digest know its unique tag, and all that lies beside it."""
        self.names.claim(NamedDigest(BASE, TARGET, UNIQUE[number], OLD[number], TAG, number, at))
        unique = Unique(UNIQUE[number], TAG, number, at, landed_at=at)
        want = Want(tag=TAG, number=number, at=at, since=at, names=True, ready_at=at, told=True)
        self.companions.insert(msgspec.structs.replace(beside(OLD[number]), unique=(unique,), wants=(want,)))

    def travels(self, digest: Digest, repository: str = TARGET) -> None:
        """Have something be on its way that is to lie beside a digest."""
        want = Want(tag=TAG, number=1, at=self.clock(), since=self.clock())
        known = self.companions.get(beside(digest).id)
        if known is None:
            self.companions.insert(beside(digest, repository, want))
        else:
            self.companions.replace(known, msgspec.structs.replace(known.record, wants=(want,)))

    def says(self, digest: Digest, record: Digest, *former: Digest) -> None:
        """Have a record be said of a digest in base, in place of others that lie there."""
        self.base.push(TARGET, digest, "22-alpine", days=90)
        for one in (record, *former):
            self.base.push(TARGET, one, subject=digest, days=2)
        piece, since = Piece(Form.BUNDLE, digest, record), self.clock() - timedelta(days=1)
        said = Record(state=Inside.ATTACHED, pieces=(piece,), former=former, since=since)
        after = msgspec.structs.replace(beside(digest), record=Recorded(state=RecordState.DONE, record=said))
        known = self.companions.get(after.id)
        self.companions.replace(known, after) if known else self.companions.insert(after)

    def former(self, digest: Digest) -> tuple[Digest, ...]:
        """What is known to be said no more of a digest."""
        recorded = self.beside(digest).record
        assert recorded is not None
        assert recorded.record is not None
        return recorded.record.former

    def beside(self, digest: Digest) -> Companions:
        """What is known of what lies beside a digest."""
        stored = self.companions.get(beside(digest).id)
        assert stored is not None
        return stored.record

    def sweep(self) -> None:
        """Sweep as a process does that has just started."""
        self.keeper.sweep()

    def round(self, most: int = 50) -> Round:
        """Sweep until a round is over."""
        for _ in range(most):
            self.sweep()
            known = self.known
            if known.ended_at is not None:
                return known
            self.clock.advance(timedelta(minutes=5))
        raise AssertionError("the round does not end")

    @property
    def known(self) -> Round:
        """What is remembered."""
        stored = self.books.get()
        assert stored is not None
        return stored.round

    def change(self, **fields: object) -> None:
        """Change the target's record, as somebody else does."""
        (stored,) = self.world.targets.every(BASE)
        self.world.targets.replace(stored, msgspec.structs.replace(stored.record, **fields))

    @property
    def target(self) -> Target:
        """The one tag."""
        return self.world.target()

    def lines(self) -> list[str]:
        """What the activity log says of it."""
        found, _ = self.world.activity.recent(self.clock(), 100)
        return [f"{one.subject}: {one.detail}" for one in found if one.name == "house-kept"]


@pytest.fixture
def house() -> House:
    """Such a house."""
    return House()


# What goes, and what stays.


def test_what_ended_in_staging_goes_and_what_records_need_stays(house: House) -> None:
    for digest in (ONE, TWO, OLD[0], OLD[1]):
        house.staged(digest)
    known = house.round()
    assert house.staging.held(TARGET) == {ONE, TWO}
    assert known.tally.deleted == {"ended": 2}
    assert known.tally.spared == {"decided": 1, "former": 1}
    assert house.lines() == ["housekeeping:staging/base/node: 2 deleted: 2 ended"]


def test_what_needs_it_may_be_a_tag_of_another_repository(house: House) -> None:
    house.staging.push("base/other", TWO, f"x-{short(TWO)}", days=100)
    house.staging.push("base/other", OLD[0], f"x-{short(OLD[0])}", days=100)
    house.travels(OLD[1], "base/other")
    looks = house.looks
    needed = looks.everything().needed
    assert needed.staging[TWO] is Spared.DECIDED
    assert needed.staging[OLD[1]] is Spared.RECORDED


def test_what_the_settings_name_stays(house: House) -> None:
    house.staging.push(TARGET, OLD[0], days=100)
    house.staging.push(TARGET, OLD[1], days=100)
    house.in_memory.named = (OLD[0],)
    house.round()
    assert house.staging.held(TARGET) == {OLD[0]}


def test_repositories_that_no_record_knows_are_not_even_listed(house: House) -> None:
    house.staging.push("somebody/s", OLD[0], f"22-{short(OLD[0])}", days=999)
    house.round()
    assert house.staging.held("somebody/s") == {OLD[0]}
    assert house.staging.asked["manifests"] == 0


def test_old_unique_tags_go_with_all_that_hangs_on_them_and_the_former_stays(house: House) -> None:
    child, signature = digest_of("child"), digest_of("signature")
    for number in range(4):
        house.unique(number, children=(child,) if number == 3 else ())
    house.base.push(TARGET, child, days=5)
    house.base.push(TARGET, signature, subject=child, days=20)
    house.base.push(TARGET, ONE, days=50)
    house.change(former=(*house.target.former, Former(OLD[2], house.clock())))
    known = house.round()
    assert house.base.held(TARGET) == {OLD[0], OLD[1], OLD[2], ONE}
    assert house.base.names(TARGET) == {*UNIQUE[:3]}
    assert known.tally.deleted == {"old-unique-tag": 1, "with-its-index": 1, "with-its-subject": 1}


def test_the_record_of_a_unique_tag_lets_it_go_before_it_is_deleted(house: House) -> None:
    for number in range(4):
        house.unique(number)
    house.base.tag_at(TARGET, OLD[3], "mine", house.clock() - timedelta(days=5))
    seen: list[str] = []
    house.hook = lambda name: seen.append(name.partition(":")[2]) if name.startswith("before") else None
    house.round()
    for digest in OLD[2:4]:
        assert (house.beside(digest).unique, house.beside(digest).wants) == ((), ())
    assert house.beside(OLD[1]).unique[0].name == UNIQUE[1]
    assert [name for name in seen if name not in {"put", "keep_links"}] == [
        "replace",
        "delete_manifest",
        "replace",
        "delete_tag",
    ]
    assert house.base.names(TARGET) == {*UNIQUE[:2], "mine"}


def test_in_base_a_referrer_goes_whose_subject_is_gone_and_nothing_else_that_has_no_tag(house: House) -> None:
    house.base.push(TARGET, OLD[0], subject=digest_of("gone"), days=ORPHANS_STAY / timedelta(days=1) + 1)
    house.base.push(TARGET, OLD[1], days=900)
    assert house.round().tally.deleted == {"orphaned": 1}
    assert house.base.held(TARGET) == {OLD[1]}


def test_in_base_a_replaced_record_goes_and_is_forgotten_and_the_one_that_is_so_stays(house: House) -> None:
    house.says(TWO, RECORD, FORMER)
    house.travels(ONE)
    known = house.round()
    assert house.base.held(TARGET) == {TWO, RECORD}
    assert known.tally.deleted == {"replaced-record": 1}
    assert house.former(TWO) == ()


def test_where_base_is_not_cleared_a_replaced_record_stays_and_is_known_still() -> None:
    house = House(frozenset({Place.STAGING}))
    house.says(TWO, RECORD, FORMER)
    house.round()
    assert (house.base.held(TARGET), house.former(TWO)) == ({TWO, RECORD, FORMER}, (FORMER,))


@pytest.mark.parametrize("moment", ["before:delete_manifest", "after:delete_manifest", "before:replace"])
def test_whoever_dies_beside_a_replaced_record_has_it_deleted_and_forgotten_by_the_next(moment: str) -> None:
    house = House()
    house.says(TWO, RECORD, FORMER)

    def die(name: str) -> None:
        if name == moment:
            raise Died(name)

    house.hook = die
    with pytest.raises(Died):
        house.sweep()
    house.hook = None
    house.clock.advance(BUSY_FOR)
    house.round()
    assert (house.base.held(TARGET), house.former(TWO), house.known.begun) == ({TWO, RECORD}, (), ())


def test_a_record_that_is_said_once_more_after_the_listing_stays(house: House) -> None:
    house.says(TWO, RECORD, FORMER)
    after_the_listing(house, lambda: house.says(TWO, FORMER, RECORD))
    house.round()
    assert house.base.held(TARGET) == {TWO, FORMER}


def test_what_lies_beside_what_is_followed_stays_in_staging_with_its_image(house: House) -> None:
    signature, record, platform = digest_of("signature"), digest_of("record"), digest_of("platform")
    house.staged(OLD[0], children=(platform,))
    house.staging.push(TARGET, platform, days=100)
    house.staging.push(TARGET, signature, subject=platform, days=100)
    house.staging.push(TARGET, record, subject=OLD[0], days=100)
    house.travels(OLD[0])
    assert house.round().tally.deleted == {}
    assert house.staging.held(TARGET) == {OLD[0], platform, signature, record}


def test_what_lies_beside_what_is_in_force_stays_in_base_without_any_tag(house: House) -> None:
    platform = digest_of("platform")
    house.base.push(TARGET, TWO, "22-alpine", days=400, children=(platform,))
    house.base.push(TARGET, platform, days=400)
    beside_it = [digest_of(name) for name in ("signature", "record", "SBOM of a platform")]
    for one, subject in zip(beside_it, (TWO, TWO, platform), strict=True):
        house.base.push(TARGET, one, subject=subject, days=400)
    assert house.round().tally.deleted == {}
    assert house.base.held(TARGET) == {TWO, platform, *beside_it}


def test_the_unique_tag_of_what_is_in_force_stays_however_old_it_is(house: House) -> None:
    for number in range(5):
        house.unique(number)
    house.change(wanted=OLD[4])
    house.round()
    assert house.base.names(TARGET) == {*UNIQUE[:2], UNIQUE[4]}


@pytest.mark.parametrize("places", [frozenset[Place](), frozenset({Place.STAGING}), ALL - {Place.BASE}])
def test_where_it_is_switched_off_nothing_is_asked_and_nothing_is_deleted(places: frozenset[Place]) -> None:
    house = House(places)
    house.staged(OLD[0])
    for number in range(4):
        house.unique(number)
    for _ in range(3):
        house.sweep()
    assert house.base.asked.total() == 0
    assert house.staging.held(TARGET) == (frozenset() if places else {OLD[0]})
    assert (house.books.get() is None) is not places


def test_names_of_runs_go_that_ended_long_ago_and_no_record_knows(house: House) -> None:
    candidate = house.world.candidate(TWO)
    named = run_name(candidate)
    ours = {f"tidegate-{number:032x}": house.clock() - RUNS_STAY for number in range(2)}
    house.runs.ended = {**ours, named: house.clock() - RUNS_STAY, "somebodys": house.clock() - RUNS_STAY}
    assert named in run_names(candidate)
    known = house.round()
    assert house.runs.ended.keys() == {named, "somebodys"}
    assert (known.tally.deleted, known.tally.spared) == ({"run-ended": 2}, {"named": 1, "others": 1})


def test_a_name_under_which_a_run_was_begun_anew_stays(house: House) -> None:
    name = f"tidegate-{7:032x}"
    house.runs.ended = {name: house.clock() - RUNS_STAY}
    listed = house.runs.names

    def names() -> object:
        page = list(listed())
        house.runs.ended[name] = None
        return iter(page)

    house.runs.names = names  # type: ignore[method-assign, assignment]
    assert house.round().tally.spared == {"under-way": 1}


# Looked at once more right before.


def after_the_listing(house: House, happens: Callable[[], object]) -> None:
    """Let something happen after a repository was listed, before anything is deleted."""
    done: list[bool] = []
    locked = house.staging.is_locked

    def is_locked(repository: str) -> bool:
        if not done:
            done.append(True)
            happens()
        return locked(repository)

    house.staging.is_locked = house.base.is_locked = is_locked  # type: ignore[method-assign]


def is_old(house: House, place: Place) -> None:
    """Have something in a registry that would go."""
    if place is Place.STAGING:
        house.staged(OLD[0])
        house.change(passed=(OLD[0],))
        return
    for number in range(3):
        house.named(number, house.clock() - timedelta(days=90 - number))
        house.base.push(TARGET, OLD[number], UNIQUE[number], days=90 - 5 * number)


COMES_TO_NEED: dict[str, Callable[[House], object]] = {
    "decided": lambda house: house.change(wanted=OLD[0], number=9),
    "pinned": lambda house: house.change(pinned=Pinned(OLD[0], SAID)),
    "former": lambda house: house.change(former=(Former(OLD[0], house.clock()),)),
    "locked": lambda house: (house.staging if house.staging.held(TARGET) else house.base).lock(TARGET, OLD[0]),
    "held": lambda house: house.change(hold=Held("x", "y", house.clock(), "node")),
    "travels": lambda house: house.travels(OLD[0]),
}


@pytest.mark.parametrize("happens", COMES_TO_NEED.values(), ids=COMES_TO_NEED)
@pytest.mark.parametrize("place", [Place.STAGING, Place.BASE])
def test_what_comes_to_be_needed_after_it_was_listed_stays(
    house: House, place: Place, happens: Callable[[House], object]
) -> None:
    is_old(house, place)
    after_the_listing(house, lambda: happens(house))
    known = house.round()
    assert OLD[0] in (house.staging if place is Place.STAGING else house.base).held(TARGET)
    assert known.tally.deleted == {}


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("kind", ["signature", "index", "tag"])
def test_what_is_pushed_after_the_listing_keeps_what_it_refers_to_or_names(
    house: House, kind: str, *, in_order: bool
) -> None:
    house.staging.in_order = in_order
    house.staged(OLD[0])
    house.staged(OLD[1])

    def happens() -> None:
        if kind == "signature":
            house.staging.push(TARGET, digest_of("new"), subject=OLD[0])
        elif kind == "index":
            house.staging.push(TARGET, digest_of("new"), "mine", children=(OLD[0],))
        else:
            house.staging.tag_at(TARGET, OLD[0], "mine")

    after_the_listing(house, happens)
    known = house.round()
    assert OLD[0] in house.staging.held(TARGET)
    assert OLD[1] not in house.staging.held(TARGET)
    assert house.staging.is_whole(TARGET)
    assert known.tally.deleted == {"ended": 1}


def test_a_candidate_that_begins_anew_keeps_what_it_finds_in_staging(house: House) -> None:
    house.staged(ONE)
    house.change(former=(), sightings=(), passed=())
    candidate = house.world.candidate(ONE)
    house.world.candidates.replace(house.world.candidates.get(candidate.id), candidate)  # type: ignore[arg-type]

    def begins() -> None:
        stored = house.world.candidates.get(candidate.id)
        assert stored is not None
        begun = msgspec.structs.replace(stored.record, status=type(stored.record.status).DETECTED, generation=2)
        house.world.candidates.replace(stored, begun)

    after_the_listing(house, begins)
    assert house.round().tally.spared["under-way"] == 1
    assert house.staging.held(TARGET) == {ONE}


def test_a_repository_that_changes_all_the_time_is_left_for_the_next_day(house: House) -> None:
    house.staged(OLD[0])
    locked = house.staging.is_locked

    def is_locked(repository: str) -> bool:
        house.staging.push(TARGET, digest_of(str(house.staging.asked)))
        return locked(repository)

    house.staging.is_locked = is_locked  # type: ignore[method-assign]
    known = house.round()
    assert OLD[0] in house.staging.held(TARGET)
    assert known.tally.spared["changed"] == 1
    assert house.staging.asked["manifests"] == house_site.LOOKS


# Somebody's lock.


def test_what_is_refused_as_locked_is_skipped_and_told_and_the_rest_goes(house: House) -> None:
    house.staged(OLD[0])
    house.staged(OLD[1])
    house.staging.refuses.add(OLD[0])
    known = house.round()
    assert house.staging.held(TARGET) == {OLD[0]}
    assert (known.tally.deleted, known.tally.spared) == ({"ended": 1}, {"locked": 1})
    assert f"{OLD[0]} was locked meanwhile (REGISTRY_DISALLOWED_OPERATION)" in house.lines()[0]
    assert known.failures == ()


def test_of_an_index_that_is_refused_nothing_goes(house: House) -> None:
    child = house.staging.push(TARGET, digest_of("child"), days=100)
    house.staged(OLD[0], children=(child,))
    house.staging.refuses.add(OLD[0])
    assert house.round().tally.deleted == {}
    assert house.staging.is_whole(TARGET)
    assert house.staging.held(TARGET) == {OLD[0], child}


def test_a_repository_that_is_locked_as_a_whole_is_left_alone(house: House) -> None:
    house.staged(OLD[0])
    house.staging.locked.add(TARGET)
    assert house.round().tally.spared == {"locked": 1}
    assert house.staging.asked["delete_manifest"] == 0


# Not whole.


@pytest.mark.parametrize("error", [Unavailable("503"), NotPermitted("403"), ServiceError("x")], ids=str)
@pytest.mark.parametrize("method", ["manifests", "tags", "links"])
def test_a_listing_that_could_not_be_read_whole_deletes_nothing(house: House, method: str, error: ServiceError) -> None:
    house.staging.page = 2
    for number in range(9):
        house.staged(OLD[number])
    failing = {"manifests": 3, "tags": 3, "links": 5}[method]
    ask = house.staging._count

    def count(kind: str) -> None:
        ask(kind)
        if kind == method and house.staging.asked[kind] == failing:
            raise error

    house.staging._count = count  # type: ignore[method-assign]
    house.sweep()
    assert house.staging.held(TARGET) == frozenset(OLD)
    assert house.staging.asked["delete_manifest"] == 0
    house.round()
    assert [one.detail for one in house.known.failures] == [str(error)]
    house.clock.advance(EVERY)
    assert (house.round().failures, house.staging.held(TARGET)) == ((), frozenset())


def test_a_listing_that_leaves_out_what_a_tag_points_at_deletes_nothing(house: House) -> None:
    part = house.staging.push(TARGET, OLD[0], days=100)
    parent = house.staged(OLD[1], children=[part])
    house.staged(OLD[2])
    listed = house.staging.manifests

    def cut(name: str) -> Iterator[tuple[Manifest, ...]]:
        return (tuple(one for one in page if one.digest != parent) for page in listed(name))

    house.staging.manifests = cut  # type: ignore[method-assign]
    house.round()
    assert house.staging.held(TARGET) == {part, parent, OLD[2]}
    assert "is not among the manifests that were listed" in house.known.failures[0].detail
    house.staging.manifests = listed  # type: ignore[method-assign]
    house.clock.advance(EVERY)
    assert (house.round().failures, house.staging.held(TARGET)) == ((), frozenset())


def test_a_tag_that_points_at_nothing_keeps_nothing_else_from_going(house: House) -> None:
    house.staged(OLD[0])
    house.staging._tags[TARGET][Tag("dangling")] = TagAt(name=Tag("dangling"), digest=OLD[1], updated=house.clock())
    house.round()
    assert (house.known.failures, house.staging.held(TARGET)) == ((), frozenset())


def test_what_refers_to_something_that_was_not_listed_and_is_there_stays(house: House) -> None:
    house.base.page = 1
    subject = house.base.push(TARGET, OLD[0], days=100)
    signature = house.base.push(TARGET, OLD[1], subject=subject, days=50)
    house.base.push(TARGET, OLD[2], "v1", days=70)
    listed = house.base.manifests

    def cut(name: str) -> Iterator[tuple[Manifest, ...]]:
        return (page for page in listed(name) if page[0].digest != subject)

    house.base.manifests = cut  # type: ignore[method-assign]
    house.round()
    assert house.base.held(TARGET) >= {subject, signature}


@pytest.mark.parametrize("table", ["targets", "candidates", "scans", "tools"])
def test_records_that_cannot_be_read_delete_nothing(house: House, table: str) -> None:
    house.staged(OLD[0])
    method = {"targets": "every", "tools": "get"}.get(table, "in_status")
    getattr(house.world, table).fail(method, Unavailable("no answer"))
    with pytest.raises(Unavailable):
        house.sweep()
    assert house.staging.held(TARGET) == {OLD[0]}
    assert house.staging.asked.total() == 0
    house.round()
    assert house.staging.held(TARGET) == frozenset()


def test_without_a_watch_list_nobody_knows_the_tools_and_nothing_goes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.staged(OLD[0])

    def in_force() -> WatchList:
        raise WatchListError(("there is none",))

    monkeypatch.setattr(house.world.watch_lists, "in_force", in_force)
    with pytest.raises(Unavailable, match="tools"):
        house.sweep()
    assert house.staging.held(TARGET) == {OLD[0]}


def test_an_account_that_does_not_know_what_people_decided_deletes_nothing(house: House) -> None:
    house.staged(OLD[0])
    house.in_memory.remembers = False
    with pytest.raises(Unavailable, match="what people decided"):
        house.sweep()
    assert house.staging.held(TARGET) == {OLD[0]}
    house.in_memory.remembers = True
    house.round()
    assert house.staging.held(TARGET) == frozenset()


# Bounds.


def test_a_round_goes_on_where_it_paused_and_reads_no_manifest_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_house, "MOST_REQUESTS", 8)
    for number in range(9):
        house.staged(OLD[number])
    sweeps = 0
    while not sweeps or house.known.ended_at is None:
        asked = house.staging.asked.total() + house.base.asked.total() + house.runs.asked.total()
        house.sweep()
        sweeps += 1
        assert house.staging.asked.total() + house.base.asked.total() + house.runs.asked.total() - asked <= 8
        house.clock.advance(timedelta(minutes=5))
        assert sweeps < 60
    assert house.staging.asked["links"] == 9
    assert house.staging.held(TARGET) == frozenset()
    assert house.known.tally.deleted == {"ended": 9}


def test_what_is_asked_of_a_registry_is_counted_and_is_what_the_documents_say(house: House) -> None:
    for number in range(3):
        house.staged(OLD[number])
    known = house.round()
    asked = house.staging.asked + house.base.asked + house.runs.asked
    assert known.tally.requests == asked.total()
    assert house.staging.asked == {
        "manifests": 1,
        "tags": 1,
        "links": 3,
        "is_locked": 1,
        **dict.fromkeys(("newest", "manifest", "delete_manifest"), 3),
    }
    house.clock.advance(EVERY)
    house.staged(TWO)
    before = house.staging.asked.copy()
    house.round()
    assert house.staging.asked - before == {"manifests": 1, "tags": 1}


def test_a_part_of_a_round_lasts_a_minute(house: House) -> None:
    for number in range(9):
        house.staged(OLD[number])
    house.hook = lambda name: house.clock.advance(timedelta(seconds=20)) if name == "after:delete_manifest" else None
    house.sweep()
    assert len(house.staging.held(TARGET)) == 6


def test_whoever_is_asked_to_wait_pauses_and_counts_no_failure(house: House) -> None:
    for number in range(3):
        house.staged(OLD[number])
    house.staging.fail("delete_manifest", RateLimited("429", retry_after=60))
    house.sweep()
    assert (house.known.failures, house.known.ended_at) == ((), None)
    assert len(house.staging.held(TARGET)) == 3
    assert house.round().tally.deleted == {"ended": 3}


def test_a_registry_that_asks_to_wait_all_day_keeps_no_other_site_from_its_turn(house: House) -> None:
    house.staged(OLD[0])
    for number in range(4):
        house.unique(number)
    for day in range(3):
        house.staging.fail("manifests", *[RateLimited("429")] * 2)
        house.round()
        assert len(house.base.held(TARGET)) == 2
        assert house.staging.held(TARGET) == {OLD[0]}
        house.clock.advance(EVERY if day < 2 else timedelta(0))
    (trouble,) = house.keeper.troubles()
    assert "429" in trouble.detail
    house.clock.advance(EVERY)
    assert house.round().failures == ()


def test_what_is_too_much_for_a_part_is_told_and_keeps_no_other_site_from_its_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_house, "MOST_REQUESTS", 8)
    house.staging.page = 1
    for number in range(9):
        house.staged(OLD[number])
    house.base.push(TARGET, digest_of("orphan"), subject=digest_of("gone"), days=100)
    known = house.round()
    assert house.base.held(TARGET) == frozenset()
    assert house.staging.held(TARGET) == frozenset(OLD)
    assert ["it holds too much to be listed by 8 requests" in one.detail for one in known.failures] == [True]


def test_a_registry_in_trouble_keeps_no_other_site_from_being_kept(house: House) -> None:
    house.staged(OLD[0])
    for number in range(4):
        house.unique(number)
    house.staging.fail("manifests", Unavailable("503"))
    known = house.round()
    assert len(house.base.held(TARGET)) == 2
    assert [one.site.place for one in known.failures] == [Place.STAGING]


def test_a_round_is_made_once_a_day_and_when_somebody_asks(house: House) -> None:
    house.round()
    for _ in range(200):
        house.sweep()
        house.clock.advance(timedelta(minutes=5))
    assert house.staging.asked["manifests"] <= 1
    house.staged(OLD[0])
    house.keeper.ask()
    house.sweep()
    assert house.staging.held(TARGET) == frozenset()


def test_of_two_who_sweep_at_once_one_keeps_house(house: House) -> None:
    house.staged(OLD[0])
    other = house.keeper
    done: list[bool] = []

    def both(name: str) -> None:
        if name == "before:put" and not done:
            done.append(True)
            other.sweep()

    house.hook = both
    house.sweep()
    house.hook = None
    assert house.staging.asked["delete_manifest"] == 1


def test_what_could_not_be_kept_for_two_days_is_told(house: House) -> None:
    house.staged(OLD[0])
    for day in range(3):
        house.staging.fail("delete_manifest", NotPermitted("give the app's identity the role 'AcrDelete' there"))
        house.round()
        if day < 2:
            assert list(house.keeper.troubles()) == []
            house.clock.advance(EVERY)
    (trouble,) = house.keeper.troubles()
    assert (trouble.kind, trouble.about) == (Kind.HOUSE_NOT_KEPT, "housekeeping:staging")
    assert "base/node" in trouble.detail
    assert "AcrDelete" in trouble.detail
    house.clock.advance(EVERY)
    house.round()
    assert list(house.keeper.troubles()) == []


# Deaths.


def full(house: House) -> None:
    """Have everything in the registries that goes, and what must stay beside it."""
    child, shared = digest_of("child"), digest_of("shared")
    house.staging.push(TARGET, child, days=100)
    house.staged(OLD[0], children=(child,))
    house.staged(TWO)
    for number in range(4):
        house.unique(number, children=(child, shared) if number == 3 else ())
    house.base.push(TARGET, child, days=100)
    house.base.push(TARGET, shared, days=100)
    house.base.push(TARGET, TWO, "22-alpine", children=(shared,))
    house.base.push(TARGET, digest_of("signature"), subject=OLD[3], days=20)
    house.base.push(TARGET, digest_of("nobody's"), days=900)
    house.runs.ended = {f"tidegate-{number:032x}": house.clock() - RUNS_STAY for number in range(2)}


def is_kept(house: House) -> bool:
    """Whether all went that was to go, and nothing else."""
    shared = digest_of("shared")
    return (
        house.staging.held(TARGET) == {TWO}
        and house.base.held(TARGET) == {*OLD[:3], TWO, shared, digest_of("nobody's")} - {OLD[2]}
        and house.base.names(TARGET) == {*UNIQUE[:2], "22-alpine"}
        and not house.runs.ended
    )


def moments() -> int:
    """Count the moments at which a round may be cut off."""
    house, seen = House(), list[str]()
    full(house)
    house.hook = seen.append
    house.round()
    assert is_kept(house)
    return len(seen)


@pytest.mark.parametrize("moment", range(moments()))
def test_whoever_dies_at_whichever_write_leaves_a_round_that_ends_as_ever(moment: int) -> None:
    house = House()
    full(house)
    seen: list[str] = []

    def die(name: str) -> None:
        seen.append(name)
        if len(seen) == moment + 1:
            raise Died(name)

    house.hook = die
    with pytest.raises(Died):
        house.sweep()
    assert house.staging.is_whole(TARGET)
    assert house.base.is_whole(TARGET)
    house.hook = None
    house.clock.advance(BUSY_FOR)
    house.round()
    assert is_kept(house)
    assert house.known.begun == ()


@pytest.mark.parametrize("how", ["refused", "listed", "repository"])
def test_what_was_begun_and_is_locked_since_stays_begun_until_it_is_gone(house: House, how: str) -> None:
    child = house.base.push(TARGET, digest_of("child"), days=100)
    for number in range(3):
        house.unique(number, children=(child,) if number == 2 else ())
    house.base.refuses.add(child)
    house.round()
    assert house.base.held(TARGET) == {OLD[0], OLD[1], child}
    assert [one.digest for one in house.known.begun] == [child]
    house.base.refuses.clear()
    for _ in range(2):
        if how != "refused":
            house.base.lock(TARGET, child) if how == "listed" else house.base.locked.add(TARGET)
            house.clock.advance(EVERY)
            house.round()
            assert [one.digest for one in house.known.begun] == [child]
    house.base.locked.clear()
    house.base.push(TARGET, child, days=100)
    house.clock.advance(EVERY)
    assert house.round().tally.deleted == {Goes.WITH_INDEX.value: 1}
    assert house.known.begun == ()
