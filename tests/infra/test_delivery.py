"""Workflows, the action that validates watch lists, azd's project and the dev container."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.bicep import INFRA

ROOT = INFRA.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "validate-watch-list"

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def loaded(path: Path) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for true.
    return {str(key): value for key, value in yaml.safe_load(path.read_text()).items()}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION / "action.yml"], ids=lambda path: path.name)
def test_actions_of_others_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: ([^\s@]+)@(\S+) # (.+)", path.read_text())
    assert len(used) == len(re.findall(r"uses: (?!\./)", path.read_text())), "each with a comment"
    for action, version, _ in used:
        assert re.fullmatch(r"[0-9a-f]{40}", version), action


@each_workflow
def test_a_workflow_asks_for_its_permissions_and_uses_no_secret(path: Path) -> None:
    assert loaded(path)["permissions"]["contents"] == "read"
    assert "secrets." not in path.read_text()


@each_workflow
def test_a_workflow_calls_only_targets_that_make_has(path: Path) -> None:
    assert set(re.findall(r"run: make (\S+)", path.read_text())) <= make_targets()


def test_only_the_deployment_may_ask_for_a_token_of_its_own() -> None:
    asking = {path.stem for path in WORKFLOWS if loaded(path)["permissions"].get("id-token") == "write"}
    assert asking == {"deploy"}


def test_the_deployment_hands_on_every_parameter_but_secrets() -> None:
    names = set(re.findall(r"readEnvironmentVariable\(\s*'(\w+)'", (INFRA / "main.bicepparam").read_text()))
    given = set(loaded(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]["deploy"]["env"])
    assert names - given == {"DOCKER_HUB_TOKEN", "REGISTRY_CREDENTIALS"}
    assert given - names == {"AZURE_CLOUD", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}


def test_one_action_of_others_is_of_one_version_everywhere() -> None:
    files = [*WORKFLOWS, ACTION / "action.yml"]
    used = {found for file in files for found in re.findall(r"uses: ([^\s@]+)@(\S+)", file.read_text())}
    assert len({action for action, _ in used}) == len(used)


def test_azd_finds_the_app_by_the_tag_that_the_template_gives_it() -> None:
    (service,) = loaded(ROOT / "azure.yaml")["services"]
    assert f"'azd-service-name': '{service}'" in (INFRA / "modules" / "function-app.bicep").read_text()


def test_whatever_is_pinned_is_looked_at_for_newer_versions() -> None:
    updates = loaded(ROOT / ".github" / "dependabot.yml")["updates"]
    looked = {
        (update["package-ecosystem"], place)
        for update in updates
        for place in update.get("directories", [update.get("directory")])
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pinned = {
        ("npm" if file.endswith("package-lock.json") else "pip", "/" + file.rpartition("/")[0])
        for file in tracked
        if file.endswith("package-lock.json") or re.fullmatch(r"requirements.*\.txt", file.rpartition("/")[2])
    }
    elsewhere = {
        ("github-actions", "/"),
        ("github-actions", f"/{ACTION.relative_to(ROOT)}"),
        ("docker", "/.devcontainer"),
    }
    assert looked == pinned | elsewhere


def test_the_webhooks_are_connected_from_windows_as_from_anywhere_else() -> None:
    hooks = loaded(ROOT / "azure.yaml")["hooks"]["postdeploy"]
    assert {system: hook["shell"] for system, hook in hooks.items()} == {"posix": "sh", "windows": "pwsh"}
    posix, windows = (re.findall(r"azd .+", hooks[system]["run"]) for system in ("posix", "windows"))
    assert posix == windows == ["azd env set CONNECT_WEBHOOK true", "azd provision --no-prompt"]


@pytest.mark.parametrize(
    ("variables", "connects"),
    [
        ({}, True),
        ({"REGISTRY_EVENTS": "webhooks", "CONNECT_WEBHOOK": "false"}, True),
        ({"CONNECT_WEBHOOK": "true"}, False),
        ({"REGISTRY_EVENTS": "event-grid"}, False),
    ],
)
def test_the_webhooks_are_connected_once_and_only_where_there_are_some(
    variables: dict[str, str], connects: bool, tmp_path: Path
) -> None:
    azd = tmp_path / "azd"
    azd.write_text('#!/bin/sh\necho "azd $*"\n')
    azd.chmod(0o755)
    script = loaded(ROOT / "azure.yaml")["hooks"]["postdeploy"]["posix"]["run"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}
    run = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert (run.stdout == "azd env set CONNECT_WEBHOOK true\nazd provision --no-prompt\n") is connects
    assert connects or run.stdout == ""


def test_what_azd_keeps_of_an_environment_is_never_committed() -> None:
    ignored = subprocess.run(["git", "check-ignore", "-q", ".azure/prod/.env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_the_dev_container_is_the_system_of_the_gate_and_has_what_the_twin_needs() -> None:
    dockerfile = (ROOT / ".devcontainer" / "Dockerfile").read_text()
    wanted = re.search(r"for program in (.+); do", (ROOT / "infra/local/setup/debian.sh").read_text())
    assert wanted
    assert set(wanted[1].split()) | {"busybox-static"} <= set(dockerfile.split())
    workflow = loaded(ROOT / ".github" / "workflows" / "test.yml")
    assert f"FROM {workflow['jobs']['test']['container']['image']}\n" in dockerfile


def test_the_dev_container_sets_up_with_targets_that_make_has() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    called = container["postCreateCommand"].split()
    assert called[0] == "make"
    assert set(called[1:]) <= make_targets()


def test_python_is_the_one_that_the_suite_runs_on_wherever_a_version_is_named() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = {found for file in documents for found in re.findall(r"[Pp]ython3?[ (]+(3\.\d+)", file.read_text())}
    app = (INFRA / "modules" / "function-app.bicep").read_text()
    deployed = set(re.findall(r"name: 'python'[^}]*version: '([\d.]+)'", app))
    checked = set(re.findall(r"python-version: '([\d.]+)'", (ACTION / "action.yml").read_text()))
    image = str(loaded(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["test"]["container"]["image"])
    assert re.fullmatch(r"\S+-bookworm@sha256:[0-9a-f]{64}", image)  # Debian 12, which has Python 3.11
    assert named == deployed == checked == {"3.11"}


def test_the_gates_are_uploaded_before_the_list_that_names_them() -> None:
    document = (ROOT / "docs" / "deployment.md").read_text()
    assert 0 < document.index("--destination-path gates") < document.index("--name images.yaml")


def test_the_documents_begin_with_what_stops_people() -> None:
    first, stops, rest = (ROOT / "docs" / "deployment.md").read_text().split("\n## ", 2)
    assert stops.startswith("What stops people\n")
    for word in ("TasksOperationsNotAllowed", "preview", "other subscriptions", "registries that are there need"):
        assert word in stops
    assert len(first.splitlines()) < 10
    assert rest.startswith("What you need")
