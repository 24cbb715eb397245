"""Runs and task runs, asked for through the tasks SDK; what was executed is seen by the runner's double."""

from __future__ import annotations

import base64
import io
import tarfile
import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerregistrytasks.models import Run
from azure.storage.blob import BlobClient

from infra.local.runner.model import Image, RunResult
from infra.local.topology import RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin

pytestmark = pytest.mark.twin

STEPS = "version: v1.1.0\nsteps:\n  - cmd: '{{.Values.image}}'\n"


def encoded(steps: str = STEPS, **more: Any) -> dict[str, Any]:
    """Return an encoded run request."""
    content = base64.b64encode(steps.encode()).decode()
    return {"type": "EncodedTaskRunRequest", "encodedTaskContent": content, "platform": {"os": "Linux"}, **more}


def archive(**files: str) -> bytes:
    """Return a tar.gz of these files; underscores in their names stand for dots."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def upload(twin: Twin, content: bytes) -> str:
    """Upload a source as the product does; return its relative path."""
    address = twin.tasks.registries.get_build_source_upload_url(RESOURCE_GROUP, STAGING)
    assert address.upload_url is not None
    assert address.relative_path is not None
    with BlobClient.from_blob_url(address.upload_url) as blob:
        blob.upload_blob(content)
    return address.relative_path


def schedule(twin: Twin, request: dict[str, Any]) -> Run:
    """Schedule a run and wait for its end."""
    run = twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, request)
    assert run.run_id is not None
    return ended(twin, run.run_id)


def ended(twin: Twin, run_id: str) -> Run:
    """Return a run once it has ended."""
    deadline = time.time() + 20
    while time.time() < deadline:
        run = twin.tasks.runs.get(RESOURCE_GROUP, STAGING, run_id)
        if run.finish_time is not None:
            return run
        time.sleep(0.05)
    raise TimeoutError(run_id)


def put_task_run(twin: Twin, name: str, tag: str, request: dict[str, Any]) -> Any:
    """Start a task run without waiting for its end."""
    body = {"properties": {"forceUpdateTag": tag, "runRequest": request}}
    return twin.tasks.task_runs.begin_create(RESOURCE_GROUP, STAGING, name, body)


def test_a_run_is_executed_with_its_steps_values_and_uploaded_source(twin: Twin) -> None:
    content = archive(Dockerfile="FROM scratch\n")
    values = [{"name": "image", "value": "node"}]
    run = schedule(twin, encoded(values=values, sourceLocation=upload(twin, content), timeout=90))
    request = twin.runner.requests[0]
    assert run.status == "Succeeded"
    assert (request.steps_yaml, request.values["image"], request.timeout) == (STEPS, "node", 90)
    assert twin.runner.sources[0] == content
    assert request.login_server == twin.topology.address("staging")
    assert request.registries["docker.io"] == f"127.0.0.1:{twin.topology.port('backing_docker_hub')}"


def test_the_images_a_run_pushed_are_in_its_record(twin: Twin) -> None:
    image = Image(twin.topology.address("staging"), "app", "1", "sha256:" + "a" * 64)
    twin.runner.result = RunResult("Succeeded", (image,))
    run = schedule(twin, encoded())
    assert run.output_images is not None
    assert (run.output_images[0].repository, run.output_images[0].digest) == ("app", image.digest)


def test_a_docker_build_request_becomes_a_build_and_a_push(twin: Twin) -> None:
    arguments = [{"name": "BASE_IMAGE", "value": "base/node:22"}]
    names = ["web:{{.Run.ID}}"]
    request = {
        "type": "DockerBuildRequest",
        "dockerFilePath": "Dockerfile",
        "imageNames": names,
        "arguments": arguments,
    }
    schedule(twin, {**request, "isPushEnabled": True, "sourceLocation": upload(twin, archive(Dockerfile="FROM x\n"))})
    steps = twin.runner.requests[0].steps_yaml
    assert "-t {{.Run.Registry}}/web:{{.Run.ID}} --build-arg BASE_IMAGE=base/node:22 ." in steps
    assert "push:" in steps


def test_a_file_task_reads_its_steps_and_values_from_the_source(twin: Twin) -> None:
    source = upload(twin, archive(acb_yaml=STEPS, values_yaml="image: from-file\n"))
    files = {"taskFilePath": "acb.yaml", "valuesFilePath": "values.yaml"}
    schedule(twin, {"type": "FileTaskRunRequest", "sourceLocation": source, "platform": {"os": "Linux"}, **files})
    assert twin.runner.requests[0].steps_yaml == STEPS
    assert twin.runner.requests[0].values["image"] == "from-file"


def test_a_missing_source_fails_the_run_and_the_log_says_so(twin: Twin) -> None:
    run = schedule(twin, encoded(sourceLocation="source/none.tar.gz"))
    assert run.status == "Failed"
    assert run.run_id is not None
    assert "none.tar.gz does not exist" in read_log(twin, run.run_id)[0]


def test_an_unknown_type_of_request_is_refused(twin: Twin) -> None:
    with pytest.raises(HttpResponseError) as refusal:
        twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, {"type": "MagicRunRequest"})
    assert refusal.value.status_code == 400


def read_log(twin: Twin, run_id: str) -> tuple[str, str | None]:
    """Return a run's log and what its ``complete`` metadata says."""
    link = twin.tasks.runs.get_log_sas_url(RESOURCE_GROUP, STAGING, run_id).log_link
    assert link is not None
    with BlobClient.from_blob_url(link) as blob:
        return blob.download_blob().readall().decode(), blob.get_blob_properties().metadata.get("complete")


