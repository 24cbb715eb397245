"""What a run says of the platform ends no candidate and counts as no attempt; what it says of its gate is told."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.run_ends import contents_of
from shared.domain.promotion.schedule import AGENT_PATIENCE
from shared.domain.promotion.statuses import Reason, Status
from tests.doubles.gates import GATE_FILES
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import ONE, TAG, TARGET, Died, World

pytestmark = pytest.mark.unit

BEGUN = "Executing step ID: {words.build_step}\n"


@pytest.fixture
def world() -> World:
    made = World()
    made.push(ONE)
    made.check()
    return made


def reasons(candidate: Candidate) -> list[Reason]:
    return [change.reason for change in candidate.history]


def until_validating(world: World) -> Candidate:
    """Work until the gate of the first candidate is under way."""
    world.until(ONE, Status.VALIDATING)
    return world.candidate(ONE)


def test_runs_that_find_no_agent_in_time_end_no_candidate_however_many_there_are(world: World) -> None:
    world.staging_runs.end(ONE, *[RunStatus.TIMEOUT] * 8)
    world.settle()
    record = world.candidate(ONE)
    assert (record.status, world.staging_runs.started[ONE]) == (Status.PROMOTED, 9)
    assert (record.runs, record.unanswered, record.failures) == (9, 8, 0)


def test_that_no_agent_was_found_is_one_line_with_how_often(world: World) -> None:
    world.staging_runs.end(ONE, *[RunStatus.TIMEOUT] * 8)
    world.settle()
    lines = [change for change in world.candidate(ONE).history if change.reason is Reason.NO_AGENT]
    assert [change.times for change in lines] == [8]
    assert "no agent took run" in lines[0].detail


def test_attempts_are_counted_without_those_that_found_no_agent(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.TIMEOUT, RunStatus.TIMEOUT)
    world.staging_runs.end(ONE, *[RunStatus.CANCELED] * 3)
    world.settle()
    record = world.candidate(ONE)
    assert (record.status, record.runs, record.unanswered) == (Status.FAILED, 5, 2)
    started = [one.detail for one in record.history if one.reason is Reason.GATE_STARTED]
    assert started[-1] == "gate node, run 3 of at most 3"


def test_a_run_whose_steps_had_begun_when_its_time_was_over_is_an_attempt(world: World) -> None:
    world.staging_runs.end(ONE, *[RunStatus.TIMEOUT] * 3, log=BEGUN)
    world.settle()
    assert (world.status(ONE), world.candidate(ONE).unanswered) == (Status.FAILED, 0)


def test_another_generation_has_all_its_attempts(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.TIMEOUT, *[RunStatus.CANCELED] * 3)
    world.settle()
    world.check(image="node")
    world.settle()
    record = world.candidate(ONE)
    assert (record.generation, record.status, record.unanswered, record.runs) == (2, Status.PROMOTED, 0, 1)


def queued(world: World) -> None:
    """Let the run wait for an agent from now on."""
    for run in world.staging_runs._runs.values():
        run.looks_left, run.status = 0, RunStatus.QUEUED


def test_that_a_run_waits_for_an_agent_is_told_once_and_is_no_failure(world: World) -> None:
    world.staging_runs.looks = 3
    until_validating(world)
    queued(world)
    began = world.clock.now
    while world.clock.now - began < 3 * AGENT_PATIENCE:
        world.step()
    record = world.candidate(ONE)
    assert (record.status, record.failures, record.last.reason) == (Status.VALIDATING, 0, Reason.AGENT_AWAITED)
    assert (reasons(record).count(Reason.AGENT_AWAITED), record.last.times) == (1, 1)
    assert record.last.at - record.since < AGENT_PATIENCE + timedelta(minutes=1)
    for run in world.staging_runs._runs.values():
        run.status = RunStatus.CANCELED
    world.settle()
    assert world.status(ONE) is Status.PROMOTED


def test_a_run_that_is_executed_for_long_waits_for_no_agent(world: World) -> None:
    world.staging_runs.looks = 10_000
    until_validating(world)
    began = world.clock.now
    while world.clock.now - began < 3 * AGENT_PATIENCE:
        world.step()
    assert Reason.AGENT_AWAITED not in reasons(world.candidate(ONE))


def rejected(world: World) -> None:
    """Let the gate reject the digest, and somebody ask for it once more."""
    world.staging_runs.end(ONE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.settle()
    assert world.status(ONE) is Status.REJECTED
    world.check(image="node")


def test_a_gate_that_decides_otherwise_on_the_same_digest_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    rejected(world)
    with caplog.at_level(logging.WARNING, "tidegate.validate"):
        world.settle()
    record = world.candidate(ONE)
    assert (record.status, world.base.tags[TARGET, TAG]) == (Status.PROMOTED, ONE)
    (told,) = [change for change in record.history if change.reason is Reason.GATE_DIFFERS]
    assert "rejected this digest in run run1" in told.detail
    assert "passed it in run run2" in told.detail
    assert told.detail in caplog.text


def test_a_gate_that_was_changed_may_decide_otherwise(world: World) -> None:
    rejected(world)
    world.configuration.gates["node"] = {**GATE_FILES, "more": b"x"}
    world.settle()
    assert Reason.GATE_DIFFERS not in reasons(world.candidate(ONE))
    assert world.status(ONE) is Status.PROMOTED


def test_a_gate_that_decides_the_same_again_tells_nothing(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.FAILED, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.settle()
    world.check(image="node")
    world.settle()
    record = world.candidate(ONE)
    assert (record.status, record.generation) == (Status.REJECTED, 2)
    assert Reason.GATE_DIFFERS not in reasons(record)


def test_runs_between_that_decide_nothing_hide_no_difference(world: World) -> None:
    rejected(world)
    world.staging_runs.end(ONE, RunStatus.CANCELED, RunStatus.TIMEOUT)
    world.settle()
    assert reasons(world.candidate(ONE)).count(Reason.GATE_DIFFERS) == 1


def test_a_death_at_any_moment_tells_of_a_difference_once_and_loses_no_verdict() -> None:
    def begin() -> World:
        made = World()
        made.push(ONE)
        made.check()
        rejected(made)
        made.staging_runs.end(ONE, RunStatus.TIMEOUT)
        return made

    world, moments = begin(), list[str]()
    world.hook = moments.append
    world.settle()
    for number in range(0, len(moments), 2):
        world, left = begin(), [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise Died

        world.hook = die
        world.settle()
        for _ in range(2):
            world.pass_time(timedelta(minutes=20))
            world.sweep()
            world.settle()
        record = world.candidate(ONE)
        assert left[0] < 0
        assert record.status is Status.PROMOTED, f"moment {number}: {moments[number]}"
        assert reasons(record).count(Reason.GATE_DIFFERS) == 1, f"moment {number}: {moments[number]}"
        assert (record.runs, record.unanswered) == (2, 1), f"moment {number}: {moments[number]}"


def test_the_same_files_have_the_same_hash_and_no_others() -> None:
    files = {"a": b"1", "b": b"2"}
    assert contents_of(files) == contents_of(dict(reversed(files.items())))
    others = [{"a": b"12"}, {"a": b"1"}, {"a": b"2", "b": b"1"}, {"a1": b"", "b": b"2"}, {**files, "c": b""}]
    assert len({contents_of(one) for one in [files, *others]}) == 1 + len(others)


def test_a_candidate_of_today_is_read_without_a_verdict(world: World) -> None:
    record = until_validating(world)
    assert record.verdict is None
    world.settle()
    verdict = world.candidate(ONE).verdict
    assert verdict is not None
    assert (verdict.passed, verdict.contents) == (True, contents_of(GATE_FILES))
