"""The emulator as the process it is in the twin, with the real task runner behind it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.emulator.assignments import OPERATOR
from infra.local.topology import APPLICATIONS, RESOURCE_GROUP
from tests.twin.conftest import Twin, twin_of
from tests.twin.double import DoubleRunner
from tests.twin.images import ANY, push_image
from tests.twin.processes import new_topology, start_registry, stop

pytestmark = pytest.mark.twin
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    """An emulator process with two registries of its own."""
    topology = new_topology(tmp_path)
    topology.save(tmp_path / "topology.json")
    started = [start_registry(topology, part) for part in ("base", "applications")]
    command = [sys.executable, "-m", "infra.local.emulator", "--topology", str(tmp_path / "topology.json")]
    started.append(subprocess.Popen(command, cwd=ROOT))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(topology.ca_bundle))
    monkeypatch.setenv("IDENTITY_ENDPOINT", topology.http("identity"))
    monkeypatch.setenv("IDENTITY_HEADER", topology.identity_header)
    try:
        for part in ("control", "backing_base", "backing_applications"):
            wait_until_open(topology.http(part))
        yield twin_of(topology, DoubleRunner(), OPERATOR)
    finally:
        assert [stop(child) for child in started][-1] == 0


def wait_until_open(address: str) -> None:
    """Return once an address answers at all."""
    deadline = time.time() + 20
    while time.time() < deadline:
        try:
            requests.get(address, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(address)


def finished_runs(twin: Twin, count: int) -> list[Any]:
    """Return the task's runs once this many have ended, newest first."""
    deadline = time.time() + 90
    while time.time() < deadline:
        runs = list(twin.tasks.runs.list(RESOURCE_GROUP, APPLICATIONS, filter="taskName eq 'web'"))
        if len(runs) == count and all(run.finish_time for run in runs):
            return runs
        time.sleep(0.2)
    raise TimeoutError(f"fewer than {count} runs of the task")


def layers(twin: Twin, part: str, reference: str) -> list[str]:
    """Return the digests of an image's uncompressed layers, which a copy or rebuild keeps."""
    repository, _, tag = reference.partition(":")
    url = f"{twin.topology.http(f'backing_{part}')}/v2/{repository}"
    manifest = requests.get(f"{url}/manifests/{tag}", headers={"Accept": ANY}, timeout=9).json()
    config = requests.get(f"{url}/blobs/{manifest['config']['digest']}", timeout=9).json()
    return list(config["rootfs"]["diff_ids"])


def test_a_task_really_builds_and_rebuilds_by_itself_when_its_base_moves(process: Twin, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    base = f"{process.topology.address('base')}/base/node:1"
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY note /note\n")
    (context / "note").write_text("application")
    old = push_image(process.topology, "base", "base/node:1", "old base")
    old_layers = layers(process, "base", "base/node:1")
    create_task(process, context)

    first = finished_runs(process, 1)[0]
    assert first.status == "Succeeded", first.as_dict()
    assert first.output_images[0].repository == "web"
    step = process.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "web").properties.step
    assert [(known.repository, known.digest) for known in step.base_image_dependencies] == [("base/node", old)]
    assert layers(process, "applications", "web:latest")[:1] == old_layers

    push_image(process.topology, "base", "base/node:1", "new base")
    assert finished_runs(process, 2)[0].run_type == "AutoRun"
    assert layers(process, "applications", "web:latest")[:1] == layers(process, "base", "base/node:1")
    assert layers(process, "base", "base/node:1") != old_layers


def create_task(twin: Twin, context: Path) -> None:
    """Create the application's task and run it once."""
    step = {"type": "Docker", "contextPath": context.as_uri(), "dockerFilePath": "Dockerfile"}
    trigger = {"baseImageTrigger": {"name": "base", "baseImageTriggerType": "Runtime", "status": "Enabled"}}
    properties = {"platform": {"os": "Linux"}, "step": {**step, "imageNames": ["web:latest"]}, "trigger": trigger}
    task = {"location": "local", "properties": properties}
    task_id = twin.tasks.tasks.create(RESOURCE_GROUP, APPLICATIONS, "web", task).id
    request = {"type": "TaskRunRequest", "taskId": task_id}
    twin.tasks.registries.schedule_run(RESOURCE_GROUP, APPLICATIONS, request)


def test_a_front_whose_registry_is_down_answers_502(process: Twin) -> None:
    assert process.get("mcr", "/v2/dotnet/sdk/tags/list").status_code == 502
