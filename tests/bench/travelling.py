"""What travelling adds to one promotion, counted on the twin: requests by front and kind, transactions and messages.

The product's own flows and adapters speak to the twin's registries, ARM, Key Vault and Azurite; only the queues are in
memory, and time passes as they say. Each case is counted once with what travels and once without, after a first update
that pays for tokens and tables.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from infra.local.demo.record_scenes import record_settings
from infra.local.demo.watching import Watcher, eventually
from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import LOCKS, RECORDS, SIGNS
from infra.local.topology import BASE, STAGING
from infra.local.twin.images import push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import count_transactions
from infra.local.twin.twin import Twin
from tests.bench.table import Row
from tests.integration.conftest import GATE, Product
from tests.twin.images import push_index, push_referrer

_BUNDLE, _SBOM, _ATTESTATION = (
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/spdx+json",
    "application/vnd.in-toto+json",
)
_KINDS = (_BUNDLE, _SBOM, _ATTESTATION)
# Azurite writes a line a moment after it has answered.
_WRITTEN = 0.5
_OURS = ("arm", "base", "staging", "vault")
_HUB, _MCR = "docker_hub", "mcr"
_REGISTRIES = {_HUB: "docker.io", _MCR: "mcr.microsoft.com"}
_ENVIRONMENT = ("REQUESTS_CA_BUNDLE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER")
_OFF, _ANY = "referrers: 'off'", "referrers: best-effort"
_NAME = "unique_tag: '{tag}-{yyyymmdd}.{n}'"
_LOCKED = f"{_NAME}, lock: [unique, stable]"
# What a message is in the storage account: put, taken, deleted.
_A_MESSAGE = 3


@dataclass(frozen=True)
class Case:
    """What is promoted, with what beside it.

    Attributes:
        name: for people.
        asks: what the entry says of travelling.
        upstream: Docker Hub keeps no lists of referrers, MCR does.
        manifests: 1 for a plain image; else the index and its platforms.
        referrers: how many refer to it upstream.
        gate: whether it is tested first; records are of what was.
        goal: what is meant to be added at most, by what; see ``Added``.
    """

    name: str
    asks: str
    upstream: str = _MCR
    manifests: int = 1
    referrers: int = 0
    gate: bool = False
    goal: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Added:
    """What one promotion took: requests by front and kind, storage transactions by kind, and messages."""

    requests: dict[str, Counter[str]]
    storage: Counter[str]
    messages: int

    @property
    def all(self) -> int:
        """All of it."""
        return sum(self.storage.values()) + sum(map(self.of, self.requests))

    def less(self, other: Added) -> Added:
        """Return what this one took more; what it took less is told as such."""
        fronts = {*self.requests, *other.requests}
        requests = {one: _less(self.requests.get(one), other.requests.get(one)) for one in fronts}
        return Added(requests, _less(self.storage, other.storage), self.messages - other.messages)

    def of(self, front: str) -> int:
        """Return the requests to a front, but for those that fetch tokens."""
        return sum(number for kind, number in self.requests.get(front, Counter()).items() if "token" not in kind)


def _nothing(manifests: int, name: str, upstream: str, goal: int) -> Case:
    return Case(name, _ANY, upstream, manifests, goal={"upstream": goal, "imports": 1})


CASES = (
    _nothing(1, "nothing to carry, 1 manifest", _MCR, 1),
    _nothing(16, "nothing to carry, 16 manifests", _MCR, 16),
    _nothing(1, "nothing to carry, no API, 1 manifest", _HUB, 1),
    _nothing(16, "nothing to carry, no API, 16 manifests", _HUB, 1),
    Case("a unique tag alone", f"{_OFF}, {_NAME}"),
    Case("one referrer", _ANY, referrers=1),
    Case("three referrers", _ANY, referrers=3),
    Case("three referrers, 16 manifests", _ANY, manifests=16, referrers=3),
    Case("three referrers and a record", f"{_ANY}, record: true", referrers=3, gate=True),
    Case("unique tag, locks of unique and stable, 1 manifest", f"{_OFF}, {_LOCKED}"),
    Case("unique tag, locks of unique and stable, 16 manifests", f"{_OFF}, {_LOCKED}", manifests=16),
    Case(
        "three referrers, a record, unique tag and locks",
        f"{_ANY}, record: true, {_LOCKED}",
        referrers=3,
        gate=True,
    ),
)


class Ground:
    """A twin on which whatever is asked to travel may.

    Args:
        twin: up, without a host.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._log = twin.log("azurite")
        self._watcher = Watcher(twin.topology)
        self._made = 0
        self._watcher.vault("POST", "keys/records/create", {"kty": "EC", "crv": "P-256"})
        key = f"{twin.topology.vault_id}/keys/records"
        base, staging = (twin.topology.registry_id(name) for name in (BASE, STAGING))
        twin_settings = {"imports_played": True}
        requests.post(f"{twin.topology.http('control')}/settings", json=twin_settings, timeout=9).raise_for_status()
        self._watcher.give(APP, {SIGNS: key, RECORDS: staging, LOCKS: base})
        self._took(CASES[0], _OFF)  # whoever is first lists tasks and makes tables

    def added(self, case: Case) -> Added:
        """Return what travelling adds to one promotion."""
        return self._took(case, case.asks).less(self._took(case, _OFF))

    def _took(self, case: Case, asks: str) -> Added:
        self._made += 1
        product = _Counting(self._twin, f"travels-{self._made}")
        product.path = f"travels/it-{self._made}" if case.upstream == _MCR else product.path
        product.configure(settings=record_settings(self._twin.topology), gate=GATE)
        gate = ", gate: release" if case.gate else ""
        source = f"{_REGISTRIES[case.upstream]}/{product.path}"
        entry = f"{{name: it-{self._made}, source: {source}, tags: [1], target: {product.target}{gate}, {asks}}}"
        product.parts.configuration._container.write("images.yaml", f"images: [{entry}]".encode())  # type: ignore[attr-defined]
        self._release(product, case, "first")
        # Once an hour tasks are listed, and once tables are made, which is no part of either.
        counted = min((self._counted(product, case, name) for name in ("second", "third")), key=lambda one: one.all)
        # What this one follows for fourteen days is not looked at while another one is counted.
        book = product.parts.travelling.book
        for stored in book.records.of_repository(book.registry, product.target):
            book.rest(stored)
        return counted

    def _counted(self, product: _Counting, case: Case, release: str) -> Added:
        time.sleep(_WRITTEN)
        before, start, messages = product.counts(), self._log.stat().st_size, product.worked
        self._release(product, case, release)
        time.sleep(_WRITTEN)
        after = product.counts()
        fronts = after.keys() - {"control"}
        requests = {front: _less(Counter(after[front]), Counter(before.get(front, {}))) for front in fronts}
        return Added(requests, count_transactions(self._log, start), product.worked - messages)

    def _release(self, product: _Counting, case: Case, release: str) -> None:
        topology, image = self._twin.topology, f"{product.path}:1"
        if case.manifests == 1:
            url = topology.http(f"backing_{case.upstream}")
            digest = push_image(url, product.path, "1", f"{product.path} {release}").digest
        else:
            texts = [f"{product.path} {release} {number}" for number in range(case.manifests - 1)]
            digest = push_index(topology, case.upstream, image, *texts)
        for number in range(case.referrers):
            push_referrer(topology, case.upstream, product.path, digest, _KINDS[number % 3], f"{release} {number}")
        product.check()
        product.settle()
        if product.base_digest() != digest:
            raise ValueError(f"{case.name}: the {release} update was not promoted, so that its counts mean nothing")


