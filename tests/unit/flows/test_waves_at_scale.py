"""A wave of hundreds: no more at once than the cap, none twice, and little asked for each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.waves.states import WaveState
from tests.bench.waves import Cost, measure

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def cost() -> Cost:
    """Return what a wave of four hundred cost, with a cap of ten."""
    return measure(400, 10, 10)


def test_four_hundred_are_each_built_once_and_never_more_than_ten_at_once(cost: Cost) -> None:
    assert cost.wave is not None
    assert cost.wave.state is WaveState.DONE
    assert (len(cost.wave.members), cost.twice) == (400, ())
    assert cost.most == 10


def test_it_takes_little_longer_than_the_cap_allows(cost: Cost) -> None:
    assert cost.drained <= 1.2


def test_arm_is_asked_three_times_for_each_at_most(cost: Cost) -> None:
    assert cost.arm <= 3


def test_storage_is_asked_eight_times_for_each_at_most_as_it_is_billed(cost: Cost) -> None:
    assert cost.storage <= 8


def test_the_others_begin_some_seconds_after_the_canary_s_end(cost: Cost) -> None:
    assert cost.delay <= timedelta(seconds=10)


def test_a_wave_that_is_larger_than_the_cap_keeps_to_the_cap() -> None:
    assert measure(40, 4, 30).most == 4
