"""A freeze begins as cron says, in its zone, lasts as long as it says, and joins others that overlap it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.policy.freezing import freeze_problem, frozen_until
from shared.domain.policy.policy import span_of
from shared.domain.policy.promoting import Freeze

pytestmark = pytest.mark.unit

WEEKEND = Freeze(cron="0 17 * * FRI", span="62h", zone="Europe/Berlin")


def utc(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES = [
    pytest.param("2026-01-09T15:59", None, id="a minute before it begins"),
    pytest.param("2026-01-09T16:00", "2026-01-12T06:00", id="when it begins"),
    pytest.param("2026-01-12T05:59", "2026-01-12T06:00", id="a minute before it ends"),
    pytest.param("2026-01-12T06:00", None, id="when it ends"),
    pytest.param("2026-07-10T15:00", "2026-07-13T05:00", id="in summer it begins an hour earlier"),
    pytest.param("2026-03-28T12:00", "2026-03-30T06:00", id="clocks go forward meanwhile: it lasts as long"),
    pytest.param("2026-10-25T12:00", "2026-10-26T05:00", id="clocks go back meanwhile: it lasts as long"),
]


@pytest.mark.parametrize(("now", "until"), CASES)
def test_a_weekend_in_berlin_is_frozen_to_the_minute(now: str, until: str | None) -> None:
    assert frozen_until([WEEKEND], utc(now)) == (utc(until) if until else None)


NIGHT = Freeze(cron="30 2 * * *", span="2h", zone="Europe/Berlin")


def test_what_begins_in_the_hour_that_is_left_out_begins_right_after_it() -> None:
    assert frozen_until([NIGHT], utc("2026-03-29T00:59")) is None
    assert frozen_until([NIGHT], utc("2026-03-29T01:00")) == utc("2026-03-29T03:00")


def test_what_begins_in_the_hour_that_comes_twice_begins_once_and_lasts() -> None:
    assert frozen_until([NIGHT], utc("2026-10-25T00:29")) is None
    for minute in ("00:30", "01:05", "01:31", "02:29"):
        assert frozen_until([NIGHT], utc(f"2026-10-25T{minute}")) == utc("2026-10-25T02:30")
    assert frozen_until([NIGHT], utc("2026-10-25T02:30")) is None


def test_freezes_that_overlap_or_meet_are_one() -> None:
    freezes = [
        Freeze(cron="0 10 1 1 *", span="2h"),
        Freeze(cron="0 12 1 1 *", span="1h"),
        Freeze(cron="30 12 1 1 *", span="90m"),
    ]
    assert frozen_until(freezes, utc("2026-01-01T10:00")) == utc("2026-01-01T14:00")


def test_freezes_with_a_gap_are_two() -> None:
    freezes = [Freeze(cron="0 10 1 1 *", span="1h"), Freeze(cron="1 11 1 1 *", span="1h")]
    assert frozen_until(freezes, utc("2026-01-01T10:30")) == utc("2026-01-01T11:00")
    assert frozen_until(freezes, utc("2026-01-01T11:00")) is None


def test_without_freezes_nothing_is_frozen() -> None:
    assert frozen_until([], utc("2026-01-01T10:00")) is None


WRONG = [
    pytest.param("0 17 * *", "1h", "UTC", "cron", id="four fields"),
    pytest.param("0 0 17 * * FRI", "1h", "UTC", "cron", id="six fields"),
    pytest.param("0 25 * * *", "1h", "UTC", "cron", id="no such hour"),
    pytest.param("0 17 * * FREE", "1h", "UTC", "cron", id="no such day"),
    pytest.param("0 0 30 2 *", "1h", "UTC", "cron", id="never comes"),
    pytest.param("0 17 * * FRI", "62h", "Europe/Bärlin", "zone", id="no such zone"),
    pytest.param("0 17 * * FRI", "62h", "../../etc/passwd", "zone", id="a path"),
    pytest.param("0 17 * * FRI", "62h", "Europe", "zone", id="a folder of zones"),
    pytest.param("0 0 * * *", "24h", "UTC", "for", id="never ends"),
    pytest.param("* * * * *", "1h", "UTC", "for", id="never ends, minute by minute"),
    pytest.param("0 0 1 1 *", "9999w", "UTC", "for", id="never ends, year by year"),
]


@pytest.mark.parametrize(("cron", "span", "zone", "field"), WRONG)
def test_what_nobody_can_go_by_is_told_with_its_field(cron: str, span: str, zone: str, field: str) -> None:
    problem = freeze_problem(Freeze(cron=cron, span=span, zone=zone))
    assert problem is not None
    assert problem[0] == field


@pytest.mark.parametrize("cron", ["0 17 * * FRI", "*/15 8-17 * * mon-fri", "0 0 1,15 * *", "0 0 L * *", "0 8 29 feb *"])
def test_what_cron_reads_is_read(cron: str) -> None:
    assert freeze_problem(Freeze(cron=cron, span="10m", zone="America/New_York")) is None


@given(cron=st.text(alphabet="0123456789*/,-#LW FRIMON", min_size=9, max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_is_read_or_told(cron: str) -> None:
    problem = freeze_problem(Freeze(cron=cron, span="1m"))
    assert problem is None or problem[0] in {"cron", "for"}


@given(
    minutes=st.integers(0, 60 * 24 * 400),
    hour=st.integers(0, 23),
    day=st.sampled_from(["*", "MON", "SAT,SUN", "2-5"]),
    span=st.sampled_from(["30m", "3h", "11h", "26h", "3d"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
@settings(max_examples=150, deadline=None)
def test_the_end_is_the_first_moment_that_is_not_frozen(
    minutes: int, hour: int, day: str, span: str, zone: str
) -> None:
    freezes, now = (
        [Freeze(cron=f"30 {hour} * * {day}", span=span, zone=zone)],
        utc("2026-01-01") + timedelta(minutes=minutes),
    )
    until = frozen_until(freezes, now)
    if until is None or span_of(span) > timedelta(hours=24):
        return
    assert now < until <= now + span_of(span) + timedelta(hours=1)
    assert frozen_until(freezes, until - timedelta(minutes=1)) == until
    assert frozen_until(freezes, until) is None
