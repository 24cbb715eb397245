"""A run from its request to its result."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from infra.local.runner.containers import Containers
from infra.local.runner.dependencies import dependencies, report
from infra.local.runner.engine import Engine
from infra.local.runner.errors import StepFailed, Stopped, TaskRefused
from infra.local.runner.folder import RunFolder, run_folder
from infra.local.runner.home import fill, lay_out
from infra.local.runner.images import Images
from infra.local.runner.limits import Limits
from infra.local.runner.logs import RunLog, last_line
from infra.local.runner.model import Image, RunRequest, RunResult
from infra.local.runner.networks import with_networks
from infra.local.runner.order import run_in_order
from infra.local.runner.parse import VERSION_WITH_ALIASES, parse_task, version_of
from infra.local.runner.rights import Rights
from infra.local.runner.source import unpack
from infra.local.runner.steps import StepRunner
from infra.local.runner.task import Step, Task
from infra.local.runner.variables import expand_aliases, render, run_variables
from infra.local.runner.vault import VaultRefusedError, normalised


def execute(
    request: RunRequest,
    log: Callable[[str], None],
    cancelled: threading.Event,
    engine: Callable[[RunFolder], Engine] = Engine,
) -> RunResult:
    """Run a multi-step task to its end.

    Args:
        log: called with each line of the run log, without its newline; never by two threads at once.
        cancelled: set it to end the run; everything it started is killed within a fraction of a second.
        engine: makes what pulls, builds, runs and pushes.

    Returns:
        The result; a run that cannot be run at all has the status Error and says why. Nothing is raised for it.
    """
    started = time.monotonic()
    run_log = RunLog(log)
    limits = Limits(cancelled, threading.Event(), started + request.timeout)
    result = _result(request, run_log, limits, engine)
    run_log.raw("")
    run_log.raw(last_line(request.run_id, result, time.monotonic() - started))
    return result


def _result(request: RunRequest, log: RunLog, limits: Limits, engine: Callable[[RunFolder], Engine]) -> RunResult:
    try:
        with run_folder(request.workdir, request.run_id, request.registries) as folder:
            return _run(request, folder, log, limits, engine(folder))
    except TaskRefused as error:
        log.raw(str(error))
        return RunResult("Error", error=str(error))
    except VaultRefusedError as error:
        log.raw(f"unable to render task: {error}")
        return RunResult("Failed", error="failed during run, err: exit status 1")
    except StepFailed:
        return RunResult("Failed", error="failed during run, err: exit status 1")
    except Stopped as error:
        return RunResult(error.status, error=f"failed during run, err: {error}")
    except OSError as error:
        return RunResult("Error", error=f"the machine cannot run this: {error}")


def _run(request: RunRequest, folder: RunFolder, log: RunLog, limits: Limits, engine: Engine) -> RunResult:
    shared_volume = f"acb_vol_{uuid.uuid4()}"
    task = with_networks(_task(request, shared_volume))
    if request.source:
        log.say("Downloading source code...")
        unpack(request.source, folder.workspace)
        log.say("Finished downloading source code")
    log.say(f"Using {shared_volume} as the home volume")
    with engine.places(task, request.registries) as where:
        _set_up(request, task, folder, log)
        rights = Rights(request.login_server, request.rights)
        images = Images(engine, request.registries, rights)
        containers = Containers(engine, where, limits.deadline)
        runner = StepRunner(engine, images, log, request.registries, folder.workspace, rights, containers)
        try:
            run_in_order(task.steps, lambda step: _run_step(step, runner, log, limits), limits.abandoned)
        finally:
            containers.stop()
    return _succeeded(task.steps, runner, log)


def _task(request: RunRequest, shared_volume: str) -> Task:
    variables = run_variables(request, datetime.now(UTC), shared_volume)
    text = request.steps_yaml
    if version_of(text) == VERSION_WITH_ALIASES:
        text = expand_aliases(text, variables)
    # Where a secret lies may be a value of the run, so the secrets are read of a task that has none of them yet.
    task = parse_task(render(text, variables, request.values, {}))
    secrets = {secret.id: request.vault(normalised(secret.address), secret.identity) for secret in task.secrets}
    return parse_task(render(text, variables, request.values, secrets)) if secrets else task


def _set_up(request: RunRequest, task: Task, folder: RunFolder, log: RunLog) -> None:
    for network in task.networks:
        if network.exists:
            log.say(f"Skip creating network: {network.name}")
        else:
            log.say(f"Creating Docker network: {network.name}, driver: '{network.driver}'")
            log.say(f"Successfully set up Docker network: {network.name}")
    log.say("Setting up Docker configuration...")
    lay_out(folder.home, request.login_server, request.login)
    log.say("Successfully set up Docker configuration")
    _log_in(request, log)
    for volume in task.volumes:
        fill(folder.volumes, volume)
        log.say(f"Volume source {volume.name} successfully created")


def _log_in(request: RunRequest, log: RunLog) -> None:
    if request.login:
        log.say(f"Logging in to registry: {request.login_server}")
        log.say(f"Successfully logged into {request.login_server}")


def _run_step(step: Step, runner: StepRunner, log: RunLog, limits: Limits) -> None:
    try:
        limits.check()
        runner.run(step, limits)
    except (StepFailed, Stopped) as error:
        log.raw(f"failed to run step ID: {step.id}: {error}")
        raise


def _succeeded(steps: tuple[Step, ...], runner: StepRunner, log: RunLog) -> RunResult:
    for step in steps:
        seconds = runner.seconds[step.id]
        log.say(f"Step ID: {step.id} marked as successful (elapsed time in seconds: {seconds:f})")
    builds = [runner.built[step.id] for step in steps if step.id in runner.built]
    if lines := report(builds, runner.pushed):
        log.say("The following dependencies were found:")
        log.say("")
        for line in lines:
            log.raw(line)
    images = tuple(
        Image(reference.host, reference.repository, reference.tag, digest)
        for reference, digest in runner.pushed.items()
    )
    return RunResult("Succeeded", images, dependencies(builds))
