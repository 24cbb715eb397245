"""Timer triggers: on time, one at a time, by hand, and late after a stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from infra.local.host.invoke import Invoker
from infra.local.host.metadata import Function
from infra.local.host.ncrontab import parse
from infra.local.host.schedule_status import ScheduleStatus, StatusStore
from infra.local.host.timers import TimerListener
from tests.twin.host_fixtures import SampleTwin, eventually, sample

__all__ = ["sample"]

pytestmark = pytest.mark.twin


def test_a_timer_runs_again_and_again_but_never_twice_at_once(sample: SampleTwin) -> None:
    sample.wait_for(4, function="tick ended")
    marks = [note["function"] for note in sample.notes() if note["function"] in ("tick", "tick ended")]
    assert marks[:8] == ["tick", "tick ended"] * 4


def test_a_timer_can_be_run_by_hand_with_the_key(sample: SampleTwin) -> None:
    url = f"{sample.twin.topology.http('host')}/admin/functions/yearly"
    headers = {"x-functions-key": sample.twin.topology.master_key}
    assert requests.post(url, json={"input": ""}, headers=headers, timeout=5).status_code == 202
    assert sample.wait_for(1, function="yearly")[0]["past_due"] is False
    assert requests.post(url, json={"input": ""}, timeout=5).status_code == 401
    assert requests.post(url, data="not json", headers=headers, timeout=5).status_code == 415
    assert requests.post(f"{url}x", json={}, headers=headers, timeout=5).status_code == 404


def _store(sample: SampleTwin) -> StatusStore:
    return StatusStore(BlobServiceClient.from_connection_string(sample.twin.environment()["AzureWebJobsStorage"]))


def _listener(name: str, runs: list[Any], store: StatusStore | None, **trigger: Any) -> TimerListener:
    def run(timer: Any) -> None:
        runs.append(timer)

    function = Function(name, "timerTrigger", "timer", trigger, run, False)
    return TimerListener(function, parse("0 0 0 1 1 *"), Invoker(), store)


def test_a_run_missed_while_no_host_ran_is_made_up_once_and_says_so(sample: SampleTwin) -> None:
    runs: list[Any] = []
    store = _store(sample)
    last = datetime.now(UTC) - timedelta(days=400)
    store.write("missed", ScheduleStatus(last, parse("0 0 0 1 1 *").next_after(last), last))
    listener = _listener("missed", runs, store)
    listener.start()
    (timer,) = eventually(lambda: runs or None)
    assert timer.past_due is True
    stored = eventually(lambda: status if (status := store.read("missed")) and status.last != last else None)
    assert stored.next > datetime.now(UTC)
    listener.stop()


def test_a_timer_that_never_ran_writes_when_it_is_due(sample: SampleTwin) -> None:
    runs: list[Any] = []
    store = _store(sample)
    listener = _listener("fresh", runs, store)
    listener.start()
    status = eventually(lambda: store.read("fresh"))
    listener.stop()
    assert (status.last, runs) == (None, [])
    assert json.dumps(status.to_json()).startswith('{"Last": "0001-01-01T00:00:00+00:00", "Next": ')


def test_run_on_startup_runs_at_once_without_being_past_due() -> None:
    runs: list[Any] = []
    listener = _listener("eager", runs, None, runOnStartup=True)
    listener.start()
    (timer,) = eventually(lambda: runs or None)
    listener.stop()
    assert timer.past_due is False


def test_a_failing_timer_keeps_its_schedule() -> None:
    runs: list[Any] = []

    def fail(timer: Any) -> None:
        runs.append(timer)
        raise ValueError("asked to fail")

    function = Function("failing", "timerTrigger", "timer", {}, fail, False)
    listener = TimerListener(function, parse("* * * * * *"), Invoker(), None)
    listener.start()
    eventually(lambda: True if len(runs) >= 2 else None)
    listener.stop()
    assert all(timer.past_due is False for timer in runs)
