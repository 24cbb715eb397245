"""A registry that gives rights by repository: what its runs and its readers may do there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from infra.local.emulator.assignments import APP, as_deployed
from infra.local.emulator.role_definitions import REPOSITORY_READER
from infra.local.topology import APPLICATIONS, BASE, RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin, twin_of
from tests.twin.images import push_image
from tests.twin.test_roles import take_away
from tests.twin.test_runs import encoded, schedule

pytestmark = pytest.mark.twin
CALLER = {"credentials": {"sourceRegistry": {"identity": "[caller]"}}}


@pytest.fixture
def app(twin: Twin) -> Iterator[Twin]:
    """The twin with such a staging registry, and the clients of the product's identity as it is deployed then."""
    deployed = as_deployed(replace(twin.topology, abac=True))
    twin.control("POST", "/settings", {"abac_registries": [STAGING], "assignments": deployed})
    yield twin_of(twin.topology, twin.runner)
    twin.control("POST", "/settings", {"abac_registries": []})


def rights(twin: Twin, request: dict[str, Any]) -> frozenset[str]:
    """Return what a run of this request could do with staging."""
    body = {"properties": {"runRequest": request, "forceUpdateTag": str(time.time_ns())}}
    twin.tasks.task_runs.begin_create(RESOURCE_GROUP, STAGING, "by-repository", body, polling=False)
    return executed(twin, 1)[0]


def executed(twin: Twin, count: int) -> list[frozenset[str]]:
    """Return the rights of the runs once there are this many."""
    deadline = time.monotonic() + 10
    while len(twin.runner.requests) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [request.rights for request in twin.runner.requests]


def test_a_registry_tells_how_it_gives_rights(app: Twin, twin: Twin) -> None:
    modes = [twin.management.registries.get(RESOURCE_GROUP, name).role_assignment_mode for name in (STAGING, BASE)]
    assert modes == ["AbacRepositoryPermissions", "LegacyRegistryPermissions"]
    assert app.topology == twin.topology


def test_a_run_that_signs_in_as_nobody_may_do_nothing(app: Twin) -> None:
    assert rights(app, encoded()) == frozenset()


def test_a_run_that_signs_in_as_its_caller_may_pull_and_not_push(app: Twin) -> None:
    assert rights(app, encoded(**CALLER)) == {"pull"}


def test_a_caller_who_is_no_repository_reader_has_nothing_to_give_to_a_run(app: Twin) -> None:
    take_away(app, REPOSITORY_READER, app.topology.registry_id(STAGING))
    assert rights(app, encoded(**CALLER)) == frozenset()


def test_elsewhere_a_run_may_do_everything_without_saying_who_it_is(twin: Twin) -> None:
    schedule(twin, encoded())
    assert twin.runner.requests[0].rights == {"pull", "push"}


def test_a_tasks_own_identity_needs_rights_of_its_own(app: Twin, twin: Twin) -> None:
    twin.control("POST", "/settings", {"abac_registries": [STAGING, APPLICATIONS]})
    step = {"type": "EncodedTask", "encodedTaskContent": "c3RlcHM6IFtdCg=="}
    properties = {"step": step, "credentials": {"sourceRegistry": {"identity": "[system]"}}}
    task = twin.tasks.tasks.create(RESOURCE_GROUP, APPLICATIONS, "own", {"location": "x", "properties": properties})
    given = twin.control("GET", "/settings").json()["assignments"]
    reader = {"principal": task.id, "role": REPOSITORY_READER, "scope": app.topology.registry_id(APPLICATIONS)}
    request = {"type": "TaskRunRequest", "taskId": task.id}
    for assignments in (given, [*given, reader]):
        twin.control("POST", "/settings", {"assignments": assignments})
        twin.tasks.registries.schedule_run(RESOURCE_GROUP, APPLICATIONS, request)
    assert sorted(map(sorted, executed(twin, 2))) == [[], ["pull"]]


def test_a_registrys_own_readers_are_none_of_its_repositories(app: Twin) -> None:
    digest = push_image(app.topology, "staging", "by/repository:1", "read")
    with app.client("staging") as client:
        assert client.get_tag_properties("by/repository", "1").digest == digest
        take_away(app, REPOSITORY_READER, app.topology.registry_id(STAGING))
        with pytest.raises(ClientAuthenticationError):
            client.get_tag_properties("by/repository", "1")


def test_imports_do_not_ask_for_rights_by_repository(app: Twin) -> None:
    take_away(app, REPOSITORY_READER, app.topology.registry_id(STAGING))
    digest = push_image(app.topology, "staging", "by/import:1", "imported")
    source = {"resourceId": app.topology.registry_id(STAGING), "sourceImage": f"by/import@{digest}"}
    body = {"source": source, "targetTags": ["by/import:1"], "mode": "Force"}
    app.management.registries.begin_import_image(RESOURCE_GROUP, BASE, body).result(30)
    with app.client("base") as client:
        assert client.get_tag_properties("by/import", "1").digest == digest
    assert APP in {one["principal"] for one in app.control("GET", "/settings").json()["assignments"]}
