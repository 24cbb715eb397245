"""What ARM says of runs and tasks, and what it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.gate_run import RunOptions, gate_request
from shared.adapters.azure.tasks import AcrTasks
from shared.config import RegistryId
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import Dependency
from shared.domain.promotion.task_runs import Pushed, TaskRun
from shared.errors import MayNotRun, NotPermitted, Refused, Unavailable
from shared.run_ports import Run
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

GATE = gate_run(digest_of("node"))
BASES = [
    {"type": "RunTime", "registry": "base.azurecr.io", "repository": "base/node", "tag": "22", "digest": GATE.digest}
]


@pytest.fixture
def runs() -> AcrTasks:
    """ACR Tasks of a registry."""
    clients = AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )
    return AcrTasks(clients, RegistryId("s", "g", "staging", "/id"))


def task_run(status: str | None, provisioning: str = "Running") -> dict[str, Any]:
    """Return a ``taskRun`` with a run inside, or with none."""
    result = {"name": "ca1", "properties": {"runId": "ca1", "status": status}} if status else None
    return {"name": "n", "properties": {"provisioningState": provisioning, "runResult": result}}


def task(name: str, **properties: object) -> dict[str, Any]:
    """Return a task as a list shows it."""
    return {"id": f"/tasks/{name}", "name": name, "location": "local", "properties": properties}


def test_a_run_that_looks_under_way_is_asked_itself(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=task_run("Queued"))
    wire.answer(200, body={"name": "ca1", "properties": {"runId": "ca1", "status": "Failed"}})
    assert runs.find("tidegate-1") == Run("ca1", RunStatus.FAILED)
    assert "/runs/ca1?" in wire.requests[1].path_url


REFUSED = {"error": {"code": "SomeCode", "message": "this run cannot be canceled"}}


def test_a_run_is_asked_to_end_by_one_request_that_is_a_write(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200)
    runs.cancel("ca1")
    (request,) = wire.requests
    assert (request.method, request.path_url.partition("?")[0].endswith("/runs/ca1/cancel")) == ("POST", True)


@pytest.mark.parametrize("status", [400, 409])
def test_a_run_that_has_ended_and_is_refused_for_it_is_no_trouble(
    wire: ScriptedHttp, runs: AcrTasks, status: int
) -> None:
    wire.answer(status, body=REFUSED)
    wire.answer(200, body={"name": "ca1", "properties": {"runId": "ca1", "status": "Succeeded"}})
    runs.cancel("ca1")
    assert [request.method for request in wire.requests] == ["POST", "GET"]


@pytest.mark.parametrize(("status", "error"), [(400, Refused), (409, Unavailable), (503, Unavailable)])
def test_a_refusal_counts_while_the_run_is_under_way(
    wire: ScriptedHttp, runs: AcrTasks, status: int, error: type[Exception]
) -> None:
    wire.answer(status, body=REFUSED)
    wire.answer(200, body={"name": "ca1", "properties": {"runId": "ca1", "status": "Running"}})
    with pytest.raises(error, match="cannot be canceled"):
        runs.cancel("ca1")


def test_who_may_not_end_runs_is_told_which_role_is_missing(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(403, body={"error": {"code": "AuthorizationFailed", "message": "no"}})
    with pytest.raises(NotPermitted, match="Container Registry Tasks Contributor"):
        runs.cancel("ca1")
    assert len(wire.requests) == 1


def test_a_run_that_is_not_there_is_ended(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "no"}})
    runs.cancel("ca1")
    assert len(wire.requests) == 1


def test_a_run_that_has_ended_is_believed(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=task_run("Succeeded"))
    assert runs.find("tidegate-1") == Run("ca1", RunStatus.SUCCEEDED)
    assert len(wire.requests) == 1


def test_a_run_that_the_list_of_runs_does_not_know_yet_is_under_way(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=task_run("Queued"))
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "no"}})
    assert runs.find("tidegate-1") == Run("ca1", RunStatus.QUEUED)


@pytest.mark.parametrize(
    ("provisioning", "status"),
    [("Creating", RunStatus.QUEUED), ("Failed", RunStatus.ERROR), ("Canceled", RunStatus.CANCELED)],
)
def test_a_name_without_a_run_is_waiting_or_could_not_be_scheduled(
    wire: ScriptedHttp, runs: AcrTasks, provisioning: str, status: RunStatus
) -> None:
    wire.answer(200, body=task_run(None, provisioning))
    assert runs.find("tidegate-1") == Run("", status)


def test_a_status_that_is_not_known_here_decides_nothing(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=task_run("Paused"))
    with pytest.raises(Unavailable, match="Paused"):
        runs.find("tidegate-1")


def test_a_gate_whose_name_is_taken_is_not_uploaded_again(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=task_run("Succeeded"))
    assert runs.start_gate("tidegate-1", GATE) == Run("ca1", RunStatus.SUCCEEDED)
    assert len(wire.requests) == 1


def requested(run: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return a ``taskRun`` with the request it was made by."""
    return {**run, "properties": {**run["properties"], "runRequest": request}}


