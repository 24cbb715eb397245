"""Which names of runs go: ours, of runs that ended long ago, and that no record knows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.gate.words import run_name_of
from shared.domain.housekeeping.reasons import Goes, Spared
from shared.domain.housekeeping.task_runs import RUNS_STAY, NamedRun, judge_runs
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

NAME = run_name_of("a-candidate", "1~1", "secret")
OLD = MIDDAY - RUNS_STAY


def test_the_name_of_a_run_that_ended_long_ago_goes() -> None:
    assert judge_runs([NamedRun(NAME, OLD)], (), MIDDAY).goes == {NAME: Goes.RUN_ENDED}


@pytest.mark.parametrize(
    ("run", "named", "why"),
    [
        (NamedRun(NAME, OLD), {NAME}, Spared.NAMED),
        (NamedRun(NAME), (), Spared.UNDER_WAY),
        (NamedRun(NAME, OLD + timedelta(seconds=1)), (), Spared.YOUNG),
        (NamedRun("tidegate-nightly", OLD), (), Spared.OTHERS),
        (NamedRun(f"{NAME}0", OLD), (), Spared.OTHERS),
        (NamedRun("somebodys", OLD), (), Spared.OTHERS),
    ],
)
def test_every_other_name_stays_for_a_reason(run: NamedRun, named: tuple[str, ...], why: Spared) -> None:
    judged = judge_runs([run], named, MIDDAY)
    assert (judged.goes, judged.stays) == ({}, {run.name: why})
