"""How Microsoft's host is started over an app: its command, its folder and its environment."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local.microsoft_host.deployed import lay_out
from infra.local.microsoft_host.found import ROOT, BuiltHost, CoreTools
from infra.local.topology import Topology

PYTHON = ROOT / ".venv-host" / "bin" / "python"


class EnvironmentMissingError(Exception):
    """The Python environment of the host's worker was not made; the message says how to make it."""


@dataclass(frozen=True)
class Launch:
    """A command to run, where, and what it finds in its environment besides the product's settings."""

    argv: list[str]
    folder: Path
    environment: dict[str, str]


def launch(found: CoreTools | BuiltHost, topology: Topology, app: str, folder: Path) -> Launch:
    """Prepare a start: lay out the app and write the keys.

    Arguments:
        found: the host.
        topology: where it listens, its keys, and the twin's folder, which takes the app's copy.
        app: the app, ``module:variable``.
        folder: the folder that holds the app and its ``host.json``.

    Raises:
        EnvironmentMissingError: the Python environment of the worker was not made.
    """
    if isinstance(found, CoreTools):
        return core_tools(found, topology, folder)
    if not PYTHON.exists():
        raise EnvironmentMissingError("the worker's Python is not installed: run `infra/local/setup.sh host`")
    host, target = found.folder(), topology.state / "app"
    lay_out(folder, target, host / "extensions")
    argv = [str(host / "run"), str(target), str(topology.port("host")), str(PYTHON)]
    return Launch(argv, target, {**_places(topology), "PYTHON_SCRIPT_FILE_NAME": f"{app.partition(':')[0]}.py"})


def core_tools(found: CoreTools, topology: Topology, folder: Path) -> Launch:
    """Return how ``func`` serves an app from its own folder, with the packages of the Python that runs this."""
    argv = [found.program, "start", "--port", str(topology.port("host"))]
    environment = Path(sys.executable).parent
    path = f"{environment}{os.pathsep}{os.environ['PATH']}"
    return Launch(argv, folder, {"PATH": path, "VIRTUAL_ENV": str(environment.parent)})


def _places(topology: Topology) -> dict[str, str]:
    """Keep what the host writes in the twin's folder, and let nothing of this start differ from the next."""
    folders = {"HOME": "home", "TMPDIR": "tmp", "FUNCTIONS_LOG_PATH": "logs/host"}
    for place in folders.values():
        (topology.state / place).mkdir(parents=True, exist_ok=True)
    return {
        **{name: str(topology.state / place) for name, place in folders.items()},
        "FUNCTIONS_SECRETS_PATH": str(_write_keys(topology)),
        "FUNCTIONS_WORKER_RUNTIME_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}",
        # A deployed package is read-only. Here a __pycache__ that appears would be a changed app: the host restarts.
        "PYTHONDONTWRITEBYTECODE": "1",
        "DOTNET_EnableDiagnostics": "0",
    }


def _write_keys(topology: Topology) -> Path:
    folder = topology.state / "keys"
    folder.mkdir(exist_ok=True, mode=0o700)
    keys = {
        "masterKey": _key("master", topology.master_key),
        "functionKeys": [_key("default", topology.function_key)],
        "systemKeys": [],
    }
    (folder / "host.json").write_text(json.dumps(keys))
    return folder


def _key(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value, "encrypted": False}
