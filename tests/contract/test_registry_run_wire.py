"""What runs and tasks are on the wire, and what becomes of them when the other side fails."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from infra.local.topology import STAGING
from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.tasks import AcrTasks
from shared.domain.gate.run_log import LEFT_OUT
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import words_of
from shared.domain.promotion.rebuilds import Dependency
from shared.errors import MayNotRun, NotPermitted, Unavailable
from shared.run_ports import GateRun, Run
from tests.contract.registry_fixtures import Outside, emulator, outside, word
from tests.contract.registry_sites import RunsSite
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of
from tests.doubles.scans import scan_run

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

BASE_NODE = Dependency("base.azurecr.io", "base/node", "22", digest_of("node"))


@pytest.fixture
def runs(outside: Outside) -> RunsSite:
    """ACR Tasks of the staging registry."""
    return RunsSite(AcrTasks(outside.clients(), outside.registry_id(STAGING)), outside)


@pytest.fixture
def gate(word: str) -> GateRun:
    """A gate for an image of the test's own."""
    return gate_run(digest_of(word))


def test_a_gate_is_a_look_an_upload_and_a_task_run_and_the_first_a_look_at_the_registry(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    runs.runs.start_gate(word, gate)
    assert outside.counts("arm") == {
        "get taskRun": 1,
        "listBuildSourceUploadUrl": 1,
        "PUT source": 1,
        "get registry": 1,
        "put taskRun": 1,
    }
    runs.wait(word)


def test_the_next_run_of_the_same_gate_that_nobody_asked_for_before_is_one_request(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    runs.runs.start_gate(f"{word}-1", gate)
    outside.forget_counts()
    runs.runs.start_gate(f"{word}-2", gate, again=False)
    assert outside.counts("arm") == {"put taskRun": 1}
    assert {runs.wait(f"{word}-{number}").status for number in (1, 2)} == {RunStatus.SUCCEEDED}
    assert len(outside.runner.sources[1]) > 0


def test_an_upload_of_before_that_arm_does_not_take_any_more_is_made_anew_and_the_gate_runs_once(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    runs.runs.start_gate(f"{word}-1", gate)
    runs.wait(f"{word}-1")
    gone = {"error": {"code": "InvalidTaskRunRequest", "message": "The source location tasks/x was not found."}}
    outside.fault("arm", "status", kind="put taskRun", status=400, body=json.dumps(gone))
    before = runs.started()
    outside.forget_counts()
    runs.runs.start_gate(f"{word}-2", gate, again=False)
    assert (outside.counts("arm")["listBuildSourceUploadUrl"], outside.counts("arm")["PUT source"]) == (1, 1)
    assert runs.wait(f"{word}-2").status is RunStatus.SUCCEEDED
    assert runs.started() == before + 1


def test_many_who_look_at_runs_at_the_same_time_are_one_list_and_who_is_alone_is_one_request(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    outside.runner.hold.clear()
    ids = [runs.runs.start_gate(f"{word}-{number}", gate, again=False).run_id for number in range(20)]
    outside.forget_counts()
    with ThreadPoolExecutor(len(ids)) as threads:
        found = list(threads.map(runs.runs.look, ids))
    assert [run.run_id for run in found if run is not None and run.status in UNDER_WAY] == ids
    assert outside.counts("arm") == {"list runs": 1}
    outside.runner.hold.set()
    assert {runs.wait(f"{word}-{number}").status for number in range(20)} == {RunStatus.SUCCEEDED}
    outside.forget_counts()
    alone = AcrTasks(outside.clients(), outside.registry_id(STAGING))
    assert alone.look(ids[0]) == Run(ids[0], RunStatus.SUCCEEDED, named=False)
    assert sum(outside.counts("arm").values()) == 1


def test_a_list_that_arm_refuses_is_one_request_for_all_who_wait_for_it(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    ids = [runs.runs.start_gate(f"{word}-{number}", gate, again=False).run_id for number in range(8)]
    outside.forget_counts()
    outside.fault("arm", "status", kind="list runs", status=503, times=8)
    began = threading.Barrier(len(ids))

    def look(run_id: str) -> str:
        began.wait(10)
        with pytest.raises(Unavailable) as error:
            runs.runs.look(run_id)
        return str(error.value)

    with ThreadPoolExecutor(len(ids)) as threads:
        assert len(set(threads.map(look, ids))) == 1
    assert 1 <= outside.counts("arm")["list runs"] < len(ids)
    outside.control("DELETE", "/faults")
    for number in range(8):
        runs.wait(f"{word}-{number}")


def test_the_gates_files_arrive_with_the_request(outside: Outside, runs: RunsSite, gate: GateRun, word: str) -> None:
    runs.runs.start_gate(word, gate)
    runs.wait(word)
    request = outside.runner.requests[0]
    assert f"BASE_IMAGE=$Registry/base/node@{gate.digest}" in request.steps_yaml
    assert len(outside.runner.sources[0]) > 0


def test_a_run_that_has_ended_is_found_by_one_request_and_one_under_way_by_two(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    outside.runner.hold.clear()
    runs.runs.start_gate(word, gate)
    outside.forget_counts()
    runs.runs.find(word)
    assert outside.counts("arm") == {"get taskRun": 1, "get run": 1}
    outside.runner.hold.set()
    runs.wait(word)
    outside.forget_counts()
    runs.runs.find(word)
    assert outside.counts("arm") == {"get taskRun": 1}


def test_a_log_is_two_requests(outside: Outside, runs: RunsSite, gate: GateRun, word: str) -> None:
    runs.runs.start_gate(word, gate)
    run = runs.wait(word)
    outside.forget_counts()
    assert "Executing run" in runs.runs.log(run.run_id)
    assert outside.counts("arm") == {"listLogSasUrl": 1, "GET log": 1}


def test_of_a_long_log_beginning_and_end_are_kept_in_whole_lines(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    runs.end(gate.digest, RunStatus.FAILED, "the first word\n" + "x" * 99 * 20_000 + "\nthe very end")
    runs.runs.start_gate(word, gate)
    run = runs.wait(word)
    outside.forget_counts()
    log = runs.runs.log(run.run_id)
    assert len(log) < 1024 * 1024
    assert "the first word\n" in log
    assert LEFT_OUT in log
    assert log.endswith("the very end\n")
    assert not any(set(line) == {"x"} for line in log.splitlines())
    assert outside.counts("arm")["GET log"] == 2


def test_a_task_run_that_somebody_else_made_under_a_gates_name_is_strange(
    runs: RunsSite, gate: GateRun, word: str
) -> None:
    runs.runs.start_gate(word, msgspec.structs.replace(gate, words=words_of("somebody else's secret", 1, 1)))
    runs.wait(word)
    before = runs.started()
    assert "made by somebody else" in runs.runs.start_gate(word, gate).strange
    assert "made by somebody else" in runs.runs.find_gate(word, WORDS).strange
    assert runs.started() == before


def test_a_scan_is_a_look_and_a_task_run_and_the_first_a_look_at_the_registry_and_nothing_is_uploaded(
    outside: Outside, runs: RunsSite, word: str
) -> None:
    runs.runs.start_scan(f"{word}-1", scan_run(digest_of(word)))
    assert outside.counts("arm") == {"get taskRun": 1, "get registry": 1, "put taskRun": 1}
    outside.forget_counts()
    runs.runs.start_scan(f"{word}-2", scan_run(digest_of(word)), again=False)
    assert outside.counts("arm") == {"put taskRun": 1}
    assert {runs.wait(f"{word}-{number}").status for number in (1, 2)} == {RunStatus.SUCCEEDED}
    assert f"base/node@{digest_of(word)}" in outside.runner.requests[0].steps_yaml


def test_a_scan_put_twice_although_arm_broke_off_is_one_run(outside: Outside, runs: RunsSite, word: str) -> None:
    before = runs.started()
    outside.fault("arm", "drop", kind="put taskRun")
    with pytest.raises(Unavailable):
        runs.runs.start_scan(word, scan_run(digest_of(word)))
    runs.runs.start_scan(word, scan_run(digest_of(word)))
    runs.wait(word)
    assert runs.started() == before + 1


def test_a_task_run_that_somebody_else_made_under_a_scans_name_is_strange(runs: RunsSite, word: str) -> None:
    scan = scan_run(digest_of(word))
    runs.runs.start_scan(word, msgspec.structs.replace(scan, words=words_of("somebody else's secret", 1, 1)))
    runs.wait(word)
    before = runs.started()
    assert "made by somebody else" in runs.runs.start_scan(word, scan).strange
    assert "made by somebody else" in runs.runs.find_scan(word, WORDS).strange
    assert runs.started() == before


def test_a_log_that_is_still_being_written_is_not_read_yet(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    outside.runner.hold.clear()
    run = runs.runs.start_gate(word, gate)
    deadline = time.monotonic() + 5
    while not outside.runner.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(Unavailable, match="still being written"):
        runs.runs.log(run.run_id)
    outside.runner.hold.set()
    runs.wait(word)


def test_an_upload_that_is_refused_shows_no_signature(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    outside.fault("arm", "status", kind="PUT source", status=403)
    with pytest.raises(NotPermitted) as refused:
        runs.runs.start_gate(word, gate)
    assert "sig=" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_an_upload_that_breaks_off_shows_no_signature(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AzureClients.blob
    nowhere = f"localhost:{outside.topology.port('host')}"
    monkeypatch.setattr(
        AzureClients,
        "blob",
        lambda self, url: real(self, url.replace(outside.topology.address("arm"), nowhere), retry_total=0),
    )
    with pytest.raises(Unavailable) as error:
        runs.runs.start_gate(word, gate)
    assert "sig=" not in str(error.value)


def test_a_run_put_twice_although_arm_broke_off_is_one_run(
    outside: Outside, runs: RunsSite, gate: GateRun, word: str
) -> None:
    before = runs.started()
    outside.fault("arm", "drop", kind="put taskRun")
    with pytest.raises(Unavailable):
        runs.runs.start_gate(word, gate)
    runs.runs.start_gate(word, gate)
    runs.wait(word)
    assert runs.started() == before + 1


def test_a_task_that_may_not_be_run_is_told_with_the_right_and_the_task_and_begins_nothing(
    outside: Outside, runs: RunsSite, word: str
) -> None:
    task_id, before = runs.add_task(word, BASE_NODE, own_trigger=False), runs.started()
    refusal = {"error": {"code": "LinkedAuthorizationFailed", "message": f"may not tasks/write on {task_id}"}}
    outside.fault("arm", "status", kind="put taskRun", status=403, body=json.dumps(refusal))
    with pytest.raises(MayNotRun, match=f"lacks Microsoft.ContainerRegistry/registries/tasks/write on {task_id}"):
        runs.runs.start_task(f"{word}-rebuild", task_id)
    assert runs.runs.find(f"{word}-rebuild") is None
    runs.runs.start_task(f"{word}-rebuild", task_id)  # the right has come
    runs.wait(f"{word}-rebuild")
    assert runs.started() == before + 1


def test_a_task_that_has_never_run_is_listed_without_bases(outside: Outside, runs: RunsSite, word: str) -> None:
    place = outside.registry_id(STAGING)
    step = {"type": "EncodedTask", "encodedTaskContent": "", "contextPath": "/dev/null"}
    body = {"location": "local", "properties": {"step": step, "status": "Disabled"}}
    outside.clients().tasks(place.subscription).tasks.create(place.group, place.name, word, body)
    task = next(one.task for one in runs.runs.tasks() if one.task.name == word)
    assert (task.enabled, task.own_trigger, task.dependencies) == (False, False, ())


def test_a_list_of_runs_tells_when_the_run_of_a_task_ended_and_nothing_of_runs_that_are_older(
    runs: RunsSite, word: str
) -> None:
    began = datetime.now(UTC) - timedelta(seconds=2)
    runs.add_task(f"{word}-Task", BASE_NODE, own_trigger=False)
    ended = runs.runs.ended_since(began)
    assert ended is not None
    assert began < ended[f"{word}-task"] < datetime.now(UTC) + timedelta(seconds=2)
    assert runs.runs.ended_since(datetime.now(UTC) + timedelta(minutes=1)) == {}
