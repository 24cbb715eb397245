"""A wave of ACR tasks on the twin, whose runs end early, late and twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from infra.local.demo.watching import Watcher
from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import TASK
from infra.local.topology import APPLICATIONS, BASE
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Wave
from tests.integration.conftest import Product
from tests.integration.test_impact_on_the_twin import make

pytestmark = pytest.mark.integration

KINDS = ("canary", "late", "plain")


@pytest.fixture
def waving(product: Product) -> Iterator[Product]:
    """An image that tasks are built on which the app may run; runs are played."""
    before = product.emulated()
    # Later than what other tests on this twin have kept of its tasks.
    product.given, product.gate, product.clock.now = before["assignments"], None, product.clock.now.replace(year=2040)
    product.emulate(runs_played=True)
    watcher, name = Watcher(product.twin.topology), product.target.rpartition("/")[2]
    tasks = f"{product.twin.topology.registry_id(APPLICATIONS)}/tasks"
    for kind in KINDS:
        watcher.give(APP, {TASK: f"{tasks}/{kind}-{name}"})
    asked = f'{{canary: ["{APPLICATIONS}/canary-{name}"], wave: 10, on_canary_failure: hold}}'
    entry = f"name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, rebuild: {asked}"
    product.parts.configuration._container.write("images.yaml", f"images: [{{{entry}}}]".encode())  # type: ignore[attr-defined]
    yield product
    product.emulate(runs_played=before["runs_played"])


def wave_of(product: Product, number: int) -> Wave:
    """Return the wave of a decision."""
    found = product.parts.rolling.book.waves.get(f"{BASE}~{product.target.replace('/', '~')}~1~{number}")
    assert found is not None
    return found.record


def runs_of(product: Product, kind: str) -> list[str]:
    """Return how the runs of a task ended, oldest first."""
    task = f"{kind}-{product.target.rpartition('/')[2]}"
    listed = requests.get(f"{product.twin.topology.http('control')}/runs", timeout=9).json()
    return [one["status"] for one in listed if one["task"] == task]


def test_a_canary_that_ends_twice_is_run_once_more_and_the_others_follow_however_late_they_end(
    waving: Product,
) -> None:
    waving.update("release 1")
    name, base = waving.target.rpartition("/")[2], f"{waving.twin.topology.address('base')}/{waving.target}:1"
    for kind in KINDS:
        make(waving, f"{kind}-{name}", base, f"{kind}/{name}:1")
    waving.fault(front="arm", kind="run", action="end-early", code="Failed", path=f"/canary-{name}$")
    for kind in ("canary", "late"):
        waving.fault(front="arm", kind="run", action="end-late", seconds=1.5, path=f"/{kind}-{name}$")
    waving.update("release 2")
    wave = wave_of(waving, 2)
    assert (wave.state, wave.reason.value) == (WaveState.DONE, "all-built")
    states = {one.target.rpartition("/")[2].partition("-")[0]: one.state for one in wave.members}
    # Where its first run has ended as it really did before it is run once more, it is built already: nothing is run.
    again = {MemberState.BUILT: 2, MemberState.COVERED: 1}[states.pop("canary")]
    assert states == dict.fromkeys(("late", "plain"), MemberState.BUILT)
    assert {kind: len(runs_of(waving, kind)) - 1 for kind in KINDS} == {"canary": again, "late": 1, "plain": 1}
