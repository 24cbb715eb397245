"""What the product makes of Azure's recorded answers, through its own adapters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.registry import AzureContainerRegistry
from shared.adapters.azure.task_models import application_task, listed_task
from shared.adapters.azure.tasks import AcrTasks
from shared.config import RegistryId
from shared.domain.events.registry_event import Ignored
from shared.domain.events.webhook import SECRET_HEADER, receive
from shared.domain.gate.verdict import RunStatus
from shared.domain.references import DOCKER_HUB, Digest, Repository, Tag
from shared.ports import ImportSource
from shared.run_ports import Run
from tests.doubles.scripted_http import ScriptedHttp
from tests.recorded.recordings import Recording, plays

pytestmark = pytest.mark.recorded

SOURCE = ImportSource(Repository(DOCKER_HUB, "library/node"), Digest(f"sha256:{'0' * 64}"))
TASK_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/tasks/t"
QUEUED, RUNNING, FAILED, SUCCEEDED = RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.FAILED, RunStatus.SUCCEEDED


def acr(clients: AzureClients, recording: Recording) -> AzureContainerRegistry:
    """The registry of a recording of imports."""
    return AzureContainerRegistry(clients, recording.registry, staging_id="/staging", accounts={})


def data_plane(clients: AzureClients, recording: Recording) -> AzureContainerRegistry:
    """The registry of a recording of its own API."""
    host = recording.interactions[0].host
    named = RegistryId("s", "g", host.partition(".")[0], "/id")
    return AzureContainerRegistry(clients, named, staging_id="", accounts={})


@plays("import_2026_api", "import_from_acr_by_digest", "import_from_acr_several_targets", "import_no_wait",
       "import_with_credentials")  # fmt: skip
def test_an_import_is_asked_for_and_looked_at_where_the_newest_answer_says_until_it_is_done(
    clients: AzureClients, recording: Recording, wire: ScriptedHttp
) -> None:
    registry, newest = acr(clients, recording), recording.interactions[0].headers["location"]
    operation = recording.ask(lambda: registry.start_import(SOURCE, "base/node", Tag("22")))
    while (polled := recording.next) is not None:
        assert operation.done is False
        operation = recording.ask(lambda token=operation.token: registry.look_at_import(token))
        assert operation.done is (polled.status == 200)
        assert wire.requests[-1].url == newest
        newest = polled.headers.get("location", "")
    assert bool(operation.token) is not operation.done


@plays("data_plane_tag_properties")
def test_a_tags_digest_is_read_back_by_four_requests(clients: AzureClients, recording: Recording) -> None:
    for _ in range(4):
        recorded = recording.play()
    assert data_plane(clients, recording).digest("hello-world", Tag("latest")) == recorded.body["tag"]["digest"]


@plays("data_plane_challenge_exchange_token")
def test_an_exchange_that_names_the_tenant_leads_to_the_same_digest(
    clients: AzureClients, recording: Recording, wire: ScriptedHttp
) -> None:
    host = recording.interactions[0].host
    recording.pass_over()  # of /v2/, where the command line begins, and whose challenge names no scope
    scope = f'Bearer realm="https://{host}/oauth2/token",service="{host}",scope="repository:microsoft:metadata_read"'
    wire.answer(401, {"WWW-Authenticate": scope})
    for _ in range(3):
        recorded = recording.play()
    assert data_plane(clients, recording).digest("microsoft", Tag("azure-cli")) == recorded.body["tag"]["digest"]


@plays("data_plane_tag_unknown_404", "data_plane_name_unknown_404")
def test_a_tag_or_a_repository_that_is_not_there_has_no_digest(clients: AzureClients, recording: Recording) -> None:
    for _ in range(4):
        recording.play()
    repository = recording.interactions[0].resource.split("/")[3]
    assert data_plane(clients, recording).digest(repository, Tag("wrong-tag")) is None


def found_run(clients: AzureClients, recording: Recording, wire: ScriptedHttp, run_id: str) -> Run:
    """Ask for a run that a taskRun started, whose own answer is not recorded in this state."""
    inner = {"properties": {"runId": run_id, "status": "Queued", "provisioningState": "Succeeded"}, "name": run_id}
    wire.answer(200, body={"name": "t", "properties": {"provisioningState": "Creating", "runResult": inner}})
    recording.play()
    run = AcrTasks(clients, recording.registry).find("t")
    assert run is not None
    return run


RUNS: dict[str, list[RunStatus]] = {
    "run_docker_build_failed_then_succeeded": [QUEUED, RUNNING, FAILED, QUEUED, RUNNING, SUCCEEDED],
    "run_failed_file_task_abac": [QUEUED, RUNNING, FAILED],
    "run_schedule_encoded_and_file": [QUEUED, QUEUED],
    "run_succeeded_file_task_caller_identity": [QUEUED, RUNNING, SUCCEEDED],
    "task_rbac_system_identity_login_mode_default": [
        *(QUEUED, RUNNING, FAILED), *(QUEUED, RUNNING, FAILED), *(QUEUED, RUNNING, SUCCEEDED),
    ],
    "task_schedule_run_and_get": [QUEUED, RUNNING, SUCCEEDED],
    "task_schedule_run_cmd": [QUEUED, RUNNING, SUCCEEDED],
    "task_system_identity_abac": [QUEUED, RUNNING, FAILED],
    "task_without_source_registry_identity_abac_fails": [QUEUED, RUNNING, FAILED],
}  # fmt: skip


@plays(*RUNS)
def test_a_run_is_followed_from_its_queue_to_its_end(
    clients: AzureClients, recording: Recording, wire: ScriptedHttp, request: pytest.FixtureRequest
) -> None:
    registry, seen, run_id = recording.registry, [], ""
    client = clients.tasks(registry.subscription)
    while (upcoming := recording.next) is not None:
        name = upcoming.resource.split("/")[-1]
        if name == "scheduleRun":
            run = recording.ask(lambda: client.registries.schedule_run(registry.group, registry.name, task_run()))
            run_id = run.properties.run_id
            seen.append(RunStatus(run.properties.status))
        elif "/runs/" in upcoming.resource:
            found = found_run(clients, recording, wire, run_id)
            assert found.run_id == run_id == name
            seen.append(found.status)
        else:
            see_task(clients, recording)
    assert seen == RUNS[request.node.callspec.params["recording"]]


def task_run() -> dict[str, str]:
    """A request to run a task, whatever the recorded one was."""
    return {"type": "TaskRunRequest", "taskId": TASK_ID}


def see_task(clients: AzureClients, recording: Recording) -> None:
    """Read a task as it is described in answer to PUT or ``listDetails``: enabled, with a trigger, never run."""
    registry, upcoming = recording.registry, recording.next
    assert upcoming is not None
    name = upcoming.resource.split("/tasks/")[1].split("/")[0]
    tasks, place = clients.tasks(registry.subscription).tasks, (registry.group, registry.name, name)
    if upcoming.method == "PUT":
        task = recording.ask(lambda: tasks.create(*place, {"location": "westus"}))
    else:
        task = recording.ask(lambda: tasks.get_details(*place))
    assert not listed_task(registry.name, task).complete
    read = application_task(registry.name, task)
    assert (read.name, read.enabled) == (name, True)
    assert read.resource_id == upcoming.resource.removesuffix("/listDetails")


@plays("task_create_docker", "task_create_encoded")
def test_a_new_task_is_read_as_one_that_was_never_run(clients: AzureClients, recording: Recording) -> None:
    while recording.next is not None:
        see_task(clients, recording)


@plays("task_list_before_any_run")
def test_tasks_that_were_never_run_have_no_bases_and_a_trigger_of_their_own(
    clients: AzureClients, recording: Recording
) -> None:
    listed = recording.play().body["value"]
    read = AcrTasks(clients, recording.registry).tasks()
    assert [one.task.resource_id for one in read] == [task["id"] for task in listed]
    changed = [task["systemData"]["lastModifiedAt"].replace("T", " ")[:19] for task in listed]
    assert [one.version[:19] for one in read] == changed
    assert not any(one.complete for one in read)
    assert {(one.task.enabled, one.task.own_trigger, one.task.dependencies) for one in read} == {(True, True, ())}


@plays("taskrun_list_get_delete")
def test_a_task_run_tells_of_its_run_and_is_deleted(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    tasks, client = AcrTasks(clients, registry), clients.tasks(registry.subscription)
    (listed,) = recording.ask(lambda: list(client.task_runs.list(registry.group, registry.name)))
    assert recording.ask(lambda: tasks.find(listed.name)) == Run("cf1", SUCCEEDED)
    assert recording.ask(lambda: tasks.forget(listed.name)) is None


@plays("run_cancel")
def test_a_run_is_cancelled_without_an_operation_to_follow(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    client, place = clients.tasks(registry.subscription), (registry.group, registry.name)
    run = recording.ask(lambda: client.registries.schedule_run(*place, task_run()))
    tasks = AcrTasks(clients, registry)
    assert recording.ask(lambda: tasks.cancel(run.properties.run_id)) is None


@plays("run_list_by_task", "run_list_queued_running", "run_update_archive")
def test_runs_are_listed_with_statuses_that_are_known(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    runs, place = clients.tasks(registry.subscription).runs, (registry.group, registry.name)
    if recording.interactions[0].method == "PATCH":
        found = [recording.ask(lambda: runs.update(*place, "cf2", {"isArchiveEnabled": True}))]
    else:
        found = recording.ask(lambda: list(runs.list(*place)))
    assert found
    assert all(run.properties.run_id == run.name for run in found)
    assert {RunStatus(run.properties.status) for run in found} <= {QUEUED, RUNNING, FAILED, SUCCEEDED}


@plays("run_list_by_task")
def test_the_end_of_a_tasks_run_is_told_by_a_list_of_runs(clients: AzureClients, recording: Recording) -> None:
    tasks = AcrTasks(clients, recording.registry)
    ended = recording.ask(lambda: tasks.ended_since(datetime(2025, 4, 28, 3, 54, tzinfo=UTC)))
    assert ended == {"testtask": datetime(2025, 4, 28, 3, 54, 51, 542971, tzinfo=UTC)}


@plays("webhook_list_events")
def test_what_a_webhook_sent_is_read_as_the_product_reads_it(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    webhooks = clients.registries(registry.subscription).webhooks
    place = (registry.group, registry.name, "cliregwebhook")
    recorded = recording.interactions[0].body["value"]
    (event,) = recording.ask(lambda: list(webhooks.list_events(*place)))
    assert event.id == recorded[0]["id"]
    body = str(recorded[0]["eventRequestMessage"]["content"]).replace("'", '"').encode()
    assert isinstance(receive({SECRET_HEADER: "s"}, body, "s"), Ignored), "a ping asks for nothing"
