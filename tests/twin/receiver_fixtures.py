"""The receivers of notices alone, without registries, Azurite or a host; for tests of the twin and of the senders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Faults
from infra.local.emulator.tls import server_context
from infra.local.receivers.kept import Received
from infra.local.receivers.receivers import Receivers, destination_settings
from infra.local.topology import Topology
from tests.twin.processes import new_topology


class Receiving:
    """Running receivers, and what goes wrong with them."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.faults = Faults()
        self.counts = Counts()
        self.receivers = Receivers(topology, server_context(topology), self.counts, self.faults)

    @property
    def settings(self) -> dict[str, str]:
        """The destinations, as the product's settings name them."""
        return destination_settings(self.topology)

    def play(self, front: str, action: str, **more: Any) -> None:
        """Have the next request of a front go wrong."""
        self.faults.add({"front": front, "action": action, **more})

    def of(self, front: str) -> list[Received]:
        """What a front got."""
        return self.receivers.kept.of(front)

    def forget(self) -> None:
        """Be as at the start."""
        self.receivers.kept.clear()
        self.faults.clear()
        self.counts.reset()


@contextmanager
def receiving(state: Path) -> Iterator[Receiving]:
    """Run the receivers; the environment names their authority meanwhile."""
    running = Receiving(new_topology(state))
    running.receivers.start()
    try:
        with patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": str(running.topology.ca_bundle)}):
            yield running
    finally:
        running.receivers.stop()
