"""ARM's tasks, and their reruns when a base image moves.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-base-images
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import REGISTRY, known, not_found
from infra.local.emulator.blobs import Sources
from infra.local.emulator.front import Route
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.run_requests import Planner
from infra.local.emulator.runs import Run, Runs
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import arm_error, json_object, json_reply, timestamp
from infra.local.runner import Dependency, RunResult
from infra.local.topology import Topology

_STEP_TYPES = ("Docker", "FileTask", "EncodedTask")


class ArmTasks:
    """The routes of tasks; tasks are kept as the JSON they were given, plus what a run finds out."""

    def __init__(
        self, topology: Topology, registries: Registries, runs: Runs, sources: Sources, settings: Settings
    ) -> None:
        self._topology = topology
        self._registries = registries
        self._runs = runs
        self._sources = sources
        self._settings = settings
        self._lock = threading.Lock()
        self._tasks: dict[tuple[str, str], dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        one = f"{REGISTRY}/tasks/<name>"
        return [
            Route("PUT", one, "put task", self.put),
            Route("GET", one, "get task", self.get),
            Route("POST", f"{one}/listDetails", "list task details", self.details),
            Route("DELETE", one, "delete task", self.delete),
            Route("GET", f"{REGISTRY}/tasks", "list tasks", self.list_all),
        ]

    def put(self, request: Request, registry: str, name: str) -> Response:
        """Create or replace a task; what is known of its base images is forgotten."""
        known(registry)
        body = json_object(request)
        properties = body.get("properties") or {}
        if (properties.get("step") or {}).get("type") not in _STEP_TYPES:
            abort(arm_error(400, "InvalidTask", f"The task's step has to be one of {', '.join(_STEP_TYPES)}."))
        properties["step"]["baseImageDependencies"] = None
        properties |= {
            "provisioningState": "Succeeded",
            "creationDate": timestamp(time.time()),
            "status": properties.get("status", "Enabled"),
        }
        task = self._resource(registry, name, body, properties)
        with self._lock:
            created = (registry, name) not in self._tasks
            self._tasks[registry, name] = task
        return json_reply(_without_secrets(task), 201 if created else 200)

    def get(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task, its secrets left out."""
        return json_reply(_without_secrets(self._find(registry, name)))

    def details(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task with its secrets."""
        return json_reply(self._find(registry, name))

    def list_all(self, _: Request, registry: str) -> Response:
        """Answer a registry's tasks."""
        known(registry)
        return json_reply({"value": [_without_secrets(task) for task in self._of(registry)]})

    def delete(self, _: Request, registry: str, name: str) -> Response:
        """Forget a task; its runs stay."""
        known(registry)
        with self._lock:
            found = self._tasks.pop((registry, name), None)
        return Response(status=200 if found else 204)

    def run(
        self,
        registry: str,
        name: str,
        overrides: dict[str, Any],
        run_type: str = "QuickRun",
        trigger: dict[str, Any] | None = None,
    ) -> Run:
        """Queue a run of a task, or answer 404; a run that succeeds tells the task its base images."""
        properties = self._find(registry, name)["properties"]
        plan = partial(Planner(self._sources, registry).task, copy.deepcopy(properties), overrides)
        return self._runs.submit(registry, plan, run_type, name, trigger, partial(self._learn, properties))

    def base_moved(self, part: str, repository: str, tag: str, digest: str) -> None:
        """Rerun, after the delay in the settings, every task whose trigger watches this tag and knew another digest."""
        host = self._registries.host_of_part(part)
        for registry in PARTS:
            for task in self._of(registry):
                if _triggered(task["properties"], host, repository, tag, digest):
                    image = {"registry": host, "repository": repository, "tag": tag, "digest": digest}
                    self._start_later(registry, task["name"], image)

    def _start_later(self, registry: str, name: str, image: dict[str, str]) -> None:
        trigger = {"id": str(uuid.uuid4()), "timestamp": timestamp(time.time()), "images": [image]}
        start = partial(self.run, registry, name, {}, "AutoRun", trigger)
        timer = threading.Timer(self._settings.now.base_trigger_seconds, start)
        timer.daemon = True
        timer.start()

    @staticmethod
    def _learn(properties: dict[str, Any], result: RunResult) -> None:
        if result.status == "Succeeded":
            properties["step"]["baseImageDependencies"] = [_dependency(found) for found in result.dependencies]

    def _find(self, registry: str, name: str) -> dict[str, Any]:
        known(registry)
        if (registry, name) not in self._tasks:
            abort(not_found(f"registries/{registry}/tasks/{name}"))
        return self._tasks[registry, name]

    def _of(self, registry: str) -> list[dict[str, Any]]:
        with self._lock:
            return [task for (owner, _), task in self._tasks.items() if owner == registry]

    def _resource(self, registry: str, name: str, body: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
        kept = {key: body[key] for key in ("tags", "identity") if key in body}
        return kept | {
            "id": f"{self._topology.registry_id(registry)}/tasks/{name}",
            "name": name,
            "type": "Microsoft.ContainerRegistry/registries/tasks",
            "location": body.get("location", "local"),
            "properties": properties,
        }


def _dependency(found: Dependency) -> dict[str, str]:
    return {
        "type": found.type,
        "registry": found.registry,
        "repository": found.repository,
        "tag": found.tag,
        "digest": found.digest,
    }


def _triggered(properties: dict[str, Any], host: str, repository: str, tag: str, digest: str) -> bool:
    trigger = (properties.get("trigger") or {}).get("baseImageTrigger") or {}
    if properties["status"] != "Enabled" or not trigger or trigger.get("status", "Enabled") != "Enabled":
        return False
    build_time_too = trigger.get("baseImageTriggerType") == "All"
    return any(
        (seen["registry"], seen["repository"], seen["tag"]) == (host, repository, tag)
        and seen["digest"] != digest
        and (build_time_too or seen["type"] == "RunTime")
        for seen in properties["step"]["baseImageDependencies"] or []
    )


def _without_secrets(task: dict[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(task)
    step = shown["properties"]["step"]
    _blank(step.get("arguments") or [])
    _blank(step.get("values") or [])
    return shown


def _blank(entries: Iterable[dict[str, Any]]) -> None:
    for entry in entries:
        if entry.get("isSecret"):
            entry["value"] = None
