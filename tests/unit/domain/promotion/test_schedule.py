"""When to look again: often at first, ever less often later, and never before it was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.schedule import (
    MOST_ATTEMPTS,
    is_overdue,
    pause_before_look,
    pause_before_retry,
    together_by,
)
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
lengths = st.timedeltas(timedelta(0), timedelta(hours=8))


@given(lengths)
def test_a_look_comes_after_one_to_thirty_seconds(running_for: timedelta) -> None:
    assert SECOND <= pause_before_look(running_for) <= 30 * SECOND


@given(lengths, lengths)
def test_the_longer_an_operation_runs_the_longer_it_is_left_alone(one: timedelta, other: timedelta) -> None:
    shorter, longer = sorted((one, other))
    assert pause_before_look(shorter) <= pause_before_look(longer)


@given(lengths, st.floats(0, 86_400))
def test_a_look_never_comes_before_the_service_asked_for_it(running_for: timedelta, asked: float) -> None:
    assert pause_before_look(running_for, asked) >= timedelta(seconds=asked)


@pytest.mark.parametrize(("length", "most"), [(10 * SECOND, 8), (10 * MINUTE, 40), (8 * HOUR, 1000)])
def test_an_operation_is_looked_at_a_bounded_number_of_times(length: timedelta, most: int) -> None:
    passed, looks = timedelta(0), 0
    while passed < length:
        passed += pause_before_look(passed)
        looks += 1
    assert looks <= most


@pytest.mark.parametrize(
    ("length", "late"),
    [(timedelta(seconds=seconds), max(SECOND, timedelta(seconds=seconds / 3))) for seconds in range(90)],
)
def test_the_end_of_a_short_operation_is_seen_at_most_a_third_of_its_length_too_late(
    length: timedelta, late: timedelta
) -> None:
    passed = timedelta(0)
    while passed < length:
        passed += pause_before_look(passed)
    assert passed - length <= late


def test_retries_wait_fifteen_seconds_and_twice_as_long_each_time_up_to_an_hour() -> None:
    pauses = [pause_before_retry(attempt) // SECOND for attempt in range(1, 12)]
    assert pauses == [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_step_is_tried_for_about_five_hours() -> None:
    total = sum((pause_before_retry(attempt) for attempt in range(1, MOST_ATTEMPTS)), timedelta(0))
    assert 3 * HOUR < total < 5 * HOUR


@given(st.integers(-5, 10**9), st.floats(0, 86_400))
def test_a_retry_never_comes_before_the_service_asked_for_it(attempt: int, asked: float) -> None:
    assert max(15 * SECOND, timedelta(seconds=asked)) <= pause_before_retry(attempt, asked)
    assert pause_before_retry(attempt, asked) <= max(HOUR, timedelta(seconds=asked))


@pytest.mark.parametrize(
    ("late", "overdue"), [(-HOUR, False), (0 * SECOND, False), (MINUTE, False), (61 * SECOND, True)]
)
def test_a_message_is_taken_for_lost_a_minute_after_its_time(late: timedelta, overdue: bool) -> None:
    assert is_overdue(NOON, NOON + late) is overdue


@pytest.mark.parametrize(
    ("pause", "later"), [(-HOUR, SECOND), (0 * SECOND, SECOND), (16 * SECOND, SECOND), (80 * SECOND, 5 * SECOND)]
)
def test_what_comes_due_soon_after_is_looked_at_together(pause: timedelta, later: timedelta) -> None:
    assert together_by(NOON + pause, NOON) == NOON + pause + later
