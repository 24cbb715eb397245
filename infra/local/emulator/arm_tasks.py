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

from infra.local.emulator.access import Access
from infra.local.emulator.arm import LOCATION, REGISTRY, known, not_found
from infra.local.emulator.blobs import Sources
from infra.local.emulator.callers import Authorship, caller
from infra.local.emulator.front import Route
from infra.local.emulator.identities import require_assigned, user_assigned
from infra.local.emulator.pages import paged
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.run_requests import Planner, identity_of, traits_of
from infra.local.emulator.runs import Run, Runs
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import arm_error, json_object, json_reply, nothing, offset_time, timestamp
from infra.local.runner import Dependency, RunResult
from infra.local.topology import Topology

_STEP_TYPES = ("Docker", "FileTask", "EncodedTask")
# Whoever starts the runs of a trigger.
_TRIGGER = "acr-tasks"


class ArmTasks:
    """The routes of tasks; tasks are kept as the JSON they were given, plus what a run finds out."""

    def __init__(
        self,
        topology: Topology,
        registries: Registries,
        runs: Runs,
        sources: Sources,
        settings: Settings,
        access: Access,
    ) -> None:
        self._topology = topology
        self._registries = registries
        self._runs = runs
        self._sources = sources
        self._settings = settings
        self._access = access
        self._lock = threading.Lock()
        self._tasks: dict[tuple[str, str], dict[str, Any]] = {}
        self._made: dict[tuple[str, str], Authorship] = {}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        one = f"{REGISTRY}/tasks/<name>"
        return [
            Route("PUT", one, "put task", self.put, "tasks/write"),
            Route("GET", one, "get task", self.get, "tasks/read"),
            Route("POST", f"{one}/listDetails", "list task details", self.details, "tasks/listDetails/action"),
            Route("DELETE", one, "delete task", self.delete, "tasks/delete"),
            Route("GET", f"{REGISTRY}/tasks", "list tasks", self.list_all, "tasks/read"),
        ]

    def put(self, request: Request, registry: str, name: str) -> Response:
        """Create or replace a task, and answer 200; what is known of its base images is forgotten."""
        known(registry)
        body = json_object(request)
        properties = body.get("properties") or {}
        if (properties.get("step") or {}).get("type") not in _STEP_TYPES:
            abort(arm_error(400, "InvalidTask", f"The task's step has to be one of {', '.join(_STEP_TYPES)}."))
        task = self._resource(registry, name, body, _completed(properties))
        require_assigned(self._access, request, body)
        with self._lock:
            before = self._tasks.get((registry, name))
            task["systemData"] = self._authorship(registry, name, caller(request), new=before is None)
            self._tasks[registry, name] = task
        return json_reply(_without_secrets(task))

    def get(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task, its secrets left out."""
        return json_reply(_without_secrets(self._find(registry, name)))

    def details(self, _: Request, registry: str, name: str) -> Response:
        """Answer one task with its secrets."""
        return json_reply(self._find(registry, name))

    def list_all(self, request: Request, registry: str) -> Response:
        """Answer a registry's tasks, or a page of them; without their base images, if the settings say so."""
        known(registry)
        now, found = self._settings.now, self._of(registry)
        page, link = paged(request, found, now.tasks_page) if now.tasks_page else (found, "")
        shown = [_without_secrets(task) for task in page]
        for task in shown if now.tasks_without_bases else ():
            task["properties"]["step"].pop("baseImageDependencies", None)
        return json_reply({"value": shown, **({"nextLink": link} if link else {})})

    def delete(self, _: Request, registry: str, name: str) -> Response:
        """Forget a task; its runs stay."""
        known(registry)
        with self._lock:
            found = self._tasks.pop((registry, name), None)
        return nothing(200 if found else 204)

    def run(
        self,
        registry: str,
        name: str,
        overrides: dict[str, Any],
        by: str,
        run_type: str = "QuickRun",
        trigger: dict[str, Any] | None = None,
    ) -> Run:
        """Queue a run of a task, or answer 404; a run that succeeds tells the task its base images."""
        properties = self._find(registry, name)["properties"]
        plan = partial(Planner(self._sources, registry).task, copy.deepcopy(properties), overrides)
        return self._runs.submit(
            registry,
            plan,
            Authorship(by),
            traits_of(properties),
            self._access.of_a_run(registry, self._identity(registry, name, properties), by),
            run_type=run_type,
            task=name,
            trigger=trigger,
            done=partial(self._learn, properties),
            identities=user_assigned(self._find(registry, name)),
        )

    def base_moved(self, part: str, repository: str, tag: str, digest: str) -> None:
        """Rerun, after the delay in the settings, every task whose trigger watches this tag and knew another digest."""
        host = self._registries.host_of_part(part)
        for registry in PARTS:
            for task in self._of(registry):
                if _triggered(task["properties"], host, repository, tag, digest):
                    image = {"registry": host, "repository": repository, "tag": tag, "digest": digest}
                    self._start_later(registry, task["name"], image)

    def _identity(self, registry: str, name: str, properties: dict[str, Any]) -> str:
        """Return as whom a task's runs sign in to their registry; its own identity is called by its resource id."""
        identity = identity_of(properties)
        return f"{self._topology.registry_id(registry)}/tasks/{name}" if identity == "[system]" else identity

    def _start_later(self, registry: str, name: str, image: dict[str, str]) -> None:
        trigger = {"id": str(uuid.uuid4()), "timestamp": timestamp(time.time()), "images": [image]}
        start = partial(self.run, registry, name, {}, _TRIGGER, "AutoRun", trigger)
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
            abort(not_found(name))
        return self._tasks[registry, name]

    def _of(self, registry: str) -> list[dict[str, Any]]:
        with self._lock:
            return [task for (owner, _), task in self._tasks.items() if owner == registry]

    def _resource(self, registry: str, name: str, body: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
        shown = {"identity": _identity(body["identity"])} if "identity" in body else {}
        shown |= {"tags": body["tags"]} if "tags" in body else {}
        return {
            "type": "Microsoft.ContainerRegistry/registries/tasks",
            **shown,
            "properties": properties,
            "id": f"{self._topology.registry_id(registry)}/tasks/{name}",
            "name": name,
            "location": body.get("location", LOCATION),
        }

    def _authorship(self, registry: str, name: str, by: str, *, new: bool) -> dict[str, str]:
        made = Authorship(by) if new else self._made[registry, name].changed(by)
        self._made[registry, name] = made
        return made.whole()


def _completed(properties: dict[str, Any]) -> dict[str, Any]:
    """Return a task's properties with what the service adds; credentials are shown if there are any."""
    given = {name: value for name, value in properties.items() if name != "credentials" or value}
    step = {name: value for name, value in given["step"].items() if name != "baseImageDependencies"}
    return {
        "provisioningState": "Succeeded",
        "creationDate": offset_time(time.time()),
        "status": "Enabled",
        "agentConfiguration": {"cpu": 2},
        "timeout": 3600,
        "isSystemTask": False,
        **given,
        "step": step,
    }


def _identity(given: dict[str, Any]) -> dict[str, Any]:
    nobody = str(uuid.UUID(int=0))
    return {"principalId": nobody, "tenantId": nobody, **given}


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
        and (build_time_too or seen["type"] == "Runtime")
        for seen in properties["step"].get("baseImageDependencies") or []
    )


def _without_secrets(task: dict[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(task)
    step = shown["properties"]["step"]
    blank(step.get("arguments") or [])
    blank(step.get("values") or [])
    return shown


def blank(entries: Iterable[dict[str, Any]]) -> None:
    """Take the values out of the entries that are secret."""
    for entry in entries:
        if entry.get("isSecret"):
            entry["value"] = None
