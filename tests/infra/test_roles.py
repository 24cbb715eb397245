"""The app's identity has the roles that its calls need, and no other; Event Grid's has the two it needs."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from tests.infra.bicep import FILES, INFRA, BicepFile, body, of_type, properties, read, resource_types, strings, text
from tests.infra.roles import BUILT_IN, EVENTS, HOST_NEEDS, NEEDS, RUNS, TOPIC_NEEDS
from tests.infra.sdk_calls import sdk_calls

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
OF_THE_APP = sorted({template for template, _ in NEEDS.values()} | set(HOST_NEEDS))
ACCESS = [*OF_THE_APP, *TOPIC_NEEDS]


def access(name: str) -> BicepFile:
    return read(INFRA / "modules" / name)


def given(name: str) -> dict[str, str]:
    """The built-in roles of a template: id by name."""
    listed = access(name).variables.get("roles")
    objects = of_type(listed, "object") if listed else ()
    return {text(role["name"]).strip("'"): text(role["id"]).strip("'") for role in map(properties, objects)}


def own_actions() -> set[str]:
    """The actions of the role that is defined here."""
    actions = properties(body(access(RUNS).resources["runs"]))["properties"]
    return {found for found in strings(actions) if found.startswith("Microsoft.")}


def permitted(name: str) -> set[str]:
    if name == RUNS:
        return own_actions()
    return {action for role in given(name) for action in BUILT_IN[role][1]}


def needed(name: str) -> set[str]:
    asked: list[Iterable[str]] = [actions for template, actions in NEEDS.values() if template == name]
    return {action for actions in (*asked, HOST_NEEDS.get(name, ()), TOPIC_NEEDS.get(name, ())) for action in actions}


def covered(action: str, by: set[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in by)


def test_every_call_of_an_adapter_is_in_the_table_of_what_it_needs() -> None:
    assert sdk_calls() == set(NEEDS)


@pytest.mark.parametrize("name", ACCESS)
def test_the_roles_permit_every_call(name: str) -> None:
    assert [action for action in sorted(needed(name)) if not covered(action, permitted(name))] == []


@pytest.mark.parametrize("name", ACCESS)
def test_no_role_is_given_without_a_call_that_needs_it(name: str) -> None:
    for role in given(name):
        assert any(covered(action, BUILT_IN[role][1]) for action in needed(name)), role


def test_the_role_of_our_own_permits_nothing_else() -> None:
    assert own_actions() == needed(RUNS)


@pytest.mark.parametrize("name", ACCESS)
def test_every_built_in_role_has_the_id_that_microsoft_gave_it(name: str) -> None:
    assert given(name) == {role: BUILT_IN[role][0] for role in given(name)}


def test_the_role_given_on_demand_is_the_built_in_one_for_tasks() -> None:
    (role_id,) = strings(access(RUNS).variables["builtInRoleId"])
    assert role_id == BUILT_IN["Container Registry Tasks Contributor"][0]


def test_every_call_is_named_where_its_role_is_given() -> None:
    for (_, call), (template, actions) in NEEDS.items():
        if actions:
            method = call.removeprefix("registries.")
            assert method in text(access(template).root), f"{template} does not say that {method} needs it"


def test_roles_are_given_nowhere_else() -> None:
    giving = {
        f.path.name for f in map(read, FILES) if any(t.startswith(ASSIGNMENT) for t in resource_types(f).values())
    }
    assert giving == set(ACCESS)


def test_every_role_is_given_on_one_resource_to_one_identity() -> None:
    for file in map(access, ACCESS):
        declared = [file.resources[s] for s, typed in resource_types(file).items() if typed.startswith(ASSIGNMENT)]
        for assignment in map(properties, map(body, declared)):
            assert text(assignment["scope"]) in file.resources
            assert text(properties(assignment["properties"])["principalId"]) == "principalId"


def test_all_roles_are_the_apps_identitys_but_those_of_the_registrys_topic() -> None:
    main = text(read(INFRA / "main.bicep").root)
    assert main.count("principalId: identity.outputs.principalId") == main.count("principalId:") == len(OF_THE_APP)
    event_grid = text(access("event-grid.bicep").root)
    assert event_grid.count("principalId: create ? made.identity.principalId : topic.identity.principalId") == 1
    assert event_grid.count("principalId:") == 1


def test_event_grid_may_put_into_one_queue_and_one_container() -> None:
    file = access(EVENTS)
    scopes = {
        symbol: text(properties(body(node))["scope"])
        for symbol, node in file.resources.items()
        if "scope" in properties(body(node))
    }
    assert scopes == {"sending": "queue", "keeping": "container"}
