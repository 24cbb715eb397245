"""What the parts of a month cost on the twin: a check of a hundred tags, an update, a sweep, a minute of nothing.

Every upstream request is made a tenth of a second slower, as the internet does, so that durations mean something.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import requests

from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.ingestion.server import Ingestion
from infra.local.twin.images import push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import caused_transactions, empty_polls
from infra.local.twin.twin import Twin

REPOSITORIES, TAGS_EACH = 20, 5
_TIMERS = ("CHECK_DOCKER_HUB", "CHECK_MCR", "CHECK_OTHER_REGISTRIES", "LOOK_AT_BASE", "SWEEP")
_NEVER = "0 0 0 1 1 *"
_UPSTREAM_SECONDS = 0.1
_SWEEPS = 5
_IDLE_SECONDS = 30.0
# A hundred candidates at once, on a laptop.
_LONGEST_WORK = 600.0
_METRICS_SECONDS = 10.0
# Spans and events are sent every five seconds at most, and the last messages of an update are a second apart.
_SETTLED = 8.0
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing
_LEAST_BILLED = 1.0
_EXECUTED = re.compile(r"Executed 'Functions\.\w+' \(\w+, Id=[\w-]+, Duration=(\d+)ms\)")
_QUEUES = ("imports", "validations")
_WATCH_LIST = "images:\n" + "".join(
    f"  - {{name: n{number}, source: docker.io/library/n{number}, tags: [{', '.join(map(str, range(TAGS_EACH)))}], "
    f"target: base/n{number}, gate: release}}\n"
    for number in range(REPOSITORIES)
)


@dataclass(frozen=True)
class Spent:
    """What something cost.

    Attributes:
        queue, table, blob: storage transactions.
        executions: function calls.
        seconds: their durations, added up; each counts a second at least.
        telemetry_kb: what was told, but for metrics.
    """

    queue: float
    table: float
    blob: float
    executions: float
    seconds: float
    telemetry_kb: float


class Counting:
    """A twin whose timers are off, so that what is counted is what was asked for.

    Args:
        twin: up, with its host.
        ingestion: where it tells of itself.
    """

    def __init__(self, twin: Twin, ingestion: Ingestion) -> None:
        self.twin = twin
        self.watcher = Watcher(twin.topology)
        self._ingestion = ingestion
        StageSet(twin.topology, self.watcher).configure(_WATCH_LIST)

    def release_all(self) -> None:
        """Release every watched tag."""
        for number, tag in product(range(REPOSITORIES), range(TAGS_EACH)):
            self._release(f"library/n{number}", str(tag), "first")

    def _release(self, repository: str, tag: str, release: str) -> str:
        return push_image(self.twin.topology.http("backing_docker_hub"), repository, tag, release).digest

    def update(self, release: str) -> None:
        """Release an image, have its entry checked, and wait until it is promoted."""
        digest = self._release("library/n0", "0", release)
        self.watcher.api("POST", "check", json={"image": "n0"}).raise_for_status()
        eventually("it is promoted", lambda: self.watcher.digest("base", "base/n0", "0") == digest)

    def check(self) -> None:
        """Have all tags checked, as the timer does."""
        self.run("check_docker_hub")

    def run(self, timer: str) -> None:
        """Run a timer's function now, and wait until nothing is left of what it asked for."""
        topology = self.twin.topology
        url = f"{topology.http('host')}/admin/functions/{timer}"
        headers = {"x-functions-key": topology.master_key}
        requests.post(url, json={"input": ""}, headers=headers, timeout=9).raise_for_status()
        time.sleep(1)
        eventually("all is quiet", lambda: self.watcher.waiting(*_QUEUES) == 0, seconds=_LONGEST_WORK)

    def settle(self) -> None:
        """Wait until every tag is promoted."""
        names = [(f"base/n{number}", str(tag)) for number, tag in product(range(REPOSITORIES), range(TAGS_EACH))]
        eventually(
            "all are promoted",
            lambda: all(self.watcher.digest("base", *name) for name in names),
            seconds=_LONGEST_WORK,
        )

    def slow_upstream(self) -> None:
        """Have Docker Hub answer as from afar."""
        fault = {"front": "docker_hub_registry", "action": "slow", "seconds": _UPSTREAM_SECONDS, "times": None}
        requests.post(f"{self.twin.topology.http('control')}/faults", json=fault, timeout=9).raise_for_status()

    def spent(self, act: Callable[[], None], times: int = 1) -> Spent:
        """Do something and count what each time cost; polls that found nothing are not counted."""
        time.sleep(_SETTLED)
        azurite, host = self.twin.log("azurite"), self.twin.log("host")
        starts, told = (azurite.stat().st_size, host.stat().st_size), self._ingestion.size(metrics=False)
        for _ in range(times):
            act()
        time.sleep(_SETTLED)
        counted = caused_transactions(azurite, host, *starts)
        # The waiting here asks for queues' properties; the product never does.
        del counted["queue QueueProperties"]
        return self._spent(counted, _durations(host, starts[1]), self._ingestion.size(metrics=False) - told, times)

    def _spent(self, counted: Counter[str], durations: list[float], told: int, times: int) -> Spent:
        service = {
            name: sum(number for kind, number in counted.items() if kind.startswith(name)) / times
            for name in ("queue", "table", "blob")
        }
        seconds = sum(max(duration, _LEAST_BILLED) for duration in durations) / times
        return Spent(**service, executions=len(durations) / times, seconds=seconds, telemetry_kb=told / 1e3 / times)

    def idle(self) -> tuple[float, float]:
        """Return the polls a minute while nothing happens, and the kilobytes of metrics at each export."""
        time.sleep(_SETTLED)
        azurite, host = self.twin.log("azurite"), self.twin.log("host")
        starts, told = (azurite.stat().st_size, host.stat().st_size), self._ingestion.size(metrics=True)
        time.sleep(_IDLE_SECONDS)
        polls = empty_polls(azurite, host, *starts) * 60 / _IDLE_SECONDS
        metrics = (self._ingestion.size(metrics=True) - told) / 1e3 * _METRICS_SECONDS / _IDLE_SECONDS
        return polls, metrics


def counted(folder: Path) -> dict[str, object]:
    """Count everything; ``folder`` is for the twin's state."""
    with Ingestion() as ingestion, Twin(new_topology(folder, free_base_port()), _settings(ingestion)) as twin:
        twin.start_host()
        counting = Counting(twin, ingestion)
        counting.release_all()
        counting.check()
        counting.settle()
        counting.slow_upstream()
        parts = {
            "check": vars(counting.spent(counting.check)),
            "update": vars(counting.spent(lambda: counting.update("second"))),
            "sweep": vars(counting.spent(lambda: counting.run("sweep"), _SWEEPS)),
        }
        polls, metrics = counting.idle()
    rounded = {name: {key: round(value, 2) for key, value in part.items()} for name, part in parts.items()}
    return {**rounded, "idle_polls_a_minute": round(polls), "metrics_kb_an_export": round(metrics, 2)}


def _settings(ingestion: Ingestion) -> dict[str, str]:
    return {
        **dict.fromkeys((f"{timer}_SCHEDULE" for timer in _TIMERS), _NEVER),
        "NEW_TAGS_A_CHECK": str(REPOSITORIES * TAGS_EACH),
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "azure_sdk",
        "OTEL_METRIC_EXPORT_INTERVAL": str(int(_METRICS_SECONDS * 1000)),
    }


def _durations(log: Path, start: int) -> list[float]:
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace")
    return [int(milliseconds) / 1000 for milliseconds in _EXECUTED.findall(text)]
