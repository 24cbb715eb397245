"""What is sent to ACR Tasks to run a gate: its files as one archive, and the two steps as YAML. Pure functions.

Steps: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
Requests: https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs/create (``EncodedTaskRunRequest``)
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import posixpath
import shlex
import tarfile
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.adapters.azure.steps_run import bash_image, environment, task_text
from shared.domain.gate.words import NONCE_VARIABLE, Words
from shared.run_ports import GateRun

# Seconds. A test image is a base and a few files: a build that takes ten minutes hangs, most likely on the network.
_BUILD_TIMEOUT = 600
# A functional test of a base image that takes longer than twenty minutes belongs into the application's own tests.
_TEST_TIMEOUT = 1200
# Both steps, and time to find an agent, fetch the base and upload the log; ACR's own default, stated. Steps of a gate's
# own may ask for more, up to what ACR grants.
_RUN_TIMEOUT, LONGEST_RUN, _AROUND_STEPS = 3600, 28800, 900
# Gates are written for what the registries' tasks run on; other architectures of an index are not tested.
_FILES_TIMEOUT = 120
ENCODED = "EncodedTaskRunRequest"
PLATFORM = {"os": "Linux", "architecture": "amd64"}
# Characters of encoded steps. ACR's engine takes them as one argument, which Linux bounds at 128 KiB. The files of a
# gate are base64 thrice in them, so some 48 KiB of files fit.
MOST_INLINE = 120 * 1024
# ACR's engine reads a task by lines, and drops all that follows one of 64 KiB; so a long text goes on in the next one.
_LONGEST_PART, _GOES_ON = 32 * 1024, "\\\n      "
# Steps are handed to a shell and to a template engine: nothing in them may be left to those.
_HEAD = "version: v1.1.0\nsteps:\n"
_FILES_STEP = """\
  - id: {step}
    cmd: "{bash} -c \\"echo {script} | base64 -d | bash\\""
    entryPoint: bash
    timeout: {timeout}
"""
_BUILD_STEP = """\
  - id: {step}
    build: -t {test_image} --build-arg BASE_IMAGE=$Registry/{image}@{digest} .
    env: ["DOCKER_BUILDKIT=1"]
    timeout: {timeout}
"""
_TEST_STEP = """\
  - id: {step}
    cmd: {command}
    entryPoint: {entry_point}
    env: {environment}
    disableWorkingDirectoryOverride: true
    timeout: {timeout}
"""
_TEST_IMAGE = "$Registry/tidegate/gate:$ID"


class RunOptions(msgspec.Struct, frozen=True):
    """How runs of one registry are asked for.

    Attributes:
        as_caller: pull the base by the caller's rights, which is how registries that give rights by repository (ABAC)
            let a run in; else by the run's own login.
        agent_pool: pool of agents; empty for ACR's shared ones.
        client: image with the Docker client, as ``repository@digest`` in the same registry, by which the test image is
            run as a container of its own; empty to run it as the step itself.
    """

    as_caller: bool = False
    agent_pool: str = ""
    client: str = ""


def steps(gate: GateRun, *, inline: bool = False, client: str = "") -> str:
    """Return the YAML of a gate's run: build the test image from the staged digest, then run it. Nothing is pushed.

    The build step asks for BuildKit, for ACR's builder is the classic one without. The test step names what runs, so
    that neither the image nor a Dockerfile read otherwise than here decides it, and stays in the image's directory.

    Args:
        gate: the gate and the staged image.
        inline: whether a step before these has to unpack the gate's files, which it then brings.
        client: as in ``RunOptions``.
    """
    if gate.task is not None:
        return _own_steps(gate, inline=inline)
    build = _BUILD_STEP.format(
        step=gate.words.build_step,
        test_image=_TEST_IMAGE,
        image=gate.image,
        digest=gate.digest,
        timeout=_BUILD_TIMEOUT,
    )
    return _HEAD + (_files_step(gate) if inline else "") + build + _test_step(gate, client)


def _own_steps(gate: GateRun, *, inline: bool) -> str:
    text = task_text(gate, gate.words.files_step if inline else "")
    if not inline:
        return text
    head, steps_, rest = text.partition("\nsteps:\n")
    return f"{head}{steps_}{_files_step(gate)}{rest}"


def _test_step(gate: GateRun, client: str) -> str:
    told = environment(gate)
    entry_point, words = _nested(gate, client, told) if client else _direct(gate)
    return _TEST_STEP.format(
        step=gate.words.test_step,
        command=json.dumps(" ".join(words)),
        entry_point=json.dumps(entry_point),
        environment=json.dumps([] if client else told),
        timeout=_TEST_TIMEOUT,
    )


def _direct(gate: GateRun) -> tuple[str, list[str]]:
    program, *arguments = map(_literal, gate.command)
    return program, [_TEST_IMAGE, *arguments]


def _nested(gate: GateRun, client: str, told: tuple[str, ...]) -> tuple[str, list[str]]:
    """What the engine mounts into a step, and its network, end at the client: nothing of it is handed on.

    The client's program is named, for the entry point of Docker's own image looks for a daemon elsewhere. Capabilities
    are left as Docker gives them: a healthy image that needs one would be rejected for good.
    https://docs.docker.com/reference/cli/docker/container/run/
    """
    program, *arguments = map(_literal, gate.command)
    variables = [word for each in told for word in ("--env", each)]
    options = ["--rm", "--network", "none", *variables, "--entrypoint", program]
    return "docker", [f"$Registry/{client}", "run", *options, _TEST_IMAGE, *arguments]


def _files_step(gate: GateRun) -> str:
    """ACR's image ``bash`` is what its own engine unpacks with; nothing but bash and coreutils is asked of it."""
    packed = base64.b64encode(_unpacking(gate.files).encode()).decode()
    script = _GOES_ON.join(packed[at : at + _LONGEST_PART] for at in range(0, len(packed), _LONGEST_PART))
    bash = bash_image(gate.task.version if gate.task else "v1.1.0")
    return _FILES_STEP.format(step=gate.words.files_step, bash=bash, script=script, timeout=_FILES_TIMEOUT)


