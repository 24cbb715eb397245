"""The forms of Azure's answers that matter most, written by hand from what was observed of live traffic."""

from __future__ import annotations

import base64
import json

import pytest

from shared.adapters.azure.registry import AzureContainerRegistry
from shared.adapters.azure.tasks import AcrTasks
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import Dependency
from shared.domain.references import Tag, parse_repository
from shared.errors import NotPermitted, OperationFailed, RateLimited, Unavailable
from shared.run_ports import Run
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_import_errors import PREFIX
from tests.unit.adapters.azure.test_registry import FROM_HUB, FROM_STAGING, TAG, registry
from tests.unit.adapters.azure.test_tasks import GATE, runs, task

__all__ = ["registry", "runs", "wire"]
pytestmark = pytest.mark.unit

JSON = {"Content-Type": "application/json; charset=utf-8"}
# At the scope of a subscription, and signed: a certificate, a signature and a hash make it more than 3000 characters.
SIGNED = (
    "https://management.azure.com/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft."
    "ContainerRegistry/locations/WESTEUROPE/operationResults/registries-0a1b2c3d-4e5f-11ef-8a9b-0c1d2e3f4a5b?"
    f"api-version=2025-11-01&c={'A' * 2787}&s={'B' * 342}&h={'C' * 43}&t="
)
LOG = "https://storage.blob.core.windows.net/logs/ca1/rawtext.log?sv=1&sig=SECRET"


def signed(number: int) -> dict[str, str]:
    """Return the headers of the answer of an import under way."""
    return {**JSON, "Location": f"{SIGNED}{number}", "Retry-After": "10"}


