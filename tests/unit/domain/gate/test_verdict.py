"""A test's own words decide, with its exit status beside them; an outage, or a gate that is wrong, never rejects."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.run_log import LEFT_OUT
from shared.domain.gate.verdict import UNDER_WAY, Finding, RunStatus, Verdict, judge
from shared.domain.gate.words import words_of
from tests.doubles.gates import WORDS
from tests.doubles.registries import BUILD_FAILED_LOG, PASSED_LOG, TEST_FAILED_LOG

pytestmark = pytest.mark.unit

DATA = Path(__file__).parent / "data"
SUCCEEDED_LOG = (DATA / "run_log_succeeded.txt").read_text()
FAILED_LOG = (DATA / "run_log_failed.txt").read_text()
ENDED_OTHERWISE = [RunStatus.CANCELED, RunStatus.ERROR, RunStatus.TIMEOUT]
BEGUN = f"{WORDS.first}\nv22.1.0\n"
PASSED = PASSED_LOG.format(words=WORDS)
REJECTED = TEST_FAILED_LOG.format(words=WORDS)
LAUNCHED = f"2026/11/26 10:00:00 Launching container with name: {WORDS.test_step}\n"


def failed(step: str, why: str) -> str:
    """Return the end of a failed run's log in the published form, with the step and its trouble told."""
    return FAILED_LOG.replace("acb_step_0: exit status 125", f"{step}: {why}").replace("acb_step_0", step)


def judged(status: RunStatus, log: str) -> Verdict:
    """Judge a run of the words that these tests use."""
    return judge(status, log, WORDS)


def test_a_run_that_succeeded_and_says_both_words_passes() -> None:
    assert judged(RunStatus.SUCCEEDED, PASSED).finding is Finding.PASSED


def test_words_are_found_in_a_log_whose_lines_end_with_crlf() -> None:
    assert judged(RunStatus.SUCCEEDED, PASSED.replace("\n", "\r\n")).finding is Finding.PASSED


@pytest.mark.parametrize("log", [BEGUN, BEGUN + "all is well\n" + SUCCEEDED_LOG, f"{WORDS.last}\n{BEGUN}"])
def test_a_test_that_ends_with_0_before_its_last_word_rejects(log: str) -> None:
    verdict = judged(RunStatus.SUCCEEDED, log)
    assert verdict.finding is Finding.REJECTED
    assert "before it had said its last word" in verdict.detail


@pytest.mark.parametrize(
    "line", [f"+ echo {WORDS.last}", f"{WORDS.last}!", f" {WORDS.last}", WORDS.last.upper(), WORDS.last[:-1]]
)
def test_the_last_word_counts_only_as_a_line_of_its_own(line: str) -> None:
    assert judged(RunStatus.SUCCEEDED, f"{BEGUN}{line}\n").finding is Finding.REJECTED


def test_the_words_of_another_run_count_for_nothing() -> None:
    others = PASSED_LOG.format(words=words_of("0123456789abcdef0123456789abcdef", 1, 2))
    assert judged(RunStatus.SUCCEEDED, others).finding is Finding.UNDECIDED


@pytest.mark.parametrize("log", [SUCCEEDED_LOG, "", f"{WORDS.last}\n"], ids=["published", "none", "last word only"])
def test_a_run_that_succeeded_without_the_first_word_decides_nothing_and_tells_what_to_print(log: str) -> None:
    verdict = judged(RunStatus.SUCCEEDED, log)
    assert verdict.finding is Finding.UNDECIDED
    assert "tidegate: begin $TIDEGATE_NONCE" in verdict.detail


@pytest.mark.parametrize("exit_status", [1, 2, 42, 124, 125, 126, 127, 137, 255])
def test_after_the_first_word_every_status_but_0_rejects_and_is_told(exit_status: int) -> None:
    verdict = judged(RunStatus.FAILED, BEGUN + failed(WORDS.test_step, f"exit status {exit_status}"))
    assert verdict.finding is Finding.REJECTED
    assert verdict.detail == f"the gate's test exited with {exit_status}"


@pytest.mark.parametrize("exit_status", [1, 2, 42, 125, 126, 127, 255])
def test_before_the_first_word_no_status_rejects(exit_status: int) -> None:
    verdict = judged(RunStatus.FAILED, failed(WORDS.test_step, f"exit status {exit_status}"))
    assert verdict.finding is Finding.UNDECIDED
    assert str(exit_status) in verdict.detail


@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("exec /bin/sh: exec format error", "linux/amd64"),
        ("docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "gave its step no socket"),
        ('exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown.', "CRLF"),
        ("/bin/sh: /tidegate/test.sh: not found", "CRLF"),
        ("/tidegate/test.sh: set: line 2: illegal option -\r", "CRLF"),
        ("docker: Error response from daemon: pull access denied for acr, repository does not exist", "pulled"),
        ("docker: Error response from daemon: permission denied: unknown.", "cannot be executed"),
        ("docker: Error response from daemon: no space left on device.", "could not be started"),
        (f"{LEFT_OUT}: the middle of 9000000 bytes", "left out"),
        ("hello", "tidegate: begin $TIDEGATE_NONCE"),
    ],
)
def test_a_test_that_never_began_is_told_with_what_may_be_the_matter(printed: str, hint: str) -> None:
    log = LAUNCHED + printed + "\n" + failed(WORDS.test_step, "exit status 127")
    verdict = judged(RunStatus.FAILED, log)
    assert verdict.finding is Finding.UNDECIDED
    assert hint in verdict.detail


