"""Where the contract suites of the registry ports are played: in memory, or on the emulator and real registries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import requests

from infra.local.runner.model import Dependency, RunResult
from infra.local.topology import BASE, STAGING
from shared.adapters.azure.registry import AzureContainerRegistry
from shared.adapters.azure.tasks import AcrTasks
from shared.adapters.upstream.docker_hub import HubAddresses, docker_hub
from shared.adapters.upstream.http import unmetered
from shared.adapters.upstream.mcr import mcr
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.upstreams import any_registry
from shared.budget_ports import Meter
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.rebuilds import Dependency as KnownDependency
from shared.domain.references import DOCKER_HUB, MCR, Digest, Repository, Tag
from shared.ports import ImportSource, Operation, Registry, Upstream
from shared.registry_accounts import Account
from shared.run_ports import Run, Runs
from tests.contract.registry_fixtures import HUB_TOKEN, HUB_USER, Outside
from tests.doubles.registries import InMemoryRegistry, InMemoryRuns, digest_of
from tests.doubles.upstreams import InMemoryUpstream
from tests.twin.images import push_image

_PATIENCE = 20.0
ACCOUNTS = {DOCKER_HUB: Account(HUB_USER, HUB_TOKEN)}


class UpstreamSite(Protocol):
    """An upstream that a test can push to."""

    registry: str

    @property
    def upstream(self) -> Upstream:
        """The upstream."""
        ...

    def push(self, repository: Repository, tag: Tag, text: str) -> Digest:
        """Point a tag at an image that holds a text, and return its digest."""
        ...


class InMemoryUpstreamSite:
    """The double, without or with a catalogue of its own."""

    def __init__(self, *, catalogue: bool = False) -> None:
        self.registry = DOCKER_HUB
        self.upstream = InMemoryUpstream(catalogue=catalogue)

    def push(self, repository: Repository, tag: Tag, text: str) -> Digest:
        """See the protocol."""
        self.upstream.push(repository, tag, digest_of(text))
        return digest_of(text)


class EmulatedUpstreamSite:
    """Docker Hub with an account, MCR, or any other registry, as adapters to the emulator's fronts."""

    def __init__(self, outside: Outside, part: str) -> None:
        self._outside = outside
        self._part = part
        self.registry = {"docker_hub": DOCKER_HUB, "mcr": MCR}.get(part) or outside.topology.address(part)
        self.upstream: Upstream = _adapter(outside, part)

    def push(self, repository: Repository, tag: Tag, text: str) -> Digest:
        """See the protocol."""
        return Digest(push_image(self._outside.topology, self._part, f"{repository.path}:{tag}", text))


def _adapter(outside: Outside, part: str) -> Upstream:
    if part == "docker_hub":
        return hub(outside)
    return mcr(outside.topology.https("mcr")) if part == "mcr" else other(outside)


def hub(outside: Outside, username: str = HUB_USER, token: str = HUB_TOKEN, meter: Meter = unmetered) -> OciRegistry:
    """Return an adapter to the emulator's Docker Hub."""
    https = outside.topology.https
    addresses = HubAddresses(https("docker_hub_registry"), https("docker_hub_auth"), https("docker_hub_api"))
    return docker_hub(addresses, Account(username, token), meter)


def other(outside: Outside, account: Account = Account(), meter: Meter = unmetered) -> OciRegistry:  # noqa: B008  frozen
    """Return an adapter to the emulator's other registry, of which it knows nothing but the host."""
    return any_registry(outside.topology.address("other"), account, meter)


@dataclass
class RegistrySite:
    """An upstream, a staging and a base registry."""

    upstream: UpstreamSite
    staging: Registry
    base: Registry

    def finish(self, registry: Registry, operation: Operation) -> None:
        """Look at an import until it has ended well."""
        deadline = time.monotonic() + _PATIENCE
        while not operation.done:
            assert time.monotonic() < deadline, "the import does not end"
            time.sleep(0.05)
            operation = registry.look_at_import(operation.token)

    def stage(self, source: ImportSource, repository: str, tag: Tag) -> None:
        """Import into staging and wait for it."""
        self.finish(self.staging, self.staging.start_import(source, repository, tag))


