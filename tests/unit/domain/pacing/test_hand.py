"""What an instance does between two looks at a bucket's row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pacing.bucket import Block, Kind, Refused, Wait
from shared.domain.pacing.hand import (
    BELIEVED_FOR,
    LONGEST_PROMISE,
    Hand,
    Said,
    comes,
    is_plenty,
    promised,
    spent,
    unused,
)
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)


def hand(at_once: int, ahead: int, used: int = 0) -> Hand:
    """Return a hand that took a block at noon."""
    return Hand(Block(at_once, ahead, MIDDAY + SECOND, 1.0, used))


@pytest.mark.parametrize(
    ("left", "under_way", "plenty"),
    [(199, 0, True), (101, 0, True), (100, 0, False), (150, 24, True), (150, 25, False)],
)
def test_nobody_is_counted_while_arm_says_that_more_than_half_is_left(left: int, under_way: int, plenty: bool) -> None:
    assert is_plenty(Said(left, MIDDAY), under_way, Kind.WRITES, MIDDAY) is plenty


def test_what_was_said_long_ago_is_not_believed() -> None:
    assert not is_plenty(Said(199, MIDDAY), 0, Kind.WRITES, MIDDAY + BELIEVED_FOR)
    assert not is_plenty(None, 0, Kind.WRITES, MIDDAY)


def test_a_hand_without_a_token_waits_for_the_next_that_comes() -> None:
    assert spent(hand(0, 2), MIDDAY) is None
    assert comes(hand(0, 2), MIDDAY) == MIDDAY + SECOND
    assert comes(hand(1, 2, used=2), MIDDAY + SECOND) == MIDDAY + 2 * SECOND
    assert comes(hand(1, 2, used=3), MIDDAY) is None


def test_what_the_row_refused_is_not_asked_for_again_before_it_said() -> None:
    refused = Hand(refused=Refused(Wait.KEPT, MIDDAY + SECOND))
    assert comes(refused, MIDDAY) == MIDDAY + SECOND
    assert comes(refused, MIDDAY + SECOND) is None


def test_tokens_that_are_to_come_are_given_back_too() -> None:
    assert unused(hand(3, 4, used=2)) == 5
    assert unused(Hand()) == 0


def test_those_that_wait_are_told_to_come_one_after_the_other() -> None:
    told, waiting = list[datetime](), Hand()
    for _ in range(3):
        until, waiting = promised(waiting, MIDDAY + SECOND, 2.0, MIDDAY)
        told.append(until)
    assert told == [MIDDAY + SECOND, MIDDAY + 1.5 * SECOND, MIDDAY + 2 * SECOND]


@given(st.lists(st.tuples(st.floats(0, 90), st.floats(0, 200)), max_size=50), st.floats(0.2, 25))
def test_nobody_comes_before_there_may_be_a_token_nor_waits_much_longer(
    asks: list[tuple[float, float]], rate: float
) -> None:
    now, waiting = MIDDAY, Hand()
    for pause, soonest in asks:
        now += SECOND * pause
        until, waiting = promised(waiting, now + SECOND * soonest, rate, now)
        assert now + SECOND * soonest <= until <= now + max(SECOND * max(soonest, 1 / rate), LONGEST_PROMISE)
