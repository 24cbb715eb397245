"""ARM's task runs: a named resource around one run, so that asking twice is asking once.

https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.arm import LOCATION, REGISTRY, known, not_found
from infra.local.emulator.arm_runs import ArmRuns
from infra.local.emulator.arm_tasks import blank
from infra.local.emulator.callers import Authorship, caller
from infra.local.emulator.front import Route
from infra.local.emulator.identities import require_assigned, user_assigned
from infra.local.emulator.long_running import LongRunning, Outcome
from infra.local.emulator.run_resources import inside
from infra.local.emulator.runs import Run
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import json_object, json_reply, nothing, provider_error
from infra.local.topology import Topology

_ENDED = {"Succeeded": "Succeeded", "Canceled": "Canceled"}


@dataclass(frozen=True)
class TaskRun:
    """The resource, and the run it started."""

    registry: str
    name: str
    body: dict[str, Any]
    run: Run
    authorship: Authorship

    @property
    def properties(self) -> dict[str, Any]:
        """What was asked for."""
        asked: dict[str, Any] = self.body.get("properties") or {}
        return asked

    @property
    def state(self) -> str:
        """The provisioning state, which follows the run."""
        return _ENDED.get(self.run.status, "Failed") if self.run.complete else "Creating"

    def starts_again(self, body: dict[str, Any]) -> bool:
        """Tell whether putting this starts another run: another request or tag does, and so does a run that failed."""
        asked = body.get("properties") or {}
        same = all(asked.get(name) == self.properties.get(name) for name in ("forceUpdateTag", "runRequest"))
        return not same or self.state not in ("Creating", "Succeeded")


class ArmTaskRuns:
    """The routes of task runs."""

    def __init__(
        self, topology: Topology, runs: ArmRuns, long_running: LongRunning, settings: Settings, access: Access
    ) -> None:
        self._topology = topology
        self._runs = runs
        self._long_running = long_running
        self._settings = settings
        self._access = access
        self._lock = threading.Lock()
        self._all: dict[tuple[str, str], TaskRun] = {}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        one = f"{REGISTRY}/taskRuns/<name>"
        status, polled = f"{one}/operationStatuses/<operation>", "taskruns/operationStatuses/read"
        return [
            Route("PUT", one, "put taskRun", self.put, "taskruns/write"),
            Route("GET", one, "get taskRun", self.get, "taskruns/read"),
            Route("GET", status, "poll operation", self._long_running.status, polled),
            Route("POST", f"{one}/listDetails", "list taskRun details", self.details, "taskruns/listDetails/action"),
            Route("DELETE", one, "delete taskRun", self.delete, "taskruns/delete"),
            Route("GET", f"{REGISTRY}/taskRuns", "list taskRuns", self.list_all, "taskruns/read"),
        ]

    def put(self, request: Request, registry: str, name: str) -> Response:
        """Start the run and answer 201; where it is under way, or has ended well, and nothing is new, start nothing."""
        known(registry)
        body = json_object(request)
        with self._lock:
            existing = self._all.get((registry, name))
            if existing and not existing.starts_again(body):
                return json_reply(self._resource(existing))
            task_run = self._start(request, registry, name, body, existing)
            self._all[registry, name] = task_run
        answer = self._resource(task_run)
        run = inside(task_run.run, self._runs.resource_id(task_run.run), fresh=True)
        answer["properties"] |= {"provisioningState": "Creating", "runResult": run}
        return json_reply(answer, 201, self._track(task_run, request))

    def get(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task run with its run, its secrets left out."""
        return json_reply(self._resource(self._find(registry, name)))

    def details(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task run with its secrets."""
        task_run = self._find(registry, name)
        whole = self._resource(task_run)
        whole["properties"]["runRequest"] = task_run.properties.get("runRequest") or {}
        return json_reply(whole)

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
        return nothing(200 if found else 204)

    def _start(
        self, request: Request, registry: str, name: str, body: dict[str, Any], before: TaskRun | None
    ) -> TaskRun:
        run_request = (body.get("properties") or {}).get("runRequest") or {}
        self._refuse_upload(run_request)
        require_assigned(self._access, request, body)
        by = caller(request)
        authorship = before.authorship.changed(by) if before else Authorship(by)
        run = self._runs.start(request, registry, run_request, user_assigned(body))
        run.name = name
        return TaskRun(registry, name, body, run, authorship)

    def _refuse_upload(self, run_request: dict[str, Any]) -> None:
        location = str(run_request.get("sourceLocation") or "")
        if location and "://" not in location and not self._settings.now.uploads_in_task_runs:
            message = f"The source location {location} is not a remote context."
            abort(provider_error(400, "InvalidTaskRunRequest", message))

    def _find(self, registry: str, name: str) -> TaskRun:
        known(registry)
        if (registry, name) not in self._all:
            abort(not_found(name))
        return self._all[registry, name]

    def _track(self, task_run: TaskRun, request: Request) -> dict[str, str]:
        path = f"{self._id(task_run)}/operationStatuses/{task_run.run.run_id}"
        self._long_running.track(path, lambda: _outcome(task_run.run))
        return self._long_running.async_operation(path, request)

    def _id(self, task_run: TaskRun) -> str:
        return f"{self._topology.registry_id(task_run.registry)}/taskRuns/{task_run.name}"

    def _resource(self, task_run: TaskRun) -> dict[str, Any]:
        asked = {name: task_run.properties[name] for name in ("forceUpdateTag",) if name in task_run.properties}
        identity = {"identity": task_run.body["identity"]} if task_run.body.get("identity") else {}
        return {
            "type": "Microsoft.ContainerRegistry/registries/taskRuns",
            **identity,
            "properties": {
                "provisioningState": task_run.state,
                **asked,
                "runRequest": _shown(task_run.properties.get("runRequest") or {}),
                "runResult": inside(task_run.run, self._runs.resource_id(task_run.run)),
            },
            "location": task_run.body.get("location", LOCATION),
            "id": self._id(task_run),
            "name": task_run.name,
            "systemData": task_run.authorship.whole(),
        }


def _shown(run_request: dict[str, Any]) -> dict[str, Any]:
    """Return a run request as a task run shows it: without empty credentials, and without secret values."""
    shown = {name: value for name, value in copy.deepcopy(run_request).items() if name != "credentials" or value}
    for part in (shown, shown.get("overrideTaskStepProperties") or {}):
        blank([*(part.get("arguments") or []), *(part.get("values") or [])])
    return shown


def _outcome(run: Run) -> Outcome | None:
    """A task run's deployment ends with its run, and as well or badly as it."""
    if not run.complete:
        return None
    return Outcome() if run.status == "Succeeded" else Outcome("Runtime failure", f"Run {run.run_id}: {run.status}")