def _unpacking(files: Mapping[str, bytes]) -> str:
    lines = ["set -eu"]
    for path in sorted(files):
        folder, quoted = posixpath.dirname(path), shlex.quote(f"./{path}")
        lines += [f"mkdir -p {shlex.quote(f'./{folder}')}"] if folder else []
        lines += [f"base64 -d > {quoted} <<'END'", base64.b64encode(files[path]).decode(), "END", f"chmod 755 {quoted}"]
    return "\n".join([*lines, ""])


def says_words(request: Mapping[str, Any], words: Words) -> bool | None:
    """Return whether a run request is one in which these words are said.

    Args:
        request: as Resource Manager gives it back.
        words: of the run that is looked for.

    Returns:
        ``None`` if the steps are not told.
    """
    encoded = request.get("encodedTaskContent")
    if not encoded:
        return None if request.get("type", ENCODED) == ENCODED else False
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return False
    return f"{NONCE_VARIABLE}={words.nonce}" in text and (words.test_step in text or words.end_step in text)


def _literal(word: str) -> str:
    """Quote a word for the shell that runs a step, and for the aliases that are replaced before."""
    return shlex.quote(word).replace("$", "$$")


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


def gate_request(gate: GateRun, source: str | None, options: RunOptions) -> dict[str, Any]:
    """Return the run request of a gate.

    Args:
        gate: the gate and the staged image.
        source: where the archive was uploaded, as the upload address came with it; ``None`` if the steps bring it.
        options: how runs of this registry are asked for.
    """
    text = steps(gate, inline=source is None, client=options.client)
    request: dict[str, Any] = {
        "type": ENCODED,
        "encodedTaskContent": base64.b64encode(text.encode()).decode(),
        "platform": PLATFORM,
        "timeout": _timeout(gate),
        "credentials": credentials(options),
    }
    if source is not None:
        request["sourceLocation"] = source
    if options.agent_pool:
        request["agentPoolName"] = options.agent_pool
    return request


def credentials(options: RunOptions) -> dict[str, Any]:
    """Return as whom a run signs in to its own registry, and to none else.

    Args:
        options: how runs of this registry are asked for.
    """
    return {"sourceRegistry": {"identity": "[caller]"} if options.as_caller else {"loginMode": "Default"}}


def _timeout(gate: GateRun) -> int:
    wanted = gate.task.seconds + _AROUND_STEPS if gate.task else 0
    return min(max(_RUN_TIMEOUT, wanted), LONGEST_RUN)


def task_request(task_id: str) -> dict[str, Any]:
    """Return the run request of an existing task.

    Args:
        task_id: its Azure resource id.
    """
    return {"type": "TaskRunRequest", "taskId": task_id}
