"""What is sent to ACR Tasks to run a gate: its files as one archive, and the two steps as YAML. Pure functions.

Steps: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
Requests: https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs/create (``EncodedTaskRunRequest``)
"""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import Any

from shared.domain.gate.verdict import BUILD_STEP, TEST_STEP
from shared.run_ports import GateRun

# Seconds. A test image is a base and a few files: a build that takes ten minutes hangs, most likely on the network.
_BUILD_TIMEOUT = 600
# A functional test of a base image that takes longer than twenty minutes belongs into the application's own tests.
_TEST_TIMEOUT = 1200
# Both steps, and time to find an agent, fetch the base and upload the log; ACR's own default, stated.
_RUN_TIMEOUT = 3600
# Gates are written for what the registries' tasks run on; other architectures of an index are not tested.
_PLATFORM = {"os": "Linux", "architecture": "amd64"}
_STEPS = f"""\
version: v1.1.0
steps:
  - id: {BUILD_STEP}
    build: -t $Registry/tidegate/gate:$ID --build-arg BASE_IMAGE=$Registry/{{image}}@{{digest}} .
    timeout: {_BUILD_TIMEOUT}
  - id: {TEST_STEP}
    cmd: $Registry/tidegate/gate:$ID
    timeout: {_TEST_TIMEOUT}
"""


def steps(gate: GateRun) -> str:
    """Return the YAML of a gate's run: build the test image from the staged digest, then run it. Nothing is pushed."""
    return _STEPS.format(image=gate.image, digest=gate.digest)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Pack a gate's files for the build.

    Args:
        files: content by relative path.

    Returns:
        A tar.gz; the same files are always the same bytes. Every file is executable, because a blob store keeps no
        modes and a gate's test script has to run.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(files[path]), 0o755, 0
            tar.addfile(entry, io.BytesIO(files[path]))
    return gzip.compress(packed.getvalue(), mtime=0)


def gate_request(gate: GateRun, source: str) -> dict[str, Any]:
    """Return the run request of a gate.

    Args:
        gate: the gate and the staged image.
        source: where the archive was uploaded, as the upload address came with it.
    """
    return {
        "type": "EncodedTaskRunRequest",
        "encodedTaskContent": base64.b64encode(steps(gate).encode()).decode(),
        "sourceLocation": source,
        "platform": _PLATFORM,
        "timeout": _RUN_TIMEOUT,
        "credentials": {"sourceRegistry": {"loginMode": "Default"}},  # the base is pulled from the registry itself
    }


def task_request(task_id: str) -> dict[str, Any]:
    """Return the run request of an existing task.

    Args:
        task_id: its Azure resource id.
    """
    return {"type": "TaskRunRequest", "taskId": task_id}