class _Counting(Product):
    """Counts the messages that were worked on."""

    worked = 0

    def settle(self) -> None:
        """Work on messages until none is left; what Azure does meanwhile has ended whenever it is looked at."""
        watcher = Watcher(self.twin.topology)
        while (due := self.outbox.next_due()) is not None:
            eventually("operations ended", lambda: all(one["finished"] for one in watcher.operations()), pause=0.02)
            self.clock.now = max(self.clock.now, due)
            for delivery in self.outbox.deliver():
                self._work(delivery)

    def _work(self, delivery: object) -> None:
        self.worked += 1
        super()._work(delivery)  # type: ignore[arg-type]


def _less(one: Counter[str] | None, other: Counter[str] | None) -> Counter[str]:
    left = Counter(one or {})
    left.subtract(other or {})
    return Counter({kind: number for kind, number in left.items() if number})


def measured(folder: Path) -> Iterator[tuple[Case, Added]]:
    """Count every case; ``folder`` is for the twin's state."""
    with Twin(new_topology(folder, free_base_port())) as twin, _surroundings(twin):
        ground = Ground(twin)
        for case in CASES:
            yield case, ground.added(case)


@contextmanager
def _surroundings(twin: Twin) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update({name: twin.environment()[name] for name in _ENVIRONMENT})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def rows(folder: Path) -> list[Row]:
    """Count and return the table's rows."""
    return [row for case, added in measured(folder) for row in _rows(case, added)]


def _rows(case: Case, added: Added) -> Iterator[Row]:
    what = f"travelling adds to a promotion: {case.name}"
    imports = added.requests.get("arm", Counter()).get("importImage", 0)
    goal = {name: str(most) for name, most in case.goal.items()}
    yield Row(f"{what}; requests to the upstream", str(_of_upstream(case, added)), goal.get("upstream", ""))
    yield Row("  imports", str(imports), goal.get("imports", ""))
    for front in _OURS:
        kinds = added.requests.get(front, Counter())
        told = ", ".join(f"{kind} {number:+d}" for kind, number in sorted(kinds.items()))
        yield Row(f"  requests to {front}", f"{sum(kinds.values())} ({told})" if told else "0")
    stored = ", ".join(f"{kind} {number:+d}" for kind, number in sorted(added.storage.items()))
    yield Row("  storage transactions beside messages", f"{sum(added.storage.values())} ({stored})")
    yield Row(f"  messages, of {_A_MESSAGE} transactions each", str(added.messages))


def _of_upstream(case: Case, added: Added) -> int:
    """Docker Hub is three fronts, of which one gives tokens."""
    return sum(added.of(front) for front in added.requests if front.startswith(case.upstream))
