"""What stands there before the storm: images, the watch list, the webhook, and application tasks that were built."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from infra.local.demo.record_scenes import give_key
from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.topology import APPLICATIONS, Topology
from tests.chaos.cast import PLACES, watch_list
from tests.chaos.players import Upstreams
from tests.chaos.tasks import BUILT_ON, TASKS, Builds

# More than rebuilds may be under way at once, so that it is not the agents who keep them few.
_AGENTS = 8
_LONGEST_BUILD = 120


def prepare(topology: Topology, watcher: Watcher, upstreams: Upstreams, *, travels: bool) -> None:
    """Put everything on the stage; the host is not up yet.

    Args:
        topology: of the running twin.
        watcher: looks at it.
        upstreams: publishes.
        travels: whether anything lies beside images, for which the app is given a key to sign with.
    """
    if travels:
        give_key(topology, watcher)
    watcher.set(anonymous_pull_limit=None, account_pull_limit=None, hub_api_limit=10**6, agents=_AGENTS)
    for place in PLACES:
        upstreams.first(place, in_base=place in BUILT_ON)
    stage_set = StageSet(topology, watcher)
    stage_set.configure(watch_list(topology.address("other"), travels=travels))
    stage_set.add_webhook()
    # What is built on an image between waits for that.
    _build(topology, watcher, {name: task for name, task in TASKS.items() if not task.on})
    _build(topology, watcher, {name: task for name, task in TASKS.items() if task.on})


def _build(topology: Topology, watcher: Watcher, tasks: Mapping[str, Builds]) -> None:
    for name, task in tasks.items():
        watcher.arm("PUT", APPLICATIONS, f"tasks/{name}", _task(topology, task))
        task_id = f"{topology.registry_id(APPLICATIONS)}/tasks/{name}"
        watcher.arm("POST", APPLICATIONS, "scheduleRun", {"type": "TaskRunRequest", "taskId": task_id})
    eventually("every task was built once", lambda: all(built_on(watcher).values()), seconds=_LONGEST_BUILD)


def built_on(watcher: Watcher) -> dict[str, dict[str, str]]:
    """Return what each task was last built on: digests by the tag's name."""
    listed = watcher.arm("GET", APPLICATIONS, "tasks")["value"]
    return {
        task["name"]: {
            f"{base['repository']}:{base['tag']}": base["digest"]
            for base in task["properties"]["step"].get("baseImageDependencies") or []
        }
        for task in listed
    }


def _task(topology: Topology, task: Builds) -> dict[str, Any]:
    bases = [f"{topology.address('base')}/{place.target}" for place in task.bases]
    bases += [f"{topology.address('applications')}/{task.on}"] if task.on else []
    platform = {"os": "Linux", "architecture": "amd64"}
    trigger = {"name": "base", "baseImageTriggerType": "Runtime", "status": "Enabled"}
    own = {"trigger": {"baseImageTrigger": trigger}} if task.own_trigger else {}
    tags = {"tags": {"owner": task.owner}} if task.owner else {}
    step = _step(" ".join(f"from {base}" for base in bases), task.pushes)
    properties = {"platform": platform, "step": step, "timeout": 600, **own}
    return {"location": "westeurope", **tags, "properties": properties}


def _step(bases: str, pushes: str) -> dict[str, Any]:
    """Only a task that builds a Dockerfile says in its definition what it pushes."""
    if not pushes:
        steps = f"version: v1.1.0\nsteps:\n  - cmd: build {bases}\n"
        return {"type": "EncodedTask", "encodedTaskContent": base64.b64encode(steps.encode()).decode()}
    argument = {"name": "BASES", "value": bases}
    return {"type": "Docker", "dockerFilePath": "Dockerfile", "imageNames": [pushes], "arguments": [argument]}
