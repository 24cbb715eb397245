"""The templates are sound as far as that can be seen without Microsoft's compiler, which test_compiler.py asks."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.infra.bicep import (
    FILES,
    MAIN,
    errors,
    module_outputs_read,
    read,
    reads,
    resource_types,
    text,
)

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)

# The audience of registries in the public cloud, picked where the cloud is that one.
ONE_CLOUD_BY_CHOICE = {
    "function-app.bicep": {"containerregistry.azure.net"},
    # The zones of apps, which no function tells: one for each cloud.
    "private-endpoints.bicep": {
        "privatelink.azurewebsites.net",
        "privatelink.azurewebsites.us",
        "privatelink.chinacloudsites.cn",
    },
}
OFF_BY_DEFAULT = {
    "privateNetworking": "false",
    "closeFunctionApp": "false",
    "allowedAddresses": "[]",
    "furtherSettings": "{}",
    "agentPoolName": "''",
    "allApplicationTasks": "false",
    "applicationTaskIds": "[]",
    "gatesByScheduleRun": "false",
    "diagnosticLogs": "false",
    "encryptionKeyUri": "''",
    "baseReplicaLocations": "[]",
    "warmHttpInstances": "0",
}
# Resource types of which Azure offers previews only, or no stable version with what is used.
PREVIEWS = {
    "Microsoft.ContainerRegistry/registries/tasks",
    "Microsoft.ContainerRegistry/registries/agentPools",
    "Microsoft.Insights/diagnosticSettings",
}


@each_file
def test_a_template_has_no_syntax_error(path: Path) -> None:
    assert errors(read(path)) == []


@each_file
def test_a_template_reads_only_what_it_declares(path: Path) -> None:
    file = read(path)
    assert set(reads(file.root)) - file.symbols == set()


@each_file
def test_a_template_declares_no_parameter_or_variable_that_nothing_reads(path: Path) -> None:
    file = read(path)
    assert {*file.params, *file.variables} - set(reads(file.root)) == set()


@each_file
def test_every_resource_has_a_dated_api_version_and_a_preview_only_where_there_is_no_other(path: Path) -> None:
    for typed in resource_types(read(path)).values():
        name, _, version = typed.partition("@")
        found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(-preview)?", version)
        assert found, typed
        assert date(2019, 1, 1) < date.fromisoformat(found[1]) < date.today()
        assert (found[2] is not None) == (name in PREVIEWS), typed


@each_file
def test_one_resource_type_has_one_api_version_everywhere(path: Path) -> None:
    everywhere = {typed.partition("@")[::2] for file in FILES for typed in resource_types(read(file)).values()}
    versions = dict(everywhere)
    for typed in resource_types(read(path)).values():
        name, _, version = typed.partition("@")
        assert {found for other, found in everywhere if other == name} == {version}, versions


@each_file
def test_every_module_is_handed_exactly_the_parameters_it_wants(path: Path) -> None:
    file = read(path)
    for symbol in file.modules:
        module, passed = read(file.module_file(symbol)), file.passed(symbol)
        assert passed - set(module.params) == set(), f"{symbol} knows no such parameter"
        assert module.required() - passed == set(), f"{symbol} is not told"


@each_file
def test_every_output_that_is_read_of_a_module_is_one_that_it_has(path: Path) -> None:
    file = read(path)
    for symbol, output in module_outputs_read(file):
        assert output in read(file.module_file(symbol)).outputs, f"{symbol}.outputs.{output}"


def test_every_module_is_used() -> None:
    used = {file.module_file(symbol) for file in map(read, FILES) for symbol in file.modules}
    assert set(FILES) - used == {MAIN}


def test_no_secret_has_a_default_that_is_written_down() -> None:
    for file in map(read, FILES):
        for found in re.finditer(rb"@secure\(\)\nparam \w+ string(?: = (.*))?", file.root.text or b""):
            assert found[1] in {None, b"''", b"'${newGuid()}${newGuid()}'"}, found[0]


@each_file
def test_no_template_writes_down_an_address_of_one_cloud(path: Path) -> None:
    code = re.sub(r"^\s*//.*$|^@description.*$", "", path.read_text(), flags=re.MULTILINE)
    written = set(re.findall(r"[\w.-]+\.(?:net|com|cn|us|io)\b", code))
    assert written - ONE_CLOUD_BY_CHOICE.get(path.name, set()) == set()


def test_what_costs_more_or_closes_doors_is_off_unless_it_is_asked_for() -> None:
    params = read(MAIN).params
    defaults = {name: text(params[name]).rpartition(" = ")[2] for name in OFF_BY_DEFAULT}
    assert defaults == OFF_BY_DEFAULT
