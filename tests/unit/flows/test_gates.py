"""What becomes of a candidate by what its gate's run says, and by what it does not say."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Candidate, run_name, run_words
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import InvalidReference
from tests.doubles.gates import GATE_FILES
from tests.doubles.registries import PASSED_LOG, TEST_FAILED_LOG
from tests.doubles.world import ONE, TAG, TARGET, Died, World

pytestmark = pytest.mark.unit


@pytest.fixture
def world() -> World:
    made = World()
    made.push(ONE)
    made.check()
    return made


def reasons(candidate: Candidate) -> list[Reason]:
    """Return why a candidate changed, in order."""
    return [change.reason for change in candidate.history]


def until_validating(world: World) -> Candidate:
    """Work until the gate of the first candidate is under way."""
    world.until(ONE, Status.VALIDATING)
    return world.candidate(ONE)


def rewrite(world: World, **fields: object) -> None:
    """Change the first candidate's record behind the product's back."""
    stored = world.candidates.get(world.candidate(ONE).id)
    assert stored is not None
    world.candidates.replace(stored, msgspec.structs.replace(stored.record, **fields))


def test_a_test_that_says_its_last_word_lets_the_image_through(world: World) -> None:
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE


@pytest.mark.parametrize("log", ["", "all is well\n", PASSED_LOG.replace("{words.first}", "hello")])
def test_a_run_that_only_succeeds_promotes_nothing_and_fails_in_the_end(world: World, log: str) -> None:
    world.staging_runs.end(ONE, *[RunStatus.SUCCEEDED] * 3, log=log)
    world.settle()
    assert world.status(ONE) is Status.FAILED
    assert world.base.tags == {}


def test_a_test_that_is_ended_early_rejects_the_image(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.SUCCEEDED, log="{words.first}\n")
    world.settle()
    assert world.status(ONE) is Status.REJECTED


def test_every_run_is_given_words_of_its_own(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.TIMEOUT)
    world.settle()
    first, second = [gate.words for _, gate in world.staging_runs.gates]
    assert len({first.nonce, second.nonce, first.test_step, second.test_step}) == 4


def test_whoever_dies_between_claiming_a_run_and_scheduling_it_is_followed_with_the_same_words(world: World) -> None:
    def die(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.hook = None
            raise Died

    world.hook = die
    claimed = until_validating(world)
    world.settle()
    world.pass_time(timedelta(minutes=4))
    world.sweep()
    world.settle()
    (name, gate), *others = world.staging_runs.gates
    assert (name, gate.words, others) == (run_name(claimed), run_words(claimed), [])
    assert world.status(ONE) is Status.PROMOTED


def test_a_run_that_nobody_scheduled_is_scheduled_by_one_of_two_workers_that_look_at_once(world: World) -> None:
    """ARM starts another run when a name is put again after its run failed."""
    world.staging_runs.end(ONE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.staging_runs.looks = 0

    def die(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.hook = None
            raise Died

    world.hook = die
    claimed = until_validating(world)
    assert world.staging_runs.started.total() == 0
    read = world.candidates.get(claimed.id)
    assert read is not None

    def overtake(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.hook = None
            world.candidate_looker.look(read)

    world.hook = overtake
    world.candidate_looker.look(read)
    world.settle()
    assert (world.status(ONE), world.staging_runs.started[ONE]) == (Status.REJECTED, 1)
    assert reasons(world.candidate(ONE)).count(Reason.GATE_STARTED) == 1
    assert world.candidate(ONE).runs == 1


def test_a_run_that_nobody_scheduled_is_scheduled_although_whoever_claimed_it_again_dies_too(world: World) -> None:
    deaths = iter(range(2))

    def die(moment: str) -> None:
        if moment == "staging_runs.before:start_gate" and next(deaths, None) is not None:
            raise Died

    world.hook = die
    until_validating(world)
    for _ in range(3):
        world.settle()
        world.pass_time(timedelta(minutes=4))
        world.sweep()
    world.settle()
    assert (world.status(ONE), world.staging_runs.started[ONE]) == (Status.PROMOTED, 1)


def test_a_strange_run_under_a_runs_name_is_told_and_passed_by(world: World) -> None:
    def plant(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.staging_runs.plant(run_name(world.candidate(ONE)))
            world.hook = None

    world.hook = plant
    world.settle()
    candidate = world.candidate(ONE)
    assert Reason.STRANGE_RUN in reasons(candidate)
    assert (candidate.status, candidate.runs) == (Status.PROMOTED, 2)


def test_a_strange_run_found_later_is_passed_by_too(world: World) -> None:
    world.staging_runs.tells_ids = False
    claimed = until_validating(world)
    world.staging_runs.plant(run_name(claimed))
    world.settle()
    assert Reason.STRANGE_RUN in reasons(world.candidate(ONE))
    assert world.status(ONE) is Status.PROMOTED


def test_a_run_whose_id_is_known_is_followed_whoever_takes_its_name_later(world: World) -> None:
    claimed = until_validating(world)
    assert claimed.live_run == "run1"
    world.staging_runs.plant(run_name(claimed))
    world.settle()
    assert (world.status(ONE), world.candidate(ONE).runs) == (Status.PROMOTED, 1)
    assert world.staging_runs.asked["find"] == 0


def test_an_id_that_scheduling_did_not_tell_is_learnt_at_the_first_look_by_name(world: World) -> None:
    world.staging_runs.tells_ids = False
    world.staging_runs.looks = 3
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
    assert (world.staging_runs.asked["find"], world.staging_runs.asked["look"]) == (1, 3)


def test_a_run_whose_id_is_no_more_is_looked_for_by_its_name(world: World) -> None:
    until_validating(world)
    rewrite(world, live_run="gone")
    world.settle()
    assert (world.status(ONE), world.staging_runs.started[ONE]) == (Status.PROMOTED, 1)
    assert world.candidate(ONE).live_run == "run1"


def test_a_run_noted_as_unnamed_by_an_earlier_version_is_followed(world: World) -> None:
    claimed = until_validating(world)
    rewrite(world, live_run="", unnamed_run=claimed.live_run)
    world.staging_runs.forget(run_name(claimed))
    world.settle()
    assert (world.status(ONE), world.staging_runs.started[ONE]) == (Status.PROMOTED, 1)


@pytest.mark.parametrize("moment", ["staging_runs.after:start_gate", "candidates.before:replace"])
def test_whoever_dies_before_the_id_of_a_run_is_kept_leaves_one_that_is_found_by_name(
    world: World, moment: str
) -> None:
    started = []

    def die(now: str) -> None:
        started.extend([now] if now == "staging_runs.after:start_gate" else [])
        if started and now == moment:
            world.hook = None
            raise Died

    world.hook = die
    until_validating(world)
    world.settle()
    world.pass_time(timedelta(minutes=4))
    world.sweep()
    world.settle()
    assert (world.status(ONE), world.staging_runs.started[ONE]) == (Status.PROMOTED, 1)
    assert world.staging_runs.asked["find"] == 1


@pytest.mark.parametrize(("ends", "repeated"), [([], [False]), ([RunStatus.TIMEOUT], [False, True])])
def test_only_a_run_after_one_that_decided_nothing_relies_on_nothing_of_before(
    world: World, ends: list[RunStatus], repeated: list[bool]
) -> None:
    world.staging_runs.end(ONE, *ends)
    world.settle()
    assert [gate.repeated for _, gate in world.staging_runs.gates] == repeated


def test_strange_runs_under_every_name_end_as_failed_and_nothing_is_promoted(world: World) -> None:
    def plant(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.staging_runs.plant(run_name(world.candidate(ONE)))

    world.hook = plant
    world.settle()
    assert world.status(ONE) is Status.FAILED
    assert world.base.tags == {}
    assert "not believed" in world.candidate(ONE).last.detail


def test_a_run_of_an_earlier_version_decides_nothing_and_another_is_begun(world: World) -> None:
    until_validating(world)
    rewrite(world, secret="")
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.runs) == (Status.PROMOTED, 2)
    assert any("earlier version" in change.detail for change in candidate.history)


def test_a_gate_that_can_decide_nothing_is_never_run_and_told_with_file_and_line(world: World) -> None:
    careless = GATE_FILES["Dockerfile"].replace(b"ENTRYPOINT", b"CMD")
    world.configuration.gates["node"] = {**GATE_FILES, "Dockerfile": careless}
    world.settle()
    assert world.status(ONE) is Status.FAILED
    assert "gates/node/Dockerfile, line 2: the last stage has no ENTRYPOINT" in world.candidate(ONE).last.detail
    assert world.staging_runs.started.total() == 0


@pytest.mark.parametrize(
    "fields", [{"target": "base/node; id"}, {"target": "base/$(id)"}, {"digest": f"{ONE[:40]}`id`"}]
)
def test_a_record_that_somebody_wrote_shell_into_reaches_no_shell(world: World, fields: dict[str, str]) -> None:
    until_validating(world)
    stored = world.candidates.get(world.candidate(ONE).id)
    assert stored is not None
    bad = msgspec.structs.replace(stored.record, status=Status.STAGED, secret="", runs=0, **fields)
    world.staging_runs.gates.clear()
    with contextlib.suppress(InvalidReference):  # it may be too odd to be written back
        world.validator.begin(stored, bad)
    assert world.staging_runs.gates == []


def test_a_generation_has_a_secret_of_its_own(world: World) -> None:
    world.staging_runs.end(ONE, *[RunStatus.CANCELED] * 3)
    world.settle()
    before = world.candidate(ONE).secret
    world.check(image="node")
    world.settle()
    assert world.candidate(ONE).generation == 2
    assert before
    assert world.candidate(ONE).secret not in {"", before}


def test_a_run_without_a_name_is_followed_by_its_id(world: World) -> None:
    world.staging_runs.named = False
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
    assert world.staging_runs.started[ONE] == 1
    assert Reason.RUN_REPEATED not in reasons(world.candidate(ONE))


@pytest.mark.parametrize("moment", ["staging_runs.before:start_gate", "staging_runs.after:start_gate"])
def test_a_run_without_a_name_that_nobody_noted_is_begun_again_and_that_is_said(world: World, moment: str) -> None:
    def die(now: str) -> None:
        if now == moment:
            world.hook = None
            raise Died

    world.staging_runs.named = False
    world.hook = die
    until_validating(world)
    world.settle()
    world.pass_time(timedelta(minutes=4))
    world.sweep()
    world.settle()
    candidate = world.candidate(ONE)
    assert candidate.status is Status.PROMOTED
    assert reasons(candidate).count(Reason.RUN_REPEATED) == 1
    assert (candidate.runs, world.staging_runs.started[ONE]) == (1, 1 if "before" in moment else 2)


def test_the_next_run_after_one_without_a_name_is_another(world: World) -> None:
    world.staging_runs.named = False
    world.staging_runs.end(ONE, RunStatus.TIMEOUT)
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.runs, world.staging_runs.started[ONE]) == (Status.PROMOTED, 2, 2)
