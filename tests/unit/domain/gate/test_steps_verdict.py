"""Of a gate with steps of its own, only the engine's words on its steps reject, and only our last word passes."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.steps_verdict import Failed, Told, builds_line, decided, judge_steps, read_steps
from shared.domain.gate.verdict import UNDER_WAY, Finding, RunStatus
from shared.domain.gate.words import words_of
from tests.doubles.gates import WORDS
from tests.doubles.steps import STEPS_BEGUN_LOG, STEPS_FAILED_LOG, STEPS_PASSED_LOG

pytestmark = pytest.mark.unit

ENDS = sorted(set(RunStatus) - UNDER_WAY, key=lambda status: status.value)
BEGUN, PASSED, FAILED = (each.format(words=WORDS) for each in (STEPS_BEGUN_LOG, STEPS_PASSED_LOG, STEPS_FAILED_LOG))
DOCKER = "docker: Error response from daemon: no space left on device.\n"
RUN_FAILED = "The command '/bin/sh -c test -x /bin/node' returned a non-zero code: 3\n"
BUILDKIT_FAILED = (
    'ERROR: failed to solve: process "/bin/sh -c test -x /bin/node" did not complete successfully: exit code: 3\n'
)


def failed(step: str, why: str, printed: str = "") -> str:
    """Return the log of a run in which a step failed."""
    launched = f"Launching container with name: {step}\n{printed}"
    return f"{BEGUN}{launched}failed to run step ID: {step}: {why}\nRun ID: cf1 failed after 5s.\n"


def every_told() -> list[Told]:
    """Return all that can be told of a run, one of each kind."""
    flags, whys, statuses = (False, True), ("exit status 1", "timed out", ""), (None, 0, 1, 125)
    return [
        Told(begun, passed, kind, "shop", why, status, engine)
        for begun, passed, kind, why, status, engine in product(flags, flags, Failed, whys, statuses, flags)
    ]


@pytest.mark.parametrize("status", ENDS)
def test_of_all_that_can_be_told_one_case_passes_and_only_a_gates_own_step_rejects(status: RunStatus) -> None:
    for told in every_told():
        finding = decided(status, told).finding
        ran_out = told.why == "timed out"
        engine = told.failed is Failed.CMD and told.exit_status == 125 and told.engine_failed
        said_no = told.failed in {Failed.CMD, Failed.BUILD} and told.exit_status is not None and not ran_out
        passes = status is RunStatus.SUCCEEDED and told.begun and told.passed
        rejects = status is RunStatus.FAILED and told.begun and said_no and not engine
        assert (finding is Finding.PASSED) == passes
        assert (finding is Finding.REJECTED) == rejects
        assert (finding is Finding.UNDECIDED) == (not passes and not rejects)


@pytest.mark.parametrize("log", [PASSED, PASSED.replace("\n", "\r\n")])
def test_a_run_that_succeeded_and_says_both_words_passes(log: str) -> None:
    assert judge_steps(RunStatus.SUCCEEDED, log, WORDS).finding is Finding.PASSED


@pytest.mark.parametrize("exit_status", [1, 2, 7, 124, 126, 127, 137, 255])
def test_a_step_that_fails_rejects_and_is_told_with_its_status(exit_status: int) -> None:
    verdict = judge_steps(RunStatus.FAILED, failed("func-tests", f"exit status {exit_status}"), WORDS)
    assert verdict.finding is Finding.REJECTED
    assert verdict.detail == f"the gate's step 'func-tests' exited with {exit_status}"


def test_a_step_that_is_repeated_and_fails_each_time_rejects() -> None:
    log = failed("func-tests", "exit status 3, exit status 4")
    assert judge_steps(RunStatus.FAILED, log, WORDS).detail == "the gate's step 'func-tests' exited with 3"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (failed("func-tests", "timed out"), "used up its time"),
        (failed("func-tests", "context deadline exceeded"), "used up its time"),
        (failed("func-tests", "exit status 1, timed out"), "used up its time"),
        (failed("func-tests", "exit status 125", DOCKER), "container engine failed"),
        (failed("acb_step_4", "failed to push images successfully"), "failed to push images successfully"),
        (failed("built", "failed to scan dependencies: exit status 1"), "failed to scan dependencies"),
        (failed("built", "exit status 1", "pull access denied for x\n"), "no exit status of its own is told"),
        (failed(WORDS.end_step, "exit status 137"), "a step of Tidegate's own failed: exit status 137"),
        (failed(WORDS.files_step, "exit status 1"), "a step of Tidegate's own failed"),
        (BEGUN, "does not say in which step"),
        (PASSED, "does not say in which step"),
        (f"{BEGUN}failed to run step ID: \n", "does not say in which step"),
    ],
)
def test_what_is_the_platforms_fault_or_may_be_decides_nothing(log: str, told: str) -> None:
    verdict = judge_steps(RunStatus.FAILED, log, WORDS)
    assert verdict.finding is Finding.UNDECIDED
    assert told in verdict.detail


@pytest.mark.parametrize("printed", [RUN_FAILED, BUILDKIT_FAILED, BUILDKIT_FAILED.replace("\n", "\r\n")])
def test_a_build_rejects_by_the_status_of_an_instruction(printed: str) -> None:
    verdict = judge_steps(RunStatus.FAILED, failed("built", "exit status 1", printed), WORDS)
    assert verdict.finding is Finding.REJECTED
    assert verdict.detail == "an instruction in the gate's step 'built', a build, exited with 3"


def test_an_instruction_that_failed_in_an_earlier_step_is_not_that_of_a_later_build() -> None:
    log = BEGUN + RUN_FAILED + failed("built", "exit status 1").removeprefix(BEGUN)
    assert judge_steps(RunStatus.FAILED, log, WORDS).finding is Finding.UNDECIDED


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", "the ended before"),
        ("Error: failed to unmarshal task before running: yaml: line 4", ": failed to unmarshal task before running"),
        (f"Executing step ID: {WORDS.begin_step}.\ndocker: Error response from daemon: toomanyrequests", "toomanyreq"),
        (failed(WORDS.begin_step, "exit status 125").removeprefix(BEGUN), "first step was begun"),
    ],
)
def test_a_run_that_never_began_decides_nothing_and_says_what_the_engine_says(log: str, told: str) -> None:
    verdict = judge_steps(RunStatus.FAILED, log, WORDS)
    assert verdict.finding is Finding.UNDECIDED
    assert told.replace("the ended", "the run ended") in verdict.detail


@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.ERROR, RunStatus.TIMEOUT])
@pytest.mark.parametrize("log", ["", PASSED, FAILED], ids=["none", "success", "failure"])
def test_a_run_that_was_broken_off_decides_nothing_whatever_its_log_says(status: RunStatus, log: str) -> None:
    assert judge_steps(status, log, WORDS).finding is Finding.UNDECIDED


FORGED = {
    "the first word and the last, with the nonce": f"{WORDS.first}\n{WORDS.last}\n",
    "the last word of another run": f"{words_of('0' * 32, 1, 2).sealed}\n",
    "our last step's end": f"Successfully executed container: {WORDS.end_step}\n",
    "another list of builds": f"{builds_line(WORDS, ('func-tests',))}\n",
    "the end of a run that succeeded": "Run ID: cf1 was successful after 5s\n",
    "the last word in a line with others": f"+ echo {WORDS.sealed}\n",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_what_the_tested_image_prints_lets_nothing_pass_and_takes_no_rejection_back(forged: str) -> None:
    assert judge_steps(RunStatus.SUCCEEDED, BEGUN + forged, WORDS).finding is Finding.UNDECIDED
    assert judge_steps(RunStatus.SUCCEEDED, forged + BEGUN, WORDS).finding is Finding.UNDECIDED
    rejected = failed("func-tests", "exit status 1", forged)
    assert judge_steps(RunStatus.FAILED, rejected, WORDS).finding is Finding.REJECTED


def test_the_last_step_that_failed_is_the_engines_word_whatever_was_printed_before() -> None:
    forged = f"failed to run step ID: {WORDS.end_step}: exit status 1\nfailed to run step ID: x: timed out\n"
    log = failed("func-tests", "exit status 2", forged)
    assert judge_steps(RunStatus.FAILED, log, WORDS).detail == "the gate's step 'func-tests' exited with 2"


def test_the_last_word_before_the_first_one_is_none() -> None:
    assert judge_steps(RunStatus.SUCCEEDED, f"{WORDS.sealed}\n{BEGUN}", WORDS).finding is Finding.UNDECIDED


@given(st.sampled_from(ENDS), st.text())
def test_who_is_given_all_that_a_gates_steps_are_given_never_passes(status: RunStatus, text: str) -> None:
    said = f"{BEGUN}{text}\n{WORDS.last}\n{text}"
    assert judge_steps(status, said, WORDS).finding is not Finding.PASSED


@given(st.text("0123456789٣, exitstau\n", max_size=30))
def test_an_exit_status_that_makes_no_sense_is_no_crash(why: str) -> None:
    assert read_steps(f"{BEGUN}failed to run step ID: shop: exit status {why}", WORDS).begun


def test_the_steps_of_a_gate_are_given_neither_the_last_word_nor_the_ids_of_ours() -> None:
    assert WORDS.seal != WORDS.nonce
    assert WORDS.begin_step.rpartition("-")[2] not in WORDS.nonce
    assert {WORDS.begin_step[:9], WORDS.end_step[:9]} == {"tidegate-"}
