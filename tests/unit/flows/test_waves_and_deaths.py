"""Whoever dies at any moment of a wave, and whatever is told twice: it ends the same, and nobody is run twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.domain.promotion.said import Said
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Spoken, Word
from shared.errors import Paced, RateLimited, ServiceError, Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.world import ONE, THREE, TWO
from tests.unit.flows.manners import Telling, after_each_write
from tests.unit.flows.waves_told import MOST, OF_WAVES
from tests.unit.flows.waving import ALL, CANARY, CONTINUE, RESTORE, Waving, asking

pytestmark = pytest.mark.unit

_BEFORE, _SHORT = timedelta(minutes=40), timedelta(minutes=25)


class Counted(Waving):
    """A world of which it is told where it came to.

    Args:
        watch_list: YAML.
        doubled: whether every message comes twice.
    """

    def __init__(self, watch_list: bytes, *, doubled: bool = False) -> None:
        self._doubled = False
        super().__init__(watch_list)
        self._doubled = doubled

    def work(self, delivery: Delivery) -> None:
        """Work on a message, and once more if all of them come twice; one whose work failed comes again by itself."""
        for _ in range(2 if self._doubled else 1):
            with suppress(ServiceError):
                super().work(delivery)

    def end(self) -> tuple[object, ...]:
        """Return all that counts of where it came to."""
        waves = [(one.record.number, one.record.state, one.record.reason) for one in self.waves.every("tidegatebase")]
        members = [
            (one.record.number, each.target, each.state)
            for one in self.waves.every("tidegatebase")
            for each in one.record.members
        ]
        known = [(one.digest, one.guilt, one.restored) for one in self.target().canaried]
        return (waves, members, known, self.target().wanted, self.target().seen, self.target().number)

    def counted(self) -> dict[str, int]:
        """Return how often each task was run, on which digest."""
        return {f"{name} on {digest}": self.runs_of(name, digest) for name in ALL for digest in (ONE, TWO, THREE)}


def all_pass(world: Counted) -> None:
    """Everybody is built."""
    world.promote(TWO, _BEFORE)
    assert world.state()[0] is WaveState.DONE


def goes_back(world: Counted) -> None:
    """The canary fails, and its control passes."""
    world.fails(CANARY)
    world.promote(TWO, 2 * _BEFORE)
    assert world.state()[0] is WaveState.RESTORED


def control_fails(world: Counted) -> None:
    """The canary fails on both."""
    world.fails(CANARY, times=4)
    world.promote(TWO, 2 * _BEFORE)
    assert world.state(3) == (WaveState.HELD, "control-failed")


def superseded(world: Counted) -> None:
    """A newer digest comes while the canary runs, whose failure comes late."""
    world.application_runs.looks = 10**6
    world.fails(CANARY, times=1)
    world.promote(TWO, _SHORT)
    world.promote(THREE, _SHORT)
    world.application_runs.looks = 1
    world.application_runs.finish()
    # Where a message was lost the sweep comes first, and a wave that nobody wakes looks by itself ten minutes later.
    world.run_for(2 * _SHORT)
    assert world.state()[0] is WaveState.SUPERSEDED


def spoken_of(word: Word) -> Callable[[Counted], None]:
    """Return what happens when a person says something of a held wave."""

    def happens(world: Counted) -> None:
        world.fails(CANARY)
        world.promote(TWO, _BEFORE)
        said = Spoken(word, Said("ada", "I looked", world.clock()))
        name = world.wave().id
        world.do(lambda: world.rolling.book.change(name, lambda known: spoke(known, said) if known else None))
        world.run_for(_BEFORE)

    return happens


HAPPENS = [
    pytest.param(asking(), all_pass, id="everybody is built"),
    pytest.param(asking(RESTORE), goes_back, id="the tag goes back"),
    pytest.param(asking(RESTORE), control_fails, id="the control fails"),
    pytest.param(asking(RESTORE), superseded, id="a newer digest comes"),
    pytest.param(asking(), spoken_of(Word.CONTINUE), id="a person continues"),
    pytest.param(asking(), spoken_of(Word.RESTORE), id="a person goes back"),
    pytest.param(asking(CONTINUE), all_pass, id="failures would be passed over"),
]


@pytest.mark.parametrize(("watch_list", "happens"), HAPPENS)
def test_whoever_dies_after_any_write_is_gone_on_for_to_the_same_end(
    watch_list: bytes, happens: Callable[[Counted], None]
) -> None:
    whole = Counted(watch_list)
    happens(whole)

    def story(telling: Telling) -> None:
        telling.begins(of=OF_WAVES)
        happens(telling.world)  # type: ignore[arg-type]

    for world in after_each_write(lambda: Counted(watch_list), story, most=MOST):
        assert isinstance(world, Counted)
        assert (world.end(), world.counted()) == (whole.end(), whole.counted())


@pytest.mark.parametrize(("watch_list", "happens"), HAPPENS)
def test_whatever_is_told_twice_comes_to_the_same_end(watch_list: bytes, happens: Callable[[Counted], None]) -> None:
    whole, twice = Counted(watch_list), Counted(watch_list, doubled=True)
    happens(whole)
    happens(twice)
    assert (twice.end(), twice.counted()) == (whole.end(), whole.counted())


@pytest.mark.parametrize(("watch_list", "happens"), HAPPENS[:3])
@pytest.mark.parametrize("method", ["get", "insert", "replace", "due"])
@pytest.mark.parametrize("error", [Unavailable("503"), RateLimited("429", retry_after=2.0)])
def test_a_table_that_does_not_answer_for_a_while_changes_nothing_of_the_end(
    watch_list: bytes, happens: Callable[[Counted], None], method: str, error: ServiceError
) -> None:
    whole, world = Counted(watch_list), Counted(watch_list)
    happens(whole)
    world.waves.fail(method, error, error)
    happens(world)
    assert (world.end(), world.counted()) == (whole.end(), whole.counted())


@pytest.mark.parametrize("error", [Unavailable("503"), Paced("not yet", retry_after=2.0)])
def test_a_base_registry_that_does_not_say_what_the_tag_bears_is_asked_again(error: ServiceError) -> None:
    whole, world = Counted(asking()), Counted(asking())
    all_pass(whole)
    world.promote(TWO, timedelta(seconds=30))
    world.base.fail("digest", error)
    world.run_for(_BEFORE)
    assert (world.end(), world.counted()) == (whole.end(), whole.counted())
