"""What becomes of a candidate whose gate has steps of its own."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Change, Place
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Repository, Tag
from shared.errors import InvalidReference
from tests.doubles.gates import GATE_FILES
from tests.doubles.registries import PASSED_LOG
from tests.doubles.steps import STEPS_BEGUN_LOG, STEPS_FAILED_LOG, STEPS_FILES, STEPS_PASSED_LOG
from tests.doubles.world import BASE_SERVER, ONE, TAG, TARGET, TWO, World
from tests.unit.examples import candidate

pytestmark = pytest.mark.unit


def made(**files: bytes) -> World:
    """Return a world whose gate is a task, with an image that was just noticed."""
    world = World()
    world.configuration.gates["node"] = {**STEPS_FILES, **files}
    world.push(ONE)
    world.check()
    return world


def change(world: World, reason: Reason) -> Change:
    """Return why the first candidate changed, the last time for a reason."""
    return next(each for each in reversed(world.candidate(ONE).history) if each.reason is reason)


def test_a_gate_of_several_steps_lets_an_image_through_by_our_last_word() -> None:
    world = made()
    world.staging_runs.end(ONE, RunStatus.SUCCEEDED, log=STEPS_PASSED_LOG)
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert "every step of the gate ended well" in change(world, Reason.GATE_PASSED).detail


def test_a_step_that_fails_rejects_and_the_history_says_which_and_with_what() -> None:
    world = made()
    world.staging_runs.end(ONE, RunStatus.FAILED, log=STEPS_FAILED_LOG)
    world.settle()
    assert world.status(ONE) is Status.REJECTED
    assert "the gate's step 'acb_step_2' exited with 7" in world.candidate(ONE).last.detail
    assert world.base.tags == {}


@pytest.mark.parametrize("log", ["", STEPS_BEGUN_LOG, PASSED_LOG, PASSED_LOG + STEPS_BEGUN_LOG])
def test_a_run_that_only_succeeds_promotes_nothing(log: str) -> None:
    world = made()
    world.staging_runs.end(ONE, *[RunStatus.SUCCEEDED] * 3, log=log)
    world.settle()
    assert world.status(ONE) is Status.FAILED
    assert world.base.tags == {}


def test_the_record_and_its_history_say_that_such_a_gate_trusts_the_image() -> None:
    world = made()
    world.settle()
    assert world.candidate(ONE).trusts_image
    assert "it trusts the image" in change(world, Reason.GATE_STARTED).detail


def test_a_gate_that_is_a_dockerfile_is_not_said_to_trust_the_image() -> None:
    world = made()
    world.configuration.gates["node"] = GATE_FILES
    world.settle()
    assert not world.candidate(ONE).trusts_image
    assert "trusts" not in change(world, Reason.GATE_STARTED).detail


def test_a_run_is_judged_as_the_gate_was_when_it_was_begun() -> None:
    world = made()
    world.staging_runs.end(ONE, RunStatus.SUCCEEDED, log=PASSED_LOG)
    world.staging_runs.looks = 3
    while not world.staging_runs.gates:
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.configuration.gates["node"] = GATE_FILES
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.candidate(ONE).trusts_image
    assert world.base.tags == {}


def test_an_unfit_task_is_never_run_and_its_file_and_line_are_told() -> None:
    world = made(**{"task.yaml": b"version: v9\nsteps:\n  - cmd: a {{.Values.image}}\n"})
    world.settle()
    record = world.candidate(ONE)
    assert (record.status, record.last.reason, record.runs) == (Status.FAILED, Reason.REFUSED, 0)
    assert "gates/node/task.yaml, line 1: version: ACR Tasks knows" in record.last.detail
    assert world.staging_runs.gates == []


def test_secrets_without_an_identity_for_the_gate_are_refused_with_their_line() -> None:
    text = (
        "version: v1.1.0\nsteps: [{cmd: 'a {{.Values.image}}'}]\nsecrets:\n- {id: s, keyvault: https://v/secrets/s}\n"
    )
    world = made(**{"task.yaml": text.encode()})
    world.settle()
    assert "task.yaml, line 3: secrets need an identity" in world.candidate(ONE).last.detail
    assert world.staging_runs.gates == []


def test_a_run_is_told_target_candidate_platform_and_what_the_target_bears_now() -> None:
    world = made()
    world.staging_runs.end(ONE, RunStatus.SUCCEEDED, log=STEPS_PASSED_LOG)
    world.settle()
    world.push(TWO)
    world.check()
    world.settle()
    first, second = (gate.given for _, gate in world.staging_runs.gates[:2])
    assert (first.base, second.base) == ("", f"{BASE_SERVER}/{TARGET}@{ONE}")
    assert second.target == f"{BASE_SERVER}/{TARGET}:{TAG}"
    assert (second.candidate, second.platform) == (world.candidate(TWO).id, "linux/amd64")


@pytest.mark.parametrize(
    "fields", [{"source": Repository("docker.io", 'x" $(id)')}, {"targets": (Place("base/node", Tag("22 `id`")),)}]
)
def test_what_a_record_says_reaches_no_shell_unless_it_is_a_reference(fields: dict[str, object]) -> None:
    world = made()
    forged = candidate(**fields)
    with pytest.raises(InvalidReference):
        world.validator._gate_run(forged)


def test_a_record_of_an_earlier_version_trusts_no_image() -> None:
    assert b"trusts_image" not in msgspec.json.encode(candidate())