def test_the_log_is_read_as_a_blob_and_is_complete_when_the_run_ended(twin: Twin) -> None:
    run = schedule(twin, encoded())
    assert run.run_id is not None
    assert read_log(twin, run.run_id) == (f"Executing run {run.run_id}\n", "successful")


def test_a_log_still_being_written_is_not_complete(twin: Twin) -> None:
    twin.runner.hold.clear()
    run = twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded())
    assert run.run_id is not None
    assert read_log(twin, run.run_id)[1] is None


def test_part_of_a_log_can_be_read(twin: Twin) -> None:
    run = schedule(twin, encoded())
    assert run.run_id is not None
    link = twin.tasks.runs.get_log_sas_url(RESOURCE_GROUP, STAGING, run.run_id).log_link
    assert link is not None
    with BlobClient.from_blob_url(link) as blob:
        assert blob.download_blob(offset=10, length=3).readall() == b"run"


def test_a_log_without_its_signature_is_forbidden(twin: Twin) -> None:
    run = schedule(twin, encoded())
    assert twin.get("arm", f"/logs/{STAGING}/runs/{run.run_id}/rawtext.log").status_code == 403


def test_a_running_run_is_canceled(twin: Twin) -> None:
    twin.runner.hold.clear()
    run = twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded())
    assert run.run_id is not None
    twin.tasks.runs.cancel(RESOURCE_GROUP, STAGING, run.run_id)
    assert ended(twin, run.run_id).status == "Canceled"


def test_a_third_run_waits_until_one_of_two_has_ended(twin: Twin) -> None:
    twin.runner.hold.clear()
    runs = [twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded()).run_id for _ in range(3)]
    assert all(runs)
    deadline = time.time() + 10
    while len(twin.runner.requests) < 2 and time.time() < deadline:
        time.sleep(0.02)
    assert twin.tasks.runs.get(RESOURCE_GROUP, STAGING, str(runs[2])).status == "Queued"
    twin.runner.hold.set()
    assert ended(twin, str(runs[2])).status == "Succeeded"


def test_a_run_ends_as_the_fault_says(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "arm", "kind": "run", "action": "fail-operation", "code": "Timeout"})
    assert schedule(twin, encoded()).status == "Timeout"
    assert twin.runner.requests == []


def test_a_run_can_say_that_it_failed_before_it_is_done_and_end_a_second_time_as_it_does(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "arm", "kind": "run", "action": "end-early", "code": "Failed"})
    twin.runner.hold.clear()
    early = schedule(twin, encoded())
    assert (early.status, twin.runner.result.status) == ("Failed", "Succeeded")
    twin.runner.hold.set()
    again = ended_otherwise(twin, early)
    assert (again.status, len(twin.runner.requests)) == ("Succeeded", 1)
    assert again.finish_time > early.finish_time


def ended_otherwise(twin: Twin, early: Run) -> Run:
    """Return a run once it has ended a second time."""
    deadline = time.time() + 20
    while time.time() < deadline:
        run = ended(twin, str(early.run_id))
        if run.status != early.status:
            return run
    raise TimeoutError(str(early.run_id))


def test_a_run_can_end_later_than_what_it_did(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "arm", "kind": "run", "action": "end-late", "seconds": 0.5})
    run = schedule(twin, encoded())
    assert (run.status, len(twin.runner.requests)) == ("Succeeded", 1)
    assert (run.finish_time - run.start_time).total_seconds() >= 0.5


def test_runs_are_filtered_newest_first(twin: Twin) -> None:
    first, second = schedule(twin, encoded()), schedule(twin, encoded())
    listed = list(twin.tasks.runs.list(RESOURCE_GROUP, STAGING, filter="status eq 'Succeeded'", top=2))
    assert [run.run_id for run in listed] == [second.run_id, first.run_id]
    only = list(
        twin.tasks.runs.list(RESOURCE_GROUP, STAGING, filter=f"RunId eq '{first.run_id}' and runType eq 'QuickRun'")
    )
    assert [run.run_id for run in only] == [first.run_id]


