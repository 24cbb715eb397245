"""From the models of the ACR Tasks SDK to the domain's records: every field of a model may be absent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.kept_tasks import ListedTask
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.task_runs import Pushed, TaskRun, TaskRuns, latest_runs
from shared.errors import Unavailable
from shared.run_ports import Run

if TYPE_CHECKING:
    from azure.mgmt.containerregistrytasks.models import (
        BaseImageDependency,
        BaseImageTrigger,
        ImageDescriptor,
        Task,
        TaskStepProperties,
    )
    from azure.mgmt.containerregistrytasks.models import Run as SdkRun
    from azure.mgmt.containerregistrytasks.models import TaskRun as SdkTaskRun

_ENABLED = "Enabled"
# So many of the newest runs are looked through for those that ended: some ten pages.
_MOST_RUNS = 1000
# Types of bases and of triggers, without case: documented as BuildTime and RunTime, recorded as Runtime.
_BUILD_TIME, _ALL = "buildtime", "all"
# A taskRun that ends without a run could not be scheduled: that says nothing about what was to be tested.
# By this tag of a task people say whose it is, in any case.
_OWNER, _LONGEST_OWNER = "owner", 100
# Templates that stand for the task's own registry, as run variables.
_OWN = frozenset({"{{.Run.Registry}}", "$Registry", "{{ .Run.Registry }}"})
_UNSCHEDULED = {"Failed": RunStatus.ERROR, "Canceled": RunStatus.CANCELED}


def embedded_run(task_run: SdkTaskRun) -> Run:
    """Return the run inside a ``taskRun``, with the status that is written there."""
    properties = task_run.properties
    run = properties.run_result if properties else None
    if run is None or run.properties is None:
        provisioning = _text(properties.provisioning_state if properties else None)
        return Run("", _UNSCHEDULED.get(provisioning, RunStatus.QUEUED))
    return Run(run.properties.run_id or run.name or "", status_of(run.properties.status))


def scheduled_run(run: SdkRun) -> Run:
    """Return a run that ``scheduleRun`` began; it has no name of ours.

    Raises:
        Unavailable: it has no id either, so that nobody could follow it.
    """
    run_id = (run.properties.run_id if run.properties else None) or run.name
    if not run_id:
        raise Unavailable("ACR Tasks began a run and did not say which")
    return Run(run_id, status_of(run.properties.status if run.properties else None), named=False)


def status_of(status: object) -> RunStatus:
    """Return a run's status.

    Raises:
        Unavailable: the service has a word for it that this version does not know.
    """
    try:
        return RunStatus(_text(status) or RunStatus.QUEUED.value)
    except ValueError:
        raise Unavailable(f"ACR Tasks says a run is {_text(status)!r}, which is no status known here") from None


def statuses_of(runs: Iterable[SdkRun]) -> Mapping[str, RunStatus]:
    """Return the status of each run by its id; one with a status that is not known here is left out."""
    found: dict[str, RunStatus] = {}
    for run in runs:
        run_id = (run.properties.run_id if run.properties else None) or run.name
        try:
            status = status_of(run.properties.status if run.properties else None)
        except Unavailable:  # it says so when it is looked at by itself
            continue
        found |= {run_id: status} if run_id else {}
    return found


def ends_of(runs: Iterable[SdkRun], moment: datetime) -> Mapping[str, datetime] | None:
    """Return when the last run of each task ended, by its name in lower case.

    Args:
        runs: newest first, as lists of runs have them.
        moment: the first that was asked for before this is the last that is looked at.

    Returns:
        The ends; ``None`` if more runs were asked for since than are looked through.
    """
    ends: dict[str, datetime] = {}
    for number, run in enumerate(runs):
        found = run.properties
        if found is None or found.create_time is None:
            continue
        if found.create_time < moment:
            return ends
        if number >= _MOST_RUNS:
            return None
        if found.task and found.finish_time is not None:
            name = found.task.lower()
            ends[name] = max(found.finish_time, ends.get(name, found.finish_time))
    return ends


def runs_of(runs: Iterable[SdkRun]) -> Mapping[str, TaskRuns]:
    """Return what runs say of their tasks, by the task's name in lower case.

    Args:
        runs: newest first; as many of them are looked through as for the ends of runs.
    """
    return latest_runs(_task_runs(islice(runs, _MOST_RUNS)))


def _task_runs(runs: Iterable[SdkRun]) -> Iterator[tuple[str, TaskRun]]:
    """A run with a status that is not known here says nothing of its task."""
    for run in runs:
        found = run.properties
        if found is None or not found.task:
            continue
        try:
            status = status_of(found.status)
        except Unavailable:
            continue
        pushed = tuple(map(_pushed, found.output_images or ()))
        yield found.task, TaskRun(found.run_id or run.name or "", status, found.finish_time, pushed)


def _pushed(image: ImageDescriptor) -> Pushed:
    return Pushed(image.registry or "", image.repository or "", image.tag or "", image.digest or "")


def listed_task(registry: str, task: Task) -> ListedTask:
    """Return a task as a list has it.

    What it was built on is absent if it has never run, or if lists of tasks leave that out.
    """
    step = task.properties.step if task.properties else None
    complete = step is None or step.base_image_dependencies is not None
    return ListedTask(application_task(registry, task), complete, "" if complete else _version(task))


def _version(task: Task) -> str:
    """Return what differs when somebody changes a task: the time ARM tells, or else all that it tells."""
    data = task.system_data
    if data is not None and data.last_modified_at is not None:
        return str(data.last_modified_at)
    told = json.dumps(task.as_dict(), sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def application_task(registry: str, task: Task) -> ApplicationTask:
    """Return a task as the domain knows it.

    Args:
        registry: name of its registry.
        task: as ARM describes it.
    """
    properties = task.properties
    step = properties.step if properties else None
    return ApplicationTask(
        registry=registry,
        name=task.name or "",
        resource_id=task.id or "",
        enabled=properties is not None and _text(properties.status) == _ENABLED,
        own_trigger=_own_trigger(task),
        dependencies=tuple(
            _dependency(task, found) for found in (step.base_image_dependencies if step else None) or ()
        ),
        owner=_owner(task),
        pushes=tuple(_declared(step)),
    )


def _owner(task: Task) -> str:
    """Anybody who may change the task writes its tags: what cannot be printed is no name."""
    said = next((value for name, value in (task.tags or {}).items() if name.lower() == _OWNER), "") or ""
    return said[:_LONGEST_OWNER] if said.isprintable() else ""


def _declared(step: TaskStepProperties | None) -> Iterator[Pushed]:
    """A task that builds a Dockerfile names its images; of any other, its runs say what they pushed."""
    from azure.mgmt.containerregistrytasks.models import DockerBuildStep  # noqa: PLC0415

    if not isinstance(step, DockerBuildStep) or step.is_push_enabled is False:
        return
    for name in step.image_names or ():
        yield _image(name)


def _image(name: str) -> Pushed:
    """Without a host, or with a template for it, an image goes into the task's own registry."""
    first, slash, rest = name.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if named or first in _OWN else ("", name)
    repository, colon, tag = path.rpartition(":")
    return Pushed("" if host in _OWN else host, repository if colon else path, tag if colon else "")


def _own_trigger(task: Task) -> bool:
    """A trigger without a status is on: that is ARM's default."""
    base_image = _trigger(task)
    return base_image is not None and (_text(base_image.status) or _ENABLED) == _ENABLED


def _trigger(task: Task) -> BaseImageTrigger | None:
    trigger = task.properties.trigger if task.properties else None
    return trigger.base_image_trigger if trigger else None


def _dependency(task: Task, found: BaseImageDependency) -> Dependency:
    """Every base counts, whatever its type: what an application is built with may be as old as what it runs on."""
    base_image = _trigger(task)
    all_types = base_image is not None and _text(base_image.base_image_trigger_type).lower() == _ALL
    watched = all_types or _text(found.type).lower() != _BUILD_TIME
    return Dependency(found.registry or "", found.repository or "", found.tag or "", found.digest or "", watched)


def _text(value: object) -> str:
    """The SDK gives what it knows as enumerations, and what it does not as text."""
    return "" if value is None else str(getattr(value, "value", value))
