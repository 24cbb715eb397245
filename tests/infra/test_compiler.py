"""Microsoft's own compiler has nothing against the templates, and each way of deploying compiles."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.bicep import INFRA, MAIN, read, text
from tests.infra.compiler import bicep, compiler, needs_compiler

CONFIG = (INFRA / "bicepconfig.json").read_text()
ENVIRONMENT = {"AZURE_ENV_NAME": "prod", "AZURE_LOCATION": "westeurope"}
PARAMETERS = INFRA / "main.bicepparam"
# Made anew for each deployment.
WITHOUT_VARIABLE = {"webhookSecret"}


def rules() -> dict[str, dict[str, object]]:
    without_comments = re.sub(r"^\s*//.*$", "", CONFIG, flags=re.MULTILINE)
    found: dict[str, dict[str, object]] = json.loads(without_comments)["analyzers"]["core"]["rules"]
    return found


def built(**variables: str) -> dict[str, object]:
    """The parameters' values, as azd has them worked out from its variables."""
    run = bicep("build-params", PARAMETERS, "--stdout", **{**ENVIRONMENT, **variables})
    assert (run.returncode, run.stderr) == (0, "")
    values = json.loads(json.loads(run.stdout)["parametersJson"])["parameters"]
    return {name: value["value"] for name, value in values.items()}


@needs_compiler
@pytest.mark.parametrize("file", ["main.bicep", "main.bicepparam"])
def test_the_compiler_and_every_rule_of_its_linter_find_nothing(file: str) -> None:
    run = bicep("lint", INFRA / file, **ENVIRONMENT)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@needs_compiler
def test_the_linter_would_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bicepconfig.json").write_text(CONFIG)
    (tmp_path / "bad.bicep").write_text("param unused array\n")
    said = bicep("lint", tmp_path / "bad.bicep").stderr
    assert "no-unused-params" in said
    assert "use-user-defined-types" in said


def test_every_rule_warns_but_those_that_are_off_with_a_reason() -> None:
    levels = {name: rule["level"] for name, rule in rules().items()}
    off = {name for name, level in levels.items() if level == "off"}
    assert set(levels.values()) == {"warning", "off"}
    assert len(levels) > 50
    lines = CONFIG.splitlines()
    for name in off:
        at = next(number for number, line in enumerate(lines) if f'"{name}"' in line)
        above = next(line for line in reversed(lines[:at]) if '"off"' not in line)
        assert above.strip().startswith("//"), name


def test_every_parameter_of_the_template_is_described() -> None:
    main = MAIN.read_text()
    for name in read(MAIN).params:
        above = main[: main.index(f"param {name} ")].rstrip().splitlines()
        decorators = []
        while above and above[-1].startswith("@"):
            decorators.append(above.pop())
        assert any(line.startswith("@description('") for line in decorators), name


def variables() -> dict[str, str]:
    """The variable of each parameter, where it has one."""
    each = re.split(r"^param ", PARAMETERS.read_text(), flags=re.MULTILINE)[1:]
    found = ((part.split()[0], re.search(r"readEnvironmentVariable\('(\w+)'", part)) for part in each)
    return {name: variable[1] for name, variable in found if variable}


def test_every_parameter_has_a_variable_but_those_that_nobody_sets() -> None:
    assert set(read(MAIN).params) - set(variables()) == WITHOUT_VARIABLE


def test_every_variable_that_the_documents_advise_is_one_of_a_parameter() -> None:
    document = (INFRA.parent / "docs" / "deployment.md").read_text()
    advised = set(re.findall(r"azd env set ([A-Z_]+)", document))
    advised |= set(re.findall(r"`([A-Z_]{6,})`", document.partition("### Choices")[2].partition("\n### ")[0]))
    assert advised
    assert advised - set(variables().values()) == set()


def test_every_parameter_that_the_documents_name_has_a_variable() -> None:
    documents = [path.read_text() for path in sorted((INFRA.parent / "docs").glob("*.md"))]
    named = {name for name in read(MAIN).params if any(re.search(rf"\b{name}\b", text) for text in documents)}
    assert named - set(variables()) <= WITHOUT_VARIABLE


@needs_compiler
def test_what_is_not_set_is_what_the_template_says_by_itself() -> None:
    defaults = {
        name: text(node).rpartition(" = ")[2].strip("'")
        for name, node in read(MAIN).params.items()
        if " = " in text(node)
    }
    for name, value in built().items():
        if name in defaults:
            said = value if isinstance(value, str) else json.dumps(value)
            assert said == defaults[name].replace("${environmentName}", "prod"), name


@needs_compiler
def test_a_variable_that_is_empty_is_one_that_is_not_set() -> None:
    choices = {"REGISTRY_SKU", "REGISTRY_EVENTS", "STORAGE_SKU", "HOUSEKEEPING"}
    choices |= {name for name in variables().values() if name.endswith("ROLE_ASSIGNMENT_MODE")}
    empty = {name: "" for name in variables().values() if name not in {*choices, *ENVIRONMENT}}
    assert built(**empty) == built()


@needs_compiler
@pytest.mark.parametrize(
    "secret", ['{"ghcr.io": {"username": "u", "password": "p\\"\'$\\\\{x}"}}', 'a "quoted" ${word}']
)
def test_quotes_and_signs_in_a_variable_survive(secret: str) -> None:
    assert built(REGISTRY_CREDENTIALS=secret)["registryCredentials"] == secret


@needs_compiler
def test_lists_and_tags_are_json() -> None:
    values = built(APPLICATION_TASK_IDS='["/a", "/b"]', TAGS='{"owner": "x"}', PRIVATE_NETWORKING="true")
    assert (values["applicationTaskIds"], values["tags"], values["privateNetworking"]) == (
        ["/a", "/b"],
        {"owner": "x"},
        True,
    )


@needs_compiler
@pytest.mark.parametrize("variable", ["REGISTRY_SKU", "PRIVATE_NETWORKING", "APPLICATION_REGISTRY_IDS"])
def test_a_variable_with_a_strange_value_is_refused_before_azure_is_asked(variable: str) -> None:
    run = bicep("build-params", PARAMETERS, "--stdout", **ENVIRONMENT, **{variable: "strange"})
    assert run.returncode != 0
    assert "main.bicepparam" in run.stderr


def check(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], **variables}
    return subprocess.run(
        ["sh", str(INFRA / "deploy-check.sh")], env=environment, capture_output=True, text=True, check=False
    )


@needs_compiler
def test_deploy_check_compiles_and_says_by_which_compiler() -> None:
    run = check(BICEP=compiler())
    assert run.returncode == 0, run.stderr
    assert f"compiled by {compiler()}" in run.stdout


@needs_compiler
def test_deploy_check_fails_on_a_warning(tmp_path: Path) -> None:
    infra = tmp_path / "infra"
    shutil.copytree(INFRA, infra, ignore=shutil.ignore_patterns("local", "*.py", "__pycache__"))
    module = infra / "modules" / "identity.bicep"
    module.write_text(module.read_text() + "\nparam nobody string = ''\n")
    script = infra / "deploy-check.sh"
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "BICEP": compiler()}
    run = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "no-unused-params" in run.stdout + run.stderr
