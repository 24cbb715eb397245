"""The app's identity has the roles that its calls need, and no other; Event Grid's has the two it needs."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from tests.infra.bicep import FILES, INFRA, BicepFile, body, of_type, properties, read, resource_types, strings, text
from tests.infra.roles import (
    BUILT_IN,
    DECISIONS,
    DELETES,
    EVENTS,
    FURTHER_NEEDS,
    HOST_NEEDS,
    LOCKS,
    NEEDS,
    RECORD_KEY,
    RECORD_PUSH,
    RUNS,
    TASKS,
    TOPIC_NEEDS,
)
from tests.infra.sdk_calls import sdk_calls

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"
OF_THE_APP = sorted({template for template, _ in NEEDS.values()} | set(HOST_NEEDS) | set(FURTHER_NEEDS))
ACCESS = [*OF_THE_APP, *TOPIC_NEEDS]
OWN_ROLES = [RUNS, TASKS, DECISIONS, RECORD_KEY, RECORD_PUSH, DELETES, LOCKS]


def access(name: str) -> BicepFile:
    return read(INFRA / "modules" / name)


def given(name: str) -> dict[str, str]:
    """The built-in roles of a template: id by name."""
    listed = (node for variable, node in access(name).variables.items() if variable.lower().endswith("roles"))
    objects = (found for node in listed for found in of_type(node, "object"))
    return {text(role["name"]).strip("'"): text(role["id"]).strip("'") for role in map(properties, objects)}


def own_actions(name: str) -> set[str]:
    """The actions of the roles that a template defines."""
    file = access(name)
    defined = (file.resources[symbol] for symbol, typed in resource_types(file).items() if DEFINITION in typed)
    actions = (properties(body(role))["properties"] for role in defined)
    return {found for node in actions for found in strings(node) if found.startswith("Microsoft.")}


def permitted(name: str) -> set[str]:
    if name in OWN_ROLES:
        return own_actions(name)
    return {action for role in given(name) for action in BUILT_IN[role][1]}


def needed(name: str) -> set[str]:
    asked: list[Iterable[str]] = [actions for template, actions in NEEDS.values() if template == name]
    tables = (HOST_NEEDS, FURTHER_NEEDS, TOPIC_NEEDS)
    return {action for actions in (*asked, *(table.get(name, ()) for table in tables)) for action in actions}


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


@pytest.mark.parametrize("name", OWN_ROLES)
def test_the_roles_of_our_own_permit_nothing_else(name: str) -> None:
    assert own_actions(name) == needed(name)


@pytest.mark.parametrize("name", ACCESS)
def test_every_built_in_role_has_the_id_that_microsoft_gave_it(name: str) -> None:
    assert given(name) == {role: BUILT_IN[role][0] for role in given(name)}


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
            assert text(assignment["scope"]).partition("[")[0] in file.resources
            assert text(properties(assignment["properties"])["principalId"]) == "principalId"


def test_all_roles_are_the_apps_identitys_but_those_of_the_registrys_topic() -> None:
    main = text(read(INFRA / "main.bicep").root)
    of_the_app = {file.path.name for file in map(access, ACCESS)} - {EVENTS}
    assert main.count("principalId: identity.outputs.principalId") == main.count("principalId:") >= len(of_the_app)
    event_grid = text(access("event-grid.bicep").root)
    assert event_grid.count("principalId: create ? made!.identity.principalId : topic.identity.principalId") == 1
    assert event_grid.count("principalId:") == 1


def test_locks_may_be_changed_in_the_base_registry_alone_and_only_where_it_is_asked_for() -> None:
    main = read(INFRA / "main.bicep")
    files = {symbol: main.module_file(symbol).name for symbol in main.modules}
    (symbol,) = [symbol for symbol, name in files.items() if name == LOCKS]
    declared = text(main.modules[symbol])
    assert "if (lockImages)" in declared
    assert "registryName: base.name" in declared
    assert "param lockImages bool = false" in text(main.root)


def test_only_the_roles_of_records_and_of_housekeeping_let_the_app_push_or_delete() -> None:
    ends = ("push/write", "artifacts/delete", "repositories/content/write", "repositories/content/delete")
    changes = [f"Microsoft.ContainerRegistry/registries/{end}" for end in ends]
    for name in {*OF_THE_APP} - {RECORD_PUSH, DELETES}:
        assert [action for action in changes if covered(action, permitted(name))] == [], name


def test_event_grid_may_put_into_one_queue_and_one_container() -> None:
    file = access(EVENTS)
    scopes = {
        symbol: text(properties(body(node))["scope"])
        for symbol, node in file.resources.items()
        if "scope" in properties(body(node))
    }
    assert scopes == {"sending": "queue", "keeping": "container"}