def test_an_import_is_accepted_pending_and_then_succeeds(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(202, signed(1))
    started = registry.start_import(FROM_HUB, "base/node", TAG)
    wire.answer(202, signed(2), {f"base/node@{FROM_HUB.digest}": "Pending", "status": "Accepted"})
    pending = registry.look_at_import(started.token)
    wire.answer(200, JSON, {"status": "Succeeded"})
    ended = registry.look_at_import(pending.token)
    assert [(seen.done, seen.retry_after) for seen in (started, pending, ended)] == [
        (False, 10), (False, 10), (True, None),
    ]  # fmt: skip
    assert [request.url for request in wire.requests[1:]] == [f"{SIGNED}1", f"{SIGNED}2"]


@pytest.mark.parametrize(
    ("status", "temporary"), [("StatusCode: 429, Reason: Too Many Requests", True), ("StatusCode: 401", False)]
)
@pytest.mark.parametrize(("http", "code"), [(400, "InvalidParameters"), (409, "Conflict"), (403, "Forbidden")])
def test_a_failed_import_is_told_by_the_end_of_a_long_text(
    wire: ScriptedHttp, registry: AzureContainerRegistry, http: int, code: str, status: str, *, temporary: bool
) -> None:
    wire.answer(202, signed(1))
    started = registry.start_import(FROM_HUB, "base/node", TAG)
    text = f"{PREFIX}An error occurred when getting manifest. {status}"
    wire.answer(http, JSON, {"error": {"code": code, "message": text}, "status": "Failed"})
    with pytest.raises(OperationFailed, match=status) as failed:
        registry.look_at_import(started.token)
    assert failed.value.temporary is temporary


def test_a_look_that_arm_does_not_permit_is_no_failed_import(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(202, signed(1))
    started = registry.start_import(FROM_HUB, "base/node", TAG)
    action = "Microsoft.ContainerRegistry/locations/operationResults/read"
    text = f"The client 'x' with object id 'y' does not have authorization to perform action '{action}' over scope '/z'"
    wire.answer(403, JSON, {"error": {"code": "AuthorizationFailed", "message": text}})
    with pytest.raises(NotPermitted):
        registry.look_at_import(started.token)


def test_a_promotion_that_may_not_read_staging_names_staging(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    text = (
        "The client 'x' with object id 'y' has permission to perform action "
        "'Microsoft.ContainerRegistry/registries/importImage/action' on scope '/subscriptions/s/resourceGroups/g/"
        "providers/Microsoft.ContainerRegistry/registries/Base'; however, it does not have permission to perform "
        "action(s) 'Microsoft.ContainerRegistry/registries/pull/read' on the linked scope(s) '/subscriptions/s/"
        "resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/staging' (respectively) or the linked "
        "scope(s) are invalid."
    )
    wire.answer(403, JSON, {"error": {"code": "LinkedAuthorizationFailed", "message": text}})
    with pytest.raises(NotPermitted, match=r"Data Reader' on .*/staging") as error:
        registry.start_import(FROM_STAGING, "base/node", TAG)
    assert error.value.code == "LinkedAuthorizationFailed"


def test_tokens_that_are_asked_for_too_often_are_a_limit(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    challenge = 'Bearer realm="https://base.azurecr.io/oauth2/token",service="base.azurecr.io",scope="repository:a:b"'
    wire.answer(401, {"WWW-Authenticate": challenge})
    wire.answer(429, JSON, {"errors": [{"code": "TOOMANYREQUESTS", "message": "too many requests"}]})
    with pytest.raises(RateLimited):
        registry.digest("base/node", TAG)


@pytest.mark.parametrize("code", ["TAG_UNKNOWN", "NAME_UNKNOWN"])
def test_a_tag_that_is_not_there_is_told_by_four_requests(
    wire: ScriptedHttp, registry: AzureContainerRegistry, code: str
) -> None:
    challenge = 'Bearer realm="https://base.azurecr.io/oauth2/token",service="base.azurecr.io",scope="repository:a:b"'
    refresh = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, {"exp": 4e9}, {}))
    wire.answer(401, {"WWW-Authenticate": challenge}, {"errors": [{"code": "UNAUTHORIZED"}]})
    wire.answer(200, body={"refresh_token": refresh})
    wire.answer(200, body={"access_token": "a.b.c"})
    wire.answer(404, JSON, {"errors": [{"code": code, "message": "the specified tag does not exist"}]})
    assert registry.digest("base/node", Tag("gone")) is None
    assert len(wire.requests) == 4


def test_a_task_run_is_being_created_under_the_name_of_its_run(wire: ScriptedHttp, runs: AcrTasks) -> None:
    place = "https://management.azure.com/subscriptions/s/registries/staging/taskRuns/tidegate-1"
    inner = {"properties": {"runId": "ca1", "status": "Queued", "provisioningState": "Succeeded"}, "name": "ca1"}
    headers = {"Azure-AsyncOperation": f"{place}/operationStatuses/ca1", "Retry-After": "30"}
    body = {"name": "tidegate-1", "properties": {"provisioningState": "Creating", "runResult": inner}}
    wire.answer(201, headers, body)
    assert runs.start_task("tidegate-1", "/tasks/app") == Run("ca1", RunStatus.QUEUED)
    assert len(wire.requests) == 1, "nothing waits for its end"


@pytest.mark.parametrize("name", ["logLink", "logArtifactLink"])
@pytest.mark.parametrize("ended", ["successful", "failed", "internalerror", "canceled", "timedout"])
def test_a_log_is_read_whichever_link_leads_to_it_and_however_it_ended(
    wire: ScriptedHttp, runs: AcrTasks, name: str, ended: str
) -> None:
    text = b"2026/11/26 12:00:00 Unable to find image\r\nfailed to run step ID: test: exit status 1\r\n"
    size = str(len(text))
    wire.answer(200, body={name: LOG})
    headers = {"Content-Encoding": "utf-8", "Content-Length": size, "x-ms-blob-type": "AppendBlob", "ETag": '"1"'}
    wire.answer(206, {**headers, "Content-Range": f"bytes 0-{len(text) - 1}/{size}", "x-ms-meta-complete": ended}, text)
    assert runs.log("ca1") == text.decode()


def test_a_log_that_is_still_written_is_no_log_yet(wire: ScriptedHttp, runs: AcrTasks) -> None:
    wire.answer(200, body={"logLink": LOG})
    headers = {"Content-Encoding": "utf-8", "Content-Length": "4", "x-ms-blob-type": "AppendBlob"}
    wire.answer(206, {**headers, "Content-Range": "bytes 0-3/4"}, b"half")
    with pytest.raises(Unavailable, match="still being written"):
        runs.log("ca1")


def test_a_gate_is_uploaded_to_the_address_it_is_given_and_nowhere_else(wire: ScriptedHttp, runs: AcrTasks) -> None:
    address = "https://acrtasks.blob.core.windows.net/source/202611260000/a.tar.gz?sv=1&sig=SECRET"
    wire.answer(404, JSON, {"error": {"code": "ResourceNotFound", "message": "no"}, "status": "Failed"})
    wire.answer(200, body={"uploadUrl": address, "relativePath": "source/202611260000/a.tar.gz"})
    wire.answer(201, {"ETag": '"1"'})
    wire.answer(200, body={"name": "staging", "properties": {"roleAssignmentMode": "AbacRepositoryPermissions"}})
    inner = {"properties": {"runId": "ca1", "status": "Queued"}, "name": "ca1"}
    wire.answer(201, body={"name": "n", "properties": {"provisioningState": "Creating", "runResult": inner}})
    assert runs.start_gate("tidegate-1", GATE).run_id == "ca1"
    uploaded = wire.requests[2]
    assert (uploaded.method, uploaded.url) == ("PUT", address)
    assert "Authorization" not in uploaded.headers


def test_the_base_of_a_task_is_known_as_docker_hub_and_acr_call_it(wire: ScriptedHttp, runs: AcrTasks) -> None:
    hub = {"type": "Runtime", "registry": "registry.hub.docker.com", "repository": "library/node", "tag": "22"}
    acr = {"type": "Runtime", "registry": "base.azurecr.io", "repository": "base/node", "tag": "22", "digest": "d"}
    step = {"type": "Docker", "baseImageDependencies": [{**hub, "digest": "e"}, acr]}
    wire.answer(200, body={"value": [task("app", status="Enabled", step=step)]})
    (found,) = runs.tasks()
    assert found.task.dependencies == (
        Dependency("registry.hub.docker.com", "library/node", "22", "e"),
        Dependency("base.azurecr.io", "base/node", "22", "d"),
    )
    assert parse_repository("registry.hub.docker.com/library/node") == parse_repository("docker.io/library/node")
