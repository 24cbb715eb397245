"""ARM's importImage: really copies an image between the registries behind the fronts.

https://learn.microsoft.com/rest/api/containerregistry/registries/import-image
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.arm import LOCATION, PROVIDER, REGISTRY, known
from infra.local.emulator.callers import caller
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.copies import Import, ImportFailedError, Source, copy_all, copy_really
from infra.local.emulator.crews import Crew
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Route
from infra.local.emulator.import_rules import ImportRules
from infra.local.emulator.long_running import OPERATION_RESULTS, LongRunning, Outcome
from infra.local.emulator.operations import Operations
from infra.local.emulator.played_copies import PlayedCopies
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.settings import Settings, Values
from infra.local.emulator.times import drawn, import_work, pass_time
from infra.local.emulator.wire import json_object, nothing, provider_error
from infra.local.topology import SUBSCRIPTION, Topology

_OPERATIONS = f"/subscriptions/{SUBSCRIPTION}/{PROVIDER}/locations/{LOCATION.upper()}/operationResults"


class ArmImports:
    """Accepts imports, and copies in the background."""

    def __init__(
        self,
        topology: Topology,
        registries: Registries,
        long_running: LongRunning,
        settings: Settings,
        faults: Faults,
        operations: Operations,
        access: Access,
        catalog: Catalog,
        rules: ImportRules,
    ) -> None:
        self._topology = topology
        self._registries = registries
        self._long_running = long_running
        self._settings = settings
        self._faults = faults
        self._operations = operations
        self._access = access
        self._catalog = catalog
        self._rules = rules
        self._played = PlayedCopies()
        self._closed = threading.Event()
        self._crew = Crew("import", lambda: settings.now.imports_at_once)

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", f"{REGISTRY}/importImage", "importImage", self.start, "importImage/action"),
            # Whether a role is asked for here is not known: no role for importers has one.
            Route("GET", OPERATION_RESULTS, "poll operation", self._long_running.result),
        ]

    def close(self) -> None:
        """Start no more copies."""
        self._closed.set()
        self._crew.close()

    def start(self, request: Request, registry: str) -> Response:
        """Answer 202 and copy in the background; 400 for a bad request, 409 for a tag NoForce may not replace."""
        part = known(registry)
        body = json_object(request)
        image = str((body.get("source") or {}).get("sourceImage") or "")
        refusal = self._source_refusal(request, body)
        wanted = Import(registry, part, image, self._source(body, image), *_targets(body), refusal)
        if body.get("mode", "NoForce") != "Force":
            self._refuse_existing(wanted)
        path = f"{_OPERATIONS}/{wanted.operation}"
        work = self._crew.submit(partial(self._import, wanted))
        self._long_running.track(path, partial(self._outcome, wanted, work), wanted.pending)
        return nothing(202, self._long_running.location(path, request))

    def _source_refusal(self, request: Request, body: dict[str, Any]) -> str:
        """Check what the caller may do with a source in Azure; return why nothing can be pulled from it, if so."""
        name = self._registries.name_of_resource(str((body.get("source") or {}).get("resourceId") or ""))
        if name is None:
            return ""
        scope = self._topology.registry_id(name)
        self._access.require_linked(request, "read", scope)
        denied = f"Access to {self._registries.login_server(name)} denied."
        return "" if self._access.may(caller(request), "pull/read", scope) else denied

    def _source(self, body: dict[str, Any], image: str) -> Source:
        source = body.get("source") or {}
        part = self._source_part(source)
        if part is None:
            abort(provider_error(400, "InvalidParameters", "The source registry is not one this service can reach."))
        self._check_credentials(part, source.get("credentials") or {})
        return Source(self._registries.backing(part), *_split(image))

    def _source_part(self, source: dict[str, Any]) -> str | None:
        if source.get("resourceId"):
            name = self._registries.name_of_resource(str(source["resourceId"]))
            return PARTS[name] if name else None
        return self._registries.part_of_host(str(source.get("registryUri") or ""))

    def _check_credentials(self, part: str, given: dict[str, Any]) -> None:
        """Credentials are checked where they are given; only the other registry may ask for some."""
        now = self._settings.now
        expected = {
            "docker_hub": (now.hub_user, now.hub_token),
            "other": (now.other_user, now.other_password) if now.other_user else (None, None),
        }
        wrong = (given.get("username"), given.get("password")) != expected.get(part)
        if part in expected and wrong and (given or part == "other"):
            message = "An error occurred when getting manifest. StatusCode: 401, Reason: Unauthorized"
            abort(provider_error(400, "InvalidParameters", message))

    def _refuse_existing(self, wanted: Import) -> None:
        for repository, tag in wanted.tags:
            if self._registries.backing(wanted.part).head(repository, tag):
                abort(provider_error(409, "Conflict", f"Tag {repository}:{tag} already exists in target registry."))

    def _import(self, wanted: Import) -> None:
        operation = self._operations.begin("import", wanted.target)
        outcome = "Failed"
        try:
            self._wait(lambda now: now.import_queue_seconds)
            wanted.begun = True
            spent = self._prepare(wanted)
            self._wait(lambda now: _seconds(wanted, now) - spent)
            self._fail_if_asked()
            copy = self._played.copy if self._settings.now.imports_played else copy_really
            digest = copy_all(wanted, self._registries.backing(wanted.part), copy, self._rules.check)
            self._rules.bring_subjects(wanted, copy)
            self._remember(wanted, digest)
            outcome = "Succeeded"
        finally:
            self._operations.end(operation, outcome)

    def _remember(self, wanted: Import, digest: str) -> None:
        """Keep when what was imported came; the registry's own word of it comes later than the operation's end."""
        for repository, tag in wanted.tags:
            self._catalog.tagged(wanted.part, repository, tag, digest)
        for repository in wanted.untagged:
            self._catalog.pushed(wanted.part, repository, digest)

    def _prepare(self, wanted: Import) -> float:
        """Do what a played import can do before it is due; return the seconds that took."""
        began = time.monotonic()
        now, target = self._settings.now, self._registries.backing(wanted.part)
        if now.imports_played and not wanted.refusal:
            self._played.prepare(wanted.source, target, wanted.repositories, _seconds(wanted, now))
        return time.monotonic() - began

    def _wait(self, seconds: Callable[[Values], float]) -> None:
        if not pass_time(lambda: seconds(self._settings.now), self._closed):
            raise ImportFailedError("InternalError", "The service was stopped.")

    def _fail_if_asked(self) -> None:
        fault = self._faults.take("arm", "importImage", "", ("fail-operation",))
        if fault:
            raise ImportFailedError(fault.code, fault.message)

    def _outcome(self, wanted: Import, work: Future[None]) -> Outcome | None:
        """Tell how an import ended; what went wrong is told after its operation and its registry."""
        if not work.done():
            return None
        error = work.exception()
        if error is None:
            return Outcome()
        code = error.code if isinstance(error, ImportFailedError) else "InternalError"
        resource = self._topology.registry_id(wanted.registry)
        return Outcome(code, f"Operation {wanted.operation} failed. Resource {resource} {error}")


def _seconds(wanted: Import, now: Values) -> float:
    work = import_work(wanted.registry, wanted.image)
    return drawn(now.times_seed, work, now.import_seconds, now.import_spread)


def _targets(body: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    tags = tuple(_split(str(tag)) for tag in body.get("targetTags") or [])
    untagged = tuple(str(repository) for repository in body.get("untaggedTargetRepositories") or [])
    if not tags and not untagged:
        abort(provider_error(400, "InvalidParameters", "The import names no target."))
    return tags, untagged


def _split(image: str) -> tuple[str, str]:
    """Split ``repository:tag`` or ``repository@digest``; the tag is ``latest`` where there is none."""
    repository, _, digest = image.partition("@")
    if digest:
        return repository, digest
    repository, _, tag = image.partition(":")
    if not repository:
        abort(provider_error(400, "InvalidParameters", f"'{image}' is not an image."))
    return repository, tag or "latest"
