"""Azurite, Microsoft's emulator of Azure Storage, as a process of the test session.

Flags: https://github.com/Azure/Azurite/blob/main/README.md
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = _ROOT / "infra/local/node_modules/.bin/azurite"
SERVICES = ("blob", "queue", "table")
ACCOUNT = "devstoreaccount1"
# Azurite's well-known key: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_SECONDS_TO_START = 30


def connection_string(ports: dict[str, int], key: str = KEY) -> str:
    """Return the connection string of an Azurite with these ports."""
    endpoints = (f"{name.capitalize()}Endpoint=http://127.0.0.1:{ports[name]}/{ACCOUNT}" for name in SERVICES)
    return ";".join(["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={key}", *endpoints])


def find_azurite() -> str:
    """Return Azurite's program: as installed for the laptop twin, as ``AZURITE`` says, or as found on the path."""
    found = str(_INSTALLED) if _INSTALLED.exists() else os.environ.get("AZURITE") or shutil.which("azurite")
    if not found:
        raise FileNotFoundError("azurite is not installed: run 'npm ci' in infra/local, or set AZURITE to its path")
    return found


@contextmanager
def running_azurite(folder: Path, *flags: str) -> Iterator[dict[str, int]]:
    """Run an Azurite that keeps everything in memory, and yield its ports by service."""
    ports = {name: _free_port() for name in SERVICES}
    arguments = [part for name in SERVICES for part in (f"--{name}Port", str(ports[name]))]
    modes = ["--inMemoryPersistence", "--disableTelemetry", "--silent", "--skipApiVersionCheck"]
    log = folder / "azurite.log"
    with log.open("wb") as output:
        command = [find_azurite(), *modes, *arguments, *flags]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        try:
            _wait(process, ports, log)
            yield ports
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], ports: dict[str, int], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    for port in ports.values():
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"azurite did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
