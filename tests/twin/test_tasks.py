"""Tasks: their records, their runs, and the runs that a moved base image starts by itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from infra.local.runner.model import Dependency, RunResult
from infra.local.topology import APPLICATIONS, RESOURCE_GROUP
from tests.twin.conftest import Twin
from tests.twin.images import push_image

pytestmark = pytest.mark.twin


def put_task(twin: Twin, name: str, context: Path, **properties: Any) -> None:
    """Create a Docker task whose context is a local folder."""
    (context / "Dockerfile").write_text("FROM base\n")
    step = {
        "type": "Docker",
        "contextPath": context.as_uri(),
        "dockerFilePath": "Dockerfile",
        "imageNames": [f"{name}:latest"],
        "isPushEnabled": True,
        "arguments": [{"name": "TOKEN", "value": "hidden", "isSecret": True}],
    }
    task = {"location": "local", "properties": {"platform": {"os": "Linux"}, "step": step, **properties}}
    twin.tasks.tasks.create(RESOURCE_GROUP, APPLICATIONS, name, task)


def run_task(twin: Twin, name: str, **overrides: Any) -> None:
    """Run a task and wait for its end."""
    task_id = f"{twin.topology.registry_id(APPLICATIONS)}/tasks/{name}"
    request = {"type": "TaskRunRequest", "taskId": task_id, "overrideTaskStepProperties": overrides}
    twin.tasks.registries.schedule_run(RESOURCE_GROUP, APPLICATIONS, request)
    wait_for_runs(twin, name, 1)


def wait_for_runs(twin: Twin, name: str, count: int) -> list[Any]:
    """Return a task's runs once this many have ended, newest first."""
    deadline = time.time() + 20
    while time.time() < deadline:
        runs = list(twin.tasks.runs.list(RESOURCE_GROUP, APPLICATIONS, filter=f"TaskName eq '{name}'"))
        if len(runs) == count and all(run.finish_time for run in runs):
            return runs
        time.sleep(0.05)
    raise TimeoutError(f"{name} has not run {count} times")


def dependency(twin: Twin, repository: str, digest: str) -> Dependency:
    """Return a runtime dependency on a base image's tag ``1``."""
    return Dependency("Runtime", twin.topology.address("base"), repository, "1", digest)


def test_a_task_knows_no_base_image_before_its_first_run(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "fresh", tmp_path)
    assert twin.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "fresh").properties.step.base_image_dependencies is None


def test_a_successful_run_tells_the_task_its_base_images(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "learned", tmp_path)
    twin.runner.result = RunResult("Succeeded", dependencies=(dependency(twin, "base/node", "sha256:" + "1" * 64),))
    run_task(twin, "learned")
    known = twin.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "learned").properties.step.base_image_dependencies
    assert [(base.type, base.repository, base.tag) for base in known] == [("Runtime", "base/node", "1")]


def test_a_failed_run_teaches_the_task_nothing(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "unlearned", tmp_path)
    twin.runner.result = RunResult("Failed", error="exit status 1")
    run_task(twin, "unlearned")
    task = twin.tasks.tasks.get_details(RESOURCE_GROUP, APPLICATIONS, "unlearned")
    assert task.properties.step.base_image_dependencies is None


def test_a_docker_task_is_run_from_its_local_folder_with_overridden_arguments(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "overridden", tmp_path)
    run_task(twin, "overridden", arguments=[{"name": "BASE", "value": "base/node:22"}])
    request = twin.runner.requests[0]
    assert request.task_name == "overridden"
    assert "--build-arg TOKEN=hidden --build-arg BASE=base/node:22" in request.steps_yaml
    assert twin.runner.sources[0][:2] == b"\x1f\x8b"


def test_secrets_are_shown_in_the_details_only(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "secretive", tmp_path)
    plain = twin.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "secretive").properties.step.arguments[0]
    detailed = twin.tasks.tasks.get_details(RESOURCE_GROUP, APPLICATIONS, "secretive").properties.step.arguments[0]
    assert (plain.value, detailed.value) == (None, "hidden")


