"""The twin's emulator with a double for the task runner: gates and builds take a moment, and build nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import requests

from infra.local.emulator.__main__ import serve
from infra.local.emulator.backing import Backing
from infra.local.runner.model import Dependency, Image, RunRequest, RunResult
from tests.chaos.cast import image_of, passes, seconds_of
from tests.chaos.tasks import TASKS
from tests.chaos.waving import breaks

_IMAGE = re.compile(r"BASE_IMAGE=\$Registry/([\w./-]+)@(sha256:[0-9a-f]{64})")
_NONCE = re.compile(r"TIDEGATE_NONCE=([0-9a-f]+)")
_TEST_STEP = re.compile(r"id: (test-[0-9a-f]+)")
_BASE = re.compile(r"from (localhost:\d+)/([\w./-]+):([\w.-]+)")
_PUSHED = re.compile(r"- '?\{\{\.Run\.Registry\}\}/([\w./-]+):([\w.-]+)")
# Builds take longer than gates, so that several are under way.
_LONGER = 3
# What broke a task's build once, and does so no more.
_broke: set[tuple[str, str]] = set()
_lock = threading.Lock()


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
    if cancelled.wait(_LONGER * seconds_of(request.run_id)):
        return RunResult("Canceled", error="canceled")
    if missing:
        return RunResult("Failed", error=f"no {missing}")
    if any(_is_broken(request.task_name or "", base.digest) for base in bases):
        # Only who reads the emulator's own list of runs sees on what it broke; ACR does not say.
        return RunResult("Failed", dependencies=tuple(bases), error="exit status 1")
    return RunResult("Succeeded", _push(request), tuple(bases))


def _is_broken(task: str, digest: str) -> bool:
    """Note what breaks once: the next build of the same task on it goes well."""
    often = breaks(digest) if task in TASKS and TASKS[task].brittle else ""
    with _lock:
        first = (task, digest) not in _broke
        _broke.add((task, digest))
    return often == "always" or (often == "once" and first)


def _push(request: RunRequest) -> tuple[Image, ...]:
    """Each build makes another image, as one does."""
    backing, host = Backing(request.registries[request.login_server]), request.login_server
    pushed = []
    for repository, tag in _PUSHED.findall(request.steps_yaml):
        image = image_of(f"{repository} by {request.run_id}")
        for blob in image.blobs:
            backing.push_blob(repository, blob)
        backing.push_manifest(repository, tag, image.manifest, image.media_type)
        pushed.append(Image(host, repository, tag, image.digest))
    return tuple(pushed)


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
