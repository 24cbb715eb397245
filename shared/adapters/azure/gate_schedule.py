"""How a gate's files reach its run: three ways, of which Resource Manager may not take the first.

``upload``: an archive is uploaded, and the ``taskRun`` names it. That is recorded for ``scheduleRun``; for a
``taskRun`` the documentation asks for a remote context. ``inline``: the files come within the steps of the ``taskRun``,
if they are small enough. ``schedule-run``: uploaded, and run by ``scheduleRun``, whose runs bear no name of ours. What
was uploaded serves all runs of a gate for an hour; see ``shared.adapters.azure.kept_sources``.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.gate_run import MOST_INLINE, RunOptions, archive, gate_request
from shared.adapters.azure.kept_sources import KeptSources
from shared.adapters.azure.scan_run import scan_files, scan_request
from shared.adapters.azure.task_models import scheduled_run
from shared.config import GateContext, RegistryId
from shared.errors import NotFound, Refused, ServiceError, Unavailable
from shared.run_ports import GateRun, Run, ScanRun

log = logging.getLogger("tidegate.gates")

# A request that is bad for its context; what our identity may not do is another matter, whatever its text says.
_ABOUT_CONTEXT = re.compile(r"(source ?location|context).*\(HTTP 400,", re.IGNORECASE | re.DOTALL)
_BY_REPOSITORY = "AbacRepositoryPermissions"


class GateSchedule:
    """Schedules the runs of gates in one registry.

    Args:
        clients: of ARM.
        registry: which registry.
        context: the way to begin with.
        options: how runs are asked for; as whom is found out.
        schedule: schedules a gate's request as a ``taskRun`` under a name.
        errors: translates what happens while something is done.
    """

    def __init__(
        self,
        clients: AzureClients,
        registry: RegistryId,
        context: GateContext,
        options: RunOptions,
        schedule: Callable[[str, dict[str, Any], GateRun], Run],
        errors: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._clients = clients
        self._registry = registry
        self._place = (registry.group, registry.name)
        self._context = context
        self._asked = options
        self._schedule = schedule
        self._errors = errors
        self._sources = KeptSources(self._uploaded)
        self._known: RunOptions | None = None
        self._lock = threading.Lock()

    @property
    def requests(self) -> tuple[str, ...]:
        """What is most likely asked of ARM for a gate's files, by method and path below the registry."""
        uploads = self._context is not GateContext.INLINE and not self._sources.has_any()
        return ("POST listBuildSourceUploadUrl",) if uploads else ()

    def start(self, name: str, gate: GateRun) -> Run:
        """Schedule a gate's run.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        if self._context is GateContext.UPLOAD:
            try:
                return self._with_source(gate, lambda request: self._schedule(name, request, gate))
            except Refused as error:
                if not _ABOUT_CONTEXT.search(str(error)):
                    raise
                self._doubt_uploads(str(error))
        request = self._request(gate, None)
        if self._context is GateContext.INLINE and len(request["encodedTaskContent"]) <= MOST_INLINE:
            return self._schedule(name, request, gate)
        return self._with_source(gate, lambda request: self._unnamed(gate, request))

    def start_documents(self, scan: ScanRun, schedule: Callable[[dict[str, Any]], Run]) -> Run:
        """Schedule a scan of documents, which are too many for the steps of a run, and so always uploaded.

        Where a ``taskRun`` takes no upload it is a run without a name; to scan twice does no harm.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        request = scan_request(scan, self.options(), self._sources.get(scan_files(scan)).path)
        if self._context is GateContext.UPLOAD:
            try:
                return schedule(request)
            except Refused as error:
                if not _ABOUT_CONTEXT.search(str(error)):
                    raise
                self._doubt_uploads(str(error))
        with self._errors(f"scheduling a scan of {len(scan.documents)} documents"):
            client = self._clients.tasks(self._registry.subscription)
            return scheduled_run(client.registries.schedule_run(*self._place, request))

    def never_ran(self, name: str, source: str) -> None:
        """Take note that a ``taskRun`` ended without a run: what was uploaded for another may be gone."""
        if not self._sources.doubt(source):
            self._doubt_uploads(f"the taskRun {name} ended without a run")

    def _doubt_uploads(self, why: str) -> None:
        """Go on without uploads in ``taskRuns`` for as long as this process lives, and say so once."""
        if self._context is GateContext.UPLOAD:
            self._context = GateContext.INLINE
            log.warning(
                "%s takes no uploaded gate in a taskRun (%s); from now on gates go inside their steps, and those "
                "that are too large for that by scheduleRun. Set GATE_CONTEXT to inline to begin so",
                self._registry.name,
                why,
            )

    def _with_source(self, gate: GateRun, schedule: Callable[[dict[str, Any]], Run]) -> Run:
        """Schedule a run with the gate's upload; where one of before is refused, once more with a new one."""
        source = self._sources.get(gate.files, anew=gate.repeated)
        try:
            return schedule(self._request(gate, source.path))
        except (Refused, NotFound) as error:
            if not source.shared or not _may_be_about_context(error):
                raise
            log.info("%s does not take an upload of before, so it is made anew: %s", self._registry.name, error)
            self._sources.doubt(source.path)
        return schedule(self._request(gate, self._sources.get(gate.files).path))

    def _unnamed(self, gate: GateRun, request: dict[str, Any]) -> Run:
        if gate.identity is not None:
            raise ServiceError(
                f"{self._registry.name}: a gate that reads secrets is run as an identity, which only a taskRun can "
                "have, and this one is too large for one without an upload: make it smaller, or set GATE_CONTEXT to "
                "upload",
                code="GateIdentity",
            )
        with self._errors(f"scheduling a run for {gate.image}@{gate.digest}"):
            client = self._clients.tasks(self._registry.subscription)
            return scheduled_run(client.registries.schedule_run(*self._place, request))

    def _uploaded(self, files: Mapping[str, bytes]) -> str:
        """Upload a gate's files; return where they are."""
        with self._errors("uploading a gate"):
            client = self._clients.tasks(self._registry.subscription)
            upload = client.registries.get_build_source_upload_url(*self._place)
        if not upload.upload_url or not upload.relative_path:
            raise Unavailable(f"{self._registry.name}: ACR Tasks gave no address to upload the gate to")
        with self._errors("uploading a gate"):
            self._clients.blob(upload.upload_url).upload_blob(archive(files), overwrite=True)
        return upload.relative_path

    def _request(self, gate: GateRun, source: str | None) -> dict[str, Any]:
        return gate_request(gate, source, self.options())

    def options(self) -> RunOptions:
        """Find out once how the registry gives rights; it changes only by a decision of its owner.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        with self._lock:
            if self._known is None:
                with self._errors("finding out how it gives rights"):
                    client = self._clients.registries(self._registry.subscription)
                    properties = client.registries.get(*self._place).properties
                mode = properties.role_assignment_mode if properties else None
                as_caller = str(getattr(mode, "value", mode)) == _BY_REPOSITORY
                how = "by repository (ABAC), runs pull as the app" if as_caller else "as a whole, runs use its login"
                log.info("%s gives rights %s", self._registry.name, how)
                self._known = msgspec.structs.replace(self._asked, as_caller=as_caller)
            return self._known


def _may_be_about_context(error: ServiceError) -> bool:
    return isinstance(error, NotFound) or _ABOUT_CONTEXT.search(str(error)) is not None