def test_tasks_are_listed_and_deleted(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "passing", tmp_path)
    assert "passing" in [task.name for task in twin.tasks.tasks.list(RESOURCE_GROUP, APPLICATIONS)]
    twin.tasks.tasks.delete(RESOURCE_GROUP, APPLICATIONS, "passing")
    with pytest.raises(ResourceNotFoundError):
        twin.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "passing")


def test_a_run_of_a_task_that_does_not_exist_is_not_found(twin: Twin) -> None:
    request = {"type": "TaskRunRequest", "taskId": f"{twin.topology.registry_id(APPLICATIONS)}/tasks/nobody"}
    with pytest.raises(ResourceNotFoundError):
        twin.tasks.registries.schedule_run(RESOURCE_GROUP, APPLICATIONS, request)


def test_a_moved_base_image_reruns_a_task_whose_trigger_is_on(twin: Twin, tmp_path: Path) -> None:
    trigger = {"baseImageTrigger": {"name": "base", "baseImageTriggerType": "Runtime", "status": "Enabled"}}
    put_task(twin, "triggered", tmp_path, trigger=trigger)
    old = push_image(twin.topology, "base", "moving/on:1", "old")
    twin.runner.result = RunResult("Succeeded", dependencies=(dependency(twin, "moving/on", old),))
    run_task(twin, "triggered")
    new = push_image(twin.topology, "base", "moving/on:1", "new")
    rerun = wait_for_runs(twin, "triggered", 2)[0]
    assert rerun.run_type == "AutoRun"
    assert rerun.image_update_trigger.images[0].digest == new


def test_a_moved_base_image_leaves_a_task_alone_whose_trigger_is_off(twin: Twin, tmp_path: Path) -> None:
    off = {"baseImageTrigger": {"name": "base", "baseImageTriggerType": "Runtime", "status": "Disabled"}}
    on = {"baseImageTrigger": {"name": "base", "baseImageTriggerType": "Runtime", "status": "Enabled"}}
    put_task(twin, "sleeping", tmp_path, trigger=off)
    put_task(twin, "waking", tmp_path, trigger=on)
    old = push_image(twin.topology, "base", "moving/off:1", "old")
    twin.runner.result = RunResult("Succeeded", dependencies=(dependency(twin, "moving/off", old),))
    run_task(twin, "sleeping")
    run_task(twin, "waking")
    push_image(twin.topology, "base", "moving/off:1", "new")
    wait_for_runs(twin, "waking", 2)
    assert len(wait_for_runs(twin, "sleeping", 1)) == 1


def test_a_list_of_tasks_comes_in_pages_if_the_settings_say_so(twin: Twin, tmp_path: Path) -> None:
    names = [f"paged-{number}" for number in range(5)]
    for name in names:
        put_task(twin, name, tmp_path)
    twin.control("POST", "/settings", {"tasks_page": 2})
    everything = [task.name for task in twin.tasks.tasks.list(RESOURCE_GROUP, APPLICATIONS)]
    pages = twin.control("GET", "/counts").json()["arm"]["list tasks"]
    assert [name for name in everything if name in names] == names
    assert pages == (len(everything) + 1) // 2


def test_a_list_leaves_the_bases_out_that_each_task_has_by_itself(twin: Twin, tmp_path: Path) -> None:
    put_task(twin, "told-apart", tmp_path)
    twin.runner.result = RunResult("Succeeded", dependencies=(dependency(twin, "base/apart", "sha256:" + "1" * 64),))
    run_task(twin, "told-apart")

    def listed() -> Any:
        tasks = {task.name: task for task in twin.tasks.tasks.list(RESOURCE_GROUP, APPLICATIONS)}
        return tasks["told-apart"].properties.step.base_image_dependencies

    assert listed()
    twin.control("POST", "/settings", {"tasks_without_bases": True})
    assert not listed()
    assert twin.tasks.tasks.get(RESOURCE_GROUP, APPLICATIONS, "told-apart").properties.step.base_image_dependencies
