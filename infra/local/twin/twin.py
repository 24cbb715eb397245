"""The laptop twin as one object: start it, ask it for the product's settings, stop it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.topology import Topology
from infra.local.twin import processes
from infra.local.twin.parts import EMULATOR, ROOT, HostKind, backing_parts, host_part, provision_part
from infra.local.twin.ports import require_free
from infra.local.twin.processes import Running
from infra.local.twin.records import forget, record
from infra.local.twin.settings import product_settings

_READY_SECONDS = 60.0
_STOP_SECONDS = 8.0
# Microsoft's host takes six seconds of a processor to start, which may be a minute where many share it.
_HOST_READY_SECONDS = 150.0
# The host waits some ten seconds for the functions that run, and then ends by itself.
_STOP_HOST_SECONDS = 15.0


class Twin:
    """Azurite, six registries and the emulator; and, when asked for, the Functions host with the product.

    Use it as a context manager, which starts all but the host and stops everything, also on an error::

        with Twin(new_topology(folder)) as twin:
            twin.start_host()
    """

    def __init__(
        self,
        topology: Topology,
        settings_overrides: dict[str, str] | None = None,
        *,
        in_memory: bool = True,
        app: str = "function_app:app",
        folder: Path = ROOT,
        host: HostKind | None = None,
        host_options: Sequence[str] = (),
        emulator: str = EMULATOR,
        storage_only: bool = False,
    ) -> None:
        """Describe a twin; nothing is started.

        Arguments:
            topology: where everything listens; see ``ports.new_topology``.
            settings_overrides: product settings that replace or join the twin's.
            in_memory: whether Azurite forgets everything when it stops.
            app: the app the host loads, ``module:variable``.
            folder: the folder that holds the app and its ``host.json``.
            host: which Functions host; see ``parts.host_part``.
            host_options: more arguments for the twin's own host.
            emulator: the module that is run as the emulator; it takes the same arguments.
            storage_only: whether registries and emulator are left out, which an app of one's own may not need.
        """
        self.topology = topology
        self._overrides = settings_overrides or {}
        self._in_memory = in_memory
        self._app = app
        self._folder = folder
        self._kind = host
        self._host_options = host_options
        self._emulator = emulator
        self._storage_only = storage_only
        self._parts: list[Running] = []
        self._host: Running | None = None
        self._provisioned = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """Return the product's settings on this twin, with the overrides given."""
        return product_settings(self.topology, self._overrides)

    def start(self) -> None:
        """Start everything but the host, side by side, and wait until all of it serves.

        Raises:
            PortsTakenError: another program holds ports of the twin.
            PartMissingError: a program is not installed.
            PartFailedError: a part died or is not ready in time; everything else is stopped again.
        """
        require_free(self.topology.base_port)
        self.topology.state.mkdir(parents=True, exist_ok=True)
        file = self.topology.state / "topology.json"
        self.topology.save(file)
        try:
            for part in self._backing_parts(file):
                self._add(processes.start(part))
            processes.wait_ready(self._parts, _READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def start_host(self, *, queues: bool = True) -> None:
        """Start the Functions host and wait until it answers; on the first call the app's queues are made too.

        Arguments:
            queues: whether they are; an app that cannot be loaded does not say which they are.

        Raises:
            PartFailedError: the host, or the making of the queues, failed; with the end of the log.
            HostMissingError, EnvironmentMissingError: see ``parts.host_part``.
        """
        if queues and not self._provisioned:
            processes.wait_success(processes.start(self._provision()), _READY_SECONDS)
            self._provisioned = True
        part = host_part(self.topology, self.environment(), self._app, self._folder, self._kind, self._host_options)
        self._host = processes.start(part)
        self._add(self._host)
        processes.wait_ready([self._host], _HOST_READY_SECONDS)

    def change_host(self, settings: dict[str, str], options: Sequence[str]) -> None:
        """Have the next start of the host take other settings and arguments.

        Arguments:
            settings: those that replace or join the ones given before.
            options: all arguments for the twin's own host, in place of the ones given before.
        """
        self._overrides = {**self._overrides, **settings}
        self._host_options = options

    def stop_host(self) -> None:
        """Ask the host to end, as a deployment or a scale-in does; running functions may finish."""
        if host := self._take_host():
            processes.stop([host], _STOP_HOST_SECONDS)

    def kill_host(self) -> None:
        """Kill the host without warning (SIGKILL), as a lost machine does."""
        if host := self._take_host():
            processes.kill(host)

    def host_pid(self) -> int | None:
        """Return the host's process id, or ``None`` while none runs."""
        return self._host.process.pid if self._host else None

    def stop_storage(self) -> None:
        """Ask Azurite to end, as an update of the service does; what it keeps outlives it unless it is in memory."""
        running = self._storage()
        processes.stop([running], _STOP_SECONDS)
        self._parts.remove(running)

    def start_storage(self) -> None:
        """Start Azurite again and wait until it serves.

        Raises:
            PartFailedError: it does not.
        """
        file = self.topology.state / "topology.json"
        part = next(part for part in self._backing_parts(file) if part.name == "azurite")
        running = processes.start(part)
        self._add(running)
        processes.wait_ready([running], _READY_SECONDS)

    def stop(self) -> None:
        """Stop every process of the twin, children included; what is stored stays in the state folder.

        Who started nothing forgets nothing: what is recorded there may be another twin's.
        """
        if not self._parts:
            return
        # The host goes first: its functions may still be writing to what the others hold.
        self.stop_host()
        processes.stop(self._parts, _STOP_SECONDS)
        self._parts.clear()
        forget(self.topology.state)

    def log(self, name: str) -> Path:
        """Return the log file of one part: ``azurite``, ``emulator``, ``host``, ``registry-<name>``."""
        return self.topology.state / "logs" / f"{name}.log"

    def _backing_parts(self, file: Path) -> list[processes.Part]:
        parts = backing_parts(self.topology, file, self._in_memory, self._emulator)
        return [part for part in parts if part.name == "azurite" or not self._storage_only]

    def _storage(self) -> Running:
        return next(running for running in self._parts if running.part.name == "azurite")

    def _provision(self) -> processes.Part:
        return provision_part(self.topology, self.environment(), self._app, self._folder)

    def _add(self, running: Running) -> None:
        self._parts.append(running)
        record(self.topology.state, self._parts)

    def _take_host(self) -> Running | None:
        host, self._host = self._host, None
        if host is not None:
            self._parts.remove(host)
            record(self.topology.state, self._parts)
        return host