@pytest.mark.parametrize(
    "request_",
    [
        {"type": "EncodedTaskRunRequest", "encodedTaskContent": "c3RlcHM6Ci0gY21kOiBiYXNoIHRydWUK"},
        {"type": "DockerBuildRequest", "imageNames": ["x"], "dockerFilePath": "Dockerfile"},
    ],
)
def test_a_task_run_of_other_steps_under_a_gates_name_is_strange_and_nothing_is_started(
    wire: ScriptedHttp, runs: AcrTasks, request_: dict[str, Any]
) -> None:
    planted = requested(task_run("Succeeded"), {**request_, "platform": {"os": "Linux"}})
    wire.answer(200, body=planted)
    wire.answer(200, body=planted)
    found = runs.find_gate("tidegate-1", WORDS)
    assert found is not None
    assert "tidegate-1 was made by somebody else" in found.strange
    assert runs.start_gate("tidegate-1", GATE).strange == found.strange
    assert [request.method for request in wire.requests] == ["GET", "GET"]


def test_a_task_run_with_our_steps_is_ours(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body=requested(task_run("Succeeded"), gate_request(GATE, "source/x.tar.gz", RunOptions())))
    assert runs.find_gate("tidegate-1", WORDS) == Run("ca1", RunStatus.SUCCEEDED)


def test_a_gate_without_an_address_to_upload_to_is_tried_again_later(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "no"}})
    wire.answer(200, body={})
    with pytest.raises(Unavailable, match="no address"):
        runs.start_gate("tidegate-1", GATE)


def test_a_list_says_of_each_task_whether_it_has_its_bases_and_asks_for_none(
    wire: ScriptedHttp, runs: AcrTasks
) -> None:
    step = {"type": "Docker", "dockerFilePath": "Dockerfile"}
    known = task("known", status="Enabled", step={**step, "baseImageDependencies": BASES})
    wire.answer(200, body={"value": [known, task("short", status="Enabled", step=step)]})
    base = Dependency("base.azurecr.io", "base/node", "22", GATE.digest)
    assert [(each.task.name, each.complete, each.task.dependencies) for each in runs.tasks()] == [
        ("known", True, (base,)),
        ("short", False, ()),
    ]
    assert len(wire.requests) == 1


CHANGED = {"lastModifiedAt": "2026-04-28T03:53:42.9034617+00:00"}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"systemData": {"lastModifiedAt": "2026-04-28T03:53:43.1+00:00"}}, False),
        ({"systemData": None}, False),
        ({"tags": {"a": "b"}}, True),
    ],
)
def test_a_task_that_was_changed_has_another_version(
    wire: ScriptedHttp, runs: AcrTasks, change: dict[str, Any], *, same: bool
) -> None:
    one = {**task("one", step={"type": "Docker"}), "systemData": CHANGED}
    wire.answer(200, body={"value": [one, {**one, **change}]})
    first, second = runs.tasks()
    assert (first.version == second.version) is same


def test_a_task_of_which_no_time_is_told_has_another_version_when_anything_is_told_otherwise(
    wire: ScriptedHttp, runs: AcrTasks
) -> None:
    one = task("one", step={"type": "Docker"})
    wire.answer(200, body={"value": [one, one, task("one", step={"type": "Docker", "dockerFilePath": "other"})]})
    first, second, third = (each.version for each in runs.tasks())
    assert first == second != third


def ended(name: str | None, created: str, finished: str | None) -> dict[str, Any]:
    """Return a run as ARM's lists have it."""
    return {"properties": {"runId": "ca1", "task": name, "createTime": created, "finishTime": finished}}


def test_the_ends_of_runs_are_read_from_the_newest_until_one_that_is_too_old(
    wire: ScriptedHttp, runs: AcrTasks
) -> None:
    link = "https://management.azure.com/next?page=2"
    newest = [
        ended("shop", "2026-01-01T12:09:00+00:00", None),
        ended("Shop", "2026-01-01T12:08:00+00:00", "2026-01-01T12:08:30+00:00"),
        ended(None, "2026-01-01T12:07:00+00:00", "2026-01-01T12:07:30+00:00"),
    ]
    older = [
        ended("shop", "2026-01-01T12:06:00+00:00", "2026-01-01T12:06:30+00:00"),
        ended("web", "2026-01-01T12:05:00+00:00", "2026-01-01T12:09:30+00:00"),
        ended("old", "2026-01-01T11:59:00+00:00", "2026-01-01T12:09:59+00:00"),
    ]
    wire.answer(200, body={"value": newest, "nextLink": link})
    wire.answer(200, body={"value": older, "nextLink": link})
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert runs.ended_since(noon) == {
        "shop": noon + timedelta(minutes=8, seconds=30),
        "web": noon + timedelta(minutes=9, seconds=30),
    }
    assert len(wire.requests) == 2


