"""By which way a gate's files reach its run, and what becomes of a way that Resource Manager does not take."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.gate_run import RunOptions, gate_request, steps
from shared.adapters.azure.tasks import AcrTasks
from shared.config import GateContext, RegistryId
from shared.domain.gate.identity import GateIdentity
from shared.domain.gate.verdict import RunStatus
from shared.domain.gate.words import words_of
from shared.errors import NotPermitted, Refused, ServiceError, Unavailable
from shared.run_ports import GateRun, Run
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

GATE = gate_run(digest_of("node"))
LARGE = msgspec.structs.replace(GATE, files={**GATE.files, "large": b"x" * 100_000})
CLIENT = f"tools/docker@{digest_of('client')}"
PLAIN = RunOptions()
NOT_FOUND = {"error": {"code": "ResourceNotFound", "message": "no"}}
NOT_REMOTE = {"error": {"code": "InvalidTaskRunRequest", "message": "The source location x is not a remote context."}}
UPLOAD = {"uploadUrl": "https://store.blob.core.windows.net/c/x.tar.gz?sig=s", "relativePath": "source/x.tar.gz"}
TASK_RUN = {
    "name": "n",
    "properties": {"runResult": {"name": "ca1", "properties": {"runId": "ca1", "status": "Queued"}}},
}
RUN = {"name": "ca2", "properties": {"runId": "ca2", "status": "Queued"}}


def tasks(context: GateContext = GateContext.UPLOAD, options: RunOptions = PLAIN) -> AcrTasks:
    """Return ACR Tasks of a registry."""
    arm = "https://management.azure.com"
    audience = "https://containerregistry.azure.net"
    clients = AzureClients(StaticCredential, arm_endpoint=arm, arm_audience=arm, acr_audience=audience)
    return AcrTasks(clients, RegistryId("s", "g", "staging", "/id"), context, options)


def registry(mode: str | None = None) -> dict[str, Any]:
    """Return a registry as Resource Manager describes it."""
    properties = {"roleAssignmentMode": mode} if mode else {}
    return {"name": "staging", "location": "westeurope", "sku": {"name": "Standard"}, "properties": properties}


def expect_upload(wire: ScriptedHttp) -> None:
    """Let the next requests be those of an upload."""
    wire.answer(200, body=UPLOAD)
    wire.answer(201, {"ETag": '"1"', "Last-Modified": "Thu, 26 Nov 2026 10:00:00 GMT"})


def sent(wire: ScriptedHttp, place: int = -1) -> dict[str, Any]:
    """Return the run request that was sent."""
    body = json.loads(wire.requests[place].body)  # type: ignore[arg-type]
    found: dict[str, Any] = body.get("properties", {}).get("runRequest") or body
    return found


def test_an_upload_is_tried_first_and_named_in_the_task_run(wire: ScriptedHttp) -> None:
    wire.answer(404, body=NOT_FOUND)
    expect_upload(wire)
    wire.answer(200, body=registry())
    wire.answer(201, body=TASK_RUN)
    assert tasks().start_gate("tidegate-1", GATE) == Run("ca1", RunStatus.QUEUED)
    assert sent(wire) == gate_request(GATE, "source/x.tar.gz", RunOptions())


def test_an_upload_that_a_task_run_does_not_take_is_followed_by_files_in_the_steps_now_and_from_then_on(
    wire: ScriptedHttp, caplog: pytest.LogCaptureFixture
) -> None:
    runs = tasks()
    wire.answer(404, body=NOT_FOUND)
    expect_upload(wire)
    wire.answer(200, body=registry())
    wire.answer(400, body=NOT_REMOTE)
    wire.answer(201, body=TASK_RUN)
    assert runs.start_gate("tidegate-1", GATE).run_id == "ca1"
    assert base64.b64decode(sent(wire)["encodedTaskContent"]).decode() == steps(GATE, inline=True)
    assert [record.getMessage() for record in caplog.records if "takes no uploaded gate" in record.getMessage()]
    before = len(wire.requests)
    wire.answer(404, body=NOT_FOUND)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", GATE)
    assert "sourceLocation" not in sent(wire)
    assert len(wire.requests) == before + 2


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (403, {"code": "AuthorizationFailed", "message": "no right to sourceLocation"}, NotPermitted),
        (400, {"code": "TasksOperationsNotAllowed", "message": "ACR Tasks requests are not permitted."}, Refused),
    ],
)
def test_what_is_refused_for_another_reason_is_no_doubt_about_uploads(
    wire: ScriptedHttp, status: int, error: dict[str, str], kind: type[ServiceError]
) -> None:
    wire.answer(404, body=NOT_FOUND)
    expect_upload(wire)
    wire.answer(200, body=registry())
    wire.answer(status, body={"error": error})
    with pytest.raises(kind, match=error["code"]):
        tasks().start_gate("tidegate-1", GATE)


def test_a_task_run_that_ended_without_a_run_is_a_doubt_about_uploads(wire: ScriptedHttp) -> None:
    runs = tasks()
    wire.answer(200, body={"name": "n", "properties": {"provisioningState": "Failed"}})
    assert runs.find_gate("tidegate-1", WORDS) == Run("", RunStatus.ERROR)
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", GATE)
    assert "sourceLocation" not in sent(wire)


@pytest.mark.parametrize(("context", "gate"), [(GateContext.INLINE, LARGE), (GateContext.SCHEDULE_RUN, GATE)])
def test_what_is_too_large_for_the_steps_or_is_asked_for_so_is_scheduled_without_a_name(
    wire: ScriptedHttp, context: GateContext, gate: Any
) -> None:
    runs = tasks(context)
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(200, body=RUN)
    assert runs.start_gate("tidegate-1", gate) == Run("ca2", RunStatus.QUEUED, named=False)
    assert "/scheduleRun?" in wire.requests[-1].path_url
    assert sent(wire)["sourceLocation"] == "source/x.tar.gz"
    wire.answer(200, body={"name": "ca2", "properties": {"runId": "ca2", "status": "Succeeded"}})
    assert runs.look("ca2") == Run("ca2", RunStatus.SUCCEEDED, named=False)
    wire.answer(200, body={"value": []})
    wire.answer(404, body=NOT_FOUND)
    assert runs.look("ca2") is None


IDENTITY = GateIdentity("/subscriptions/s/resourceGroups/g/providers/x/userAssignedIdentities/shop", "c")


def test_a_gate_that_reads_secrets_is_run_as_its_identity_and_any_other_as_none(wire: ScriptedHttp) -> None:
    runs = tasks(GateContext.INLINE)
    for place, identity in enumerate((IDENTITY, None)):
        wire.answer(404, body=NOT_FOUND)
        if not place:
            wire.answer(200, body=registry())
        wire.answer(201, body=TASK_RUN)
        runs.start_gate("tidegate-1", msgspec.structs.replace(GATE, identity=identity))
        body = json.loads(wire.requests[-1].body)  # type: ignore[arg-type]
        expected = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY.resource_id: {}}}
        assert body.get("identity") == (expected if identity else None)


@pytest.mark.parametrize(("context", "gate"), [(GateContext.SCHEDULE_RUN, GATE), (GateContext.INLINE, LARGE)])
def test_a_gate_that_reads_secrets_is_never_run_where_a_run_has_no_identity(
    wire: ScriptedHttp, context: GateContext, gate: GateRun
) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    with pytest.raises(ServiceError, match="which only a taskRun can have") as raised:
        tasks(context).start_gate("tidegate-1", msgspec.structs.replace(gate, identity=IDENTITY))
    assert not raised.value.temporary
    assert "scheduleRun" not in {request.url.rpartition("/")[2].partition("?")[0] for request in wire.requests}


def test_a_run_that_nobody_could_follow_is_asked_for_again(wire: ScriptedHttp) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(200, body={"properties": {"status": "Queued"}})
    with pytest.raises(Unavailable, match="did not say which"):
        tasks(GateContext.SCHEDULE_RUN).start_gate("tidegate-1", GATE)


@pytest.mark.parametrize(
    ("mode", "credentials"),
    [
        ("AbacRepositoryPermissions", {"identity": "[caller]"}),
        ("LegacyRegistryPermissions", {"loginMode": "Default"}),
        (None, {"loginMode": "Default"}),
    ],
)
def test_how_the_registry_gives_rights_is_found_out_once(
    wire: ScriptedHttp, mode: str | None, credentials: dict[str, str]
) -> None:
    runs = tasks(GateContext.INLINE, RunOptions(agent_pool="gates", client=CLIENT))
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry(mode))
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-1", GATE)
    assert sent(wire)["credentials"] == {"sourceRegistry": credentials}
    assert sent(wire)["agentPoolName"] == "gates"
    assert base64.b64decode(sent(wire)["encodedTaskContent"]).decode() == steps(GATE, inline=True, client=CLIENT)
    wire.answer(404, body=NOT_FOUND)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", GATE)
    assert sent(wire)["credentials"] == {"sourceRegistry": credentials}


GONE = {"error": {"code": "InvalidTaskRunRequest", "message": "The source location source/x.tar.gz was not found."}}
NEXT_UPLOAD = {"uploadUrl": "https://store.blob.core.windows.net/c/y.tar.gz?sig=s", "relativePath": "source/y.tar.gz"}
CHANGED = msgspec.structs.replace(GATE, files={**GATE.files, "new": b"x"})
REPEATED = msgspec.structs.replace(GATE, repeated=True)
OTHER_IMAGE = msgspec.structs.replace(GATE, digest=digest_of("other"), words=words_of("other", 1, 1))


def started_once(wire: ScriptedHttp) -> AcrTasks:
    """Return ACR Tasks that have uploaded the gate for one run."""
    runs = tasks()
    expect_upload(wire)
    wire.answer(200, body=registry())
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-1", GATE, again=False)
    return runs


def expect_next_upload(wire: ScriptedHttp) -> None:
    """Let the next requests be those of an upload to another place."""
    wire.answer(200, body=NEXT_UPLOAD)
    wire.answer(201, {"ETag": '"2"', "Last-Modified": "Thu, 26 Nov 2026 10:00:00 GMT"})


def test_nothing_is_looked_up_before_a_run_that_nobody_can_have_asked_for(wire: ScriptedHttp) -> None:
    started_once(wire)
    assert [request.method for request in wire.requests] == ["POST", "PUT", "GET", "PUT"]
    assert "/registries/staging?" in wire.requests[2].path_url


def test_ten_candidates_of_one_gate_are_one_upload_and_each_request_has_words_of_its_own(wire: ScriptedHttp) -> None:
    runs = started_once(wire)
    for number in range(2, 11):
        wire.answer(201, body=TASK_RUN)
        runs.start_gate(f"tidegate-{number}", OTHER_IMAGE, again=False)
        assert sent(wire) == gate_request(OTHER_IMAGE, "source/x.tar.gz", PLAIN)
    assert sum("listBuildSourceUploadUrl" in request.path_url for request in wire.requests) == 1


@pytest.mark.parametrize("gate", [CHANGED, REPEATED])
def test_a_gate_that_changed_or_whose_run_was_in_vain_is_uploaded_anew(wire: ScriptedHttp, gate: Any) -> None:
    runs = started_once(wire)
    expect_next_upload(wire)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", gate, again=False)
    assert sent(wire)["sourceLocation"] == "source/y.tar.gz"
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-3", msgspec.structs.replace(gate, repeated=False), again=False)
    assert sent(wire)["sourceLocation"] == "source/y.tar.gz"


@pytest.mark.parametrize(("status", "body"), [(400, GONE), (404, NOT_FOUND)])
def test_an_upload_of_before_that_is_refused_is_made_anew_once(
    wire: ScriptedHttp, status: int, body: dict[str, Any]
) -> None:
    runs = started_once(wire)
    wire.answer(status, body=body)
    expect_next_upload(wire)
    wire.answer(201, body=TASK_RUN)
    assert runs.start_gate("tidegate-2", GATE, again=False).run_id == "ca1"
    assert sent(wire)["sourceLocation"] == "source/y.tar.gz"
    assert runs._gates.requests == ()


def test_an_upload_that_is_refused_twice_is_a_doubt_about_all_uploads(wire: ScriptedHttp) -> None:
    runs = started_once(wire)
    wire.answer(400, body=GONE)
    expect_next_upload(wire)
    wire.answer(400, body=NOT_REMOTE)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", GATE, again=False)
    assert "sourceLocation" not in sent(wire)


def test_what_is_refused_for_another_reason_is_no_doubt_about_the_upload_of_before(wire: ScriptedHttp) -> None:
    runs = started_once(wire)
    wire.answer(400, body={"error": {"code": "TasksOperationsNotAllowed", "message": "no"}})
    with pytest.raises(Refused):
        runs.start_gate("tidegate-2", GATE, again=False)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-3", GATE, again=False)
    assert sent(wire)["sourceLocation"] == "source/x.tar.gz"


def test_a_task_run_on_an_upload_of_before_that_ended_without_a_run_is_a_doubt_about_that_one_alone(
    wire: ScriptedHttp,
) -> None:
    runs = started_once(wire)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-2", GATE, again=False)
    ended = {"provisioningState": "Failed", "runRequest": sent(wire)}
    wire.answer(200, body={"name": "n", "properties": ended})
    assert runs.find_gate("tidegate-2", WORDS) == Run("", RunStatus.ERROR)
    expect_next_upload(wire)
    wire.answer(201, body=TASK_RUN)
    runs.start_gate("tidegate-3", GATE, again=False)
    assert sent(wire)["sourceLocation"] == "source/y.tar.gz"


def test_a_task_run_that_answers_with_the_steps_of_somebody_else_is_strange(wire: ScriptedHttp) -> None:
    theirs = {"type": "EncodedTaskRunRequest", "encodedTaskContent": "c3RlcHM6Ci0gY21kOiBiYXNoIHRydWUK"}
    expect_upload(wire)
    wire.answer(200, body=registry())
    wire.answer(200, body={"name": "n", "properties": {**TASK_RUN["properties"], "runRequest": theirs}})  # type: ignore[dict-item]
    run = tasks().start_gate("tidegate-1", GATE, again=False)
    assert (run.run_id, "made by somebody else" in run.strange) == ("", True)


def test_a_run_that_was_just_scheduled_and_is_alone_is_looked_at_by_one_request(wire: ScriptedHttp) -> None:
    runs = started_once(wire)
    wire.answer(200, body={"name": "ca1", "properties": {"runId": "ca1", "status": "Running"}})
    assert runs.look("ca1") == Run("ca1", RunStatus.RUNNING, named=False)
    assert "/runs/ca1?" in wire.requests[-1].path_url


def test_runs_are_looked_at_together_in_pages_and_one_of_an_unknown_status_says_so_alone(wire: ScriptedHttp) -> None:
    runs = started_once(wire)
    link = "https://management.azure.com/next?page=2"
    odd = {"name": "ca3", "properties": {"runId": "ca3", "status": "Paused"}}
    wire.answer(200, body={"value": [odd, RUN], "nextLink": link})
    assert runs.look("ca2") == Run("ca2", RunStatus.QUEUED, named=False)
    wire.answer(200, body=odd)
    with pytest.raises(Unavailable, match="Paused"):
        runs.look("ca3")
    wire.answer(200, body={"value": [{"name": "ca1", "properties": {"runId": "ca1", "status": "Failed"}}]})
    assert runs.look("ca1") == Run("ca1", RunStatus.FAILED, named=False)
    paths = [request.path_url.split("?")[0].rpartition("/")[2] for request in wire.requests]
    assert paths[-3:] == ["runs", "ca3", "next"]
