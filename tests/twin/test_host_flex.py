"""The host as Flex Consumption scales it, on Azurite: instances come with work, have nothing in common, and go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from infra.local.twin.host_counts import host_counts, platform_transactions
from infra.local.twin.transactions import count_transactions
from tests.twin.host_fixtures import SampleTwin, eventually, running_sample

pytestmark = pytest.mark.twin

# The sample's host.json lets an instance hold six messages: a batch of four and a threshold of two.
_OPTIONS = (
    *("--scale", "flex", "--most-instances", "6", "--invisible-seconds", "6", "--timer-lease-seconds", "15"),
    *("--poll-seconds", "0.5", "--idle-seconds", "3", "--start-seconds", "0", "0.1", "--drain-seconds", "0.5", "0.6"),
    *("--seed", "7", "--memory-mb", "512"),
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleTwin]:
    """The sample app on the host, scaled."""
    with running_sample(tmp_path_factory.mktemp("flex"), "own", *_OPTIONS) as started:
        yield started


def _get(sample: SampleTwin, path: str, key: str = "") -> requests.Response:
    url = sample.twin.topology.http("host") + path
    return requests.get(url, headers={"x-functions-key": key}, timeout=30)


def _counts(sample: SampleTwin) -> Any:
    return host_counts(sample.twin.topology)


def _instances(sample: SampleTwin, group: str) -> list[Any]:
    return [one for one in _counts(sample)["instances"] if one["group"] == group]


def _wait_for_none(sample: SampleTwin, group: str) -> None:
    eventually(lambda: True if not _instances(sample, group) else None, 30)


def test_a_message_brings_an_instance_that_goes_when_nothing_is_left(sample: SampleTwin) -> None:
    _wait_for_none(sample, "work")
    sample.queue.send_message("wake up")
    sample.wait_for(1, text="wake up", seconds=30)
    assert [one["state"] for one in _instances(sample, "work")] == ["ready"]
    _wait_for_none(sample, "work")
    assert sample.queue.get_queue_properties().approximate_message_count == 0
    counts = _counts(sample)
    assert counts["executions"]["work"] == 1
    assert counts["lost"] == {}
    assert counts["billed_seconds"]["work"] == 1.0


def test_http_functions_answer_as_ever_from_an_instance_of_their_own(sample: SampleTwin) -> None:
    url = sample.twin.topology.http("host") + "/api/things/a%2Fb?x=1"
    headers = {"x-functions-key": sample.twin.topology.function_key}
    answer = requests.post(url, data=iter([b"in ", b"parts"]), headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["X-Sample"]) == (201, "yes")
    assert answer.json() | {"agent": ""} == {
        "thing": "a%2Fb",
        "query": {"x": "1"},
        "agent": "",
        "bytes": 8,
        "principal": None,
    }
    assert (_get(sample, "/api/things/1").status_code, _get(sample, "/api/nowhere").status_code) == (401, 404)
    assert len(_instances(sample, "http")) == 1


def test_a_timer_runs_on_one_instance_that_holds_its_lease(sample: SampleTwin) -> None:
    sample.wait_for(3, function="tick ended", seconds=30)
    marks = [note["function"] for note in sample.notes() if note["function"] in ("tick", "tick ended")]
    assert marks[:6] == ["tick", "tick ended"] * 3
    counts = eventually(lambda: found if (found := _counts(sample))["lease_calls"].get("renew") else None, 30)
    assert counts["most_at_once"]["tick"] == 1
    # The yearly timer's instance was there once, to find what was missed, and left word of when it is due.
    assert counts["starts"]["yearly"] == counts["timer_status_calls"]["PUT"] == 1


def test_a_function_run_by_hand_wakes_its_instance(sample: SampleTwin) -> None:
    _wait_for_none(sample, "yearly")
    url = f"{sample.twin.topology.http('host')}/admin/functions/yearly"
    headers = {"x-functions-key": sample.twin.topology.master_key}
    assert requests.post(url, json={"input": ""}, headers=headers, timeout=30).status_code == 202
    assert len(sample.wait_for(1, function="yearly")) == 1


def test_what_was_counted_is_for_the_master_key_alone(sample: SampleTwin) -> None:
    assert _get(sample, "/admin/local/counts").status_code == 401
    assert _get(sample, "/admin/local/counts", sample.twin.topology.function_key).status_code == 403


def test_the_platforms_polls_are_made_at_the_storage_and_counted_apart(sample: SampleTwin) -> None:
    _wait_for_none(sample, "work")
    azurite = sample.twin.log("azurite")
    before, start = _counts(sample), azurite.stat().st_size
    time.sleep(2)
    after = _counts(sample)
    made = eventually(lambda: _all_in(count_transactions(azurite, start), platform_transactions(before, after)), 5)
    # Two queues, each half a second.
    assert 4 <= made["queue QueueProperties"] <= 10
    assert made["queue GetMessages"] == 0


def _all_in(logged: Any, counted: Any) -> Any:
    """What Azurite logged, once it has logged all that was counted."""
    return logged if all(logged[kind] >= number for kind, number in counted.items()) else None


def test_more_messages_bring_more_instances_up_to_the_most_and_each_has_a_process_of_its_own(
    sample: SampleTwin,
) -> None:
    for number in range(18):
        sample.queue.send_message(f"sleep 2.{number:03}")
    sample.wait_for(18, function="slept", seconds=60)
    most = _counts(sample)["most_at_once"]
    assert most["work"] >= 2
    assert most["all"] <= 6


def test_draining_aborts_calls_whose_message_comes_back_when_its_invisibility_runs_out(sample: SampleTwin) -> None:
    _wait_for_none(sample, "work")
    aborted = _counts(sample)["aborted"].get("work", 0)
    # Two instances take a batch of four each, with one long call in it; when the others are done, one is enough.
    for number in (3.1, 15.1, 3.2, 3.3, 3.4, 15.2, 3.5, 3.6):
        sample.queue.send_message(f"sleep {number}")
    eventually(lambda: True if _counts(sample)["aborted"].get("work", 0) == aborted + 1 else None, 60)
    (again,) = eventually(lambda: sample.notes(function="work", count=2) or None, 30)
    assert again["text"] in ("sleep 15.1", "sleep 15.2")


def test_an_instance_that_is_killed_is_replaced(sample: SampleTwin) -> None:
    _get(sample, "/api/nowhere")
    (instance,) = _instances(sample, "http")
    os.kill(instance["pid"], signal.SIGKILL)
    eventually(lambda: True if _counts(sample)["lost"].get("http") == 1 else None, 30)
    assert _get(sample, "/api/nowhere").status_code == 404


def test_instances_end_with_their_host(sample: SampleTwin) -> None:
    _get(sample, "/api/nowhere")
    pids = [one["pid"] for one in _counts(sample)["instances"]]
    host = sample.twin.host_pid()
    assert pids and host
    os.kill(host, signal.SIGKILL)
    eventually(lambda: True if not any(_alive(pid) for pid in pids) else None, 30)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
