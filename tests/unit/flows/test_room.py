"""Ten thousand new tags become candidates as there is room for them, and all of them do."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.transitions import ENDS
from shared.errors import Unavailable
from shared.rules.room import MOST_UNDER_WAY, Room
from tests.doubles.storage import InMemoryRecords, SettableClock
from tests.unit.flows.many_tags import A_QUARTER, Many, digest_of

pytestmark = pytest.mark.unit

OUTAGE = Unavailable("the storage account does not answer")


def under_way(many: Many) -> int:
    return sum(stored.record.status not in ENDS for stored in many.candidates.current())


def end(many: Many, number: int) -> None:
    waiting = [stored for stored in many.candidates.current() if stored.record.status not in ENDS]
    for stored in waiting[:number]:
        many.candidates.replace(stored, msgspec.structs.replace(stored.record, status=Status.PROMOTED))


def test_of_ten_thousand_new_tags_no_more_than_five_hundred_are_under_way_at_once() -> None:
    many = Many("quay.io", 100, 100)
    for ended in (0, 200, 500):
        end(many, ended)
        many.check()
        assert under_way(many) == MOST_UNDER_WAY
        many.clock.advance(A_QUARTER)
    assert len(list(many.candidates.current())) == MOST_UNDER_WAY + 700
    assert any("500 candidates are under way" in event.detail for event in many.activity.events)


def test_that_new_tags_wait_is_told_once_for_as_long_as_as_many_wait_for_the_same_reason() -> None:
    many = Many("quay.io", 2, 10, most_under_way=5)
    for _ in range(3):
        many.check()
        many.clock.advance(A_QUARTER)
    assert [event.detail.partition(" ")[0] for event in many.activity.events] == ["5", "10"]
    end(many, 1)
    many.check()
    assert [event.detail.partition(" ")[0] for event in many.activity.events] == ["5", "10", "4"]


def test_all_new_tags_are_begun_in_the_end_each_once() -> None:
    many = Many("quay.io", 10, 100, most_under_way=150)
    for _ in range(10):
        many.check()
        assert under_way(many) <= 150
        end(many, 150)
        many.clock.advance(A_QUARTER)
    many.check()
    begun = [place for stored in many.candidates.current() for place in stored.record.places]
    assert len(begun) == len(set(begun)) == 1000
    end(many, 150)
    many.check()
    assert under_way(many) == 0


def test_a_tag_that_moves_waits_for_no_room() -> None:
    many = Many("quay.io", 1, 10, most_under_way=5)
    many.check()
    assert under_way(many) == 5
    first = next(iter(many.candidates.current())).record
    many.upstream.push(first.source, first.source_tag, digest_of("another"))
    many.clock.advance(A_QUARTER)
    many.check()
    assert digest_of("another") in {stored.record.digest for stored in many.candidates.current()}


def test_who_cannot_count_begins_nothing_and_the_message_comes_again() -> None:
    many = Many("quay.io", 1, 10)
    many.candidates.fail("count", OUTAGE)
    with pytest.raises(Unavailable):
        many.check()
    assert under_way(many) == 0
    many.check()
    assert under_way(many) == 10


def test_what_was_adopted_takes_no_room() -> None:
    many = Many("quay.io", 1, 10, most_under_way=5)
    for tag in many.list.images[0].wanted:
        many.base.tags[many.list.images[0].target, tag] = digest_of("old")
    many.check()
    assert under_way(many) == 0
    assert not many.activity.events


def test_the_room_is_counted_once_for_many_places_and_again_after_a_while() -> None:
    clock, counted = SettableClock(), list[int]()

    class Counted(InMemoryRecords[Candidate]):
        def count(self, statuses: object) -> int:
            assert statuses
            counted.append(1)
            return 1

    room = Room(Counted(Candidate), clock, most=3)
    assert [room.take() for _ in range(3)] == [True, True, False]
    room.give_back()
    assert room.take()
    assert len(counted) == 1
    clock.advance(A_QUARTER)
    assert room.take()
    assert len(counted) == 2
