"""ACR Tasks of one registry: runs scheduled under names, their logs, and the tasks with what they were built on.

Task runs: https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import TASKS_CONTRIBUTOR, azure_errors
from shared.adapters.azure.gate_run import RunOptions, says_words, task_request
from shared.adapters.azure.gate_schedule import GateSchedule
from shared.adapters.azure.run_logs import RunLogs
from shared.adapters.azure.scan_run import scan_request
from shared.adapters.azure.shared_runs import SharedRuns
from shared.adapters.azure.task_errors import task_run_errors
from shared.adapters.azure.task_models import (
    application_task,
    embedded_run,
    ends_of,
    listed_task,
    runs_of,
    status_of,
    statuses_of,
)
from shared.config import GateContext, RegistryId
from shared.domain.gate.identity import GateIdentity
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import Words
from shared.domain.pacing.bucket import Work
from shared.domain.promotion.kept_tasks import ListedTask
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.task_runs import TaskRuns
from shared.errors import NotFound, Refused, Unavailable
from shared.run_ports import GateRun, Run, ScanRun

if TYPE_CHECKING:
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import TaskRun

_AS_ACR_DOES = RunOptions()
_NEVER_RAN = Run("", RunStatus.ERROR)


class AcrTasks:
    """The port ``Runs`` for one registry.

    A run is scheduled as a ``taskRun``, an ARM resource with a name of ours: what ``scheduleRun`` starts has a name
    only afterwards, and asking it twice is two runs.

    Args:
        clients: of ARM.
        registry: which registry.
        context: how a gate's files reach its run.
        options: how gates' runs are asked for.
    """

    def __init__(
        self,
        clients: AzureClients,
        registry: RegistryId,
        context: GateContext = GateContext.UPLOAD,
        options: RunOptions = _AS_ACR_DOES,
    ) -> None:
        self._clients = clients
        self._registry = registry
        self._place = (registry.group, registry.name)
        self._gates = GateSchedule(clients, registry, context, options, self._schedule_gate, self._errors)
        self._shared = SharedRuns(self._pages, self._status)
        self._logs = RunLogs(clients, registry, self._errors)

    def take_gate_turn(self) -> None:
        """Make sure that ARM takes what a gate's run is scheduled with from this thread now.

        Raises:
            Paced: it does not yet.
        """
        self._reserve(*self._gates.requests, "PUT taskRuns/name")

    def take_task_turn(self, runs: int = 1) -> None:
        """Make sure that ARM takes a run of a task from this thread now; see ``Runs.take_task_turn``.

        Raises:
            Paced: it does not yet.
        """
        self._reserve(*["PUT taskRuns/name"] * runs)

    def find(self, name: str) -> Run | None:
        """Return the run that was scheduled under a name, by one request if it has ended and by two if not.

        The run inside the ``taskRun`` is believed when it says that it has ended, for an end does not change; whether
        the service keeps it up to date before that is not documented, so the run itself is asked.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        found = self._task_run(name)
        return None if found is None else self._up_to_date(embedded_run(found))

    def find_gate(self, name: str, words: Words) -> Run | None:
        """Return the run that was scheduled under a name, as ``find`` does, if it is one in which the words are said.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        found = self._task_run(name)
        if found is None:
            return None
        if said := self._strange(name, found, words):
            return Run("", RunStatus.ERROR, strange=said)
        run = embedded_run(found)
        if run == _NEVER_RAN:
            self._gates.never_ran(name, _source(found))
        return self._up_to_date(run)

    def find_scan(self, name: str, words: Words) -> Run | None:
        """Return the run that was scheduled under a name, as ``find`` does, if it is one in which the words are said.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        found = self._task_run(name)
        if found is None:
            return None
        said = self._strange(name, found, words)
        return Run("", RunStatus.ERROR, strange=said) if said else self._up_to_date(embedded_run(found))

    def look(self, run_id: str) -> Run | None:
        """Return the run of an id, or ``None`` if there is none; by one request for all who look at the same time.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        status = self._shared.status(run_id)
        return None if status is None else Run(run_id, status, named=False)

    def start_gate(self, name: str, gate: GateRun, *, again: bool = True) -> Run:
        """Schedule a gate's run, unless one is scheduled under this name.

        What may have been asked for before is looked up first: the upload may be another one, and ARM takes a request
        that differs from the last one for a wish to run again.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        found = self.find_gate(name, gate.words) if again else None
        return found or self._followed(self._gates.start(name, gate))

    def start_scan(self, name: str, scan: ScanRun, *, again: bool = True) -> Run:
        """Schedule a scan's run, unless one is scheduled under this name; only documents are uploaded for one.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        found = self.find_scan(name, scan.words) if again else None
        if found is not None:
            return found
        if scan.documents:
            return self._followed(self._gates.start_documents(scan, partial(self._schedule, name, words=scan.words)))
        return self._followed(self._schedule(name, scan_request(scan, self._gates.options()), scan.words))

    def start_task(self, name: str, task_id: str) -> Run:
        """Schedule a run of an existing task; the same request under the same name starts nothing new.

        Raises:
            MayNotRun: the identity lacks a right on the task, or on the registry's runs.
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        errors = task_run_errors(f"{self._registry.name}: scheduling the run {name}", task_id)
        return self._followed(embedded_run(self._put(name, task_request(task_id), errors)))

    def cancel(self, run_id: str) -> None:
        """Ask a run to end; twice does no harm. ARM answers at once, and the run goes on for some seconds.

        How ARM refuses to cancel what has ended is not known, so a refusal counts only while the run is under way.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        client = self._clients.at(Work.VERDICT).tasks(self._registry.subscription)
        try:
            with self._errors(f"canceling run {run_id}"):
                client.runs.cancel(*self._place, run_id)
        except NotFound:
            return
        except (Refused, Unavailable):
            if self._status(run_id) in UNDER_WAY:
                raise

    def log(self, run_id: str) -> str:
        """Return a finished run's log; of one larger than a megabyte, the first and the last half of one.

        Raises:
            Unavailable: the log is still being written; its end, which decides, may be missing.
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        return self._logs.log(run_id)

    def forget(self, name: str) -> None:
        """Delete a ``taskRun``; the run and its log stay.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        try:
            with self._errors(f"deleting the taskRun {name}"):
                self._client.task_runs.delete(*self._place, name)
        except NotFound:
            return

    def task(self, name: str) -> ApplicationTask | None:
        """Return one task, by one request.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        try:
            with self._errors(f"reading the task {name}"):
                found = self._client.tasks.get(*self._place, name)
        except NotFound:
            return None
        return application_task(self._registry.name, found)

    def tasks(self) -> tuple[ListedTask, ...]:
        """Return the registry's tasks as its list has them, by one request for each page.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        with self._errors("listing tasks"):
            return tuple(listed_task(self._registry.name, task) for task in self._client.tasks.list(*self._place))

    def ended_since(self, moment: datetime) -> Mapping[str, datetime] | None:
        """Return the ends of tasks' runs that were asked for since a moment, by one request for each page of runs.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        with self._errors("listing runs"):
            return ends_of(self._client.runs.list(*self._place), moment)

    def latest_runs(self) -> Mapping[str, TaskRuns]:
        """Return what the newest runs say of their tasks, by one request for each page of runs.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        with self._errors("listing runs"):
            return runs_of(self._client.runs.list(*self._place))

    def _reserve(self, *requests: str) -> None:
        words = (request.split(" ") for request in requests)
        self._clients.reserve(*((method, f"{self._registry.resource_id}/{path}") for method, path in words))

    def _schedule_gate(self, name: str, run_request: dict[str, Any], gate: GateRun) -> Run:
        return self._schedule(name, run_request, gate.words, gate.identity)

    def _schedule(
        self, name: str, run_request: dict[str, Any], words: Words, identity: GateIdentity | None = None
    ) -> Run:
        put = self._put(name, run_request, self._errors(f"scheduling the run {name}"), identity)
        said = self._strange(name, put, words)
        return Run("", RunStatus.ERROR, strange=said) if said else embedded_run(put)

    def _put(
        self,
        name: str,
        run_request: dict[str, Any],
        errors: AbstractContextManager[None],
        identity: GateIdentity | None = None,
    ) -> TaskRun:
        body: dict[str, Any] = {"properties": {"runRequest": run_request, "forceUpdateTag": name}}
        if identity is not None:
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity.resource_id: {}}}
        with errors:
            # Not repeated by the SDK: where the answer is lost and the run has failed, another one would start.
            poller = self._client.task_runs.begin_create(*self._place, name, body, polling=False, retry_total=0)
            return poller.result()

    def _followed(self, run: Run) -> Run:
        if run.run_id:
            self._shared.follow(run.run_id)
        return run

    def _task_run(self, name: str) -> TaskRun | None:
        try:
            with self._errors(f"finding the run {name}"):
                return self._client.task_runs.get(*self._place, name)
        except NotFound:
            return None

    def _strange(self, name: str, found: TaskRun, words: Words) -> str:
        """Say why a ``taskRun`` is none of ours; one whose steps are not told is decided by what its log says."""
        request = found.properties.run_request if found.properties else None
        if request is None or says_words(request.as_dict(), words) is not False:
            return ""
        return f"{self._registry.name}: the taskRun {name} was made by somebody else (its steps are others)"

    def _up_to_date(self, run: Run) -> Run:
        return run if run.status not in UNDER_WAY or not run.run_id else self._current(run)

    def _current(self, run: Run) -> Run:
        status = self._status(run.run_id)
        # Just scheduled, it may not be there yet: the runs lag behind the taskRun.
        return self._followed(run if status is None else Run(run.run_id, status))

    def _status(self, run_id: str) -> RunStatus | None:
        try:
            with self._errors(f"looking at run {run_id}"):
                found = self._client.runs.get(*self._place, run_id).properties
        except NotFound:
            return None
        return status_of(found.status if found else None)

    def _pages(self) -> Iterator[Mapping[str, RunStatus]]:
        """The registry's runs, newest first, each page asked for when it is needed."""
        pages = self._client.runs.list(*self._place).by_page()
        while True:
            with self._errors("looking at runs"):
                page = next(pages, None)
                found = None if page is None else statuses_of(page)
            if found is None:
                return
            yield found

    @property
    def _client(self) -> ContainerRegistryTasksMgmtClient:
        return self._clients.tasks(self._registry.subscription)

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return azure_errors(f"{self._registry.name}: {doing}", TASKS_CONTRIBUTOR)


def _source(found: TaskRun) -> str:
    """Return where the context of a ``taskRun`` was uploaded to; empty if it is not told."""
    request = found.properties.run_request if found.properties else None
    return str(request.as_dict().get("sourceLocation") or "") if request is not None else ""
