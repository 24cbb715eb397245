"""ARM's task runs: a named resource around one run, so that asking twice is asking once.

https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import REGISTRY, LongRunning, Outcome, known, not_found
from infra.local.emulator.arm_runs import ArmRuns
from infra.local.emulator.front import Route
from infra.local.emulator.runs import Run
from infra.local.emulator.wire import json_object, json_reply
from infra.local.topology import Topology

_ENDED = {"Succeeded": "Succeeded", "Canceled": "Canceled"}


@dataclass(frozen=True)
class TaskRun:
    """The resource, and the run it started."""

    registry: str
    name: str
    force_update_tag: str | None
    request: dict[str, Any]
    run: Run
    operation: str

    @property
    def state(self) -> str:
        """The provisioning state, which follows the run."""
        if self.run.complete:
            return _ENDED.get(self.run.status, "Failed")
        return "Creating" if self.run.status == "Queued" else "Running"


class ArmTaskRuns:
    """The routes of task runs."""

    def __init__(self, topology: Topology, runs: ArmRuns, long_running: LongRunning) -> None:
        self._topology = topology
        self._runs = runs
        self._long_running = long_running
        self._lock = threading.Lock()
        self._all: dict[tuple[str, str], TaskRun] = {}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        one = f"{REGISTRY}/taskRuns/<name>"
        return [
            Route("PUT", one, "put taskRun", self.put),
            Route("GET", one, "get taskRun", self.get),
            Route("POST", f"{one}/listDetails", "list taskRun details", self.get),
            Route("DELETE", one, "delete taskRun", self.delete),
            Route("GET", f"{REGISTRY}/taskRuns", "list taskRuns", self.list_all),
        ]

    def put(self, request: Request, registry: str, name: str) -> Response:
        """Start the run and answer 201; where the name and ``forceUpdateTag`` are the same as before, start nothing."""
        known(registry)
        properties = json_object(request).get("properties") or {}
        with self._lock:
            existing = self._all.get((registry, name))
            if existing and existing.force_update_tag == properties.get("forceUpdateTag"):
                return self._reply(existing, request, 200)
            task_run = self._start(registry, name, properties)
            self._all[registry, name] = task_run
        return self._reply(task_run, request, 201)

    def get(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task run with its run."""
        return json_reply(self._resource(self._find(registry, name)))

    def list_all(self, _: Request, registry: str) -> Response:
        """Answer a registry's task runs."""
        known(registry)
        with self._lock:
            found = [task_run for task_run in self._all.values() if task_run.registry == registry]
        return json_reply({"value": [self._resource(task_run) for task_run in found]})

    def delete(self, _: Request, registry: str, name: str) -> Response:
        """Forget the resource; its run stays."""
        known(registry)
        with self._lock:
            found = self._all.pop((registry, name), None)
        return Response(status=200 if found else 204)

    def _start(self, registry: str, name: str, properties: dict[str, Any]) -> TaskRun:
        run_request = properties.get("runRequest") or {}
        run = self._runs.start(registry, run_request)
        operation = self._long_running.track(lambda: _outcome(run))
        return TaskRun(registry, name, properties.get("forceUpdateTag"), run_request, run, operation)

    def _find(self, registry: str, name: str) -> TaskRun:
        known(registry)
        if (registry, name) not in self._all:
            abort(not_found(f"registries/{registry}/taskRuns/{name}"))
        return self._all[registry, name]

    def _reply(self, task_run: TaskRun, request: Request, status: int) -> Response:
        headers = self._long_running.async_operation(task_run.operation, request) if status == 201 else None
        return json_reply(self._resource(task_run), status, headers)

    def _resource(self, task_run: TaskRun) -> dict[str, Any]:
        return {
            "id": f"{self._topology.registry_id(task_run.registry)}/taskRuns/{task_run.name}",
            "name": task_run.name,
            "type": "Microsoft.ContainerRegistry/registries/taskRuns",
            "location": "local",
            "properties": {
                "provisioningState": task_run.state,
                "forceUpdateTag": task_run.force_update_tag,
                "runRequest": task_run.request,
                "runResult": self._runs.resource(task_run.run),
            },
        }


def _outcome(run: Run) -> Outcome | None:
    """A task run's deployment ends with its run, and as well or badly as it."""
    if not run.complete:
        return None
    return Outcome() if run.status == "Succeeded" else Outcome("TaskRunFailed", f"Run {run.run_id}: {run.status}")
