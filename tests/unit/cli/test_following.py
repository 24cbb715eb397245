"""What is under way is followed to its end, each event told once, and each end has a status of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.cli.commands.watch import end_of
from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.statuses import Status
from tests.doubles.app import AppInMemory
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import ONE, TWO, World
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit

TAG = "node:22-alpine"


@pytest.fixture
def begun(terminal: Terminal) -> Terminal:
    """A candidate that was noticed, and moves a step for each wait."""
    terminal.app = AppInMemory(World())
    terminal.send = terminal.app.send
    world = terminal.app.world
    world.push(ONE)
    world.check()
    world.step()
    terminal.while_waiting = [moving(world) for _ in range(300)]
    return terminal


@pytest.fixture
def moved(begun: Terminal) -> Terminal:
    """The same with a newer candidate, on whose base nothing is built yet."""
    world = begun.app.world
    world.settle()
    world.push(TWO)
    world.check()
    world.step()
    return begun


def moving(world: World) -> Callable[[], None]:
    """Lets the world take its next step, if there is one."""
    return lambda: world.step() if world.outbox.next_due() is not None else None


def test_a_candidate_is_followed_to_its_promotion_and_each_event_is_told_once(begun: Terminal) -> None:
    typed = begun.type("watch", TAG, "--json")
    events = [json.loads(line) for line in typed.out.splitlines()]
    history = begun.app.world.candidate(ONE).history
    assert typed.status == Exit.FINE
    assert {one["tidegate"] for one in events} == {1}
    assert len({(one["at"], one["status"], one["reason"]) for one in events}) == len(events)
    assert events[-1]["status"] == "promoted"
    assert {one.reason.value for one in history} <= {one["reason"] for one in events}


def test_a_candidate_is_followed_to_its_decision_or_to_the_rebuilds_of_what_is_on_it(moved: Terminal) -> None:
    assert moved.type("watch", TAG, "--until", "decided").status == Exit.FINE
    typed = moved.type("watch", TAG, "--until", "rebuilt")
    assert (typed.status, "tidegateapps/shop: succeeded" in typed.out) == (Exit.FINE, True)


def test_where_nothing_is_built_on_it_that_is_said_after_a_minute(begun: Terminal) -> None:
    world = begun.app.world
    world.application_runs.application_tasks = ()
    typed = begun.type("watch", TAG, "--until", "rebuilt")
    assert (typed.status, "nothing is known to be built on it" in typed.err) == (Exit.FINE, True)


def test_a_rebuild_that_fails_is_a_no(moved: Terminal) -> None:
    moved.app.world.application_runs.end("/tasks/shop", RunStatus.FAILED)
    typed = moved.type("watch", TAG, "--until", "rebuilt", "--within", "12h")
    assert (typed.status, "tidegateapps/shop: failed" in typed.out) == (Exit.NO, True)


def test_what_waits_for_people_is_held(terminal: Terminal) -> None:
    terminal.app = AppInMemory(World())
    terminal.send = terminal.app.send
    world = terminal.app.world
    world.says(Policy("asked", approval=ApprovalCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    typed = terminal.type("watch", TAG)
    assert (typed.status, "awaiting-approval" in typed.out) == (Exit.HOLD, True)


def test_what_a_newer_digest_takes_the_place_of_is_a_conflict(begun: Terminal) -> None:
    world = begun.app.world
    candidate = world.candidate(ONE).id
    world.push(TWO)
    world.check()
    typed = begun.type("watch", candidate)
    assert (typed.status, world.status(ONE)) == (Exit.CONFLICT, Status.SUPERSEDED)


def test_what_does_not_come_to_its_end_is_late(begun: Terminal) -> None:
    begun.while_waiting = []
    typed = begun.type("watch", TAG, "--within", "40s")
    assert (typed.status, begun.passed) == (Exit.LATE, 40)
    assert f"{TAG} did not come to its end in 40s" in typed.err


def test_while_nothing_changes_it_is_looked_at_less_and_less_often(begun: Terminal) -> None:
    begun.while_waiting = []
    begun.type("watch", begun.app.world.candidate(ONE).id, "--within", "10m")
    looks = [one for one in begun.app.asked if "/candidates/" in one.url]
    assert 600 / 15 <= len(looks) <= 600 / 15 + 6


@pytest.mark.parametrize("status", Status, ids=lambda one: one.value)
@pytest.mark.parametrize("until", ["decided", "promoted"])
def test_every_status_is_an_end_or_is_on_its_way(status: Status, until: str) -> None:
    ends = {
        Status.REJECTED: Exit.NO,
        Status.FAILED: Exit.NO,
        Status.SUPERSEDED: Exit.CONFLICT,
        Status.HELD: Exit.HOLD,
        Status.PROMOTED: Exit.FINE,
        Status.OBSERVED: Exit.FINE,
        Status.MIRRORED: Exit.FINE,
        **({Status.PROMOTING: Exit.FINE} if until == "decided" else {}),
    }
    assert end_of({"status": status.value, "reason": "awaiting-approval"}, until) == ends.get(status)


def test_a_scan_that_runs_holds_nobody_up() -> None:
    assert end_of({"status": "held", "reason": "scan-awaited"}, "promoted") is None


def test_a_check_is_asked_for_and_its_outcome_waited_for(begun: Terminal) -> None:
    world = begun.app.world
    world.settle()
    world.pass_time(timedelta(hours=1))
    assert begun.type("check", "node", "--json").document["repositories"] == ["docker.io/library/node"]
    world.push(TWO)
    world.pass_time(timedelta(hours=1))
    typed = begun.type("check", "--wait")
    assert (typed.status, world.status(TWO)) == (Exit.FINE, Status.PROMOTED)
    assert typed.rows[0][:2] == [TAG, "current"]
    assert begun.type("check", "other").status == Exit.ABSENT


def test_a_check_after_which_something_is_rejected_is_a_no(begun: Terminal) -> None:
    world = begun.app.world
    world.settle()
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(TWO)
    world.pass_time(timedelta(hours=1))
    assert begun.type("check", "--wait", "--within", "2h").status == Exit.NO


def test_a_check_that_is_not_made_in_time_is_late(begun: Terminal) -> None:
    begun.app.world.settle()
    begun.while_waiting = []
    assert begun.type("check", "--wait", "--within", "30s").status == Exit.LATE


def test_a_check_that_finds_nothing_new_need_not_be_written_and_is_believed_after_a_minute(begun: Terminal) -> None:
    begun.app.world.settle()
    before = begun.app.world.candidate(ONE)
    typed = begun.type("check", "--wait")
    assert (typed.status, typed.rows[0][:2]) == (Exit.FINE, [TAG, "current"])
    assert (typed.err, begun.app.world.candidate(ONE)) == ("nothing new was written of node in a minute\n", before)


def test_a_reader_may_follow_and_may_not_ask_for_a_check(begun: Terminal) -> None:
    begun.role = Role.READER
    assert begun.type("watch", TAG, "--until", "decided").status == Exit.FINE
    assert begun.type("check").status == Exit.DENIED