def pushed(task: str, status: str, *tags: str) -> dict[str, Any]:
    """Return a run of a task, which pushed some images."""
    images = [
        {"registry": "apps.azurecr.io", "repository": "web", "tag": tag, "digest": f"sha256:{tag}"} for tag in tags
    ]
    found = {"runId": f"run-{task}-{status}", "status": status, "task": task, "outputImages": images}
    return {"name": found["runId"], "properties": found}


def test_runs_say_of_their_tasks_how_the_last_one_ended_that_decided_anything_and_what_was_pushed_last(
    wire: ScriptedHttp, runs: AcrTasks
) -> None:
    listed = [
        pushed("Web", "Canceled"),
        pushed("web", "Failed"),
        pushed("web", "Succeeded", "1", "run-7"),
        pushed("web", "Succeeded", "0"),
        pushed("new", "Running"),
        pushed("odd", "NewInAzure"),
        {"name": "x", "properties": {"runId": "x", "status": "Succeeded"}},
        {"name": "y", "properties": None},
    ]
    wire.answer(200, body={"value": listed})
    found = runs.latest_runs()
    assert list(found) == ["web"]
    assert found["web"].decided == TaskRun("run-web-Failed", RunStatus.FAILED)
    assert found["web"].pushed == (
        Pushed("apps.azurecr.io", "web", "1", "sha256:1"),
        Pushed("apps.azurecr.io", "web", "run-7", "sha256:run-7"),
    )


def test_no_more_pages_of_runs_are_asked_for_than_have_a_thousand(wire: ScriptedHttp, runs: AcrTasks) -> None:
    page = {"value": [pushed("web", "Succeeded", "1")] * 100, "nextLink": "https://management.azure.com/next"}
    for _ in range(11):
        wire.answer(200, body=page)
    assert list(runs.latest_runs()) == ["web"]
    assert len(wire.requests) == 10


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("web:1", Pushed("", "web", "1")),
        ("team/web", Pushed("", "team/web")),
        ("{{.Run.Registry}}/web:{{.Run.ID}}", Pushed("", "web", "{{.Run.ID}}")),
        ("$Registry/web:1", Pushed("", "web", "1")),
        ("other.azurecr.io/web:1", Pushed("other.azurecr.io", "web", "1")),
        ("localhost:5000/web", Pushed("localhost:5000", "web")),
    ],
)
def test_a_task_that_builds_a_dockerfile_names_the_images_that_it_pushes(
    wire: ScriptedHttp, runs: AcrTasks, name: str, image: Pushed
) -> None:
    step = {"type": "Docker", "imageNames": [name], "isPushEnabled": True, "dockerFilePath": "Dockerfile"}
    quiet = {**step, "isPushEnabled": False}
    steps = {"type": "FileTask", "taskFilePath": "acr.yaml"}
    listed = [task("docker", step=step), task("quiet", step=quiet), task("steps", step=steps)]
    wire.answer(200, body={"value": listed})
    assert [one.task.pushes for one in runs.tasks()] == [(image,), (), ()]


@pytest.mark.parametrize(
    ("tags", "owner"), [({"Owner": "payments"}, "payments"), ({"owner": "a\nb"}, ""), ({"team": "x"}, ""), (None, "")]
)
def test_whose_a_task_is_its_tag_says(
    wire: ScriptedHttp, runs: AcrTasks, tags: dict[str, str] | None, owner: str
) -> None:
    wire.answer(200, body={"value": [{**task("web"), "tags": tags}]})
    assert [one.task.owner for one in runs.tasks()] == [owner]


