"""Waves beside other tags and other people: what failed for one tag stands for others, and goes back by itself once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion import actions
from shared.domain.promotion.said import Guilt, Said
from shared.domain.references import Tag
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave
from tests.doubles.world import ONE, TWO
from tests.unit.flows.test_waves_and_deaths import HAPPENS, Counted
from tests.unit.flows.waving import APPS, CANARY, RESTORE, Waving, asking, task

pytestmark = pytest.mark.unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OTHER = Tag("20-alpine")
BOTH = asking(RESTORE, f"[{APPS}/{CANARY}, {APPS}/canary20]").replace(b"[22-alpine]", b"[22-alpine, 20-alpine]")


# 19


def test_what_fails_for_one_tag_is_left_to_another_that_it_stands_well_for_and_that_is_told() -> None:
    made = task("canary20")
    of_other = msgspec.structs.replace(made, dependencies=(msgspec.structs.replace(made.dependencies[0], tag=OTHER),))
    world = Waving(BOTH, [CANARY, of_other])
    world.promote(ONE, tag=OTHER)
    world.fails(CANARY)
    world.push(TWO)
    world.push(TWO, OTHER)
    world.do(world.check)
    world.run_for(3 * HOUR)
    assert (world.target().seen, world.target(OTHER).seen) == (ONE, TWO)
    assert (world.canaried().digest, world.target(OTHER).canaried) == (TWO, ())
    told = world.activity.of(f"target:{world.target(OTHER).id}", 20)
    assert [one.name for one in told].count("digest-failed-elsewhere") == 1
    assert "digest-failed-elsewhere" not in [one.name for one in world.activity.of(f"target:{world.target().id}", 20)]


# 20


def test_a_tag_goes_back_from_one_digest_by_itself_once_and_the_second_turn_is_held() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    assert (world.target().seen, world.canaried().guilt) == (ONE, Guilt.CONFIRMED)
    world.pass_time(2 * DAY)
    world.fails(CANARY)
    said = Said("ada", "once more", world.clock())
    world.book.change(world.target().id, lambda known: actions.pin(known, TWO, None, said) if known else None)
    world.book.wake(world.target())
    world.run_for(2 * HOUR)
    number = world.target().number
    assert (world.target().seen, world.state(number)) == (TWO, (WaveState.HELD, "said-by-person"))
    world.book.change(world.target().id, lambda known: actions.unpin(known, said) if known else None)
    world.run_for(2 * DAY)
    restored = [one.record for one in world.waves.every("tidegatebase") if one.record.state is WaveState.RESTORED]
    assert [one.number for one in restored] == [2]
    assert [one.digest for one in world.target().canaried] == [TWO]


# The last read stale.


class Stale(Counted):
    """A world in which whoever reads a wave is told once what it was before its last change.

    Args:
        watch_list: YAML.
        at: the number of the read that is stale; 0 for none.
    """

    def __init__(self, watch_list: bytes, at: int = 0) -> None:
        self.reads, self._at = 0, at
        super().__init__(watch_list)
        self._stale(self.waves)

    def wave(self, number: int = 2) -> Wave:
        """Return a wave as it is: whoever tests is told no stale thing."""
        reads, self.reads = self.reads, -1
        found = super().wave(number)
        self.reads = reads
        return found

    def _stale(self, waves: object) -> None:
        for name in ("get", "due"):
            setattr(waves, name, self._lagging(name, getattr(waves, name)))
        written = self.waves.replace
        self.before: dict[str, object] = {}

        def replace(stored, wave):  # type: ignore[no-untyped-def]
            self.before[wave.id] = stored
            return written(stored, wave)

        self.waves.replace = replace  # type: ignore[method-assign]

    def _lagging(self, name: str, method: Callable[..., object]) -> Callable[..., object]:
        def read(key: object) -> object:
            self.reads += self.reads >= 0
            if self.reads != self._at:
                return method(key)
            if name == "get":
                return self.before.get(str(key)) or method(key)
            return iter([self.before.get(one.record.id, one) for one in method(key)])  # type: ignore[attr-defined]

        return read


@pytest.mark.parametrize(("watch_list", "happens"), HAPPENS[:3])
def test_whoever_reads_a_wave_as_it_was_before_its_last_change_does_nothing_twice(
    watch_list: bytes, happens: Callable[[Counted], None]
) -> None:
    whole = Stale(watch_list)
    happens(whole)
    assert whole.reads > 10
    for at in range(1, whole.reads + 1, 1 if whole.reads < 60 else 3):
        world = Stale(watch_list, at)
        happens(world)
        assert (world.end(), world.counted()) == (whole.end(), whole.counted()), f"read {at}"
