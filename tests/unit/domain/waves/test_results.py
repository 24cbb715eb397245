"""What a run says about a digest: it counts only if it is known to be about it, and nothing else is a pass."""

from __future__ import annotations

from itertools import permutations

import pytest

from shared.domain.promotion.rebuilds import EndKind
from shared.domain.waves.results import Baseline, HowKnown, LastRun, Result, Says, TagSeen, baseline_of, verdict
from tests.unit.domain.waves.records import ON_IT, SHOP, broke, ended, failed, passed, result
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

BUILT, FAILED, UNDECIDED = Says.BUILT, Says.FAILED, Says.UNDECIDED


@pytest.mark.parametrize(
    ("reported", "before", "after", "says", "how"),
    [
        pytest.param(TWO, TagSeen(), TagSeen(), BUILT, HowKnown.REPORT, id="the registry says so"),
        pytest.param(ONE, ON_IT, ON_IT, UNDECIDED, HowKnown.REPORT, id="it began before the tag had moved"),
        pytest.param("", ON_IT, ON_IT, BUILT, HowKnown.TAG, id="the tag bore it before and after"),
        pytest.param("", TagSeen(ONE, 2), ON_IT, UNDECIDED, HowKnown.UNKNOWN, id="it did not bear it before"),
        pytest.param("", ON_IT, TagSeen(ONE, 2), UNDECIDED, HowKnown.UNKNOWN, id="it does not bear it after"),
        pytest.param("", ON_IT, TagSeen(TWO, 3), UNDECIDED, HowKnown.UNKNOWN, id="it was decided on meanwhile"),
        pytest.param("", ON_IT, TagSeen(TWO, 2, NOON), UNDECIDED, HowKnown.UNKNOWN, id="others moved it meanwhile"),
        pytest.param("", TagSeen(), TagSeen(), UNDECIDED, HowKnown.UNKNOWN, id="it could not be read"),
    ],
)
def test_a_success_counts_only_if_it_was_built_on_the_digest(
    reported: str, before: TagSeen, after: TagSeen, says: Says, how: HowKnown
) -> None:
    found = result(SHOP, ended(passed=True, reported=reported), before, after)
    assert (found.says(TWO), found.how) == (says, how)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [(ON_IT, ON_IT, FAILED), (TagSeen(ONE, 2), ON_IT, UNDECIDED), (ON_IT, TagSeen(TWO, 3), UNDECIDED)],
)
def test_a_failure_counts_only_if_the_tag_bore_the_digest_all_the_time(
    before: TagSeen, after: TagSeen, says: Says
) -> None:
    assert result(SHOP, ended(passed=False), before, after).says(TWO) is says


def test_what_the_registry_reports_of_a_failed_run_is_of_an_earlier_one_and_is_not_believed() -> None:
    assert result(SHOP, ended(passed=False, reported=TWO), TagSeen(), TagSeen()).says(TWO) is UNDECIDED


def test_a_failure_with_another_base_moved_names_no_culprit() -> None:
    assert result(SHOP, ended(passed=False, moved_too=("base/go:1",))).says(TWO) is UNDECIDED
    assert result(SHOP, ended(passed=True, reported=TWO, moved_too=("base/go:1",))).says(TWO) is BUILT


@pytest.mark.parametrize("success", [True, False])
def test_an_end_by_the_platform_is_never_a_pass_and_never_a_failure(success: bool) -> None:
    run = ended(passed=success, kind=EndKind.PLATFORM, reported=TWO)
    assert result(SHOP, run).says(TWO) is UNDECIDED


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ([passed(SHOP)], BUILT),
        ([failed(SHOP)], None),
        ([failed(SHOP), failed(SHOP, 2)], FAILED),
        ([failed(SHOP), passed(SHOP, 2)], BUILT),
        ([broke(SHOP)], None),
        ([broke(SHOP), broke(SHOP, 2)], None),
        ([broke(SHOP), broke(SHOP, 2), broke(SHOP, 3)], UNDECIDED),
        ([broke(SHOP), failed(SHOP, 2), broke(SHOP, 3)], None),
        ([broke(SHOP), failed(SHOP, 2), failed(SHOP, 3)], FAILED),
        ([failed(SHOP), broke(SHOP, 2), broke(SHOP, 3), broke(SHOP, 4)], UNDECIDED),
        ([], None),
    ],
)
def test_attempts_say_the_same_together_in_every_order(results: list[Result], says: Says | None) -> None:
    assert {verdict(order, TWO) for order in permutations(results)} == {says}


def test_of_those_that_are_no_canaries_one_failure_counts() -> None:
    assert verdict([failed(SHOP)], TWO, failures=1) is FAILED


def test_one_attempt_that_ran_three_times_in_vain_is_undecided() -> None:
    assert verdict([result(SHOP, ended(passed=False, kind=EndKind.PLATFORM, runs=3))], TWO) is UNDECIDED


RUN = LastRun("r1", passed=True, kind=EndKind.BUILD, built_on=ONE, commit="c1", definition="d1")


@pytest.mark.parametrize(
    ("last", "former", "baseline"),
    [
        pytest.param(RUN, ONE, Baseline.GOOD, id="the same commit passed"),
        pytest.param(LastRun("r", False, EndKind.BUILD, ONE), ONE, Baseline.FAILING, id="it was failing before"),
        pytest.param(LastRun("r", False, EndKind.PLATFORM, ONE), ONE, Baseline.UNKNOWN, id="it was cancelled"),
        pytest.param(LastRun("r", False, EndKind.BUILD, TWO), ONE, Baseline.UNKNOWN, id="it failed on another"),
        pytest.param(LastRun("r", False, EndKind.BUILD), ONE, Baseline.UNKNOWN, id="nobody knows on what it failed"),
        pytest.param(LastRun("r", True, EndKind.BUILD, ONE, "c0", "d1"), ONE, Baseline.UNKNOWN, id="other commit"),
        pytest.param(LastRun("r", True, EndKind.BUILD, ONE, "c1", "d0"), ONE, Baseline.UNKNOWN, id="other definition"),
        pytest.param(None, ONE, Baseline.UNKNOWN, id="it never ran"),
        pytest.param(RUN, "", Baseline.UNKNOWN, id="no digest before is known"),
    ],
)
def test_how_a_member_was_before_is_told_by_its_last_run(last: LastRun | None, former: str, baseline: Baseline) -> None:
    assert baseline_of(last, former, "c1", "d1") is baseline
