"""The twin's emulator with a double for the task runner: gates and builds take a moment, and build nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import requests

from infra.local.emulator.__main__ import serve
from infra.local.emulator.backing import Backing
from infra.local.runner.model import Dependency, RunRequest, RunResult
from tests.chaos.cast import passes, seconds_of

_IMAGE = re.compile(r"BASE_IMAGE=\$Registry/([\w./-]+)@(sha256:[0-9a-f]{64})")
_NONCE = re.compile(r"TIDEGATE_NONCE=([0-9a-f]+)")
_TEST_STEP = re.compile(r"id: (test-[0-9a-f]+)")
_BASE = re.compile(r"from (localhost:\d+)/([\w./-]+):([\w.-]+)")


def execute(request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
    """Carry out a run: of a task if it is one's, else of a gate."""
    try:
        return _build(request, log, cancelled) if request.task_name else _test(request, log, cancelled)
    except requests.RequestException as error:
        return RunResult("Error", error=f"a registry did not answer: {error}")


def _build(request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
    """Bases are what the tags bear when the run begins, as a build's are."""
    bases = [_base(request, *found) for found in _BASE.findall(request.steps_yaml)]
    missing = [base.tag for base in bases if not base.digest]
    log(f"built on {bases}")
    if cancelled.wait(seconds_of(request.run_id)):
        return RunResult("Canceled", error="canceled")
    return RunResult("Failed", error=f"no {missing}") if missing else RunResult("Succeeded", dependencies=tuple(bases))


def _base(request: RunRequest, host: str, repository: str, tag: str) -> Dependency:
    found = Backing(request.registries[host]).head(repository, tag)
    return Dependency("Runtime", host, repository, tag, found.digest if found else "")


def _test(request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
    """Say what a gate's test says, and end as the digest's verdict is."""
    image, nonce = _IMAGE.search(request.steps_yaml), _NONCE.search(request.steps_yaml)
    step = _TEST_STEP.search(request.steps_yaml)
    if image is None or nonce is None or step is None:
        return RunResult("Error", error="this is no gate's run")
    if Backing(request.registries[request.login_server]).head(image[1], image[2]) is None:
        log(f"manifest unknown: {image[0]}")
        return RunResult("Failed", error="manifest unknown")
    log(f"tidegate: begin {nonce[1]}")
    if cancelled.wait(seconds_of(request.run_id)):
        return RunResult("Canceled", error="canceled")
    if not passes(image[2]):
        log(f"failed to run step ID: {step[1]}: exit status 1")
        return RunResult("Failed", error="exit status 1")
    log(f"tidegate: passed {nonce[1]}")
    return RunResult("Succeeded")


if __name__ == "__main__":
    serve(execute)
