"""A run as ARM shows it.

https://learn.microsoft.com/rest/api/container-registry-tasks/runs/get
"""

from __future__ import annotations

from typing import Any

from infra.local.emulator.runs import Run
from infra.local.emulator.wire import offset_time, whole_second
from infra.local.runner import Image


def first_answer(run: Run, run_id: str) -> dict[str, Any]:
    """Return what scheduling a run answers, which is less than asking for it a moment later does.

    Args:
        run: the run.
        run_id: its Azure resource id.
    """
    bare = {
        "runId": run.run_id,
        "status": "Queued",
        "lastUpdatedTime": whole_second(run.created),
        "provisioningState": "Succeeded",
        "isArchiveEnabled": run.traits.archive,
    }
    return {**_resource(run, run_id, bare), "systemData": run.authorship.last()}


def described(run: Run, run_id: str) -> dict[str, Any]:
    """Return a run as it is now; once somebody has changed it, with who made it, too."""
    whole = run.authorship.modified_by
    return {**inside(run, run_id), "systemData": run.authorship.whole() if whole else run.authorship.last()}


def inside(run: Run, run_id: str, *, fresh: bool = False) -> dict[str, Any]:
    """Return a run as it stands inside a task run; of one that has just been scheduled as it was then."""
    properties = _properties(run)
    if fresh:
        ended = dict.fromkeys(("startTime", "finishTime", "outputImages", "runErrorMessage"))
        properties |= {"status": "Queued", "lastUpdatedTime": whole_second(run.created), **ended}
    shown = {name: value for name, value in properties.items() if value not in (None, [])}
    return _resource(run, run_id, shown)


def _resource(run: Run, run_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Microsoft.ContainerRegistry/registries/runs",
        "properties": properties,
        "id": run_id,
        "name": run.run_id,
    }


def _properties(run: Run) -> dict[str, Any]:
    status = run.status  # read once, and first: it is set last
    return {
        "runId": run.run_id,
        "status": status,
        "lastUpdatedTime": whole_second(run.updated),
        "runType": run.run_type,
        "agentPoolName": run.traits.agent_pool or None,
        "createTime": offset_time(run.created),
        "startTime": offset_time(run.started) if run.started else None,
        "finishTime": offset_time(run.finished) if run.finished else None,
        "outputImages": [_image(image) for image in run.images],
        "task": run.task,
        "imageUpdateTrigger": run.trigger,
        "platform": dict(run.traits.platform),
        "agentConfiguration": {"cpu": run.traits.cpu},
        "sourceRegistryAuth": run.traits.source_auth or None,
        "runErrorMessage": run.error or None,
        "provisioningState": "Succeeded",
        "isArchiveEnabled": run.traits.archive,
    }


def _image(image: Image) -> dict[str, str]:
    return {
        "registry": image.registry,
        "repository": image.repository,
        "tag": image.tag,
        "digest": image.digest,
    }
