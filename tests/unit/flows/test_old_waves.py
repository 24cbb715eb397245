"""Waves that are over are deleted once nobody will read them any more, and none that somebody may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.waves.keeping import WAVE_KEPT
from shared.domain.waves.states import MemberState, WaveState
from shared.wave_ports import StoredWave
from tests.doubles.world import THREE, TWO, Died, digest_of
from tests.unit.flows.waving import ALL, CANARY, RESTORE, Waving, asking

pytestmark = pytest.mark.unit

FOUR = digest_of("four")
_LONG = WAVE_KEPT + timedelta(days=1)


def grown_old(*digests: str, watch_list: bytes | None = None) -> Waving:
    """Return a world whose tag was decided on some times, and whose waves are old, with nobody having swept since."""
    world = Waving(watch_list)
    for digest in digests or (TWO, THREE, FOUR):
        world.promote(digest, timedelta(hours=1))  # type: ignore[arg-type]  # digests
    world.pass_time(_LONG)
    return world


def numbers(world: Waving) -> list[int]:
    """Return the decisions whose waves are there."""
    return [one.record.number for one in world.waves.every("tidegatebase")]


def test_old_waves_go_but_for_that_in_force_and_the_one_before() -> None:
    world = grown_old()
    assert (world.target().number, numbers(world)) == (4, [2, 3, 4])
    world.sweep()
    assert numbers(world) == [3, 4]


def test_a_wave_stays_for_as_long_as_scans_do() -> None:
    world = grown_old()
    world.clock.now -= timedelta(days=2)
    world.sweep()
    assert numbers(world) == [2, 3, 4]


def test_one_that_waits_for_a_person_or_has_something_to_tell_stays() -> None:
    world = grown_old()
    held = world.waves.get(f"{world.target().id}~2")
    assert held is not None
    world.waves.replace(held, msgspec.structs.replace(held.record, look_at=world.clock() + timedelta(days=1)))
    world.sweep()
    assert numbers(world) == [2, 3, 4]


def test_a_search_that_comes_late_plans_no_wave_anew() -> None:
    world = grown_old()
    world.sweep()
    before = dict(world.application_runs.started)
    world.list_tasks()
    world.look_at_base()
    world.run_for(timedelta(hours=2))
    assert (numbers(world), dict(world.application_runs.started)) == ([3, 4], before)


def test_the_way_back_is_known_after_the_wave_before_it_is_old() -> None:
    """A digest that nobody was built on is nothing to go back to: the wave before says what is."""
    world = grown_old(TWO, THREE, watch_list=asking(RESTORE))
    world.sweep()
    world.fails(CANARY)
    world.promote(FOUR, timedelta(hours=1))
    assert world.state(4)[0] is WaveState.RESTORED
    assert world.target().wanted == THREE
    assert world.canaried().restored == 5


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_whoever_dies_while_waves_are_deleted_leaves_what_the_next_one_deletes(dies_at: int) -> None:
    world, moments = grown_old(), [0]

    def comes(name: str) -> None:
        moments[0] += "waves" in name
        if moments[0] == dies_at:
            moments[0] = 99
            raise Died

    world.hook = comes
    world.do(world.sweep)
    world.hook = None
    assert numbers(world) == [3, 4]
    world.run_for(timedelta(hours=1))
    assert {world.member(name, 4) for name in ALL} == {MemberState.BUILT}


def test_they_are_looked_for_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    world, asked = grown_old(), list[datetime]()
    every = world.waves.every

    def noted(registry: str, *, by: datetime | None = None, **wanted: Any) -> Iterator[StoredWave]:
        asked.extend([by] if by is not None else [])
        return every(registry, by=by, **wanted)

    monkeypatch.setattr(world.waves, "every", noted)
    for pause in (0, 1, 1, 23):
        world.pass_time(timedelta(hours=pause))
        world.sweep()
    assert len(asked) == 2
