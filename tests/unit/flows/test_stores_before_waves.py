"""A store that the version before waves filled: what is under way goes on, and what comes after it goes in waves.

The rows, messages and registries are as that version left them; today's list asks for waves.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.events.messages import decode
from shared.domain.promotion.kept_tasks import KeptTask
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus, rebuild_run_name
from shared.domain.promotion.target import Target
from shared.domain.waves.states import WaveState
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import NODE, TAG, TARGET, THREE, TWO, Died
from tests.unit.flows.waving import ALL, APPS, CANARY, SHOP, Waving, task

pytestmark = pytest.mark.unit

STORES: dict[str, Any] = json.loads((Path(__file__).parent / "store_before_waves.json").read_text())


class Upgraded(Waving):
    """A world whose store the version before filled; of tasks that it was rebuilding the first one runs.

    Args:
        name: of the store.
    """

    def __init__(self, name: str) -> None:
        super().__init__(tasks=())
        self.lose_account()
        store = STORES[name]
        self.clock.now = datetime.fromisoformat(store["now"])
        runs = self.application_runs = BuildingRuns(self.base, self._moment("application_runs"))
        runs.application_tasks = tuple(task(one) for one in ALL)
        self.start()
        for row in store["targets"]:
            self.targets.insert(msgspec.convert(row, Target))
        kept = [msgspec.convert(row, KeptTask) for row in store["tasks"]]
        listing = msgspec.convert(store["listing"], Listing)
        self.listings.keep(self.listings.get(APPS), listing, kept)
        self.base.push(TARGET, TAG, TWO)
        self.hub.push(NODE, TAG, TWO)
        for row in store["rebuilds"]:
            self._taken_over(msgspec.convert(row, Rebuild))
        for _, text in store["messages"]:
            self.outbox.send(decode(text))

    def _taken_over(self, rebuild: Rebuild) -> None:
        self.rebuilds.insert(rebuild)
        if rebuild.status is RebuildStatus.RUNNING:
            run = self.application_runs.start_task(rebuild_run_name(rebuild), rebuild.task_id)
            assert run.run_id == rebuild.live_run


def test_what_was_under_way_goes_on_and_the_next_digest_goes_in_a_wave() -> None:
    world = Upgraded("rebuilding")
    world.run_for(timedelta(hours=2))
    assert {one.task: one.status for one in world.rebuilt()} == dict.fromkeys(ALL, RebuildStatus.SUCCEEDED)
    assert set(world.application_runs.started.values()) == {1}
    world.promote(THREE, timedelta(hours=1))
    assert world.state(3)[0] is WaveState.DONE
    assert [world.runs_of(name, THREE) for name in ALL] == [1, 1, 1]


def test_what_was_decided_and_not_searched_for_goes_in_a_wave() -> None:
    world = Upgraded("promoted")
    world.run_for(timedelta(hours=2))
    assert world.state(2)[0] is WaveState.DONE
    assert [world.runs_of(name) for name in ALL] == [1, 1, 1]


def test_a_signal_that_comes_again_makes_a_wave_that_runs_nobody_twice() -> None:
    """The wave's first attempt is the rebuild that the version before asked for: it has the same id."""
    world = Upgraded("rebuilding")
    (row,) = STORES["promoted"]["messages"]
    for _ in range(3):
        world.outbox.send(decode(row[1]))
        world.run_for(timedelta(minutes=40))
    assert set(world.application_runs.started.values()) == {1}
    assert {world.built_on(name) for name in ALL} == {TWO}


def test_a_canary_that_fails_after_the_upgrade_goes_back_to_what_was_in_force_before() -> None:
    world = Upgraded("rebuilding")
    world.run_for(timedelta(hours=2))
    world.fails(CANARY)
    world.promote(THREE, timedelta(hours=1))
    assert world.state(3) == (WaveState.HELD, "canary-failed")
    assert (world.wave(3).former, world.runs_of(SHOP, THREE)) == (TWO, 0)


@pytest.mark.parametrize("dies_at", range(1, 40, 3))
def test_whoever_dies_while_what_was_under_way_goes_on_runs_nobody_twice(dies_at: int) -> None:
    world, moments = Upgraded("rebuilding"), [0]

    def comes(_: str) -> None:
        moments[0] += 1
        if moments[0] == dies_at:
            raise Died

    world.hook = comes
    world.run_for(timedelta(hours=2))
    assert moments[0] > dies_at
    assert set(world.application_runs.started.values()) == {1}
    assert {one.status for one in world.rebuilt()} == {RebuildStatus.SUCCEEDED}


def test_the_rows_are_those_of_a_version_without_waves() -> None:
    (target,) = STORES["rebuilding"]["targets"]
    assert "canaried" not in target
    assert all(not {"wave", "kind", "attempt", "turn"} & {*row} for row in STORES["rebuilding"]["rebuilds"])
    assert {msgspec.convert(row, Rebuild).base_digest for row in STORES["rebuilding"]["rebuilds"]} == {TWO}
