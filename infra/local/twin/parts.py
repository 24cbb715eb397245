"""The processes the twin is made of, and how each is recognised as ready."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import requests

from infra.local.microsoft_host.found import CoreTools, find_host
from infra.local.microsoft_host.launch import Launch, core_tools, launch
from infra.local.topology import Topology
from infra.local.twin.processes import Part
from infra.local.twin.registries import REGISTRIES, write_config

ROOT = Path(__file__).resolve().parents[3]
HostKind = Literal["own", "microsoft"]
EMULATOR = "infra.local.emulator"
# A proxy that the environment names is for the world outside.
_NO_PROXY = {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
_loopback = requests.Session()
_loopback.trust_env = False
_AZURITE = ROOT / "infra/local/node_modules/azurite/dist/src/azurite.js"


class PartMissingError(Exception):
    """A program the twin runs is not installed; the message says how to get it."""


def backing_parts(topology: Topology, topology_file: Path, in_memory: bool, emulator: str = EMULATOR) -> list[Part]:
    """Return Azurite, the six registries and the emulator.

    Arguments:
        topology: where everything listens.
        topology_file: the same, saved; the emulator reads it.
        in_memory: whether Azurite keeps its data in memory alone, else in the state folder.
        emulator: the module that is run as the emulator.

    Raises:
        PartMissingError: a program is not installed.
    """
    return [
        _azurite(topology, in_memory),
        *(_registry(topology, name) for name in REGISTRIES),
        _emulator(topology, topology_file, emulator),
    ]


def host_part(
    topology: Topology,
    settings: dict[str, str],
    app: str,
    folder: Path,
    kind: HostKind | None = None,
    options: Sequence[str] = (),
) -> Part:
    """Return the Functions host.

    Arguments:
        topology: where the host listens, and its keys.
        settings: the product's settings.
        app: the app to load, ``module:variable``; Core Tools always take ``function_app.py``.
        folder: the folder that holds the app and its ``host.json``.
        kind: the twin's own host or Microsoft's; ``None`` for Core Tools where they are installed, else the twin's own.
        options: more arguments for the twin's own host.

    Raises:
        HostMissingError: Microsoft's host was asked for and is not here.
        EnvironmentMissingError: it is, but not the Python environment of its worker.
    """
    chosen = _chosen_host(topology, app, folder, kind, options)
    environment = {**os.environ, **_NO_PROXY, **chosen.environment, **settings}
    ready = partial(_runs, f"{topology.http('host')}/admin/host/status", topology.master_key)
    return Part("host", chosen.argv, environment, chosen.folder, _log(topology, "host"), ready, ends_children=True)


def is_own_host(kind: HostKind | None) -> bool:
    """Whether it is the twin's own host that is started, if a kind is asked for, or none."""
    return kind == "own" or (kind is None and shutil.which("func") is None)


def _chosen_host(topology: Topology, app: str, folder: Path, kind: HostKind | None, options: Sequence[str]) -> Launch:
    if kind == "microsoft":
        return launch(find_host(), topology, app, folder)
    if kind is None and (program := shutil.which("func")):
        return core_tools(CoreTools(program), topology, folder)
    argv = [sys.executable, "-m", "infra.local.host", "--app", app, "--port", str(topology.port("host"))]
    argv += ["--host-json", str(folder / "host.json")]
    argv += [f"--function-key={topology.function_key}", f"--master-key={topology.master_key}", *options]
    return Launch(argv, folder, {"PYTHONPATH": str(ROOT)})


def provision_part(topology: Topology, settings: dict[str, str], app: str, folder: Path) -> Part:
    """Return the short process that makes the app's queues, as a deployment's template does."""
    argv = [sys.executable, "-m", "infra.local.host.provision", "--app", app]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **_NO_PROXY, **settings}
    return Part("provision", argv, environment, folder, _log(topology, "provision"), lambda: True)


def _azurite(topology: Topology, in_memory: bool) -> Part:
    if not _AZURITE.exists():
        raise PartMissingError("Azurite is not installed: run `infra/local/setup.sh twin`")
    store = ["--inMemoryPersistence"] if in_memory else ["-l", str(topology.state / "azurite")]
    ports = [
        argument
        for service in ("blob", "queue", "table")
        for argument in (f"--{service}Port", str(topology.port(f"azurite_{service}")))
    ]
    argv = ["node", str(_AZURITE), *store, *ports, "--skipApiVersionCheck", "--disableTelemetry"]
    probes = [topology.http(f"azurite_{service}") for service in ("blob", "queue", "table")]
    return Part("azurite", argv, dict(os.environ), ROOT, _log(topology, "azurite"), lambda: all(map(_answers, probes)))


def _registry(topology: Topology, name: str) -> Part:
    if not shutil.which("docker-registry"):
        raise PartMissingError("docker-registry is not installed: run `infra/local/setup.sh twin`")
    argv = ["docker-registry", "serve", str(write_config(topology, name))]
    ready = partial(_answers, f"{topology.http(f'backing_{name}')}/v2/")
    # The registry would take REGISTRY_* variables of whoever starts the twin for settings of its own.
    environment = {"PATH": os.environ["PATH"]}
    return Part(f"registry-{name}", argv, environment, ROOT, _log(topology, f"registry-{name}"), ready)


def _emulator(topology: Topology, topology_file: Path, module: str) -> Part:
    argv = [sys.executable, "-m", module, "--topology", str(topology_file)]
    ready = partial(_answers, f"{topology.http('control')}/health")
    return Part("emulator", argv, {**os.environ, **_NO_PROXY}, ROOT, _log(topology, "emulator"), ready)


def _log(topology: Topology, name: str) -> Path:
    return topology.state / "logs" / f"{name}.log"


def _answers(url: str) -> bool:
    """Whether an address answers at all; a refusal for want of credentials is an answer, a failure is not."""
    try:
        return _loopback.get(url, timeout=1).status_code < 500
    except requests.RequestException:
        return False


def _runs(url: str, key: str) -> bool:
    """Whether a Functions host serves its functions: Microsoft's answers before it does."""
    try:
        answer = _loopback.get(url, headers={"x-functions-key": key}, timeout=1)
        return answer.status_code == 200 and answer.json()["state"] == "Running"
    except requests.RequestException:
        return False