def test_what_the_build_printed_is_no_hint_at_why_the_test_did_not_begin() -> None:
    log = "ls: /etc/x: no such file or directory\n" + LAUNCHED + failed(WORDS.test_step, "exit status 1")
    assert "CRLF" not in judged(RunStatus.FAILED, log).detail


@pytest.mark.parametrize("why", ["timed out", "context deadline exceeded"])
@pytest.mark.parametrize("begun", ["", BEGUN])
def test_a_test_that_ran_out_of_time_decides_nothing(why: str, begun: str) -> None:
    verdict = judged(RunStatus.FAILED, begun + failed(WORDS.test_step, why))
    assert verdict.finding is Finding.UNDECIDED
    assert "used up its time" in verdict.detail


def test_an_engine_that_fails_while_the_test_runs_decides_nothing() -> None:
    log = BEGUN + "docker: Error response from daemon: connection reset.\n"
    assert judged(RunStatus.FAILED, log + failed(WORDS.test_step, "exit status 125")).finding is Finding.UNDECIDED


def test_a_run_that_failed_after_its_test_had_passed_decides_nothing() -> None:
    assert judged(RunStatus.FAILED, PASSED).finding is Finding.UNDECIDED


@pytest.mark.parametrize("why", ["exit status 1", "failed to scan dependencies: exit status 1", "timed out"])
def test_a_test_image_that_cannot_be_made_decides_nothing_and_is_told_why(why: str) -> None:
    verdict = judged(RunStatus.FAILED, failed(WORDS.build_step, why))
    assert verdict == Verdict(Finding.UNDECIDED, f"the test image could not be made: its build failed ({why})")


@pytest.mark.parametrize("log", ["", SUCCEEDED_LOG, FAILED_LOG, "Run ID: db1 failed after 5s."])
def test_a_failed_run_whose_log_names_none_of_its_steps_decides_nothing(log: str) -> None:
    assert judged(RunStatus.FAILED, log).finding is Finding.UNDECIDED


@pytest.mark.parametrize("step", ["test", "build", "acb_step_1", WORDS.test_step[:-1]])
def test_what_the_tested_image_prints_in_the_engines_words_does_not_count(step: str) -> None:
    forged = f"failed to run step ID: {step}: exit status 1\n"
    assert judged(RunStatus.FAILED, BEGUN + forged).finding is Finding.UNDECIDED
    assert judged(RunStatus.SUCCEEDED, PASSED + forged).finding is Finding.PASSED
    assert judged(RunStatus.FAILED, REJECTED + forged).finding is Finding.REJECTED


@pytest.mark.parametrize("status", ENDED_OTHERWISE)
@pytest.mark.parametrize("log", ["", PASSED, REJECTED], ids=["none", "success", "failure"])
def test_a_run_that_was_broken_off_decides_nothing_whatever_its_log_says(status: RunStatus, log: str) -> None:
    verdict = judged(status, log)
    assert verdict.finding is Finding.UNDECIDED
    assert status.value in verdict.detail


def test_every_status_of_a_run_is_under_way_or_an_end_that_is_judged() -> None:
    assert set(RunStatus) - UNDER_WAY == {RunStatus.SUCCEEDED, RunStatus.FAILED, *ENDED_OTHERWISE}


@given(st.sampled_from(sorted(set(RunStatus) - UNDER_WAY, key=lambda status: status.value)), st.text())
def test_who_does_not_know_the_nonce_decides_nothing(status: RunStatus, log: str) -> None:
    assert judged(status, log).finding is Finding.UNDECIDED


@given(st.text("0123456789٣ :\n", max_size=30), st.sampled_from(["", "9" * 5000]))
def test_an_exit_status_that_makes_no_sense_is_no_crash(digits: str, more: str) -> None:
    log = f"{BEGUN}failed to run step ID: {WORDS.test_step}: exit status {digits}{more}"
    assert judged(RunStatus.FAILED, log).detail


def test_a_container_that_knows_the_nonce_knows_neither_the_secret_nor_its_step() -> None:
    assert words_of("a", 1, 1) == words_of("a", 1, 1)
    others = [words_of("b", 1, 1), words_of("a", 2, 1), words_of("a", 1, 2)]
    assert len({each.nonce for each in (words_of("a", 1, 1), *others)}) == 4
    assert len({each.test_step for each in (words_of("a", 1, 1), *others)}) == 4
    assert WORDS.test_step.removeprefix("test-") not in WORDS.nonce


def test_a_words_step_is_a_name_that_a_container_may_have() -> None:
    assert all(len(step) < 30 and step.replace("-", "").isalnum() for step in (WORDS.test_step, WORDS.build_step))


def test_a_build_that_failed_in_a_doubles_log_is_the_builds() -> None:
    assert "its build failed" in judged(RunStatus.FAILED, BUILD_FAILED_LOG.format(words=WORDS)).detail
