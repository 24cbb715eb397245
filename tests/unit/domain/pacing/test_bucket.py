"""A bucket of ARM: never more is handed out than there is or comes, and what is nearly done goes first."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pacing.bucket import (
    BLOCK,
    EVERYTHING,
    HORIZON,
    KEPT_FOR,
    SHARE_KEPT,
    SIZES,
    Block,
    Bucket,
    Kind,
    Lock,
    Measure,
    Refused,
    Wait,
    Work,
    given_back,
    locked_until,
    next_of,
    refilled,
    take,
    there,
    used,
)
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

FRESH = Bucket(subscription="s", kind=Kind.WRITES)
SECOND = timedelta(seconds=1)
_STEPS = st.lists(st.tuples(st.floats(0, 5), st.sampled_from(Work)), max_size=60)


def bucket(left: float, booked: float = 0.0) -> Bucket:
    """Return a bucket of writes as it was at noon."""
    return msgspec.structs.replace(FRESH, left=left, booked=booked, at=MIDDAY)


def taken(from_: Bucket, work: Work, now: datetime = MIDDAY) -> Block:
    """Return the block that is taken from a bucket."""
    found = take(from_, work, now)[0]
    assert isinstance(found, Block)
    return found


def put_off(from_: Bucket, work: Work, now: datetime = MIDDAY) -> Refused:
    """Return why nothing is taken from a bucket."""
    found = take(from_, work, now)[0]
    assert isinstance(found, Refused)
    return found


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("work", Work)
def test_a_bucket_of_which_nothing_is_known_is_taken_for_full(kind: Kind, work: Work) -> None:
    block, left = take(Bucket(subscription="s", kind=kind), work, MIDDAY)
    assert isinstance(block, Block)
    assert (block.at_once, block.ahead, left.left) == (BLOCK, 0, SIZES[kind].most - BLOCK)


def test_a_bucket_fills_as_fast_as_is_documented_and_no_further() -> None:
    assert refilled(bucket(5), MIDDAY + 2 * SECOND).left == pytest.approx(25)
    assert refilled(bucket(5), MIDDAY + 60 * SECOND).left == 200


def test_what_comes_goes_first_to_those_who_booked_it() -> None:
    later = refilled(bucket(5, booked=15), MIDDAY + SECOND)
    assert (later.left, later.booked) == (5, pytest.approx(5))
    later = refilled(bucket(5, booked=15), MIDDAY + 2 * SECOND)
    assert (later.left, later.booked) == (pytest.approx(10), 0)


def test_a_clock_that_is_behind_the_writers_sees_nothing_come_and_goes_on_from_there() -> None:
    behind = refilled(bucket(5), MIDDAY - timedelta(hours=1))
    assert behind.left == 5
    assert refilled(behind, MIDDAY - timedelta(hours=1) + SECOND).left == pytest.approx(15)


_LAST = {Work.VERDICT, Work.PROMOTION, Work.REBUILD}


@pytest.mark.parametrize(
    ("left", "may"), [(41.5, {*Work}), (40.5, {Work.GATE, *_LAST}), (20.5, _LAST), (1.5, _LAST), (0.5, set())]
)
def test_the_last_tokens_are_kept_for_what_is_nearly_done(left: float, may: set[Work]) -> None:
    found = {work: take(bucket(left), work, MIDDAY)[0] for work in Work}
    assert {work for work, block in found.items() if isinstance(block, Block) and block.at_once} == may


@pytest.mark.parametrize(("left", "why"), [(40, Wait.KEPT), (1, Wait.KEPT), (0, Wait.SPENT), (-3, Wait.SPENT)])
def test_who_gets_nothing_is_told_why_and_when_there_may_be_something(left: float, why: Wait) -> None:
    refused = put_off(bucket(left, booked=80), Work.IMPORT)
    assert refused == Refused(why, MIDDAY + SECOND * (80 + 40 - left + 1) / 10)


def test_who_gets_nothing_takes_nothing() -> None:
    assert take(bucket(0, booked=80), Work.PROMOTION, MIDDAY)[1] == bucket(0, booked=80)


def test_a_block_of_an_empty_bucket_is_booked_ahead_and_comes_one_by_one() -> None:
    block = taken(bucket(0), Work.PROMOTION)
    assert (block.at_once, block.ahead, block.first) == (0, BLOCK, MIDDAY + SECOND / 10)
    assert [there(block, MIDDAY + SECOND * tenths / 10) for tenths in (0, 1, 5, 19, 20, 100)] == [0, 1, 5, 19, 20, 20]


def test_nobody_books_what_comes_too_late() -> None:
    soon = bucket(0, booked=33)
    assert taken(soon, Work.PROMOTION).ahead == 7
    assert put_off(bucket(0, booked=40), Work.PROMOTION).until == MIDDAY + HORIZON + SECOND / 10


def test_what_earlier_stages_booked_leaves_the_last_tokens_to_later_ones() -> None:
    first, left = take(bucket(40), Work.IMPORT, MIDDAY)
    assert isinstance(first, Block)
    assert (first.at_once, first.ahead, left.left) == (0, BLOCK, 40)
    assert taken(left, Work.PROMOTION).at_once == 20


def test_one_instance_does_not_take_all_that_is_kept_for_later_stages() -> None:
    blocks, left = [], bucket(40)
    for _ in range(5):
        block, left = take(left, Work.PROMOTION, MIDDAY)
        assert isinstance(block, Block)
        blocks.append(block.at_once)
    assert blocks == [20, 10, 5, 3, 1]


def test_a_token_that_was_used_is_not_there_again() -> None:
    block = used(used(Block(2, 1, MIDDAY + SECOND, 1.0)))
    assert there(block, MIDDAY) == 0
    assert next_of(block, MIDDAY) == MIDDAY + SECOND
    assert there(block, MIDDAY + SECOND) == 1
    assert next_of(used(block), MIDDAY) is None


def test_what_was_not_used_is_there_again_and_no_bucket_holds_more_than_it_can() -> None:
    block, left = take(bucket(100), Work.PROMOTION, MIDDAY)
    assert isinstance(block, Block)
    assert given_back(left, block.at_once, MIDDAY) == bucket(100)
    assert given_back(bucket(195), 20, MIDDAY).left == SIZES[Kind.WRITES].most


def test_what_a_block_has_left_long_after_its_last_token_came_is_not_used_any_more() -> None:
    block = taken(bucket(0), Work.PROMOTION)
    ends = MIDDAY + 2 * SECOND + KEPT_FOR
    assert there(block, ends - SECOND) == BLOCK
    assert there(block, ends + SECOND) == 0
    assert next_of(block, ends + SECOND) is None


def test_what_was_taken_for_slow_is_tried_at_twice_that_each_minute_in_which_nothing_is_said() -> None:
    slow = msgspec.structs.replace(bucket(0), per_second=0.5, measured=Measure(0.0, MIDDAY, 0))
    rates = [refilled(slow, MIDDAY + seconds * SECOND).rate for seconds in (59, 60, 119, 120, 240, 300, 10**9)]
    assert rates == [0.5, 1.0, 1.0, 2.0, 8.0, 10.0, 10.0]
    tried = refilled(slow, MIDDAY + 60 * SECOND)
    assert refilled(tried, MIDDAY + 119 * SECOND).rate == 1.0
    assert refilled(tried, MIDDAY + 120 * SECOND).rate == 2.0


def test_what_is_as_fast_as_documented_stays_so() -> None:
    assert refilled(bucket(0), MIDDAY + 600 * SECOND).per_second == 0.0


def test_a_lock_is_about_everything_or_about_one_operation() -> None:
    locked = msgspec.structs.replace(bucket(5), locks=(Lock("POST import", MIDDAY + SECOND),))
    assert locked_until(locked, "POST import", MIDDAY) == MIDDAY + SECOND
    assert locked_until(locked, "PUT runs", MIDDAY) is None
    everything = msgspec.structs.replace(bucket(5), locks=(*locked.locks, Lock(EVERYTHING, MIDDAY + 2 * SECOND)))
    assert locked_until(everything, "POST import", MIDDAY) == MIDDAY + 2 * SECOND
    assert locked_until(everything, "PUT runs", MIDDAY) == MIDDAY + 2 * SECOND
    assert locked_until(everything, "PUT runs", MIDDAY + 2 * SECOND) is None


def test_a_lock_that_has_passed_is_not_kept() -> None:
    locked = msgspec.structs.replace(bucket(5), locks=(Lock(EVERYTHING, MIDDAY + SECOND),))
    assert refilled(locked, MIDDAY + SECOND).locks == ()


@given(st.floats(-20, 200), _STEPS)
def test_never_more_is_handed_out_than_there_is_or_comes(left: float, steps: list[tuple[float, Work]]) -> None:
    """Every token is used at the moment at which it may be, as ARM's own bucket sees it."""
    now, row, uses = MIDDAY, bucket(left), list[datetime]()
    for pause, work in steps:
        now += SECOND * pause
        found, row = take(row, work, now)
        if isinstance(found, Block):
            assert 1 <= found.at_once + found.ahead <= BLOCK
            assert found.first + SECOND * max(found.ahead - 1, 0) / 10 <= now + HORIZON + SECOND / 100
            uses += [now] * found.at_once + [found.first + SECOND * number / 10 for number in range(found.ahead)]
    level, at = left, MIDDAY
    for use in sorted(uses):
        level = min(level + (use - at).total_seconds() * 10, 200) - 1
        assert level > -0.01
        at = use


@given(_STEPS)
def test_early_stages_leave_what_is_kept_at_every_moment(steps: list[tuple[float, Work]]) -> None:
    now, row = MIDDAY, bucket(200)
    for pause, work in steps:
        now += SECOND * pause
        before = refilled(row, now)
        row = take(row, work, now)[1]
        assert row.left >= min(before.left, 200 * SHARE_KEPT[work])
