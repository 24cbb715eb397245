"""One emulator with real registries behind it, and for each registry port a place where a test can arrange things.

A *site* is the same for the double and for the real adapter: it holds what the port gives, and pushes, ends and counts
by whatever means its side has.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from infra.local.emulator.app import Emulator
from infra.local.emulator.assignments import APP, as_deployed
from infra.local.emulator.role_definitions import TASK
from infra.local.topology import BASE, STAGING, Topology
from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.identity import Identity
from shared.config import parse_registry_id
from tests.twin.double import DoubleRunner
from tests.twin.processes import PARTS, new_topology, start_registry, wait_for_registries

SIDES = ("double", "emulator")
HUB_USER, HUB_TOKEN = "tidegate-tests", "hub-secret-token"
# What tests change of the emulator's settings, as it is unless they do.
_DEFAULTS = {
    "import_seconds": 0.0,
    "hub_api_limit": 180,
    "other_auth": "bearer",
    "other_user": "",
    "other_password": "",
    "other_token_seconds": 300,
    "other_redirects": False,
    "other_page": 1000,
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Outside:
    """The emulator, ready for one test: no faults, nothing counted, its runner forgetful."""

    topology: Topology
    runner: DoubleRunner

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask the emulator's control port."""
        response = requests.request(method, self.topology.http("control") + path, json=body, timeout=20)
        response.raise_for_status()
        return response.json() if response.content else None

    def fault(self, front: str, action: str, **details: object) -> None:
        """Let a front fail once, or as often as ``times`` says."""
        self.control("POST", "/faults", {"front": front, "action": action, **details})

    def counts(self, front: str) -> dict[str, int]:
        """Return how many requests of each kind a front has served since ``forget_counts``."""
        found: dict[str, int] = self.control("GET", "/counts").get(front, {})
        return found

    def forget_counts(self) -> None:
        """Count from nothing again."""
        self.control("DELETE", "/counts")

    def clients(self) -> AzureClients:
        """Return new clients with the emulator's addresses."""
        return AzureClients(
            Identity().credential,
            arm_endpoint=self.topology.https("arm"),
            arm_audience="https://management.azure.com",
            acr_audience="https://containerregistry.azure.net",
        )

    def registry_id(self, name: str) -> Any:
        """Return one registry's resource id, taken apart."""
        return parse_registry_id(self.topology.registry_id(name))


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Registries and emulator, once for all tests."""
    topology = new_topology(tmp_path_factory.mktemp("registries"))
    registries = [start_registry(topology, part) for part in PARTS]
    runner = DoubleRunner()
    emulator = Emulator(topology, runner)
    emulator.start()
    try:
        wait_for_registries(topology)
        yield Outside(topology, runner)
    finally:
        emulator.stop()
        for process in registries:
            process.terminate()
            process.wait(10)


@pytest.fixture
def outside(emulator: Outside, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """The emulator as a test finds it, with the environment a function app would have there."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.topology.ca_bundle))
    monkeypatch.setenv("IDENTITY_ENDPOINT", emulator.topology.http("identity") + "/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", emulator.topology.identity_header)
    account = {"hub_user": HUB_USER, "hub_token": HUB_TOKEN}
    emulator.control("POST", "/settings", {**account, **_DEFAULTS, "assignments": _assignments(emulator.topology)})
    emulator.control("DELETE", "/faults")
    emulator.runner.forget()
    emulator.forget_counts()
    return emulator


def _assignments(topology: Topology) -> list[dict[str, str]]:
    """Return what the deployment gives the product, and that it may make and run tasks in staging, as tests here do."""
    return [*as_deployed(topology), {"principal": APP, "role": TASK, "scope": topology.registry_id(STAGING)}]


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """Which implementation of a port a test runs against."""
    return str(request.param)


@pytest.fixture
def outside_or_none(request: pytest.FixtureRequest, side: str) -> Outside | None:
    """The emulator for the real adapters; ``None`` for the doubles, which need nothing running."""
    return request.getfixturevalue("outside") if side == "emulator" else None


@pytest.fixture
def word() -> str:
    """A word of the test's own, fit for repositories and names of runs."""
    return f"t{next(_numbers)}-{time.time_ns() % 10**9}"


__all__ = ["BASE", "STAGING", "Outside", "emulator", "outside", "outside_or_none", "side", "word"]