def test_of_more_runs_than_are_looked_through_no_end_is_believed(wire: ScriptedHttp, runs: AcrTasks) -> None:
    many = [ended("shop", "2026-01-01T12:08:00+00:00", "2026-01-01T12:08:30+00:00")] * 1001
    wire.answer(200, body={"value": many})
    assert runs.ended_since(datetime(2026, 1, 1, 12, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("trigger", "own"),
    [
        (None, False),
        ({}, False),
        ({"baseImageTrigger": {"name": "b", "baseImageTriggerType": "Runtime"}}, True),
        ({"baseImageTrigger": {"name": "b", "baseImageTriggerType": "Runtime", "status": "Enabled"}}, True),
        ({"baseImageTrigger": {"name": "b", "baseImageTriggerType": "Runtime", "status": "Disabled"}}, False),
    ],
)
def test_a_tasks_own_trigger_is_noticed(wire: ScriptedHttp, runs: AcrTasks, trigger: object, *, own: bool) -> None:
    step = {"type": "Docker", "baseImageDependencies": []}
    wire.answer(200, body={"value": [task("app", status="Enabled", step=step, trigger=trigger)]})
    assert [each.task.own_trigger for each in runs.tasks()] == [own]


def test_a_task_without_steps_is_listed_without_bases(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body={"value": [task("quicktask", status="Enabled")]})
    assert [each.task.dependencies for each in runs.tasks()] == [()]


def test_tasks_are_listed_page_by_page(wire: ScriptedHttp, runs: AcrTasks) -> None:
    step = {"type": "Docker", "baseImageDependencies": []}
    link = "https://management.azure.com/next?page=2"
    wire.answer(200, body={"value": [task("one", step=step)], "nextLink": link})
    wire.answer(200, body={"value": [task("two", step=step)]})
    assert [each.task.name for each in runs.tasks()] == ["one", "two"]


TASK_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/apps/tasks/shop"
# As field reports quote ARM; ids replaced.
LINKED = (
    "The client '00000000-0000-0000-0000-00000000c11e' with object id '00000000-0000-0000-0000-00000000c11e' has "
    "permission to perform action 'Microsoft.ContainerRegistry/registries/taskRuns/write' on scope "
    "'/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/apps/taskRuns/n'; however, it "
    f"does not have permission to perform action(s) 'Microsoft.ContainerRegistry/registries/tasks/write' on the linked "
    f"scope(s) '{TASK_ID}' (respectively) or the linked scope(s) are invalid."
)
PLAIN = (
    "The client 'c' with object id 'c' does not have authorization to perform action "
    "'Microsoft.ContainerRegistry/registries/{action}' over scope '{scope}' or the scope is invalid."
)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("LinkedAuthorizationFailed", LINKED),
        ("AuthorizationFailed", PLAIN.format(action="tasks/write", scope=TASK_ID)),
    ],
)
def test_a_task_that_may_not_be_run_is_told_with_the_right_and_where_it_is_given(
    wire: ScriptedHttp, runs: AcrTasks, code: str, message: str
) -> None:
    wire.answer(403, body={"error": {"code": code, "message": message}})
    with pytest.raises(MayNotRun) as error:
        runs.start_task("tidegate-1", TASK_ID)
    said = str(error.value)
    assert f"the app's identity lacks Microsoft.ContainerRegistry/registries/tasks/write on {TASK_ID}" in said
    assert "parameter applicationTaskIds" in said
    assert "Tasks Contributor" not in said, "that role could rewrite every task of the registry"
    assert error.value.code == code


def test_a_registry_whose_runs_may_not_be_scheduled_is_not_taken_for_a_task_that_may_not_be_run(
    wire: ScriptedHttp, runs: AcrTasks
) -> None:
    message = PLAIN.format(action="taskRuns/write", scope="/subscriptions/s")
    wire.answer(403, body={"error": {"code": "AuthorizationFailed", "message": message}})
    with pytest.raises(MayNotRun, match="may not schedule runs: staging: scheduling the run tidegate-1"):
        runs.start_task("tidegate-1", TASK_ID)


def test_a_policy_that_forbids_a_run_is_no_missing_right(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(403, body={"error": {"code": "RequestDisallowedByPolicy", "message": "no"}})
    with pytest.raises(NotPermitted) as error:
        runs.start_task("tidegate-1", TASK_ID)
    assert not isinstance(error.value, MayNotRun)


@pytest.mark.parametrize(
    ("base", "trigger", "watched"),
    [
        ("Runtime", "Runtime", True),
        ("RunTime", "Runtime", True),
        ("BuildTime", "Runtime", False),
        ("Buildtime", "All", True),
        ("BuildTime", None, False),
        (None, "Runtime", True),
    ],
)
def test_a_base_counts_whatever_its_type_and_it_is_known_whether_the_tasks_own_trigger_sees_it(
    wire: ScriptedHttp, runs: AcrTasks, base: str | None, trigger: str | None, *, watched: bool
) -> None:
    step = {"type": "Docker", "baseImageDependencies": [{**BASES[0], "type": base}]}
    own = {"baseImageTrigger": {"name": "b", "baseImageTriggerType": trigger}} if trigger else None
    wire.answer(200, body={"value": [task("app", status="Enabled", step=step, trigger=own)]})
    expected = Dependency("base.azurecr.io", "base/node", "22", GATE.digest, watched)
    assert [each.task.dependencies for each in runs.tasks()] == [(expected,)]
