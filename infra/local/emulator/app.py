"""The whole emulator, put together: the one place where its parts meet."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

from werkzeug.serving import BaseWSGIServer

from infra.local.builders import github
from infra.local.builders.builders import Builders
from infra.local.emulator.access import Access
from infra.local.emulator.acr_attributes import Attributes
from infra.local.emulator.acr_auth import AcrAuth
from infra.local.emulator.acr_referrers import AcrReferrers
from infra.local.emulator.acr_registry import AcrRegistry, name_the_api
from infra.local.emulator.acr_repositories import AcrRepositories
from infra.local.emulator.arm_guard import ArmGuard
from infra.local.emulator.arm_imports import ArmImports
from infra.local.emulator.arm_limits import ArmLimits
from infra.local.emulator.arm_registries import ArmRegistries
from infra.local.emulator.arm_runs import ArmRuns
from infra.local.emulator.arm_task_runs import ArmTaskRuns
from infra.local.emulator.arm_tasks import ArmTasks
from infra.local.emulator.arm_webhooks import ArmWebhooks
from infra.local.emulator.assignments import as_deployed
from infra.local.emulator.blobs import Logs, Sources
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.cleanups import Cleanups
from infra.local.emulator.contents import Contents
from infra.local.emulator.control import Control
from infra.local.emulator.counting import Counts
from infra.local.emulator.docker_hub_api import DockerHubApi
from infra.local.emulator.docker_hub_auth import DockerHubAuth
from infra.local.emulator.docker_hub_registry import DockerHubRegistry
from infra.local.emulator.event_grid import EventGrid
from infra.local.emulator.events import Events
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Front, Route
from infra.local.emulator.identity import Identity
from infra.local.emulator.import_rules import ImportRules
from infra.local.emulator.locks import Locks
from infra.local.emulator.long_running import LongRunning
from infra.local.emulator.mcr import Mcr
from infra.local.emulator.operations import Operations
from infra.local.emulator.other import OtherRegistry
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.registry_limits import Burst, RegistryLimits
from infra.local.emulator.removal import Removal
from infra.local.emulator.retention import Retention
from infra.local.emulator.runs import Execute, Runs
from infra.local.emulator.server import close, listen
from infra.local.emulator.settings import Settings, Values
from infra.local.emulator.tls import server_context
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.vault import Vault
from infra.local.emulator.vault_guard import VaultGuard
from infra.local.emulator.vault_keys import VaultKeys
from infra.local.emulator.webhooks import Webhooks
from infra.local.emulator.wire import unknown_operation
from infra.local.receivers.receivers import Receivers
from infra.local.topology import STAGING, Topology

_JWT = "RS256"
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"


class Emulator:
    """Every front of the twin, listening from ``start`` to ``stop``.

    Args:
        topology: ports, names and secrets.
        execute: carries out a run; the task runner's ``execute``.
    """

    def __init__(self, topology: Topology, execute: Execute) -> None:
        self._topology = topology
        self._counts, self._faults = Counts(), Faults()
        values = Values(
            short_retry_after=topology.short_retry_after,
            assignments=as_deployed(topology),
            abac_registries=[STAGING] if topology.abac else [],
        )
        self._settings = Settings(values)
        self._access = Access(topology, self._settings)
        self._operations, self._tokens = Operations(), Tokens()
        self._catalog, self._locks = Catalog(), Locks()
        self._registries = Registries(topology)
        self._webhooks = Webhooks(topology, self._registries, self._faults)
        self._event_grid = EventGrid(topology, self._registries)
        self._long_running = LongRunning(topology, self._settings)
        self._runs = Runs(
            topology, self._registries, self._faults, self._operations, self._settings, execute, self._tokens
        )
        self._sources = Sources(self._tokens, topology)
        self._tasks = ArmTasks(topology, self._registries, self._runs, self._sources, self._settings, self._access)
        self._imports = self._made_imports()
        self._receivers: Receivers | None = None
        self._builders: Builders | None = None
        self._keys = VaultKeys(topology.state / "emulator" / "vault")
        self._servers: list[BaseWSGIServer] = []

    def start(self) -> None:
        """Listen on every port; returns once all of them accept connections."""
        context = server_context(self._topology)
        self._receivers = Receivers(self._topology, context, self._counts, self._faults)
        self._receivers.start()
        self._builders = Builders(self._topology, context, self._counts, self._faults, self._is_of_azure_devops)
        self._builders.github.believes = self._is_of_the_app
        self._builders.start()
        limits = ArmLimits(self._settings)
        arm_guard = ArmGuard(self._tokens, self._topology, self._access, limits)
        self._listen("arm", self._arm_routes(), context, guard=arm_guard, dress=limits.tell)
        for part in PARTS.values():
            manners = {"unknown": lambda _: unknown_operation(), "dress": name_the_api}
            guard = RegistryLimits(self._settings, self._tokens)
            self._listen(part, self._acr_routes(part), context, guard=guard, **manners)
        for name, routes in (self._upstream_routes()).items():
            self._listen(name, routes, context, guard=Burst(self._settings) if name == "mcr" else None)
        vault_guard = VaultGuard(self._tokens, self._topology, self._access, self._settings)
        self._listen("vault", self._vault_routes(), context, guard=vault_guard)
        self._listen("identity", Identity(self._tokens, self._topology.identity_header).routes(), None)
        self._listen("control", self._control_routes(), None)

    def stop(self) -> None:
        """Stop listening, and cancel what goes on."""
        for server in self._servers:
            close(server)
        if self._receivers is not None:
            self._receivers.stop()
        if self._builders is not None:
            self._builders.stop()
        self._imports.close()
        self._webhooks.close()
        self._event_grid.close()
        self._runs.close()

    def _listen(self, name: str, routes: list[Route], context: ssl.SSLContext | None, **manners: Any) -> None:
        front = Front(name, routes, self._counts, self._faults, **manners)
        self._servers.append(listen(front, self._topology.port(name), context))

    def _arm_routes(self) -> list[Route]:
        runs = ArmRuns(self._topology, self._runs, self._tasks, self._sources, self._access)
        return [
            *ArmRegistries(self._topology, self._registries, self._access, self._settings).routes(),
            *self._imports.routes(),
            *self._sources.routes(),
            *Logs(self._tokens, self._topology, self._runs).routes(),
            *runs.routes(),
            *self._tasks.routes(),
            *ArmTaskRuns(self._topology, runs, self._long_running, self._settings, self._access).routes(),
            *ArmWebhooks(self._topology, self._webhooks).routes(),
        ]

    def _made_imports(self) -> ArmImports:
        return ArmImports(
            self._topology,
            self._registries,
            self._long_running,
            self._settings,
            self._faults,
            self._operations,
            self._access,
            self._catalog,
            ImportRules(self._registries, self._locks, self._settings),
        )

    def _acr_routes(self, part: str) -> list[Route]:
        host, backing, shelf = (
            self._topology.address(part),
            self._registries.backing(part),
            self._registries.shelf(part),
        )
        registry = next(name for name, own in PARTS.items() if own == part)
        auth = AcrAuth(self._tokens, host, registry, self._access)
        attributes, removal = self._attributes(part), self._removal(part)
        lists = AcrReferrers(registry, shelf, self._settings)
        shared = (self._locks, auth)
        return [
            *auth.routes(),
            *AcrRepositories(part, host, shelf, attributes, *shared, removal).routes(),
            *AcrRegistry(part, backing, shelf, *shared, self._catalog, removal, lists, self._settings).routes(),
        ]

    def _attributes(self, part: str) -> Attributes:
        backing, shelf = self._registries.backing(part), self._registries.shelf(part)
        return Attributes(part, backing, shelf, self._catalog, self._locks)

    def _contents(self, part: str) -> Contents:
        shelf, attributes = self._registries.shelf(part), self._attributes(part)
        return Contents(part, shelf, attributes, self._catalog, self._locks, self._removal(part))

    def _removal(self, part: str) -> Removal:
        backing, shelf = self._registries.backing(part), self._registries.shelf(part)
        return Removal(part, backing, shelf, self._catalog, self._locks)

    def _upstream_routes(self) -> dict[str, list[Route]]:
        backing = self._registries.backing("docker_hub")
        auth = DockerHubAuth(self._tokens, self._settings)
        auth_url = self._topology.https("docker_hub_auth")
        registry = DockerHubRegistry(backing, self._tokens, self._settings, auth_url)
        api = DockerHubApi(backing, self._catalog, self._tokens, self._settings)
        return {
            "docker_hub_auth": auth.routes(),
            "docker_hub_registry": registry.routes(),
            "docker_hub_api": [*auth.api_routes(), *api.routes()],
            "mcr": Mcr(self._registries.backing("mcr"), self._registries.shelf("mcr"), self._catalog).routes(),
            "other": OtherRegistry(self._registries.backing("other"), self._tokens, self._settings).routes(),
        }

    def _vault_routes(self) -> list[Route]:
        return Vault(self._keys, self._topology.https("vault"), self._settings).routes()

    def _control_routes(self) -> list[Route]:
        events = Events(
            self._registries,
            self._catalog,
            self._webhooks,
            self._event_grid,
            self._tasks,
            self._settings,
        )
        control = Control(self._counts, self._faults, self._settings, self._operations, self._runs, events)
        cleanups = Cleanups(self._contents, Retention(self._settings))
        beside = [part.routes() for part in (self._receivers, self._builders) if part is not None]
        return [*control.routes(), *cleanups.routes(), *(route for routes in beside for route in routes)]

    def _is_of_the_app(self, signed: bytes, signature: bytes) -> bool:
        """Whether a JWT's signature is the GitHub App's, by any version of its key that there is."""
        digest = hashlib.sha256(signed).digest()
        keys = (one for one in self._keys.versions(github.KEY) if _JWT in one.algorithms)
        return any(one.verifies(_JWT, digest, signature) for one in keys)

    def _is_of_azure_devops(self, token: str) -> bool:
        """Whether a token was made for the resource of Azure DevOps, whatever identity's it is."""
        claims = self._tokens.read("aad", token)
        return claims is not None and claims["aud"] == AZURE_DEVOPS
