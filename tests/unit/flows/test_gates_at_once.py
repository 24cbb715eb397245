"""As many runs of gates as the setting says are under way at once; the others wait, and lose nothing by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from enum import Enum

import msgspec
import pytest

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import UNREADABLE, Paced, Refused, Unavailable
from shared.ports import Stored
from shared.rules.gate_room import GateRoom
from shared.rules.turn_room import READ_FOR
from tests.contract.examples import candidate
from tests.doubles.registries import digest_of
from tests.doubles.storage import InMemoryRecords, SettableClock
from tests.doubles.world import NODE, TARGET, Died, World

pytestmark = pytest.mark.unit

TAGS = [str(number) for number in range(6)]
WATCH_LIST = f"""
images:
  - name: many
    source: docker.io/library/node
    tags: {TAGS[:5]!r}
    target: {TARGET}
    gate: node
    owner: many
  - name: one
    source: docker.io/library/node
    tags: {TAGS[5:]!r}
    target: {TARGET}
    gate: node
    owner: one
""".encode()


def several(most: int) -> World:
    """Return a world with six new tags, of which five have one owner, and room for some gates at once."""
    world = World(WATCH_LIST)
    world.most_gates = most
    world.start()
    world.staging_runs.looks = 5
    for tag in TAGS:
        world.hub.push(NODE, tag, digest_of(tag))
    world.check()
    return world


def under_way(world: World) -> int:
    return world.candidates.count({Status.VALIDATING})


def step(world: World) -> bool:
    """Deliver what is due next; say whether there was any."""
    due = world.outbox.next_due()
    if due is None:
        return False
    world.clock.now = max(world.clock.now, due)
    for delivery in world.outbox.deliver():
        world.work(delivery)
    return True


def all_promoted(world: World) -> bool:
    return all(world.base.tags.get((TARGET, tag)) == digest_of(tag) for tag in TAGS)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_runs_than_the_setting_says_are_under_way_and_all_are_made_in_the_end(most: int) -> None:
    world, seen = several(most), set[int]()
    while step(world):
        seen.add(under_way(world))
    assert max(seen) == most
    assert all_promoted(world)
    assert [world.staging_runs.started[digest_of(tag)] for tag in TAGS] == [1] * 6


def test_waiting_for_room_is_no_failure_and_no_line_of_history() -> None:
    at_once, waited = several(6), several(1)
    at_once.settle()
    waited.settle()
    assert waited.clock.now > at_once.clock.now
    for tag in TAGS:
        record = waited.candidate(digest_of(tag))
        usual = at_once.candidate(digest_of(tag)).history
        assert [(one.reason, one.times) for one in record.history] == [(one.reason, one.times) for one in usual]
        assert record.failures == 0


def test_who_waits_for_room_is_written_once_however_often_it_waits() -> None:
    at_once, waited = several(6), several(1)
    writes, usual = list[str](), list[str]()
    at_once.hook, waited.hook = usual.append, writes.append
    at_once.settle()
    waited.settle()
    more = writes.count("candidates.before:replace") - usual.count("candidates.before:replace")
    assert more <= len(TAGS) - 1


def test_a_place_that_comes_free_is_taken_in_the_same_round() -> None:
    world = several(1)
    while under_way(world) == 0:
        step(world)
    for _ in range(40):
        before = {one.record.id for one in world.candidates.in_status({Status.VALIDATING})}
        waited = world.candidates.count({Status.STAGED})
        step(world)
        after = {one.record.id for one in world.candidates.in_status({Status.VALIDATING})}
        if waited and before - after:
            assert after, "somebody waits and nobody was let in"


def test_an_owner_with_one_update_waits_for_one_of_those_who_have_many() -> None:
    world = several(1)
    world.settle()
    began = {
        tag: next(one.at for one in world.candidate(digest_of(tag)).history if one.reason is Reason.GATE_STARTED)
        for tag in TAGS
    }
    assert sorted(TAGS, key=began.__getitem__).index(TAGS[5]) <= 2


def test_a_death_at_any_moment_leaves_nobody_waiting_and_no_run_made_twice() -> None:
    world, moments = several(1), list[str]()
    world.hook = moments.append
    world.settle()
    for number in range(0, len(moments), 3):
        world, left = several(1), [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise Died

        world.hook = die
        for _ in range(4):
            world.settle()
            world.pass_time(timedelta(minutes=15))
            world.check()
            world.sweep()
        world.settle()
        assert left[0] < 0
        assert all_promoted(world), f"moment {number}: {moments[number]}"
        assert max(world.staging_runs.started.values()) == 1, f"moment {number}: {moments[number]}"


class Counted(InMemoryRecords[Candidate]):
    """Records that count how often they are asked for."""

    asked = 0

    def in_status(self, statuses: Collection[Enum], by: datetime | None = None) -> Iterator[Stored[Candidate]]:
        """See the port."""
        self.asked += 1
        return super().in_status(statuses, by)


def records(*number_under_way: int) -> Counted:
    made = Counted(Candidate)
    for number in number_under_way:
        made.insert(msgspec.structs.replace(candidate(number), status=Status.VALIDATING))
    return made


def clock() -> SettableClock:
    made = SettableClock()
    made.now = candidate().look_at
    return made


def begin(room: GateRoom, found: Counted, number: int) -> bool:
    """Let a run begin if there is room."""
    try:
        with room.place(str(number), in_turn=True) as keep:
            found.insert(msgspec.structs.replace(candidate(number), status=Status.VALIDATING))
            keep()
    except Paced:
        return False
    return True


def test_many_places_are_one_query() -> None:
    found = records(1)
    room = GateRoom(found, clock(), 4)
    assert [begin(room, found, number) for number in (2, 3, 4, 5)] == [True, True, True, False]
    assert found.asked == 1
    room.ended("2")
    assert begin(room, found, 6)
    assert found.asked == 1


def test_two_instances_that_count_at_once_begin_no_more_than_each_found_free_and_nothing_after_that() -> None:
    found, time = records(1), clock()
    rooms = [GateRoom(found, time, 4), GateRoom(found, time, 4)]
    assert all(begin(room, found, 10 + number) for number, room in enumerate(rooms))
    begun = sum(begin(rooms[number % 2], found, 20 + number) for number in range(20))
    assert found.count({Status.VALIDATING}) == 3 + begun <= 4 + 3
    time.advance(READ_FOR)
    assert not any(begin(room, found, 90 + number) for number, room in enumerate(rooms))


def test_a_run_that_could_not_begin_holds_no_place() -> None:
    found = records()
    room = GateRoom(found, clock(), 1)
    for _ in range(3):
        with pytest.raises(Unavailable), room.place("one", in_turn=True):
            raise Unavailable("503")
    with room.place("one", in_turn=True), pytest.raises(Paced), room.place("two", in_turn=True):
        raise AssertionError("there is one place")
    assert begin(room, found, 1)


def test_who_was_just_staged_passes_by_nobody_who_waits() -> None:
    found, time = records(1), clock()
    room = GateRoom(found, time, 1)
    assert not begin(room, found, 2)
    room.ended(candidate(1).image)
    with pytest.raises(Paced), room.place("three", in_turn=False):
        raise AssertionError("others wait")
    assert begin(room, found, 3)
    time.advance(timedelta(minutes=2))
    empty = GateRoom(records(), time, 1)
    with empty.place("four", in_turn=False) as keep:
        keep()
    assert empty.turns(str).under_way == {"four": 1}


def test_a_record_at_which_nobody_has_looked_for_hours_holds_no_place() -> None:
    found, time = records(1), clock()
    room = GateRoom(found, time, 1)
    assert not begin(room, found, 2)
    time.advance(timedelta(hours=2))
    assert begin(room, found, 3)


def test_records_that_cannot_be_read_hold_no_place() -> None:
    found = records()
    found.fail("in_status", Refused("a row is no candidate", code=UNREADABLE))
    assert begin(GateRoom(found, clock(), 1), found, 1)
