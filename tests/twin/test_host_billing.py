"""Billing: the union of an instance's busy time, a second a period at least, then in steps of a tenth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.host.billing import Meter, billed_seconds

pytestmark = pytest.mark.twin


@pytest.mark.parametrize(
    ("period", "billed"), [(0.0, 1.0), (0.02, 1.0), (1.0, 1.0), (1.001, 1.1), (1.1, 1.1), (1.101, 1.2), (90.25, 90.3)]
)
def test_a_period_counts_a_second_at_least_and_then_by_tenths(period: float, billed: float) -> None:
    assert billed_seconds(period) == billed


def test_calls_that_overlap_are_billed_once() -> None:
    meter = Meter()
    meter.began(10.0)
    meter.began(11.0)
    meter.ended(12.0)
    meter.ended(14.5)
    assert (meter.busy(99.0), meter.billed(99.0)) == (4.5, 4.5)


def test_calls_one_after_another_are_periods_of_their_own() -> None:
    meter = Meter()
    for start in (10.0, 20.0, 30.0):
        meter.began(start)
        meter.ended(start + 0.25)
    assert (meter.busy(99.0), meter.billed(99.0)) == (0.75, 3.0)


def test_what_runs_counts_up_to_now_and_is_counted_once() -> None:
    meter = Meter()
    meter.began(10.0)
    assert (meter.running, meter.busy(12.0), meter.billed(12.0)) == (1, 2.0, 2.0)
    meter.ended(13.0)
    assert (meter.running, meter.busy(99.0), meter.billed(99.0)) == (0, 3.0, 3.0)


def test_an_instance_that_is_killed_is_billed_up_to_then() -> None:
    meter = Meter()
    meter.began(10.0)
    meter.began(11.0)
    meter.cut(13.0)
    assert (meter.running, meter.busy(99.0), meter.billed(99.0)) == (0, 3.0, 3.0)


def test_an_idle_instance_that_is_killed_costs_nothing() -> None:
    meter = Meter()
    meter.cut(13.0)
    assert (meter.busy(99.0), meter.billed(99.0)) == (0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1))
def test_busy_time_is_the_union_of_all_calls(calls: list[tuple[int, int]]) -> None:
    # At one moment ends come after begins: calls that touch are one period.
    marks = [*((start, 0) for start, _ in calls), *((start + length, 1) for start, length in calls)]
    meter = Meter()
    for at, ends in sorted(marks):
        (meter.ended if ends else meter.began)(float(at))
    covered = {second for start, length in calls for second in range(start, start + length)}
    assert meter.busy(999.0) == meter.billed(999.0) == len(covered)
