"""The product's own parts on the twin, without its host: all is real but the queues, which need no waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
import requests

from infra.local.topology import BASE, STAGING
from infra.local.twin.images import PushedImage, push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from shared.bootstrap import Parts
from shared.config import load_settings
from shared.domain.events.messages import decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.references import Digest, Repository
from shared.work import work_on
from tests.doubles.queues import Delivery, InMemoryOutbox
from tests.doubles.storage import SettableClock

GATE = {
    "Dockerfile": 'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY test.sh /test.sh\nENTRYPOINT ["/bin/sh", "/test.sh"]\n',
    "test.sh": (
        'set -eu\necho "tidegate: begin $TIDEGATE_NONCE"\ncat /etc/base-release\n'
        "if grep -q broken /etc/base-release; then exit 1; fi\n"
        'echo "tidegate: passed $TIDEGATE_NONCE"\n'
    ),
}


_MOST_SECONDS = 90


class Product:
    """Tidegate's flows and adapters, fed by queues that deliver at once, whatever the delay.

    Args:
        twin: up, without a host.
        name: makes this product's image, and so its candidates, its own.
    """

    def __init__(self, twin: Twin, name: str) -> None:
        self.twin = twin
        self.path, self.target = f"library/{name}", f"base/{name}"
        self.gate: str | None = "release"
        self.given: list[dict[str, str]] = []
        self.parts = Parts(load_settings(twin.environment()))
        self.clock = SettableClock()
        self.outbox = InMemoryOutbox(self.clock)
        self.parts.__dict__.update(outbox=self.outbox, clock=self.clock)
        self.clock.now = self.clock.now.replace(year=2030)

    def push(self, release: str, **made: Any) -> PushedImage:
        """Release an image upstream, under the tag ``1``; ``made`` says what it is like, as for ``push_image``."""
        return push_image(self.twin.topology.http("backing_docker_hub"), self.path, "1", release, **made)

    def check(self) -> None:
        """Plan a check of everything on the watch list."""
        self.parts.planner.plan(self.parts.watch_lists.in_force().images, traceparent="")

    def settle(self) -> None:
        """Work on messages until none is left; time passes as their delays say, but nobody waits for it."""
        end = time.monotonic() + _MOST_SECONDS
        while time.monotonic() < end:
            due = self.outbox.next_due()
            if due is None:
                return
            # Runs and imports are real, and take their time: where hours would pass meanwhile, a busy machine has some.
            time.sleep(min(0.02 + max((due - self.clock.now).total_seconds(), 0) / 200, 0.2))
            self.clock.now = max(self.clock.now, due)
            for delivery in self.outbox.deliver():
                self._work(delivery)
        raise AssertionError(f"still busy after {_MOST_SECONDS} s: {self.outbox.waiting}")

    def step(self) -> None:
        """Work on what is due next."""
        time.sleep(0.05)
        due = self.outbox.next_due()
        if due is not None:
            self.clock.now = max(self.clock.now, due)
            for delivery in self.outbox.deliver():
                self._work(delivery)

    def update(self, release: str, **made: Any) -> PushedImage:
        """Release, check, and work until all is done."""
        pushed = self.push(release, **made)
        self.check()
        self.settle()
        return pushed

    def candidate(self, digest: str) -> Candidate:
        """Return the candidate for a digest."""
        found = self.stored(digest)
        assert found is not None
        return found

    def stored(self, digest: str) -> Candidate | None:
        """Return the candidate for a digest, or ``None`` if there is none yet."""
        stored = self.parts.candidates.get(candidate_id(Repository("docker.io", self.path), Digest(digest), self.gate))
        return stored.record if stored else None

    def base_digest(self) -> str | None:
        """Return what the base registry really holds under the tag."""
        url = f"{self.twin.topology.http('backing_base')}/v2/{self.target}/manifests/1"
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
        return requests.head(url, headers={"Accept": accept}, timeout=9).headers.get("Docker-Content-Digest")

    def delete_base(self, digest: str) -> None:
        """Delete a manifest from the base registry, with every tag on it, as its owner may."""
        url = f"{self.twin.topology.http('backing_base')}/v2/{self.target}/manifests/{digest}"
        requests.delete(url, timeout=9).raise_for_status()

    def fault(self, **fault: object) -> None:
        """Ask the emulator to fail."""
        requests.post(f"{self._control}/faults", json=fault, timeout=9).raise_for_status()

    def emulate(self, **settings: object) -> None:
        """Change settings of the emulator."""
        requests.post(f"{self._control}/settings", json=settings, timeout=9).raise_for_status()

    def emulated(self) -> dict[str, Any]:
        """Return the emulator's settings."""
        found: dict[str, Any] = requests.get(f"{self._control}/settings", timeout=9).json()
        return found

    def permit(self, role: str, registry: str = STAGING) -> None:
        """Give the app one more role on a registry, where the twin enforces roles; until the test is over."""
        if given := self.emulated().get("assignments"):
            scope = self.twin.topology.registry_id(registry)
            more = {"principal": "system-assigned", "role": role, "scope": scope}
            self.given = self.given or given
            self.emulate(assignments=[*given, more])

    def purge(self, **options: object) -> dict[str, list[str]]:
        """Purge this product's repository of the base registry by acr purge's rules, a week later."""
        asked = {"registry": BASE, "filter": [f"{self.target}:.*"], "ago": "1d", "later": "7d", **options}
        answer = requests.post(f"{self._control}/purge", json=asked, timeout=30)
        answer.raise_for_status()
        found: dict[str, list[str]] = answer.json()
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many requests of each kind each front has served."""
        counted: dict[str, dict[str, int]] = requests.get(f"{self._control}/counts", timeout=9).json()
        return counted

    def configure(self, *, settings: dict[str, str] | None = None, gate: Mapping[str, str] = GATE) -> None:
        """Store this product's watch list and a gate; with settings, begin anew with those."""
        if settings:
            self.parts = Parts(load_settings({**self.twin.environment(), **settings}))
            self.parts.__dict__.update(outbox=self.outbox, clock=self.clock)
        write = self.parts.configuration._container.write  # type: ignore[attr-defined]
        for name, text in gate.items():
            write(f"gates/release/{name}", text.encode())
        entry = f"{{name: it, source: docker.io/{self.path}, tags: [1], target: {self.target}, gate: release}}"
        write("images.yaml", f"images: [{entry}]".encode())

    @property
    def _control(self) -> str:
        return self.twin.topology.http("control")

    def _work(self, delivery: Delivery) -> None:
        work_on(self.parts, decode(delivery.text))


def push_bash(product: Product) -> None:
    """Let MCR have the image that steps of ours are run by; the twin's has the shell of busybox."""
    shell = {"/bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n'}
    push_image(product.twin.topology.http("backing_mcr"), "acr/bash", "2ff604c", "bash", files=shell)


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp("twin")
    with pytest.MonkeyPatch.context() as patch:
        topology = new_topology(folder, free_base_port())
        with Twin(topology) as up:
            for name in ("REQUESTS_CA_BUNDLE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
                patch.setenv(name, up.environment()[name])
            yield up


@pytest.fixture
def product(twin: Twin) -> Iterator[Product]:
    made = Product(twin, f"it-{uuid4().hex[:8]}")
    made.configure()
    yield made
    if made.given:
        made.emulate(assignments=made.given)
    requests.delete(f"{twin.topology.http('control')}/faults", timeout=9)
