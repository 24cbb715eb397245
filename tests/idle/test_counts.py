"""What is counted while nothing happens is told apart, added up and scaled."""

from __future__ import annotations

import pytest

from tests.idle.__main__ import how, kinds, line
from tests.idle.counts import SUBJECTS, Counts, added, scaled, told_apart, total
from tests.idle.idle import Idle

pytestmark = pytest.mark.unit

NOTHING: Counts = {subject: {} for subject in SUBJECTS}


def test_the_platforms_polls_and_those_that_found_nothing_are_told_from_the_apps_own() -> None:
    logged = {"queue QueueProperties": 95, "queue GetMessages": 30, "queue PeekMessages": 2, "queue PutMessage": 1}
    host: Counts = {"platform_polls": {"GetQueueMetadata": 90, "PeekMessages": 2}, "timer_status_calls": {}}
    assert told_apart(logged, 28, host)["queue"] == {
        "the platform's GetQueueMetadata": 90,
        "QueueProperties": 5,
        "the platform's PeekMessages": 2,
        "GetMessages that found nothing": 28,
        "GetMessages": 2,
        "PutMessage": 1,
    }


def test_what_the_host_notes_of_timers_is_told_from_the_apps_own_blobs() -> None:
    host: Counts = {"platform_polls": {}, "timer_status_calls": {"GET": 1, "PUT": 3}}
    found = told_apart({"blob Get": 4, "blob Put": 3, "blob Put lease": 9, "table Query": 7}, 0, host)
    assert found["blob"] == {"Get": 3, "Get of a timer's last run": 1, "Put of a timer's last run": 3, "Put lease": 9}
    assert found["table"] == {"Query": 7}


def test_a_request_that_the_storage_has_not_logged_yet_makes_no_count_below_nothing() -> None:
    host: Counts = {"platform_polls": {"GetQueueMetadata": 11}, "timer_status_calls": {}}
    assert told_apart({"queue QueueProperties": 10}, 0, host)["queue"] == {"the platform's GetQueueMetadata": 10}


def test_counts_are_added_kind_by_kind_and_scaled() -> None:
    one: Counts = {**NOTHING, "table": {"Query": 2, "Get": 1}}
    other: Counts = {**NOTHING, "table": {"Query": 3}, "queue": {"PutMessage": 1}}
    assert added(one, scaled(other, 2)) == {**NOTHING, "table": {"Query": 8, "Get": 1}, "queue": {"PutMessage": 2}}
    assert total(one, "table") == 3


def test_a_shortened_quarter_of_an_hour_is_the_check_once_and_the_time_before_as_often_as_fits() -> None:
    plain: Counts = {**NOTHING, "executions": {"sweep": 1}, "told": {"MetricData": 4_000}}
    check: Counts = {**NOTHING, "executions": {"sweep": 2, "check": 10}, "queue": {"PutMessage": 10}}
    counted = Idle(60, plain, 120, check, None, 0.25)
    assert counted.quarter["executions"] == {"sweep": 15, "check": 10}
    assert line(counted.quarter) == "idle: 10 queue operations, 0 table, 0 blob, 25 executions, 52 kB told"
    assert "the latter and 13.00 times the former. Shortened: " in how(counted)
    assert "Shortened" not in how(Idle(900, plain, 120, check, None, 0.25))
    assert "  executions: sweep: 15.0" in kinds(counted.quarter)
