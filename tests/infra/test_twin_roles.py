"""The roles that the laptop twin enforces are those that the templates give."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.emulator.assignments import APP, as_deployed
from infra.local.emulator.role_definitions import (
    HOUSEKEEPING,
    IMPORTER,
    LOCKS,
    RECORDS,
    REPOSITORY_READER,
    ROLES,
    RUNS,
    SCHEDULE,
    TASK,
    TASKS_CONTRIBUTOR,
    defined,
)
from infra.local.topology import APPLICATIONS, BASE, STAGING, Topology
from tests.infra.bicep import INFRA, MAIN, body, of_type, properties, read, resource_types, strings, text
from tests.infra.roles import BUILT_IN

_DEFINITION = "Microsoft.Authorization/roleDefinitions"
_TOPOLOGY = Topology(Path("/nowhere"), 10000, "", "", "", application_tasks=("shop",))
# Roles of our own: the template and the symbol that may define each.
OWN = {
    ("access-runs.bicep", "runs"): RUNS,
    ("access-runs.bicep", "schedule"): SCHEDULE,
    ("access-tasks.bicep", "rerun"): TASK,
    ("access-record-push.bicep", "pusher"): RECORDS,
    ("access-deletes.bicep", "deletes"): HOUSEKEEPING,
    ("access-locks.bicep", "locks"): LOCKS,
}
# Built-in roles that the template for images gives, by the variable that lists them.
GIVEN = {"roles": IMPORTER, "abacRoles": REPOSITORY_READER}
RECORDED = Path(__file__).resolve().parents[3] / "shared/samples/azure-recorded/role_definitions.json"


def definitions() -> list[tuple[str, str]]:
    """Template and symbol of every role that is defined for registries."""
    templates = sorted((INFRA / "modules").glob("access-*.bicep"))
    return [
        (path.name, symbol)
        for path in templates
        if "Microsoft.ContainerRegistry/registries" in path.read_text()
        for symbol, kind in resource_types(read(path)).items()
        if kind.startswith(_DEFINITION)
    ]


@pytest.mark.parametrize("place", definitions(), ids="-".join)
def test_a_role_of_our_own_permits_in_the_twin_what_its_template_says(place: tuple[str, str]) -> None:
    definition = properties(body(read(INFRA / "modules" / place[0]).resources[place[1]]))["properties"]
    written = {found for found in strings(definition) if found.startswith("Microsoft.")}
    assert ROLES[OWN[place]].actions | ROLES[OWN[place]].data_actions == written


def test_a_role_that_no_template_defines_is_not_read_from_one() -> None:
    with pytest.raises(ValueError, match=r"access-runs\.bicep defines no role kings"):
        defined("access-runs.bicep", "kings")


def test_the_built_in_roles_on_images_are_the_twins_too() -> None:
    variables = read(INFRA / "modules" / "access-imports.bicep").variables
    lists = {name: list(of_type(node, "object")) for name, node in variables.items()}
    names = {name: [text(properties(role)["name"]).strip("'") for role in listed] for name, listed in lists.items()}
    assert names == {name: [GIVEN[name]] for name in names}
    assert ROLES[IMPORTER].actions == BUILT_IN[IMPORTER][1]


def test_the_twin_gives_roles_on_the_registries_that_the_template_gives_them_on() -> None:
    main = read(MAIN)
    by_file: dict[str, str] = {}
    for symbol, node in main.modules.items():
        name = main.module_file(symbol).name
        by_file[name] = by_file.get(name, "") + text(node)
    assert all(word in by_file["access-imports.bicep"] for word in ("staging", "base"))
    assert all(word in by_file["access-runs.bicep"] for word in ("staging", "application"))
    given = {
        (one["role"], one["scope"].rpartition("/registries/")[2])
        for one in as_deployed(_TOPOLOGY)
        if one["principal"] == APP
    }
    imports, runs = {(IMPORTER, STAGING), (IMPORTER, BASE)}, {(RUNS, STAGING), (RUNS, APPLICATIONS)}
    assert given == imports | runs | {(HOUSEKEEPING, STAGING), (TASK, f"{APPLICATIONS}/tasks/shop")}


def test_the_twin_gives_the_right_to_lock_where_the_template_does_and_only_where_locks_are_on() -> None:
    access = body(read(MAIN).modules["lockAccess"])
    assert "lockImages" in text(read(MAIN).modules["lockAccess"]).partition("{")[0]
    assert "base" in text(access)
    given = [one for one in as_deployed(replace(_TOPOLOGY, locks=True)) if one["role"] == LOCKS]
    assert given == [{"principal": APP, "role": LOCKS, "scope": _TOPOLOGY.registry_id(BASE)}]
    assert LOCKS not in {one["role"] for one in as_deployed(_TOPOLOGY)}


@pytest.mark.skipif(not RECORDED.exists(), reason=f"the recording is not here: {RECORDED.name}")
@pytest.mark.parametrize("role", [IMPORTER, TASKS_CONTRIBUTOR])
def test_a_built_in_role_permits_what_azure_was_recorded_to_say(role: str) -> None:
    listed = json.loads(RECORDED.read_text())["roles"][role]["actions"]
    recorded = {action.replace("…", "Microsoft.ContainerRegistry/registries") for action in listed}
    assert ROLES[role].actions == recorded
