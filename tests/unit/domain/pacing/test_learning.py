"""What ARM's answers say is believed: how much is left, how fast it comes, and when to come again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pacing.bucket import EVERYTHING, Bucket, Kind, Measure, locked_until, refilled
from shared.domain.pacing.learning import LONGEST_LOCK, learned, refused
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)
FULL = Bucket(subscription="s", kind=Kind.WRITES, left=200, at=MIDDAY)


def test_the_lower_of_two_numbers_is_believed_less_what_others_may_hold() -> None:
    assert learned(FULL, 100, 199, MIDDAY, MIDDAY).left == 90
    few = msgspec.structs.replace(FULL, left=50)
    assert learned(few, 100, 199, MIDDAY, MIDDAY).left == 50


def test_what_was_told_a_while_ago_has_grown_since() -> None:
    assert learned(FULL, 100, 199, MIDDAY - 3 * SECOND, MIDDAY).left == pytest.approx(120)


@pytest.mark.parametrize(("most", "holds"), [(19, 20), (149, 150), (199, 200), (3749, 200)])
def test_a_bucket_holds_what_anybody_was_told_and_no_more_than_is_documented(most: int, holds: int) -> None:
    assert learned(FULL, 10, most, MIDDAY, MIDDAY).most == holds


def test_a_bucket_that_anybody_has_seen_fuller_is_as_large_as_that() -> None:
    small = learned(FULL, 10, 19, MIDDAY, MIDDAY)
    assert learned(small, 10, 99, MIDDAY, MIDDAY).most == 100
    assert learned(small, 10, 5, MIDDAY, MIDDAY).most == 20


def test_a_429_locks_everything_for_as_long_as_it_says() -> None:
    locked = refused(FULL, EVERYTHING, 7 * SECOND, MIDDAY)
    assert locked_until(locked, "PUT runs", MIDDAY) == MIDDAY + 7 * SECOND
    assert locked.left == 0


def test_a_429_of_one_operation_leaves_the_others_and_the_bucket() -> None:
    locked = refused(FULL, "POST import", 7 * SECOND, MIDDAY)
    assert locked_until(locked, "POST import", MIDDAY) == MIDDAY + 7 * SECOND
    assert locked_until(locked, "PUT runs", MIDDAY) is None
    assert locked.left == 200


def test_of_two_times_to_come_again_the_later_one_counts() -> None:
    locked = refused(refused(FULL, EVERYTHING, 60 * SECOND, MIDDAY), EVERYTHING, SECOND, MIDDAY + SECOND)
    assert locked_until(locked, "", MIDDAY + SECOND) == MIDDAY + 60 * SECOND


@pytest.mark.parametrize(
    ("wait", "locked_for"), [(timedelta(0), SECOND), (timedelta(days=1), LONGEST_LOCK), (-SECOND, SECOND)]
)
def test_arm_is_left_alone_for_a_second_at_least_and_an_hour_at_most(wait: timedelta, locked_for: timedelta) -> None:
    assert locked_until(refused(FULL, EVERYTHING, wait, MIDDAY), "", MIDDAY) == MIDDAY + locked_for


def test_one_refusal_makes_no_bucket_slower() -> None:
    assert refused(FULL, EVERYTHING, SECOND, MIDDAY).rate == 10


def test_a_bucket_that_is_empty_twice_within_a_minute_is_as_slow_as_what_was_used_says() -> None:
    once = refused(FULL, EVERYTHING, SECOND, MIDDAY)
    spent = msgspec.structs.replace(once, handed=once.handed + 60)
    assert refused(spent, EVERYTHING, SECOND, MIDDAY + 10 * SECOND).rate == pytest.approx(6)
    assert refused(spent, EVERYTHING, SECOND, MIDDAY + 10 * SECOND, unused=20).rate == pytest.approx(4)


def test_many_refusals_at_one_time_make_a_bucket_slower_once() -> None:
    found = refused(FULL, EVERYTHING, SECOND, MIDDAY)
    for tenth in range(20):
        found = refused(found, EVERYTHING, SECOND, MIDDAY + SECOND * tenth / 10)
    assert found.rate == 10


def test_a_bucket_that_was_taken_for_slower_than_it_is_shows_it_by_filling() -> None:
    slow = msgspec.structs.replace(FULL, left=0, per_second=2.0, handed=100, measured=Measure(0, MIDDAY, 100))
    later = MIDDAY + 10 * SECOND
    handed = msgspec.structs.replace(slow, handed=120)
    assert learned(handed, 50, 199, later, later).rate == pytest.approx(7)
    assert learned(handed, 0, 199, later, later).rate == pytest.approx(2)
    assert learned(handed, 150, 199, later, later).rate == 10


_EVENTS = st.lists(
    st.tuples(st.floats(0, 100), st.booleans(), st.integers(0, 5000), st.integers(0, 200), st.integers(-100, 100)),
    max_size=30,
)


@given(_EVENTS)
def test_whatever_is_said_the_bucket_fills_again(events: list[tuple[float, bool, int, int, int]]) -> None:
    """Answers out of order, by clocks that differ: none is ever empty for good, faster or larger than documented."""
    now, known = MIDDAY, FULL
    for pause, is_refusal, left, handed, skew in events:
        now += SECOND * pause
        known = msgspec.structs.replace(known, handed=known.handed + handed)
        if is_refusal:
            known = refused(known, EVERYTHING, SECOND * left / 100, now + SECOND * skew)
        else:
            known = learned(known, left, left, now - SECOND * abs(skew), now + SECOND * skew)
        assert 0.2 <= known.rate <= 10
        assert known.left <= known.most <= 200
    later = now + timedelta(hours=2)
    assert refilled(known, later).left == known.most
    assert locked_until(known, "", later) is None
