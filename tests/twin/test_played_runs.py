"""Runs that are played: nothing is executed, and what the product learns from them is as ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.emulator.times import drawn, run_work
from infra.local.topology import APPLICATIONS, RESOURCE_GROUP, STAGING
from shared.adapters.azure.gate_run import RunOptions, archive, gate_request
from shared.adapters.azure.scan_run import scan_request
from shared.domain.gate.verdict import Finding, RunStatus, judge
from shared.domain.gate.words import words_of
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.report import Subject
from shared.domain.scan.run_log import read_scan_log
from shared.domain.scan.verdict import Evidence
from shared.domain.scan.verdict import judge as judge_scan
from shared.run_ports import GateRun, ScannerInUse, ScanRun
from tests.twin.conftest import Twin
from tests.twin.images import push_image
from tests.twin.test_runs import encoded, schedule, upload
from tests.twin.test_tasks import run_task

pytestmark = pytest.mark.twin

WORDS = words_of("secret", 1, 1)
FILES = {"Dockerfile": b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", "test.sh": b"exit 1\n"}


@pytest.fixture
def played(twin: Twin) -> Twin:
    """The twin whose runs are played, and the image that unpacks a gate's files."""
    push_image(twin.topology, "mcr", "acr/bash:2ff604c", "bash")
    twin.control("POST", "/settings", {"runs_played": True})
    return twin


def gate_of(image: str, digest: str) -> GateRun:
    """Return the gate's run for an image."""
    return GateRun(image, Digest(digest), WORDS, FILES, ("/bin/sh", "/test.sh"))


def verdict(twin: Twin, run: Any) -> Finding:
    """Judge a run by its status and log, as the product does."""
    link = twin.tasks.runs.get_log_sas_url(RESOURCE_GROUP, STAGING, run.run_id).log_link
    assert link is not None
    return judge(RunStatus(run.status), requests.get(link, timeout=9).text, WORDS).finding


@pytest.mark.parametrize("uploaded", [True, False])
def test_a_played_gate_passes_and_nothing_is_executed(played: Twin, uploaded: bool) -> None:
    digest = push_image(played.topology, "staging", "played/app:1", "played")
    source = upload(played, archive(FILES)) if uploaded else None
    run = schedule(played, gate_request(gate_of("played/app", digest), source, RunOptions()))
    assert verdict(played, run) is Finding.PASSED
    assert played.runner.requests == []


def test_a_played_gate_passes_with_a_client_of_its_own_too(played: Twin) -> None:
    digest = push_image(played.topology, "staging", "played/nested:1", "nested")
    client = push_image(played.topology, "staging", "tools/docker:1", "client")
    options = RunOptions(client=f"tools/docker@{client}")
    run = schedule(played, gate_request(gate_of("played/nested", digest), None, options))
    assert verdict(played, run) is Finding.PASSED


def test_a_played_gate_of_an_image_that_is_not_there_decides_nothing(played: Twin) -> None:
    run = schedule(played, gate_request(gate_of("played/absent", "sha256:" + "b" * 64), None, RunOptions()))
    assert run.status == "Failed"
    assert verdict(played, run) is Finding.UNDECIDED


def test_played_runs_that_push_push_another_image_each_time(played: Twin) -> None:
    played.control("POST", "/settings", {"played_runs_push": True})
    steps = "version: v1.1.0\nsteps:\n  - push: [$Registry/played/pushed:1]\n"
    pushed = [schedule(played, encoded(steps)).output_images[0].digest for _ in range(2)]
    found = played.client("staging").get_manifest_properties("played/pushed", "1").digest
    assert (len(set(pushed)), found) == (2, pushed[1])


def test_a_played_scan_is_clean_on_each_of_its_platforms(played: Twin) -> None:
    digest = Digest(push_image(played.topology, "staging", "played/scanned:1", "scanned"))
    scanner = push_image(played.topology, "staging", "tools/scanner:1", "scanner")
    tools = ScannerInUse(f"tools/scanner@{scanner}", "tools/trivy-db@it")
    platforms = ("linux/amd64", "linux/arm64/v8")
    run = schedule(played, scan_request(ScanRun("played/scanned", digest, platforms, WORDS, tools), RunOptions()))
    link = played.tasks.runs.get_log_sas_url(RESOURCE_GROUP, STAGING, run.run_id).log_link
    assert link is not None
    answer = read_scan_log(requests.get(link, timeout=9).text, WORDS, digest, platforms)
    now, policy = datetime.now(UTC), Policy("it", scan=ScanCheck())
    for platform in platforms:
        evidence = Evidence(answer.reports[platform], database=answer.database, subject=Subject(digest, platform))
        assert judge_scan(policy, evidence, now).outcome is Outcome.PASS


def test_a_played_service_is_none_and_its_run_goes_on(played: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("infra.local.runner.engine.places")  # nothing is asked to make a network
    push_image(played.topology, "staging", "played/service:1", "service")
    steps = "version: v1.1.0\nsteps:\n  - {id: web, cmd: $Registry/played/service:1, detach: true}\n"
    run = schedule(played, encoded(f"{steps}  - cmd: $Registry/played/service:1 ask http://web/\n"))
    assert run.status == "Succeeded"


def test_a_played_run_lasts_as_long_as_is_drawn_for_its_digest(played: Twin) -> None:
    played.control("POST", "/settings", {"run_seconds": 0.4, "run_spread": 0.3, "times_seed": 5})
    digest = push_image(played.topology, "staging", "played/timed:1", "timed")
    run = schedule(played, gate_request(gate_of("played/timed", digest), None, RunOptions()))
    wanted = drawn(5, run_work(STAGING, None, digest), 0.4, 0.3)
    assert run.start_time is not None
    assert run.finish_time is not None
    assert wanted <= (run.finish_time - run.start_time).total_seconds() < wanted + 3


def test_a_played_run_of_a_task_notes_the_bases_it_would_have_been_built_on(played: Twin, tmp_path: Path) -> None:
    digest = push_image(played.topology, "base", "base/played:1", "base")
    base = f"{played.topology.address('base')}/base/played:1"
    (tmp_path / "Dockerfile").write_text(f"FROM {base} AS build\nFROM {base}\n")
    step = {"type": "Docker", "contextPath": tmp_path.as_uri(), "dockerFilePath": "Dockerfile", "imageNames": ["p:1"]}
    task = {"location": "local", "properties": {"platform": {"os": "Linux"}, "step": step}}
    played.tasks.tasks.create(RESOURCE_GROUP, APPLICATIONS, "played", task)
    run_task(played, "played")
    properties = played.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "played").properties
    assert properties is not None
    assert properties.step is not None
    found = properties.step.base_image_dependencies or []
    noted = [(one.type, one.repository, one.tag, one.digest) for one in found]
    assert noted == [("Runtime", "base/played", "1", digest)]
