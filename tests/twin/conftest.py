"""One emulator with its registries for all tests of the twin; each test uses repositories of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
from azure.containerregistry import ContainerRegistryClient
from azure.identity import ManagedIdentityCredential
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

from infra.local.emulator.app import Emulator
from infra.local.emulator.assignments import OPERATOR
from infra.local.emulator.runs import Execute
from infra.local.topology import SUBSCRIPTION, Topology
from tests.twin.double import DoubleRunner
from tests.twin.processes import PARTS, new_topology, start_registry, stop, wait_for_registries


@dataclass(frozen=True)
class Twin:
    """The emulator under test, clients of an operator who may do everything, and the double that executes runs."""

    topology: Topology
    credential: ManagedIdentityCredential
    management: ContainerRegistryManagementClient
    tasks: ContainerRegistryTasksMgmtClient
    runner: DoubleRunner

    def client(self, part: str) -> ContainerRegistryClient:
        """Return a data-plane client of one registry's front."""
        return ContainerRegistryClient(
            self.topology.https(part), self.credential, audience="https://containerregistry.azure.net"
        )

    def get(self, front: str, path: str, **options: Any) -> requests.Response:
        """GET from a TLS front."""
        return requests.get(self.topology.https(front) + path, timeout=20, **options)

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        """Ask the control port."""
        response = requests.request(method, self.topology.http("control") + path, json=body, timeout=20)
        response.raise_for_status()
        return response


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Registries and emulator, once for all tests."""
    runner = DoubleRunner()
    with emulated(tmp_path_factory.mktemp("twin"), runner) as topology:
        yield twin_of(topology, runner, OPERATOR)


@contextmanager
def emulated(state: Path, execute: Execute) -> Iterator[Topology]:
    """Run registries and an emulator, whose runs are carried out so; the environment names them meanwhile."""
    topology = new_topology(state)
    registries = [start_registry(topology, part) for part in PARTS]
    emulator = Emulator(topology, execute)
    emulator.start()
    environment = {
        "REQUESTS_CA_BUNDLE": str(topology.ca_bundle),
        "IDENTITY_ENDPOINT": topology.http("identity") + "/msi/token",
        "IDENTITY_HEADER": topology.identity_header,
    }
    try:
        with patch.dict(os.environ, environment):
            wait_for_registries(topology)
            yield topology
    finally:
        emulator.stop()
        for process in registries:
            stop(process)


def twin_of(topology: Topology, runner: DoubleRunner, client_id: str | None = None) -> Twin:
    """Return the clients of a running emulator; the environment already names its identity endpoint.

    They are the product's identity's, or those of the client that is named.
    """
    credential = ManagedIdentityCredential(client_id=client_id)
    options: dict[str, Any] = {
        "base_url": topology.https("arm"),
        "credential_scopes": ["https://management.azure.com/.default"],
        "polling_interval": 1,
    }
    management = ContainerRegistryManagementClient(credential, SUBSCRIPTION, **options)
    tasks = ContainerRegistryTasksMgmtClient(credential, SUBSCRIPTION, **options)
    return Twin(topology, credential, management, tasks, runner)


@pytest.fixture
def twin(running: Twin) -> Iterator[Twin]:
    """The twin with counts, faults and settings as they are at the start."""
    settings = running.control("GET", "/settings").json()
    running.control("DELETE", "/counts")
    running.control("DELETE", "/faults")
    yield running
    running.control("POST", "/settings", {**settings, "hub_token": ""})
    running.runner.forget()
