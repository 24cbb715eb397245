"""Counts everything that happens on a twin from one moment to another."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from infra.local.demo.watching import Watcher
from infra.local.ingestion.server import Ingestion
from infra.local.twin.host_counts import host_counts
from infra.local.twin.transactions import count_transactions, empty_polls
from infra.local.twin.twin import Twin
from tests.idle.counts import Counts, told_apart

_BY_HOST = ("executions", "starts", "platform_polls", "timer_status_calls", "billed_seconds")


class Window:
    """The time since this was made.

    Args:
        twin: up, with a host that scales.
        ingestion: where the app tells of itself.
    """

    def __init__(self, twin: Twin, ingestion: Ingestion) -> None:
        self._twin, self._ingestion = twin, ingestion
        self._watcher = Watcher(twin.topology)
        self._logs = {name: twin.log(name).stat().st_size for name in ("azurite", "host")}
        self._host, self._told, self._asked = host_counts(twin.topology), ingestion.sizes(), self.asked()
        self.began = time.monotonic()

    def asked(self) -> dict[str, float]:
        """Return how many requests each front has had since the twin began."""
        return {front: sum(kinds.values()) for front, kinds in self._watcher.counts().items() if front != "control"}

    def groups(self) -> set[str]:
        """Return the scale groups that have instances now."""
        return {one["group"] for one in host_counts(self._twin.topology)["instances"]}

    def counted(self) -> Counts:
        """Return what happened until now."""
        azurite, host_log = self._twin.log("azurite"), self._twin.log("host")
        after = host_counts(self._twin.topology)
        logged = count_transactions(azurite, self._logs["azurite"])
        empty = empty_polls(azurite, host_log, self._logs["azurite"], self._logs["host"])
        host = {subject: _since(self._host[subject], after[subject]) for subject in _BY_HOST}
        return {
            **told_apart(logged, empty, host),
            "executions": host["executions"],
            "billed seconds": host["billed_seconds"],
            "starts": host["starts"],
            "told": _since(self._told, self._ingestion.sizes()),
            "asked": _since(self._asked, self.asked()),
        }


def _since(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    grown = {kind: round(number - before.get(kind, 0), 3) for kind, number in after.items()}
    return {kind: number for kind, number in grown.items() if number}
