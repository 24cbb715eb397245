"""The least pause between two runs of a schedule is what a calendar says that it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.host.ncrontab import Schedule
from shared.schedule_gaps import DAY, Times, shortest_gap

pytestmark = pytest.mark.unit

EVERY_DAY = {"days": tuple(range(1, 32)), "months": tuple(range(1, 13)), "weekdays": tuple(range(7))}


def some(least: int, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    values = st.sets(st.integers(least, most), min_size=1, max_size=3)
    return values.map(lambda found: tuple(sorted(found)))


def seen(times: Times, runs: int) -> int:
    """The least pause between the runs that a host would make, one after the other."""
    schedule = Schedule("", times.seconds, times.minutes, times.hours, times.days, times.months, times.weekdays)
    moments = [datetime(2000, 1, 1, tzinfo=UTC) - timedelta(seconds=1)]
    for _ in range(runs):
        moments.append(schedule.next_after(moments[-1]))
    return min(int((later - earlier).total_seconds()) for earlier, later in pairwise(moments[1:]))


@settings(max_examples=100, deadline=None)
@given(some(0, 59), some(0, 59), some(0, 23))
def test_on_days_that_follow_each_other_it_is_what_the_twins_host_does(
    seconds: tuple[int, ...], minutes: tuple[int, ...], hours: tuple[int, ...]
) -> None:
    times = Times(seconds, minutes, hours, **EVERY_DAY)
    # Two days, and the first run of the third.
    assert shortest_gap(times) == seen(times, 2 * len(seconds) * len(minutes) * len(hours) + 1)


@pytest.mark.parametrize(
    ("days", "weekdays", "gap"),
    [
        # The last and the first minute of a day: of two days running, of no two, and of a Friday and a Saturday.
        ((1, 2), tuple(range(7)), 60),
        ((1, 3), tuple(range(7)), DAY - 60),
        ((1, 31), tuple(range(7)), 60),
        (tuple(range(1, 32)), (5, 6), 60),
        (tuple(range(1, 32)), (0, 6), 60),
        (tuple(range(1, 32)), (1, 3, 5), DAY - 60),
    ],
)
def test_midnight_counts_where_a_day_and_the_next_both_run(
    days: tuple[int, ...], weekdays: tuple[int, ...], gap: int
) -> None:
    midnight = Times((0,), (0, 59), (0, 23), days, tuple(range(1, 13)), weekdays)
    assert shortest_gap(midnight) == min(gap, 59 * 60)


def test_what_runs_once_a_day_or_less_is_a_day_apart_at_most() -> None:
    assert shortest_gap(Times((0,), (0,), (9,), **EVERY_DAY)) == DAY
    assert shortest_gap(Times((0,), (0,), (9,), (1,), (1,), tuple(range(7)))) == DAY
