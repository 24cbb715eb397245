"""The roles that the laptop twin enforces are those that the templates give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.emulator.assignments import APP, as_deployed
from infra.local.emulator.role_definitions import IMPORTER, ROLES, RUNS, TASK, TASKS_CONTRIBUTOR
from infra.local.topology import APPLICATIONS, BASE, STAGING, Topology
from tests.infra.bicep import INFRA, MAIN, body, of_type, properties, read, resource_types, strings, text
from tests.infra.roles import BUILT_IN

_DEFINITION = "Microsoft.Authorization/roleDefinitions"
_TOPOLOGY = Topology(Path("/nowhere"), 10000, "", "", "", application_tasks=("shop",))
# Roles of our own: the template and the symbol that define each.
OWN = {("access-runs.bicep", "runs"): RUNS}
# Built-in roles that a template of the registries gives.
GIVEN = {"access-imports.bicep": {IMPORTER}}
RECORDED = Path(__file__).resolve().parents[3] / "shared/samples/azure-recorded/role_definitions.json"


def of_registries() -> list[str]:
    """Names of the templates that give a role on a registry."""
    return [
        path.name for path in sorted((INFRA / "modules").glob("access-*.bicep")) if "registries" in path.read_text()
    ]


def test_the_twin_knows_every_role_that_the_templates_define() -> None:
    defined = {
        (name, symbol)
        for name in of_registries()
        for symbol, kind in resource_types(read(INFRA / "modules" / name)).items()
        if kind.startswith(_DEFINITION)
    }
    assert defined == set(OWN)


@pytest.mark.parametrize(("place", "role"), OWN.items(), ids=OWN.values())
def test_a_role_of_our_own_permits_in_the_twin_what_its_template_says(place: tuple[str, str], role: str) -> None:
    definition = properties(body(read(INFRA / "modules" / place[0]).resources[place[1]]))["properties"]
    written = {found for found in strings(definition) if found.startswith("Microsoft.")}
    assert ROLES[role].actions | ROLES[role].data_actions == written


@pytest.mark.parametrize("name", GIVEN)
def test_a_built_in_role_that_a_template_gives_is_the_twins_too(name: str) -> None:
    listed = of_type(read(INFRA / "modules" / name).variables["roles"], "object")
    assert {text(properties(role)["name"]).strip("'") for role in listed} == GIVEN[name]
    for role in GIVEN[name]:
        assert ROLES[role].actions == BUILT_IN[role][1]


def test_the_twin_gives_roles_on_the_registries_that_the_template_gives_them_on() -> None:
    modules = read(MAIN).modules
    assert "union([stagingId], [baseId])" in text(modules["importAccess"])
    assert "union([stagingId], applicationIds)" in text(modules["runsAccess"])
    given = {
        (one["role"], one["scope"].rpartition("/registries/")[2])
        for one in as_deployed(_TOPOLOGY)
        if one["principal"] == APP
    }
    imports, runs = {(IMPORTER, STAGING), (IMPORTER, BASE)}, {(RUNS, STAGING), (RUNS, APPLICATIONS)}
    assert given == imports | runs | {(TASK, f"{APPLICATIONS}/tasks/shop")}


@pytest.mark.skipif(not RECORDED.exists(), reason=f"the recording is not here: {RECORDED.name}")
@pytest.mark.parametrize("role", [IMPORTER, TASKS_CONTRIBUTOR])
def test_a_built_in_role_permits_what_azure_was_recorded_to_say(role: str) -> None:
    listed = json.loads(RECORDED.read_text())["roles"][role]["actions"]
    recorded = {action.replace("…", "Microsoft.ContainerRegistry/registries") for action in listed}
    assert ROLES[role].actions == recorded
