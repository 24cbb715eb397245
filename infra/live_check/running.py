"""Runs of ACR Tasks, begun and followed by plain requests."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from typing import Any

import requests

from infra.live_check.arm import TASKS, Answer
from infra.live_check.ground import Ground
from shared.domain.gate import verdict

ABAC = "AbacRepositoryPermissions"
UNDER_WAY = frozenset(status.value for status in verdict.UNDER_WAY)
_TIMEOUT = 60
# An image without anything to run that holds one file of the context: it is built only if the context arrived.
DOCKERFILE = "FROM scratch\nCOPY hello.txt /\n"
BUILD = "version: v1.1.0\nsteps:\n  - build: -t $Registry/{repository}:$ID .\n"


def hello(ground: Ground) -> str:
    """Return steps that end well without any context."""
    return f"version: v1.1.0\nsteps:\n  - cmd: {ground.hello}\n"


def failing(ground: Ground) -> str:
    """Return steps that fail: what they are to run is not in the image."""
    return f"{hello(ground)}    entryPoint: /nowhere\n"


def encoded(steps: str, **more: object) -> dict[str, object]:
    """Return a run request that carries its steps."""
    return {
        "type": "EncodedTaskRunRequest",
        "encodedTaskContent": base64.b64encode(steps.encode()).decode(),
        "platform": {"os": "Linux", "architecture": "amd64"},
        "timeout": 600,
        **more,
    }


def upload(ground: Ground, dockerfile: str = DOCKERFILE) -> str:
    """Upload a context of two small files, and return its relative path."""
    address = ground.arm.must("listBuildSourceUploadUrl", "POST", f"{ground.registry_id}/listBuildSourceUploadUrl").body
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in (("Dockerfile", dockerfile), ("hello.txt", "hello")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    sent = requests.put(
        address["uploadUrl"],
        data=gzip.compress(packed.getvalue()),
        headers={"x-ms-blob-type": "BlockBlob"},
        timeout=_TIMEOUT,
    )
    sent.raise_for_status()
    return str(address["relativePath"])


def credentials(ground: Ground) -> dict[str, object]:
    """Return as whom a gate's run reads its registry: as the caller where that gives a run its rights."""
    mode = str(ground.registry["properties"].get("roleAssignmentMode"))
    return {"sourceRegistry": {"identity": "[caller]"} if mode == ABAC else {"loginMode": "Default"}}


def put_task_run(ground: Ground, name: str, request: dict[str, object], tag: str) -> Answer:
    """Ask for a run under a name."""
    path = f"{ground.registry_id}/taskRuns/{name}"
    ground.delete(f"task run {name}", path, TASKS)
    body = {"properties": {"runRequest": request, "forceUpdateTag": tag}}
    return ground.arm.ask("put taskRun", "PUT", path, body)


def get_task_run(ground: Ground, name: str) -> dict[str, Any]:
    """Return a task run's properties."""
    body = ground.arm.must("get taskRun", "GET", f"{ground.registry_id}/taskRuns/{name}").body
    return dict(body["properties"])


def run_of(ground: Ground, name: str) -> str:
    """Return the id of the run that a task run holds, as soon as it holds one."""
    return ground.wait(f"a run of {name}", lambda: _run_id(get_task_run(ground, name)) or None, 120)


def schedule(ground: Ground, request: dict[str, object]) -> Answer:
    """Ask for a run that has no name of ours."""
    return ground.arm.ask("scheduleRun", "POST", f"{ground.registry_id}/scheduleRun", request)


def status(ground: Ground, run_id: str) -> str:
    """Return a run's status."""
    body = ground.arm.must("get run", "GET", f"{ground.registry_id}/runs/{run_id}").body
    return str(body["properties"]["status"])


def end_of(ground: Ground, run_id: str) -> str:
    """Return the status that a run ends with.

    Raises:
        OutOfTimeError: it does not end.
    """
    remember(ground, run_id)
    return ground.wait(f"the end of run {run_id}", lambda: _ended(status(ground, run_id)), ground.pace.run)


def log_of(ground: Ground, run_id: str) -> str:
    """Return what a run printed."""
    path = f"{ground.registry_id}/runs/{run_id}/listLogSasUrl"
    address = ground.arm.must("listLogSasUrl", "POST", path).body
    got = requests.get(address.get("logLink") or address["logArtifactLink"], timeout=_TIMEOUT)
    got.raise_for_status()
    return got.content.decode("utf-8", "replace")


def remember(ground: Ground, run_id: str) -> None:
    """Note that a run is to be cancelled if it is still under way in the end; its entry in the list of runs stays."""
    ground.made.note(f"run {run_id}, which stays in the list of runs", lambda: _cancel(ground, run_id))


def _ended(found: str) -> str | None:
    return None if found in UNDER_WAY else found


def _cancel(ground: Ground, run_id: str) -> None:
    if status(ground, run_id) in UNDER_WAY:
        ground.arm.must("cancel run", "POST", f"{ground.registry_id}/runs/{run_id}/cancel")


def _run_id(properties: dict[str, Any]) -> str:
    return str(((properties.get("runResult") or {}).get("properties") or {}).get("runId") or "")
