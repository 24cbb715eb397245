"""ARM's importImage: really copies an image between the registries behind the fronts.

https://learn.microsoft.com/rest/api/containerregistry/registries/import-image
"""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import REGISTRY, LongRunning, Outcome, known
from infra.local.emulator.backing import Backing
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Route
from infra.local.emulator.locks import Locks
from infra.local.emulator.operations import Operations
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import DISALLOWED, arm_error, json_object

_AT_ONCE = 4
_COPY_SECONDS = 600


@dataclass(frozen=True)
class Source:
    """Where an import copies from: a real registry, a repository, and a tag or digest."""

    backing: Backing
    repository: str
    reference: str

    @property
    def name(self) -> str:
        """The reference as the real registry knows it."""
        return _reference(self.backing, self.repository, self.reference)


@dataclass(frozen=True)
class Import:
    """One accepted import into a registry: tagged targets and repositories that get the digest without a tag."""

    registry: str
    part: str
    source: Source
    tags: tuple[tuple[str, str], ...]
    untagged: tuple[str, ...]

    @property
    def target(self) -> str:
        """How the import is called where operations are listed."""
        tagged = [f"{repository}:{tag}" for repository, tag in self.tags]
        return f"{self.registry}/{','.join([*tagged, *self.untagged])}"


class ImportFailedError(Exception):
    """The copy could not be made; the text is what ARM would say."""


class ArmImports:
    """Accepts imports, and copies with skopeo in the background."""

    def __init__(
        self,
        registries: Registries,
        locks: Locks,
        long_running: LongRunning,
        settings: Settings,
        faults: Faults,
        operations: Operations,
    ) -> None:
        self._registries = registries
        self._locks = locks
        self._long_running = long_running
        self._settings = settings
        self._faults = faults
        self._operations = operations
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import")

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [Route("POST", f"{REGISTRY}/importImage", "importImage", self.start)]

    def close(self) -> None:
        """Start no more copies."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, request: Request, registry: str) -> Response:
        """Answer 202 and copy in the background; 400 for a bad request, 409 for a tag NoForce may not replace."""
        part = known(registry)
        body = json_object(request)
        wanted = Import(registry, part, self._source(body), *_targets(body))
        if body.get("mode", "NoForce") != "Force":
            self._refuse_existing(wanted)
        work = self._pool.submit(self._import, wanted)
        operation = self._long_running.track(lambda: _outcome(work))
        return Response(status=202, headers=self._long_running.location(operation, request))

    def _source(self, body: dict[str, Any]) -> Source:
        source = body.get("source") or {}
        part = self._source_part(source)
        if part is None:
            abort(arm_error(400, "InvalidParameters", "The source registry is not one this service can reach."))
        self._check_credentials(part, source.get("credentials") or {})
        repository, reference = _split(str(source.get("sourceImage") or ""))
        return Source(self._registries.backing(part), repository, reference)

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
            abort(arm_error(400, "InvalidParameters", message))

    def _refuse_existing(self, wanted: Import) -> None:
        for repository, tag in wanted.tags:
            if self._registries.backing(wanted.part).head(repository, tag):
                abort(arm_error(409, "Conflict", f"Tag {repository}:{tag} already exists in target registry."))

    def _import(self, wanted: Import) -> None:
        operation = self._operations.begin("import", wanted.target)
        outcome = "Failed"
        try:
            time.sleep(self._settings.now.import_seconds)
            self._fail_if_asked()
            self._copy_all(wanted)
            outcome = "Succeeded"
        finally:
            self._operations.end(operation, outcome)

    def _fail_if_asked(self) -> None:
        fault = self._faults.take("arm", "importImage", "", ("fail-operation",))
        if fault:
            raise ImportFailedError(fault.code, fault.message)

    def _copy_all(self, wanted: Import) -> None:
        found = wanted.source.backing.head(wanted.source.repository, wanted.source.reference)
        if found is None:
            message = "An error occurred when getting manifest. StatusCode: 404, Reason: Not Found"
            raise ImportFailedError("InvalidParameters", f"{message}: {wanted.source.repository}")
        target = self._registries.backing(wanted.part)
        for repository, tag in wanted.tags:
            if not self._locks.may_write(wanted.part, repository, tag):
                raise ImportFailedError("OperationDisallowed", DISALLOWED)
            _copy(wanted.source.name, _reference(target, repository, tag))
        for repository in wanted.untagged:
            _copy(wanted.source.name, _reference(target, repository, found.digest))


def _targets(body: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    tags = tuple(_split(str(tag)) for tag in body.get("targetTags") or [])
    untagged = tuple(str(repository) for repository in body.get("untaggedTargetRepositories") or [])
    if not tags and not untagged:
        abort(arm_error(400, "InvalidParameters", "The import names no target."))
    return tags, untagged


def _split(image: str) -> tuple[str, str]:
    """Split ``repository:tag`` or ``repository@digest``; the tag is ``latest`` where there is none."""
    repository, _, digest = image.partition("@")
    if digest:
        return repository, digest
    repository, _, tag = image.partition(":")
    if not repository:
        abort(arm_error(400, "InvalidParameters", f"'{image}' is not an image."))
    return repository, tag or "latest"


def _reference(backing: Backing, repository: str, reference: str) -> str:
    return f"docker://{backing.address}/{repository}{'@' if ':' in reference else ':'}{reference}"


def _copy(source: str, target: str) -> None:
    """Copy an image or a whole index, byte for byte."""
    options = ["--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "--quiet"]
    command = ["skopeo", "--insecure-policy", "copy", *options, source, target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COPY_SECONDS, check=False)
    if done.returncode:
        raise ImportFailedError("InvalidParameters", f"Error copying blobs. {done.stderr.strip()[-400:]}")


def _outcome(work: Future[None]) -> Outcome | None:
    if not work.done():
        return None
    error = work.exception()
    if isinstance(error, ImportFailedError):
        return Outcome(*error.args)
    return Outcome("InternalError", str(error)) if error else Outcome()
