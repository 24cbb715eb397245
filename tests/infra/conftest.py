"""Fixtures of the checks of the templates."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import FILES, INFRA, MAIN
from tests.infra.compiler import Prediction, predicted, snapshot, templates_in

SCANNED = [template for template in FILES if template != MAIN]
CHECKOV = INFRA.parent / ".venv-infra" / "bin" / "checkov"
# The templates alone: the folder holds the laptop twin and its packages too. CKV_AZURE_43 judges the name of the
# storage account before or after its expression is evaluated, as it happens: 'tidegate' and 13 lower-case characters.
_ARGUMENTS = (
    "--framework",
    "bicep",
    "--skip-download",
    "--skip-check",
    "CKV_AZURE_43",
    "--output",
    "json",
    "--compact",
    "--quiet",
)


# What the scanner's parser does not know, and what stands for it. None of it is anything that a check looks at.
_OLDER = (
    (r"\n +([?:]) ", r" \1 "),
    (r"string\[\]", "array"),
    (r"\{ \*: string \}", "object"),
    (r"^(param \w+) '[^'\n]+'(?: \| '[^'\n]+')+$", r"\1 string"),
)


@dataclass
class Scan:
    """What checkov said.

    Attributes:
        summary: its counts.
        failed: (check, resource) of everything it objects to.
        broken: checks that failed themselves.
    """

    summary: dict[str, int]
    failed: set[tuple[str, str]]
    broken: set[str]


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """One run of checkov over every module."""
    assert CHECKOV.exists(), "checkov is not installed: run make test-infra"
    lowered = _lowered(tmp_path_factory.mktemp("scanned"))
    named = [argument for template in lowered for argument in ("--file", str(template))]
    # What it takes a name for depends on the order of its own sets, so that one objection would come and go.
    steady = {**os.environ, "PYTHONHASHSEED": "0"}
    run = subprocess.run(
        [str(CHECKOV), *_ARGUMENTS, *named], capture_output=True, text=True, check=False, timeout=300, env=steady
    )
    return _read(json.loads(run.stdout), run.stderr)


def _lowered(folder: Path) -> list[Path]:
    """Copies of the modules in the older Bicep that the scanner's parser knows; what it cannot read it leaves out.

    ``main.bicep`` is none of them: of its own it makes a resource group, at which no check looks.
    """
    copies = []
    for template in SCANNED:
        copy = folder / template.name
        text = template.read_text()
        for pattern, older in _OLDER:
            text = re.sub(pattern, older, text, flags=re.MULTILINE)
        copy.write_text(text)
        copies.append(copy)
    return copies


def _read(report: Any, log: str) -> Scan:
    failed = {(found["check_id"], found["resource"]) for found in report["results"]["failed_checks"]}
    return Scan(report["summary"], failed, set(re.findall(r"Failed to run check (\w+)", log)))


@pytest.fixture(scope="session")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prediction]:
    """What each way of deploying makes, worked out once."""
    folder = templates_in(tmp_path_factory.mktemp("templates"))
    return cache(lambda way: predicted(folder / f"{way}.bicepparam"))


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str], str]:
    """What is said of parameters that are not to work."""
    folder = templates_in(tmp_path)

    def said(parameters: str) -> str:
        file = folder / "refused.bicepparam"
        given = "" if "param environmentName" in parameters else "param environmentName = 'prod'\n"
        file.write_text(f"using '../../../infra/main.bicep'\nparam location = 'westeurope'\n{given}{parameters}\n")
        run = snapshot(file)
        assert run.returncode != 0
        return run.stderr

    return said


@pytest.fixture(scope="session")
def again(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prediction]:
    """What each way would make in a second deployment, on the same registries where those were there."""
    folder = templates_in(tmp_path_factory.mktemp("again"))

    def second(way: str) -> Prediction:
        file = folder / f"{way}.bicepparam"
        file.write_text(file.read_text().replace("environmentName = 'prod'", "environmentName = 'test'"))
        return predicted(file)

    return cache(second)
