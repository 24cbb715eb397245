"""A storm of two minutes: nothing is lost, nothing doubled, nothing stuck. Seeds are fixed; others are for by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import play
from tests.chaos.mischief import PLAYERS
from tests.chaos.storm import Settings

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("seed", [1])
def test_a_storm_of_two_minutes_loses_doubles_and_strands_nothing(tmp_path: Path, seed: int) -> None:
    verdict = play(Settings(seed, 120, 10, PLAYERS, tmp_path))
    assert verdict.is_clean, "the printed lines say what is not, and why"