def test_a_filter_that_is_not_understood_is_refused(twin: Twin) -> None:
    with pytest.raises(HttpResponseError, match="colour"):
        list(twin.tasks.runs.list(RESOURCE_GROUP, STAGING, filter="colour eq 'red'"))


def test_runs_beyond_a_page_are_found_by_the_next_link(twin: Twin) -> None:
    runs = [twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded()).run_id for _ in range(102)]
    listed = [run.run_id for run in twin.tasks.runs.list(RESOURCE_GROUP, STAGING)]
    for run_id in runs[-2:]:
        ended(twin, str(run_id))
    assert listed[:102] == runs[::-1]
    assert len(set(listed)) == len(listed)


def test_a_task_run_starts_one_run_however_often_it_is_put(twin: Twin) -> None:
    first = put_task_run(twin, "once", "v1", encoded()).result(20)
    again = put_task_run(twin, "once", "v1", encoded()).result(20)
    assert first.properties.run_result.run_id == again.properties.run_result.run_id
    assert len(twin.runner.requests) == 1


def test_runs_are_listed_with_the_name_of_the_task_run_that_started_them(twin: Twin) -> None:
    put_task_run(twin, "listed", "1", encoded()).result(20)
    unnamed = schedule(twin, encoded())
    listed = {run["run_id"]: run for run in twin.control("GET", "/runs").json()}
    assert [run["status"] for run in listed.values() if run["name"] == "listed"] == ["Succeeded"]
    assert listed[unnamed.run_id or ""]["name"] == ""


def test_a_task_run_with_another_tag_starts_another_run(twin: Twin) -> None:
    first = put_task_run(twin, "twice", "v1", encoded()).result(20)
    second = put_task_run(twin, "twice", "v2", encoded()).result(20)
    assert first.properties.run_result.run_id != second.properties.run_result.run_id


def test_a_task_run_follows_its_run_to_success(twin: Twin) -> None:
    twin.runner.hold.clear()
    poller = put_task_run(twin, "followed", "v1", encoded())
    running = twin.tasks.task_runs.get(RESOURCE_GROUP, STAGING, "followed")
    assert running.properties is not None
    assert running.properties.provisioning_state == "Creating"
    twin.runner.hold.set()
    assert poller.result(20).properties.provisioning_state == "Succeeded"


def test_a_task_run_fails_with_its_run(twin: Twin) -> None:
    twin.runner.result = RunResult("Failed", error="exit status 1")
    poller = put_task_run(twin, "failing", "v1", encoded())
    with pytest.raises(HttpResponseError):
        poller.result(20)
    failed = twin.tasks.task_runs.get(RESOURCE_GROUP, STAGING, "failing")
    assert failed.properties is not None
    assert failed.properties.run_result is not None
    assert failed.properties.run_result.status == "Failed"
    assert failed.properties.run_result.run_error_message == "exit status 1"


def test_a_task_run_that_failed_starts_another_run_when_it_is_put_again(twin: Twin) -> None:
    twin.runner.result = RunResult("Failed", error="exit status 1")
    for _ in range(2):
        with pytest.raises(HttpResponseError, match="Runtime failure"):
            put_task_run(twin, "again", "v1", encoded()).result(20)
    assert len(twin.runner.requests) == 2


def test_a_task_run_with_another_request_starts_another_run(twin: Twin) -> None:
    put_task_run(twin, "changed", "v1", encoded()).result(20)
    put_task_run(twin, "changed", "v1", encoded(timeout=60)).result(20)
    assert [request.timeout for request in twin.runner.requests] == [3600, 60]


def test_task_runs_can_be_made_to_refuse_an_uploaded_context(twin: Twin) -> None:
    twin.control("POST", "/settings", {"uploads_in_task_runs": False})
    with pytest.raises(HttpResponseError) as refusal:
        put_task_run(twin, "uploaded", "v1", encoded(sourceLocation="source/1/a.tar.gz"))
    assert refusal.value.status_code == 400
    assert schedule(twin, encoded(sourceLocation=upload(twin, archive(Dockerfile="FROM x\n")))).status == "Succeeded"


def test_a_run_on_an_agent_pool_says_so(twin: Twin) -> None:
    assert schedule(twin, encoded(agentPoolName="inside")).agent_pool_name == "inside"


def test_a_deleted_task_run_is_gone_and_its_run_is_not(twin: Twin) -> None:
    task_run = put_task_run(twin, "deleted", "v1", encoded()).result(20)
    twin.tasks.task_runs.delete(RESOURCE_GROUP, STAGING, "deleted")
    with pytest.raises(ResourceNotFoundError):
        twin.tasks.task_runs.get(RESOURCE_GROUP, STAGING, "deleted")
    assert "deleted" not in [left.name for left in twin.tasks.task_runs.list(RESOURCE_GROUP, STAGING)]
    assert twin.tasks.runs.get(RESOURCE_GROUP, STAGING, task_run.properties.run_result.run_id).status == "Succeeded"
