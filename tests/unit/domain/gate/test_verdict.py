"""Only the test's own exit status rejects an image; an outage never does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.verdict import UNDER_WAY, Finding, RunStatus, judge
from tests.doubles.registries import BUILD_FAILED_LOG, TEST_FAILED_LOG

pytestmark = pytest.mark.unit

DATA = Path(__file__).parent / "data"
SUCCEEDED_LOG = (DATA / "run_log_succeeded.txt").read_text()
FAILED_LOG = (DATA / "run_log_failed.txt").read_text()
ENDED_OTHERWISE = [RunStatus.CANCELED, RunStatus.ERROR, RunStatus.TIMEOUT]


def failed_step(step: str, exit_status: int) -> str:
    """Return a failed run's log in the published form, with the step and the exit status told."""
    return FAILED_LOG.replace("acb_step_0", step).replace("exit status 125", f"exit status {exit_status}")


@pytest.mark.parametrize("log", [SUCCEEDED_LOG, "", TEST_FAILED_LOG], ids=["published", "none", "misleading"])
def test_a_run_that_succeeded_passes_whatever_its_log_says(log: str) -> None:
    assert judge(RunStatus.SUCCEEDED, log).finding is Finding.PASSED


@pytest.mark.parametrize("exit_status", [1, 2, 42, 124, 126, 127, 137, 255])
def test_a_test_that_exits_with_another_status_than_0_rejects_and_says_which(exit_status: int) -> None:
    verdict = judge(RunStatus.FAILED, failed_step("test", exit_status))
    assert verdict.finding is Finding.REJECTED
    assert verdict.detail == f"the gate's test exited with {exit_status}"


def test_a_container_that_the_engine_could_not_start_decides_nothing() -> None:
    assert judge(RunStatus.FAILED, failed_step("test", 125)).finding is Finding.UNDECIDED


def test_a_test_step_that_never_ran_decides_nothing() -> None:
    assert judge(RunStatus.FAILED, "failed to run step ID: test\n").finding is Finding.UNDECIDED


@pytest.mark.parametrize("log", [FAILED_LOG, BUILD_FAILED_LOG, failed_step("build", 1), failed_step("test-2", 1)])
def test_another_step_that_failed_decides_nothing_and_is_named(log: str) -> None:
    verdict = judge(RunStatus.FAILED, log)
    assert verdict.finding is Finding.UNDECIDED
    assert verdict.detail.startswith("the test image could not be made: step '")


@pytest.mark.parametrize("log", ["", SUCCEEDED_LOG, "Run ID: db1 failed after 5s. Error: failed during run"])
def test_a_failed_run_whose_log_names_no_step_decides_nothing(log: str) -> None:
    assert judge(RunStatus.FAILED, log).finding is Finding.UNDECIDED


def test_what_the_tested_image_prints_does_not_count_once_the_run_says_which_step_failed() -> None:
    printed = "failed to run step ID: build: exit status 1\n"
    assert judge(RunStatus.FAILED, printed + failed_step("test", 1)).finding is Finding.REJECTED
    assert judge(RunStatus.FAILED, TEST_FAILED_LOG + failed_step("build", 1)).finding is Finding.UNDECIDED


@pytest.mark.parametrize("status", ENDED_OTHERWISE)
@pytest.mark.parametrize("log", ["", SUCCEEDED_LOG, TEST_FAILED_LOG], ids=["none", "success", "failure"])
def test_a_run_that_was_broken_off_decides_nothing_whatever_its_log_says(status: RunStatus, log: str) -> None:
    verdict = judge(status, log)
    assert verdict.finding is Finding.UNDECIDED
    assert status.value in verdict.detail


def test_every_status_of_a_run_is_under_way_or_an_end_that_is_judged() -> None:
    assert set(RunStatus) - UNDER_WAY == {RunStatus.SUCCEEDED, RunStatus.FAILED, *ENDED_OTHERWISE}


@given(st.sampled_from(sorted(set(RunStatus) - UNDER_WAY, key=lambda status: status.value)), st.text())
def test_an_arbitrary_log_never_rejects(status: RunStatus, log: str) -> None:
    assert judge(status, log).finding is not Finding.REJECTED


@given(st.text("0123456789٣ :\n", max_size=30), st.sampled_from(["", "9" * 5000]))
def test_an_exit_status_that_makes_no_sense_is_no_crash(digits: str, more: str) -> None:
    assert judge(RunStatus.FAILED, f"failed to run step ID: test: exit status {digits}{more}").detail
