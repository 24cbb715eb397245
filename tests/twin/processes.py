"""Registries and a topology of their own for the tests of the twin."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from pathlib import Path

import requests
import yaml

from infra.local.topology import Topology

PARTS = ("docker_hub", "mcr", "other", "staging", "base", "applications")
_PORTS = 40


def free_base_port() -> int:
    """Return the first of forty consecutive free TCP ports."""
    while True:
        base = random.randrange(20000, 32000, _PORTS)  # noqa: S311 - a port, not a secret
        if all(_is_free(port) for port in range(base, base + _PORTS)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def start_registry(topology: Topology, part: str) -> subprocess.Popen[bytes]:
    """Start one real registry that tells the emulator of every push."""
    folder = topology.registry_folder(part)
    folder.mkdir(parents=True)
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder)}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{topology.port(f'backing_{part}')}"},
        "notifications": {
            "endpoints": [
                {
                    "name": "emulator",
                    "url": f"{topology.http('control')}/registry-events/{part}",
                    "timeout": "2s",
                    "threshold": 3,
                    "backoff": "1s",
                }
            ]
        },
    }
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config))
    log = (folder / "log").open("wb")
    return subprocess.Popen(["docker-registry", "serve", str(path)], stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Ask a process to end and return its exit status; one that does not within 10 s is killed, and -9 returned."""
    process.terminate()
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_for_registries(topology: Topology) -> None:
    """Return once every registry answers; ``TimeoutError`` after 20 s."""
    deadline = time.time() + 20
    for part in PARTS:
        while not _answers(topology, part):
            if time.time() > deadline:
                raise TimeoutError(f"the registry {part} does not answer")
            time.sleep(0.05)


def _answers(topology: Topology, part: str) -> bool:
    try:
        return requests.get(topology.http(f"backing_{part}") + "/v2/", timeout=1).ok
    except requests.ConnectionError:
        return False


def new_topology(state: Path) -> Topology:
    """Return a topology on free ports with its state in ``state``."""
    return Topology(state, free_base_port(), "identity-secret", "function-key", "webhook-secret", short_retry_after=1)
