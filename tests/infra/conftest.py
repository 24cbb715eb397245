"""Fixtures of the checks of the templates."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import FILES, INFRA, MAIN
from tests.infra.compiler import WAYS, Prediction, Refused, Session, parameters_in

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
    (r"fail\((\w+)\)", r"\1"),
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
def session() -> Iterator[Session]:
    """A compiler that stays for all questions."""
    found = Session()
    yield found
    found.close()


@pytest.fixture(scope="session")
def ways(session: Session) -> Callable[[str], Prediction]:
    """What each way of deploying makes, worked out once."""
    return cache(lambda way: session.predicted(WAYS / f"{way}.bicepparam"))


@pytest.fixture
def again(session: Session, tmp_path: Path) -> Callable[[str], Prediction]:
    """What each way would make in a second deployment, on the same registries where those were there."""

    def second(way: str) -> Prediction:
        text = (WAYS / f"{way}.bicepparam").read_text()
        assert "environmentName = 'prod'" in text
        return session.predicted(parameters_in(tmp_path, text.replace("= 'prod'", "= 'test'")))

    return second


@pytest.fixture
def refused(session: Session, tmp_path: Path) -> Callable[[str], str]:
    """What is said of parameters that are not to work."""

    def said(parameters: str) -> str:
        named = "" if "environmentName" in parameters else "param environmentName = 'prod'\n"
        file = parameters_in(tmp_path, f"using ''\nparam location = 'westeurope'\n{named}{parameters}\n")
        with pytest.raises(Refused) as refusal:
            session.predicted(file)
        return str(refusal.value)

    return said
