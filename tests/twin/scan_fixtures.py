"""A twin whose runs are executed, with the scanner and its databases in staging."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.emulator.assignments import OPERATOR
from infra.local.runner import execute
from infra.local.scanner.upstream import publish
from infra.local.topology import STAGING
from infra.local.twin.images import push_image
from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.tasks import AcrTasks
from shared.run_ports import ScannerInUse
from tests.contract.registry_fixtures import Outside
from tests.twin.conftest import emulated, twin_of
from tests.twin.double import DoubleRunner
from tests.twin.test_runs_for_real import take


@contextmanager
def scanning(folder: Path) -> Iterator[tuple[Outside, ScannerInUse, AcrTasks]]:
    """Have such a twin, in a folder; give it, what its staging registry scans with, and ACR Tasks of that registry."""
    if platform.machine() != "x86_64":
        pytest.skip("the scanner's package is for x86_64")
    with emulated(folder, execute) as topology:
        shell = {"/bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n'}
        push_image(topology.http("backing_mcr"), "acr/bash", "2ff604c", "bash", files=shell)
        published, twin = publish(topology), twin_of(topology, DoubleRunner(), OPERATOR)
        other = topology.address("other")
        take(twin, "docker.io", f"aquasec/trivy@{published.scanner}", "tools/scanner:1")
        take(twin, other, f"aquasecurity/trivy-db@{published.database}", "tools/trivy-db:2")
        take(twin, other, f"aquasecurity/trivy-java-db@{published.java_database}", "tools/trivy-java-db:1")
        tools = ScannerInUse(
            f"tools/scanner@{published.scanner}",
            f"tools/trivy-db@{published.database}",
            f"tools/trivy-java-db@{published.java_database}",
        )
        outside = Outside(topology, DoubleRunner())
        clients = AzureClients(
            lambda: twin.credential,
            arm_endpoint=topology.https("arm"),
            arm_audience="https://management.azure.com",
            acr_audience="https://containerregistry.azure.net",
        )
        yield outside, tools, AcrTasks(clients, outside.registry_id(STAGING))