def registry_site(outside: Outside | None) -> RegistrySite:
    """Return the site on the emulator, or in memory if there is none."""
    if outside is None:
        upstream = InMemoryUpstreamSite()
        staging = InMemoryRegistry(upstreams=[upstream.upstream])
        staging.base = InMemoryRegistry(staging=staging)
        return RegistrySite(upstream, staging, staging.base)
    staging, base = acr(outside, STAGING, "staging"), acr(outside, BASE, "base")
    return RegistrySite(EmulatedUpstreamSite(outside, "docker_hub"), staging, base)


def acr(
    outside: Outside, name: str, part: str, accounts: Mapping[str, Account] = MappingProxyType(ACCOUNTS)
) -> AzureContainerRegistry:
    """Return an adapter to one of the emulator's Azure registries."""
    return AzureContainerRegistry(
        outside.clients(),
        outside.registry_id(name),
        login_server=outside.topology.address(part),
        staging_id=outside.topology.registry_id(STAGING),
        base_id=outside.topology.registry_id(BASE),
        accounts=accounts,
    )


@dataclass
class RunsSite:
    """ACR Tasks of the staging registry."""

    runs: Runs
    outside: Outside | None
    task_ids: list[str] = field(default_factory=list)

    def end(self, key: str, status: RunStatus, log: str) -> None:
        """Let the next run end so; ``key`` is the digest or task it works on."""
        if isinstance(self.runs, InMemoryRuns):
            self.runs.end(key, status, log=log)
        elif status is not RunStatus.SUCCEEDED:
            self.outside.fault("arm", "fail-operation", kind="run", code=status.value, message=log)

    def hold(self) -> None:
        """Let runs go on until they are asked to end."""
        if isinstance(self.runs, InMemoryRuns):
            self.runs.looks = 1000
        else:
            self.outside.runner.hold.clear()

    def started(self) -> int:
        """How many runs were really started."""
        if isinstance(self.runs, InMemoryRuns):
            return self.runs.started.total()
        return sum(operation["kind"] == "run" for operation in self.outside.control("GET", "/operations"))

    def wait(self, name: str) -> Run:
        """Look at a run until it has ended."""
        deadline = time.monotonic() + _PATIENCE
        while (run := self.runs.find(name)) and run.status in UNDER_WAY:
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.05)
        assert run is not None
        return run

    def add_task(self, name: str, dependency: KnownDependency, *, own_trigger: bool) -> str:
        """Create a task that has been built on a base, and return its resource id."""
        if isinstance(self.runs, InMemoryRuns):
            task_id = f"/tasks/{name}"
            task = ApplicationTask(STAGING, name, task_id, True, own_trigger, (dependency,))
            self.runs.application_tasks = (*self.runs.application_tasks, task)
            return task_id
        return self._create_task(name, dependency, own_trigger)

    def _create_task(self, name: str, dependency: KnownDependency, own_trigger: bool) -> str:
        """A task learns its bases from a run that succeeds, here as in ACR."""
        task_id = f"{self.outside.topology.registry_id(STAGING)}/tasks/{name}"
        trigger = {
            "name": "base",
            "baseImageTriggerType": "Runtime",
            "status": "Enabled" if own_trigger else "Disabled",
        }
        step = {"type": "EncodedTask", "encodedTaskContent": "", "contextPath": "/dev/null"}
        body = {"location": "local", "properties": {"step": step, "trigger": {"baseImageTrigger": trigger}}}
        clients, place = self.outside.clients(), self.outside.registry_id(STAGING)
        clients.tasks(place.subscription).tasks.create(place.group, place.name, name, body)
        found = Dependency(
            type="Runtime",
            registry=dependency.registry,
            repository=dependency.repository,
            tag=dependency.tag,
            digest=dependency.digest,
        )
        self.outside.runner.result = RunResult("Succeeded", dependencies=(found,))
        self.runs.start_task(f"{name}-first", task_id)
        self.wait(f"{name}-first")
        self.outside.runner.forget()
        return task_id


def runs_site(outside: Outside | None) -> RunsSite:
    """Return the site on the emulator, or in memory if there is none."""
    if outside is None:
        return RunsSite(InMemoryRuns(), None)
    return RunsSite(AcrTasks(outside.clients(), outside.registry_id(STAGING)), outside)


def real_digest(outside: Outside, part: str, repository: str, tag: str) -> str | None:
    """Return what a tag points at in the real registry behind a front."""
    url = f"{outside.topology.http(f'backing_{part}')}/v2/{repository}/manifests/{tag}"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"}
    return requests.head(url, headers=accept, timeout=9).headers.get("Docker-Content-Digest")
