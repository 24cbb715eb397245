"""What the product's identity may do in the twin: what the deployment gives it, and nothing when that is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from infra.local.emulator.assignments import APP, as_deployed
from infra.local.emulator.role_definitions import IMPORTER, REPOSITORY_READER, ROLES, RUNS, TASK
from infra.local.topology import APPLICATIONS, BASE, RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin, twin_of
from tests.twin.images import digest_at, push_image
from tests.twin.test_runs import encoded

pytestmark = pytest.mark.twin
TASK_NAME = "rerun"


@pytest.fixture
def app(twin: Twin) -> Twin:
    """The same twin with the clients of the product's identity, which may run one of the applications' tasks."""
    deployed = as_deployed(replace(twin.topology, application_tasks=(TASK_NAME,)))
    twin.control("POST", "/settings", {"assignments": deployed})
    for name in (TASK_NAME, "another"):
        step = {"type": "EncodedTask", "encodedTaskContent": "c3RlcHM6IFtdCg=="}
        twin.tasks.tasks.create(RESOURCE_GROUP, APPLICATIONS, name, {"location": "x", "properties": {"step": step}})
    return twin_of(twin.topology, twin.runner)


def take_away(twin: Twin, role: str, scope: str) -> None:
    """Leave the product's identity without one role on one resource."""
    left = twin.control("GET", "/settings").json()["assignments"]
    kept = [one for one in left if (one["principal"], one["role"], one["scope"]) != (APP, role, scope)]
    assert len(kept) == len(left) - 1
    twin.control("POST", "/settings", {"assignments": kept})


def refused(call: Callable[[], Any]) -> HttpResponseError:
    """Return ARM's refusal of a call."""
    with pytest.raises(HttpResponseError) as refusal:
        call()
    assert refusal.value.status_code == 403
    return refusal.value


def promote(twin: Twin) -> str:
    """Import from staging into base, and return the digest."""
    digest = push_image(twin.topology, "staging", "roles/app:1", "promoted")
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"roles/app@{digest}"}
    body = {"source": source, "targetTags": ["roles/app:1"], "mode": "Force"}
    twin.management.registries.begin_import_image(RESOURCE_GROUP, BASE, body).result(30)
    return digest


def run_task(twin: Twin, name: str) -> Any:
    """Run one of the applications' tasks under a name."""
    request = {"type": "TaskRunRequest", "taskId": f"{twin.topology.registry_id(APPLICATIONS)}/tasks/{name}"}
    body = {"properties": {"runRequest": request}}
    return twin.tasks.task_runs.begin_create(RESOURCE_GROUP, APPLICATIONS, f"run-{name}", body, polling=False)


def test_the_deployments_roles_are_enough_to_promote(app: Twin) -> None:
    digest = promote(app)
    with app.client("base") as client:
        assert client.get_tag_properties("roles/app", "1").digest == digest


def test_without_the_importers_role_an_import_is_refused_by_name(app: Twin) -> None:
    take_away(app, IMPORTER, app.topology.registry_id(BASE))
    refusal = refused(lambda: promote(app))
    assert refusal.error is not None
    assert refusal.error.code == "AuthorizationFailed"
    action = "Microsoft.ContainerRegistry/registries/importImage/action"
    assert f"perform action '{action}' over scope '{app.topology.registry_id(BASE)}'" in str(refusal.error.message)


def test_without_a_role_on_the_source_the_refusal_names_the_source_in_its_second_half(app: Twin) -> None:
    take_away(app, IMPORTER, app.topology.registry_id(STAGING))
    refusal = refused(lambda: promote(app))
    assert refusal.error is not None
    assert refusal.error.code == "LinkedAuthorizationFailed"
    target, source = str(refusal.error.message).split("; however, ")
    assert app.topology.registry_id(BASE) in target
    assert app.topology.registry_id(STAGING) in source


