"""Each owner has one turn, then each a second one."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.due import CANDIDATES, Turns, in_turn
from shared.domain.promotion.transitions import ENDS
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit


class One(NamedTuple):
    """Something that waits."""

    owner: str
    minute: int


def turns(*waiting: One, had: Turns = Turns()) -> list[One]:  # noqa: B008  frozen
    """Return the order in which it takes its turns."""
    return in_turn(waiting, lambda one: one.owner, lambda one: NOON + timedelta(minutes=one.minute), had)


def test_whoever_has_one_update_does_not_wait_for_who_has_hundreds() -> None:
    many = [One("many", minute) for minute in range(461)]
    assert turns(*many, One("one", 1000))[:2] == [many[0], One("one", 1000)]


def test_of_one_owner_the_oldest_comes_first() -> None:
    assert turns(One("a", 3), One("a", 1), One("a", 2)) == [One("a", 1), One("a", 2), One("a", 3)]


def test_of_equal_turns_the_one_that_waits_longest_comes_first() -> None:
    assert turns(One("b", 2), One("a", 1), One("c", 0)) == [One("c", 0), One("a", 1), One("b", 2)]


def test_what_is_under_way_was_a_turn() -> None:
    waiting = [One("many", 0), One("many", 1), One("one", 5)]
    assert turns(*waiting, had=Turns(under_way={"many": 2})) == [waiting[2], *waiting[:2]]


def test_of_those_who_have_had_as_many_turns_the_last_to_have_one_comes_last() -> None:
    waiting = [One("many", 0), One("one", 5)]
    assert turns(*waiting, had=Turns(last={"many": NOON})) == waiting[::-1]


@given(st.lists(st.builds(One, st.sampled_from("abc"), st.integers(0, 20)), max_size=30))
def test_nobody_takes_a_turn_before_everyone_else_has_had_as_many(waiting: list[One]) -> None:
    order = turns(*waiting)
    assert sorted(order) == sorted(waiting)
    for at, one in enumerate(order):
        mine = [other.owner for other in order[:at]].count(one.owner)
        for owner in {other.owner for other in order[at:]} - {one.owner}:
            assert [other.owner for other in order[:at]].count(owner) >= mine


def test_every_status_that_is_no_end_is_looked_at_in_one_place() -> None:
    looked = [status for statuses in CANDIDATES.values() for status in statuses]
    assert len(looked) == len(set(looked))
    assert not set(looked) & ENDS
