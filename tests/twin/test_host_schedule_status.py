"""Schedule status: what a timer makes of its last run when the host starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.host.ncrontab import parse
from infra.local.host.schedule_status import ScheduleStatus, needs_store, resume

pytestmark = pytest.mark.twin

_HOURLY = parse("0 0 * * * *")
_NOON = datetime(2026, 3, 10, 12, 0, 0, tzinfo=UTC)
_STORED = ScheduleStatus(last=_NOON, next=_NOON + timedelta(hours=1), updated=_NOON)


def test_a_timer_that_never_ran_waits_for_its_first_occurrence() -> None:
    assert resume(None, _HOURLY, _NOON) == (ScheduleStatus(None, _NOON + timedelta(hours=1), _NOON), False)


def test_an_occurrence_that_passed_while_no_host_ran_is_past_due() -> None:
    assert resume(_STORED, _HOURLY, _NOON + timedelta(minutes=61)) == (_STORED, True)


def test_an_occurrence_still_to_come_is_not_past_due() -> None:
    assert resume(_STORED, _HOURLY, _NOON + timedelta(minutes=59)) == (_STORED, False)


def test_a_changed_schedule_is_not_past_due_but_starts_from_now() -> None:
    now = _NOON + timedelta(minutes=30)
    status, past_due = resume(_STORED, parse("0 */5 * * * *"), now)
    assert (status.next, past_due) == (now + timedelta(minutes=5), False)


def test_a_status_survives_being_written_and_read() -> None:
    never = ScheduleStatus(None, _NOON, _NOON)
    assert ScheduleStatus.from_json(_STORED.to_json()) == _STORED
    assert ScheduleStatus.from_json(never.to_json()) == never


@pytest.mark.parametrize(
    ("expression", "kept"),
    [("*/1 * * * * *", False), ("*/30 * * * * *", False), ("0 * * * * *", True), ("* 0 * * * *", True)],
)
def test_only_schedules_of_a_minute_or_more_are_monitored(expression: str, kept: bool) -> None:
    assert needs_store(parse(expression), _NOON + timedelta(seconds=5)) is kept
