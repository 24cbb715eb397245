"""Who would be rebuilt is known by ARM's lists of tasks and runs, through an image that one task pushes for another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.watching import Watcher, eventually
from infra.local.topology import APPLICATIONS
from infra.local.twin.images import push_image
from shared.flows.impact import ImpactTold
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration


@pytest.fixture
def played(product: Product) -> Iterator[Product]:
    """The twin, whose runs are played, and push."""
    before = product.emulated()
    # Later than what other tests on this twin have kept of its tasks.
    product.clock.now = product.clock.now.replace(year=2035)
    product.emulate(runs_played=True, played_runs_push=True)
    yield product
    product.emulate(**{name: before[name] for name in ("runs_played", "played_runs_push")})


def make(product: Product, name: str, base: str, image: str, owner: str = "") -> None:
    """Define a task that builds a Dockerfile on a base, and run it once."""
    folder = product.twin.topology.state / "impact" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {base}\n")
    step = {"type": "Docker", "contextPath": folder.as_uri(), "dockerFilePath": "Dockerfile", "imageNames": [image]}
    properties = {"status": "Enabled", "platform": {"os": "Linux", "architecture": "amd64"}, "step": step}
    task = {"location": "westeurope", "tags": {"owner": owner}, "properties": properties}
    watcher = Watcher(product.twin.topology)
    watcher.arm("PUT", APPLICATIONS, f"tasks/{name}", task)
    before = sum(bool(one["finished"]) for one in watcher.operations())
    task_id = f"{product.twin.topology.registry_id(APPLICATIONS)}/tasks/{name}"
    watcher.arm("POST", APPLICATIONS, "scheduleRun", {"type": "TaskRunRequest", "taskId": task_id})
    eventually("the task has run", lambda: sum(bool(one["finished"]) for one in watcher.operations()) > before)


def told(product: Product) -> ImpactTold:
    """Return what is told of the product's entry, once what is known is up to date."""
    parts = product.parts
    parts.dependants.impact.of_entry(parts.watch_lists.in_force(), "it")
    product.settle()
    return parts.dependants.impact.of_entry(parts.watch_lists.in_force(), "it")


def test_a_task_that_is_built_on_what_another_pushes_comes_after_it(played: Product) -> None:
    topology, name = played.twin.topology, played.target.rpartition("/")[2]
    push_image(topology.http("backing_base"), played.target, "1", "first")
    make(played, f"runtime-{name}", f"{topology.address('base')}/{played.target}:1", f"middle/{name}:1")
    make(played, f"shop-{name}", f"{topology.address('applications')}/middle/{name}:1", f"shop/{name}:1", "payments")
    found = told(played)
    ours = [one for one in found.dependants if name in one.id]
    assert [(one.id.rpartition("/")[2], one.level, one.before.value, one.owner) for one in ours] == [
        (f"runtime-{name}", 0, "good", None),
        (f"shop-{name}", 1, "good", "payments"),
    ]
    assert found.whole
    counts = played.counts()["arm"]
    assert counts["list runs"] >= 1
