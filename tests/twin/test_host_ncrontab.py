"""NCRONTAB: what an expression means, and when it comes true next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.host.ncrontab import NcrontabError, Schedule, parse

pytestmark = pytest.mark.twin

_NOON = datetime(2026, 3, 10, 12, 0, 0, tzinfo=UTC)  # a Tuesday


def _next(expression: str, moment: datetime = _NOON) -> str:
    return parse(expression).next_after(moment).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-03-10 12:00:01"),
        ("*/1 * * * * *", "2026-03-10 12:00:01"),
        ("*/15 * * * * *", "2026-03-10 12:00:15"),
        ("0 * * * * *", "2026-03-10 12:01:00"),
        ("0 */5 * * * *", "2026-03-10 12:05:00"),
        ("0 5/20 * * * *", "2026-03-10 12:05:00"),
        ("0 0 * * * *", "2026-03-10 13:00:00"),
        ("0 0 */2 * * *", "2026-03-10 14:00:00"),
        ("0 0 9-17 * * *", "2026-03-10 13:00:00"),
        ("0 30 9 * * *", "2026-03-11 09:30:00"),
        ("0 30 9 * * 1-5", "2026-03-11 09:30:00"),
        ("0 30 9 * * Mon", "2026-03-16 09:30:00"),
        ("0 30 9 * * sun", "2026-03-15 09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04 09:30:00"),
        ("0 0 0 1 1 *", "2027-01-01 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        ("0 0 0 31 * *", "2026-03-31 00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31 23:59:59"),
        ("1,2,40-42/2 0 12 10 3 2", "2026-03-10 12:00:01"),
    ],
)
def test_the_next_occurrence_is_strictly_later(expression: str, expected: str) -> None:
    assert _next(expression) == expected


def test_a_day_must_satisfy_both_the_day_of_the_month_and_the_day_of_the_week() -> None:
    assert _next("0 0 0 13 * Fri") == "2026-03-13 00:00:00"
    assert _next("0 0 0 13 * Fri", _NOON + timedelta(days=5)) == "2026-11-13 00:00:00"


def test_a_backwards_range_is_the_same_range() -> None:
    assert parse("0 0 17-9 * * *").hours == parse("0 0 9-17 * * *").hours


def test_names_match_by_prefix_and_in_any_case() -> None:
    assert parse("0 0 0 * march,DEC monday-Wed") == Schedule(
        "0 0 0 * march,DEC monday-Wed", (0,), (0,), (0,), tuple(range(1, 32)), (3, 12), (1, 2, 3)
    )


def test_fractions_of_a_second_do_not_repeat_an_occurrence() -> None:
    assert _next("* * * * * *", _NOON + timedelta(milliseconds=1)) == "2026-03-10 12:00:01"


def test_29_february_is_found_across_a_century_without_one() -> None:
    assert _next("0 0 0 29 2 *", datetime(2096, 3, 1, tzinfo=UTC)) == "2104-02-29 00:00:00"


def test_29_february_on_a_weekday_is_found_40_years_ahead() -> None:
    assert _next("0 0 0 29 2 Sun", datetime(2096, 1, 1, tzinfo=UTC)) == "2128-02-29 00:00:00"


@pytest.mark.parametrize("expression", ["0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *"])
def test_an_expression_that_never_comes_true_is_said_to(expression: str) -> None:
    with pytest.raises(NcrontabError, match="never comes true"):
        _next(expression)


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("60 * * * * *", "second"),
        ("* 60 * * * *", "minute"),
        ("* * 24 * * *", "hour"),
        ("* * * 0 * *", "day"),
        ("* * * 32 * *", "day"),
        ("* * * * 13 *", "month"),
        ("* * * * * 7", "day of week"),
        ("*/0 * * * * *", "second: expected a step"),
        ("*/x * * * * *", "second: expected a step"),
        ("1, * * * * *", "second"),
        ("-1 * * * * *", "second"),
        ("1- * * * * *", "second"),
        ("Mon * * * * *", "second"),
        ("* * * * Smarch *", "month"),
        ("² * * * * *", "second"),
        ("* * * * *", "six fields"),
        ("* * * * * * *", "six fields"),
        ("", "six fields"),
    ],
)
def test_a_malformed_expression_is_refused_by_the_name_of_its_field(expression: str, field: str) -> None:
    with pytest.raises(NcrontabError, match=field):
        parse(expression)


@st.composite
def _expressions(draw: st.DrawFn) -> str:
    limits = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    return " ".join(draw(_field(least, most)) for least, most in limits)


def _field(least: int, most: int) -> st.SearchStrategy[str]:
    value = st.integers(least, most)
    return st.one_of(
        st.just("*"),
        value.map(str),
        st.tuples(value, value).map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.integers(1, most).map(lambda step: f"*/{step}"),
        st.lists(value, min_size=1, max_size=4).map(lambda values: ",".join(map(str, values))),
    )


@given(_expressions(), st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)))
@settings(max_examples=150, deadline=None)
def test_no_second_between_now_and_the_next_occurrence_satisfies_the_expression(
    expression: str, moment: datetime
) -> None:
    schedule = parse(expression)
    try:
        found = schedule.next_after(moment)
    except NcrontabError:
        return
    assert _satisfies(schedule, found)
    assert found > moment
    second = max(moment.replace(microsecond=0), found - timedelta(hours=3)) + timedelta(seconds=1)
    while second < found:
        assert not _satisfies(schedule, second)
        second += timedelta(seconds=1)


def _satisfies(schedule: Schedule, moment: datetime) -> bool:
    return (
        moment.second in schedule.seconds
        and moment.minute in schedule.minutes
        and moment.hour in schedule.hours
        and moment.day in schedule.days
        and moment.month in schedule.months
        and moment.isoweekday() % 7 in schedule.weekdays
    )
