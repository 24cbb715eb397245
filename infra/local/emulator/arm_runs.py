"""ARM's runs: schedule, list, get, cancel.

https://learn.microsoft.com/rest/api/container-registry-tasks/runs
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.arm import REGISTRY, known
from infra.local.emulator.arm_tasks import ArmTasks
from infra.local.emulator.blobs import Sources
from infra.local.emulator.callers import Authorship, caller
from infra.local.emulator.front import Route
from infra.local.emulator.pages import paged
from infra.local.emulator.run_requests import REQUEST_TYPES, Planner, identity_of, traits_of
from infra.local.emulator.run_resources import described, first_answer
from infra.local.emulator.runs import Run, Runs
from infra.local.emulator.wire import arm_error, json_object, json_reply, nothing
from infra.local.topology import Topology

_PAGE = 100
_OVERRIDES = "overrideTaskStepProperties"
_CLAUSE = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)
_CONTAINS = re.compile(r"contains\(\s*outputImageManifests\s*,\s*'([^']*)'\s*\)", re.IGNORECASE)
_FIELDS = {"runid": "run_id", "runtype": "run_type", "status": "status", "taskname": "task"}


class ArmRuns:
    """The routes of runs."""

    def __init__(self, topology: Topology, runs: Runs, tasks: ArmTasks, sources: Sources, access: Access) -> None:
        self._topology = topology
        self._runs = runs
        self._tasks = tasks
        self._sources = sources
        self._access = access

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", f"{REGISTRY}/scheduleRun", "scheduleRun", self.schedule, "scheduleRun/action"),
            Route("GET", f"{REGISTRY}/runs", "list runs", self.list_all, "runs/read"),
            Route("GET", f"{REGISTRY}/runs/<run>", "get run", self.get, "runs/read"),
            Route("PATCH", f"{REGISTRY}/runs/<run>", "patch run", self.change, "runs/write"),
            Route("POST", f"{REGISTRY}/runs/<run>/cancel", "cancel run", self.cancel, "runs/cancel/action"),
        ]

    def resource_id(self, run: Run) -> str:
        """Return a run's Azure resource id."""
        return f"{self._topology.registry_id(run.registry)}/runs/{run.run_id}"

    def start(
        self, request: Request, registry: str, wanted: Mapping[str, Any], identities: tuple[str, ...] = ()
    ) -> Run:
        """Queue a run request of any type.

        Args:
            request: scheduled it, by itself or in a task run.
            registry: where it runs.
            wanted: the run request; 400 is answered for an unknown type, 404 for a task that does not exist, and 403
                for a task that the caller may not write: ARM checks that of whoever runs it.
            identities: resource ids of the user-assigned identities that its task run has; a run without one has none.
        """
        kind, by = wanted.get("type"), caller(request)
        if kind not in REQUEST_TYPES:
            abort(arm_error(400, "InvalidRunRequest", f"The run request's type is {kind!r}."))
        if kind == "TaskRunRequest":
            task_id = str(wanted.get("taskId", ""))
            self._access.require_linked(request, "tasks/write", task_id)
            return self._tasks.run(registry, task_id.rpartition("/")[2], wanted.get(_OVERRIDES) or {}, by)
        planner = Planner(self._sources, registry)
        sign_in, plan = self._access.of_a_run(registry, identity_of(wanted), by), partial(planner.quick, wanted)
        return self._runs.submit(registry, plan, Authorship(by), traits_of(wanted), sign_in, identities=identities)

    def schedule(self, request: Request, registry: str) -> Response:
        """Answer the queued run, of which little is said as yet."""
        known(registry)
        run = self.start(request, registry, json_object(request))
        return json_reply(first_answer(run, self.resource_id(run)))

    def get(self, _: Request, registry: str, run: str) -> Response:
        """Answer one run."""
        known(registry)
        found = self._runs.get(registry, run)
        return json_reply(described(found, self.resource_id(found)))

    def change(self, request: Request, registry: str, run: str) -> Response:
        """Change whether a run's log is kept in the registry, and answer the run."""
        known(registry)
        found = self._runs.get(registry, run)
        found.traits = replace(found.traits, archive=bool(json_object(request).get("isArchiveEnabled")))
        found.authorship, found.updated = found.authorship.changed(caller(request)), time.time()
        return json_reply(described(found, self.resource_id(found)))

    def cancel(self, _: Request, registry: str, run: str) -> Response:
        """Ask a run to stop."""
        known(registry)
        self._runs.cancel(self._runs.get(registry, run))
        return nothing(200)

    def list_all(self, request: Request, registry: str) -> Response:
        """Answer the runs that pass ``$filter``, newest first, ``$top`` of them or a page."""
        known(registry)
        wanted = _condition(request.args.get("$filter", ""))
        found = [run for run in self._runs.all(registry) if wanted(run)]
        top = request.args.get("$top", type=int)
        page, link = paged(request, found, top or _PAGE)
        body: dict[str, Any] = {"value": [described(run, self.resource_id(run)) for run in page]}
        return json_reply(body | ({"nextLink": link} if link and top is None else {}))


def _condition(expression: str) -> Any:
    """Return the test an OData filter of ``and``-joined equalities stands for; answer 400 for any other filter."""
    tests = [_clause(clause.strip()) for clause in re.split(r"\s+and\s+", expression) if clause.strip()]
    return lambda run: all(test(run) for test in tests)


def _clause(clause: str) -> Any:
    contains = _CONTAINS.fullmatch(clause)
    if contains:
        return lambda run: any(contains[1] in f"{image.repository}@{image.digest}" for image in run.images)
    equals = _CLAUSE.fullmatch(clause)
    field = _FIELDS.get(equals[1].lower()) if equals else None
    if equals is None or field is None:
        abort(arm_error(400, "InvalidFilter", f"The filter clause {clause!r} is not understood."))
    return lambda run: getattr(run, field) == equals[2]
