"""Fixtures of the checks of the templates."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infra.bicep import INFRA

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
def scan() -> Scan:
    """One run of checkov over every template."""
    assert CHECKOV.exists(), "checkov is not installed: run make test-infra"
    templates = [INFRA / "main.bicep", *sorted((INFRA / "modules").glob("*.bicep"))]
    named = [argument for template in templates for argument in ("--file", str(template))]
    # What it takes a name for depends on the order of its own sets, so that one objection would come and go.
    steady = {**os.environ, "PYTHONHASHSEED": "0"}
    run = subprocess.run(
        [str(CHECKOV), *_ARGUMENTS, *named], capture_output=True, text=True, check=False, timeout=300, env=steady
    )
    return _read(json.loads(run.stdout), run.stderr)


def _read(report: Any, log: str) -> Scan:
    failed = {(found["check_id"], found["resource"]) for found in report["results"]["failed_checks"]}
    return Scan(report["summary"], failed, set(re.findall(r"Failed to run check (\w+)", log)))