def test_a_source_that_may_be_read_and_not_pulled_fails_the_import(app: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = frozenset(action for action in ROLES[IMPORTER].actions if not action.endswith("/pull/read"))
    monkeypatch.setitem(ROLES, IMPORTER, replace(ROLES[IMPORTER], actions=reading))
    with pytest.raises(HttpResponseError, match=r"failed\. Resource .* Access to localhost:\d+ denied\."):
        promote(app)


def test_a_task_that_the_identity_may_write_is_run(app: Twin) -> None:
    assert run_task(app, TASK_NAME).result().properties.run_result.task == TASK_NAME


def test_a_task_that_it_may_not_write_is_not_run_under_a_name(app: Twin) -> None:
    refusal = refused(lambda: run_task(app, "another"))
    assert refusal.error is not None
    assert refusal.error.code == "LinkedAuthorizationFailed"
    linked = str(refusal.error.message).split("; however, ")[1]
    assert "registries/tasks/write" in linked
    assert f"{app.topology.registry_id(APPLICATIONS)}/tasks/another" in linked


def test_the_right_to_schedule_runs_is_not_enough_for_a_task_either(app: Twin) -> None:
    registry = app.topology.registry_id(APPLICATIONS)
    given = app.control("GET", "/settings").json()["assignments"]
    contributor = {"principal": APP, "role": "Container Registry Tasks Contributor", "scope": f"{registry}/runs"}
    app.control("POST", "/settings", {"assignments": [*given, contributor]})
    request = {"type": "TaskRunRequest", "taskId": f"{registry}/tasks/another"}
    refusal = refused(lambda: app.tasks.registries.schedule_run(RESOURCE_GROUP, APPLICATIONS, request))
    assert "scheduleRun/action" in str(refusal.message)


@pytest.mark.parametrize("registry", [STAGING, BASE])
def test_no_task_of_staging_or_base_can_be_written(app: Twin, registry: str) -> None:
    step = {"type": "EncodedTask", "encodedTaskContent": ""}
    task = {"location": "x", "properties": {"step": step}}
    refused(lambda: app.tasks.tasks.create(RESOURCE_GROUP, registry, "planted", task))


def test_without_the_role_for_runs_no_gate_is_run(app: Twin) -> None:
    take_away(app, RUNS, app.topology.registry_id(STAGING))
    body = {"properties": {"runRequest": encoded()}}
    refusal = refused(lambda: app.tasks.task_runs.begin_create(RESOURCE_GROUP, STAGING, "gate", body))
    assert "registries/taskruns/write" in str(refusal.message)


def test_the_identity_may_neither_push_nor_lock(app: Twin) -> None:
    push_image(app.topology, "base", "roles/kept:1", "kept")
    with app.client("base") as client:
        with pytest.raises(ClientAuthenticationError):
            client.update_tag_properties("roles/kept", "1", can_write=False)
        with pytest.raises(ClientAuthenticationError):
            client.delete_tag("roles/kept", "1")
    assert digest_at(app.topology, "base", "roles/kept:1") is not None


def test_a_token_that_permits_too_little_is_told_so_in_the_challenge(app: Twin) -> None:
    service = app.topology.address("base")
    entra = app.credential.get_token("https://containerregistry.azure.net/.default").token
    base = app.topology.https("base")
    fields = {"grant_type": "access_token", "service": service, "access_token": entra}
    refresh = requests.post(f"{base}/oauth2/exchange", data=fields, timeout=10).json()
    wanted = {"grant_type": "refresh_token", "service": service, "scope": "repository:mine:pull,push", **refresh}
    token = requests.post(f"{base}/oauth2/token", data=wanted, timeout=10).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{base}/v2/mine/blobs/uploads/", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_whoever_has_no_role_gets_no_token(app: Twin) -> None:
    push_image(app.topology, "base", "roles/secret:1", "secret")
    take_away(app, IMPORTER, app.topology.registry_id(BASE))
    with app.client("base") as client, pytest.raises(ClientAuthenticationError):
        client.get_tag_properties("roles/secret", "1")


def test_a_role_that_does_not_exist_cannot_be_given(twin: Twin) -> None:
    wrong = {"principal": APP, "role": "Emperor", "scope": twin.topology.registry_id(BASE)}
    url = twin.topology.http("control") + "/settings"
    answer = requests.post(url, json={"assignments": [wrong]}, timeout=10)
    assert answer.status_code == 400
    assert "Emperor" in answer.json()["error"]["message"]


def test_where_staging_gives_rights_by_repository_the_identity_reads_it_as_a_repository_reader(twin: Twin) -> None:
    deployed = as_deployed(replace(twin.topology, abac=True))
    staging = twin.topology.registry_id(STAGING)
    assert {"principal": APP, "role": REPOSITORY_READER, "scope": staging} in deployed
    assert [one["scope"] for one in deployed if one["role"] == TASK] == []


@pytest.mark.parametrize("locks", [False, True])
def test_the_identity_changes_locks_in_base_alone_and_only_where_locks_are_on(twin: Twin, locks: bool) -> None:
    for part in ("base", "staging"):
        push_image(twin.topology, part, "roles/locked:1", "locked")
    twin.control("POST", "/settings", {"assignments": as_deployed(replace(twin.topology, locks=locks))})
    app = twin_of(twin.topology, twin.runner)
    with app.client("base") as base, app.client("staging") as staging:
        assert base.get_tag_properties("roles/locked", "1").can_write is True
        with pytest.raises(HttpResponseError) as refusal:
            staging.update_tag_properties("roles/locked", "1", can_write=False)
        assert refusal.value.status_code in {401, 403}
        if locks:
            assert base.update_tag_properties("roles/locked", "1", can_write=False).can_write is False
        else:
            with pytest.raises(HttpResponseError):
                base.update_tag_properties("roles/locked", "1", can_write=False)
            assert base.get_tag_properties("roles/locked", "1").can_write is True
