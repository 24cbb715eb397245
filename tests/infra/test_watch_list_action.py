"""The action that validates watch lists in pull requests is run as GitHub runs it, with no more than it installs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.bicep import INFRA

ROOT = INFRA.parent
ACTION = ROOT / ".github" / "actions" / "validate-watch-list"
STEPS: list[dict[str, Any]] = yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]
ENTRY = "  - {name: %s, source: docker.io/library/%s, tags: [1], target: base/%s, gate: %s}\n"


def installed() -> set[str]:
    """What the action installs of all that the app needs."""
    pattern = re.search(r"grep -E '([^']+)'", STEPS[1]["run"])
    assert pattern
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if re.match(pattern[1], line)}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checked-out repository beside a Python that has what the action installs, and nothing else."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for part in {file.parts[0] for name in installed() for file in files(name) or ()}:
        at = next(Path(entry) / part for entry in sys.path if (Path(entry) / part).exists())
        (packages / part).symlink_to(at)
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec "{sys.executable}" -S "$@"\n')
    program.chmod(0o755)
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


def validated(workspace: Path, file: str = "images.yaml", base: str = "") -> subprocess.CompletedProcess[str]:
    """Run the action's last step in a repository."""
    assert set(STEPS[-1]["env"]) == {"WATCH_LIST", "BASE", "PYTHONPATH"}
    environment = {
        "PATH": f"{workspace.parent / 'bin'}:{os.environ['PATH']}",
        "WATCH_LIST": file,
        "BASE": base,
        "PYTHONPATH": STEPS[-1]["env"]["PYTHONPATH"].replace("${{ github.action_path }}", str(ACTION)),
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[-1]["run"]]
    return subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)


def gate(workspace: Path, name: str, last: str = 'ENTRYPOINT ["/bin/sh", "/test.sh"]', end: bytes = b"\n") -> None:
    folder = workspace / "gates" / name
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(f"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n{last}\n")
    (folder / "test.sh").write_bytes(b"echo $TIDEGATE_NONCE" + end)


def listed(workspace: Path, *names: str) -> None:
    (workspace / "images.yaml").write_text("images:\n" + "".join(ENTRY % ((name,) * 4) for name in names))


def test_the_action_installs_the_two_packages_that_the_reader_imports() -> None:
    assert installed() == {"msgspec", "PyYAML"}


def test_a_valid_watch_list_passes_the_action_with_what_it_installs(workspace: Path) -> None:
    gate(workspace, "node")
    listed(workspace, "node")
    run = validated(workspace)
    assert (run.returncode, run.stdout, run.stderr) == (0, "images.yaml: 1 entries, valid\n", "")


def test_the_repository_under_test_gives_the_action_none_of_its_own_packages(workspace: Path) -> None:
    for name in ("shared", "yaml", "msgspec"):
        (workspace / name).mkdir()
        (workspace / name / "__init__.py").write_text("raise SystemExit(0)\n")
    (workspace / "images.yaml").write_text("images: 5\n")
    assert validated(workspace).returncode == 1


def test_every_problem_of_a_watch_list_is_marked_at_its_line(workspace: Path) -> None:
    (workspace / "images.yaml").write_text(
        "images:\n  - name: node\n    source: quay.io/A/b\n    tags: [1]\n    target: base/node\n    colour: x\n"
    )
    run = validated(workspace)
    assert run.returncode == 1
    marked = re.findall(r"^::error file=images.yaml,line=(\d+),title=Watch list::(.+)$", run.stdout, re.MULTILINE)
    assert {line for line, _ in marked} >= {"3", "6"}


def test_a_gate_that_can_decide_nothing_is_marked_and_one_that_is_not_there_only_told(workspace: Path) -> None:
    listed(workspace, "good", "bad", "gone")
    gate(workspace, "good")
    gate(workspace, "bad", 'CMD ["/bin/sh", "/test.sh"]', b"\r\n")
    run = validated(workspace)
    assert run.returncode == 1
    marked = re.findall(r"^::error file=(\S+),line=(\d+),title=Gate bad::", run.stdout, re.MULTILINE)
    assert marked == [("gates/bad/Dockerfile", "2"), ("gates/bad/test.sh", "1")]
    assert (
        "::notice file=images.yaml,line=4,title=Gates::images[2].gate: there is no gates/gone/Dockerfile" in run.stdout
    )


def test_a_gate_that_may_be_a_blob_fails_nothing(workspace: Path) -> None:
    listed(workspace, "gone")
    run = validated(workspace)
    assert (run.returncode, run.stdout.count("::notice "), run.stdout.count("::error ")) == (0, 1, 0)


def test_a_gate_with_a_link_is_marked(workspace: Path) -> None:
    listed(workspace, "node")
    gate(workspace, "node")
    (workspace / "gates/node/more.sh").symlink_to("test.sh")
    run = validated(workspace)
    assert run.returncode == 1
    assert "::error file=gates/node/more.sh,line=1,title=Gate node::a link, which no gate may have" in run.stdout


def test_an_entry_that_watches_its_own_base_registry_is_marked(workspace: Path) -> None:
    (workspace / "images.yaml").write_text(
        "images:\n  - name: node\n    source: base.example/node\n    tags: [1]\n    target: base/node\n"
    )
    assert validated(workspace).returncode == 0
    run = validated(workspace, base="base.example")
    assert run.returncode == 1
    assert "::error file=images.yaml,line=3,title=Watch list::images[0].source: " in run.stdout


def test_what_clashes_between_files_of_one_list_is_marked_in_its_file(workspace: Path) -> None:
    gate(workspace, "node")
    listed(workspace, "node")
    (workspace / "a team.yaml").write_text((workspace / "images.yaml").read_text())
    run = validated(workspace, "images.yaml\na team.yaml\n")
    assert run.returncode == 1
    assert "::error file=a team.yaml,line=2,title=Watch list::images[0].name: 'node' is already" in run.stdout


def test_a_watch_list_that_is_not_there_or_too_large_fails_the_action_and_is_marked(workspace: Path) -> None:
    run = validated(workspace, "no: such, list.yaml")
    assert run.returncode == 65
    assert run.stdout.startswith("::error file=no%3A such%2C list.yaml,line=1,title=Watch list::")
    (workspace / "images.yaml").write_text("#" * (1024 * 1024 + 1))
    run = validated(workspace)
    assert run.returncode == 1
    assert run.stdout.startswith("::error file=images.yaml,line=1,title=Watch list::images.yaml, the file has ")
