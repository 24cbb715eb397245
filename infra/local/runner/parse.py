"""From rendered YAML to steps.

Schema: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Sequence

import yaml

from infra.local.runner.build_arguments import parse_build
from infra.local.runner.classic_builder import BUILDKIT
from infra.local.runner.declared import mounts, networks, secrets, volumes
from infra.local.runner.docker_client import DOCKER, parse_docker
from infra.local.runner.errors import TaskRefused
from infra.local.runner.properties import Properties, split_words
from infra.local.runner.schema import STEP_KNOWN, STEP_READ, TASK_KNOWN, TASK_READ
from infra.local.runner.task import Build, Command, Nested, Push, Step, Task, Volume
from infra.local.runner.variables import IMAGE_ALIASES

VERSION_WITH_ALIASES = "v1.1.0"
_VERSIONS = ("v1.0.0", VERSION_WITH_ALIASES)
_VERSION_LINE = re.compile(r"""^["']?version["']?\s*:\s*["']?([^"'\s#]+)""", re.MULTILINE)
_DEFAULT_STEP_TIMEOUT = 600
_DEFAULT_RETRY_DELAY = 5


def _load(text: str) -> Properties:
    """Read ``text`` as one YAML mapping and check its version; ``TaskRefused`` says what is wrong."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TaskRefused(f"the task is not YAML: {error}") from error
    task = Properties(document, "task")
    task.allow(TASK_READ, TASK_KNOWN)
    if version_of(text) not in _VERSIONS:
        raise TaskRefused(f"task.version: expected one of {', '.join(_VERSIONS)}, found {version_of(text)!r}")
    return task


def version_of(text: str) -> str:
    """Return a task's version by looking for its line, as ACR does: an unrendered task need not be YAML yet."""
    match = _VERSION_LINE.search(text)
    return match[1] if match else _VERSIONS[0]


def parse_task(text: str) -> Task:
    """Read a rendered task.

    Returns:
        It with its steps in the order written, and defaults filled in.

    Raises:
        TaskRefused: what ACR would refuse, and every property this twin would otherwise ignore.
    """
    task = _load(text)
    entries = [Properties(entry, f"steps[{i}]") for i, entry in enumerate(task.items("steps"))]
    ids = [entry.text("id") or f"acb_step_{i}" for i, entry in enumerate(entries)]
    for step_id in ids:
        _check_id(step_id, ids)
    declared = volumes(task)
    steps = tuple(_step(entry, task, ids, i, declared) for i, entry in enumerate(entries))
    _check_order(steps)
    return Task(steps, networks(task), secrets(task), declared)


def _check_id(step_id: str, ids: Sequence[str]) -> None:
    if any(character.isspace() for character in step_id):
        raise TaskRefused(f"step ID cannot contain spaces: {step_id!r}")
    if ids.count(step_id) > 1:
        raise TaskRefused(f"step ID {step_id!r} is used more than once")


def _step(entry: Properties, task: Properties, ids: Sequence[str], index: int, declared: Sequence[Volume]) -> Step:
    entry.allow(STEP_READ, STEP_KNOWN)
    for unneeded in ("ports", "expose"):  # here, as there, steps of one network reach each other's ports without
        entry.texts(unneeded)
    entry.flag("pull")  # a run begins with no image, so it always pulls
    step_timeout = task.number("stepTimeout", _DEFAULT_STEP_TIMEOUT, least=1)
    return Step(
        id=ids[index],
        action=_action(entry),
        after=_after(entry, ids, index),
        timeout=entry.number("timeout", step_timeout, least=1),
        retries=entry.number("retries", 0),
        retry_delay=entry.number("retryDelay", _DEFAULT_RETRY_DELAY),
        ignore_errors=entry.flag("ignoreErrors"),
        environment=tuple({**task.environment("env", at_commas=True), **entry.environment("env")}.items()),
        entry_point=entry.text("entryPoint"),
        working_directory=entry.text("workingDirectory") or task.text("workingDirectory") or "",
        use_image_directory=entry.flag("disableWorkingDirectoryOverride"),
        buildkit=entry.environment("env").get(BUILDKIT) == "1",
        network=entry.text("network") or "",
        detach=entry.flag("detach"),
        keep=entry.flag("keep"),
        start_delay=entry.number("startDelay", 0),
        repeat=entry.number("repeat", 0),
        user=entry.text("user"),
        mounts=mounts(entry, declared),
    )


def _action(entry: Properties) -> Build | Push | Command | Nested:
    build, push, command = entry.text("build"), entry.texts("push"), entry.text("cmd")
    if sum(map(bool, (build, push, command))) != 1:
        raise TaskRefused(f"{entry.place}: step must contain one build, cmd, or push property")
    if not command and (entry.flag("detach") or entry.mappings("volumeMounts")):
        raise TaskRefused(f"{entry.place}: this twin detaches `cmd` steps alone, and mounts volumes into no others")
    if build:
        return parse_build(build, f"{entry.place}.build")
    if push:
        return Push(tuple(dict.fromkeys(push)))
    place = f"{entry.place}.cmd"
    read = _command(command or "", place)
    return parse_docker(read.image, read.arguments, place) if entry.text("entryPoint") == DOCKER else read


def _command(text: str, place: str) -> Command:
    words = split_words(text, place)
    if not words or words[0].startswith("-"):
        raise TaskRefused(f"{place}: this twin runs `cmd: <image> <arguments>`; it reads no options of docker run")
    return Command(IMAGE_ALIASES.get(words[0], words[0]), tuple(words[1:]))


def _after(entry: Properties, ids: Sequence[str], index: int) -> tuple[str, ...]:
    when = entry.texts("when")
    if when == ("-",):
        return ()
    if not when:
        return (ids[index - 1],) if index else ()
    if "-" in when:
        raise TaskRefused(
            f"{entry.place}.when: step cannot contain other IDs in when if the immediate execution token is specified"
        )
    for step_id in when:
        if step_id not in ids:
            raise TaskRefused(f"{entry.place}.when: {step_id} does not exist as a vertex")
    return when


def _check_order(steps: Sequence[Step]) -> None:
    try:
        graphlib.TopologicalSorter({step.id: step.after for step in steps}).prepare()
    except graphlib.CycleError as error:
        raise TaskRefused(f"steps wait for each other: {' → '.join(error.args[1])}") from error
