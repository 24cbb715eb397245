"""What finding dependants costs where lists of tasks come in pages and lack their bases: reads of ARM, transactions.

The flows and their adapters are the product's, over the twin's ARM and Azurite; messages are handed on in memory, so
that ten minutes of promotions take as long as their requests. What a queue would cost is added.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import requests

from infra.local.demo.watching import Watcher, eventually
from infra.local.topology import APPLICATIONS
from infra.local.twin.images import push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import count_transactions
from infra.local.twin.twin import Twin
from shared.bootstrap import Parts
from shared.config import load_settings
from shared.domain.events.messages import BaseMoved, ListTasks, decode
from shared.domain.references import Digest, Tag
from shared.errors import ServiceError
from tests.bench.table import Row
from tests.doubles.queues import Delivery, InMemoryOutbox
from tests.doubles.storage import SettableClock

_TASKS, _PROMOTIONS, _BUILT_ON = 300, 500, 20
_PAGE = 100
_BURST = timedelta(minutes=10)
# Each is told by the promotion and by the registry.
_SIGNALS = 2
# Putting, getting and deleting a message.
_OF_A_MESSAGE = 3
_REPOSITORIES = 10
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_READS = ("list tasks", "get task", "list runs")


@dataclass(frozen=True)
class Cost:
    """What a burst of signals cost.

    Attributes:
        signals: how many there were.
        reads: requests to ARM by kind, but for the one that each rebuild makes before its run.
        lost: how many searches died.
        rebuilt: how many tasks were to be rebuilt.
        tables: transactions of tables.
        messages: how many messages were sent, the signals among them.
    """

    signals: int
    reads: dict[str, int]
    lost: int
    rebuilt: int
    tables: int
    messages: int

    @property
    def storage(self) -> float:
        """Transactions a signal."""
        return (self.tables + _OF_A_MESSAGE * self.messages) / self.signals


class Ground:
    """A registry of tasks, each built on a base tag of its own.

    Args:
        twin: up, without a host.
        tasks: how many tasks.
        page: how many of them a page of a list has.
    """

    def __init__(self, twin: Twin, tasks: int, page: int) -> None:
        self.twin = twin
        self._watcher = Watcher(twin.topology)
        self.settings(runs_played=True, agents=50, tasks_page=page, tasks_without_bases=True)
        self._images = [
            push_image(self._registry, f"base/b{number}", "first", "one") for number in range(_REPOSITORIES)
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._make, range(tasks)))
        eventually("every task has run", lambda: self._ran() >= tasks, seconds=180)
        self.parts = Parts(load_settings(twin.environment()))
        # Some time after the tasks' runs, as a task is read once more that ran just before.
        self.clock = SettableClock(datetime.now(UTC) + timedelta(minutes=5))
        self.outbox = InMemoryOutbox(self.clock)
        self.parts.__dict__.update(outbox=self.outbox, clock=self.clock)
        self.lost = 0

    def settings(self, **settings: object) -> None:
        """Change settings of the emulator."""
        control = self.twin.topology.http("control")
        requests.post(f"{control}/settings", json=settings, timeout=9).raise_for_status()

    def change(self, number: int) -> None:
        """Let somebody define a task anew, and run it."""
        before = self._ran()
        self._make(number)
        eventually("the task has run", lambda: self._ran() > before)

    def burst(self, bases: Iterable[int]) -> Cost:
        """Tell of a push of each of some base tags, and let all be done that follows; rebuilds are made and not run."""
        bases = tuple(bases)
        before, log = Counter(self._watcher.counts()["arm"]), self.twin.log("azurite")
        start, sent = log.stat().st_size, len(self.outbox.sent)
        for base in bases:
            self._tell(base)
            self._until(self.clock() + _BURST / len(bases))
        while (due := self.outbox.next_due()) is not None:
            self._until(due)
        tables = sum(number for kind, number in count_transactions(log, start).items() if kind.startswith("table"))
        counted = Counter(self._watcher.counts()["arm"]) - before
        return Cost(
            signals=_SIGNALS * len(bases),
            reads={kind: counted[kind] for kind in _READS},
            lost=self.lost,
            rebuilt=len(list(self.parts.rebuilds.current())),
            tables=tables,
            messages=len(self.outbox.sent) - sent,
        )

    def _make(self, number: int) -> None:
        """A task learns its base from a run, which is played."""
        folder = self.twin.topology.state / "tasks" / f"{number}"
        folder.mkdir(parents=True, exist_ok=True)
        self._tag(number)
        (folder / "Dockerfile").write_text(f"FROM {self.twin.topology.address('base')}/{_base(number)}:{number}\n")
        step = {"type": "Docker", "contextPath": folder.as_uri(), "dockerFilePath": "Dockerfile"}
        properties = {"status": "Enabled", "platform": {"os": "Linux", "architecture": "amd64"}, "step": step}
        task = {"location": "westeurope", "properties": properties}
        self._watcher.arm("PUT", APPLICATIONS, f"tasks/task{number}", task)
        self._schedule(number)

    def _schedule(self, number: int) -> None:
        task_id = f"{self.twin.topology.registry_id(APPLICATIONS)}/tasks/task{number}"
        self._watcher.arm("POST", APPLICATIONS, "scheduleRun", {"type": "TaskRunRequest", "taskId": task_id})

    def _ran(self) -> int:
        return sum(bool(one["finished"]) for one in self._watcher.operations())

    @property
    def _registry(self) -> str:
        return self.twin.topology.http("backing_base")

    def _tag(self, number: int) -> None:
        """Let a tag point at its repository's image."""
        url = f"{self._registry}/v2/{_base(number)}/manifests"
        headers = {"Accept": _MANIFEST, "Content-Type": _MANIFEST}
        body = requests.get(f"{url}/first", headers=headers, timeout=9).content
        requests.put(f"{url}/{number}", body, headers=headers, timeout=9).raise_for_status()

    def _tell(self, number: int) -> None:
        digest = Digest(self._images[number % _REPOSITORIES].digest)
        moved = BaseMoved(v=1, repository=_base(number), tag=Tag(f"{number}"), digest=digest)
        for _ in range(_SIGNALS):
            self.outbox.send(moved)

    def _until(self, moment: datetime) -> None:
        while (due := self.outbox.next_due()) is not None and due <= moment:
            self.clock.now = max(self.clock.now, due)
            for delivery in self.outbox.deliver():
                self._work(delivery)
        self.clock.now = max(self.clock.now, moment)

    def _work(self, delivery: Delivery) -> None:
        message = decode(delivery.text)
        if isinstance(message, ListTasks):
            self.parts.task_lister.take(message)
        elif isinstance(message, BaseMoved):
            self._search(message)

    def _search(self, message: BaseMoved) -> None:
        try:
            self.parts.dependant_search.take(message)
        except ServiceError:
            self.lost += 1


def _base(number: int) -> str:
    return f"base/b{number % _REPOSITORIES}"


@contextmanager
def grounds(folder: Path, tasks: int, page: int) -> Iterator[Ground]:
    """A twin with so many tasks; ``folder`` is for its state."""
    with Twin(new_topology(folder, free_base_port())) as twin:
        told: dict[str, Any] = {
            name: twin.environment()[name] for name in ("REQUESTS_CA_BUNDLE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER")
        }
        with mock.patch.dict(os.environ, told):
            yield Ground(twin, tasks, page)


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the twin's state."""
    with grounds(folder, _TASKS, _PAGE) as ground:
        cost = ground.burst(range(_TASKS - _BUILT_ON, _TASKS - _BUILT_ON + _PROMOTIONS))
    what = f"{_PROMOTIONS} promotions told twice in ten minutes, {_TASKS} tasks whose lists lack their bases, in pages"
    told = ", ".join(f"{kind} {number}" for kind, number in cost.reads.items())
    return [
        Row(f"reads of ARM to find dependants, {what} of {_PAGE}", f"{sum(cost.reads.values())}", "400"),
        Row(f"  {told}", ""),
        Row(f"  searches lost of {cost.signals}", f"{cost.lost}", "0"),
        Row("  storage transactions a signal, rebuilds and messages in", f"{cost.storage:.1f}"),
    ]
