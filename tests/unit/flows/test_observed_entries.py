"""An entry that is only observed has everything done but promotion: nothing is written into the base registry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.admission import Admission, Waiting, admission_of
from shared.domain.promotion.said import Said
from shared.domain.promotion.standing import Standing, standing
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from shared.errors import Unavailable
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
OBSERVED = WATCH_LIST + b"    mode: observe\n"
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def observed_world(policy: Policy | None = None) -> World:
    """A world whose one entry is only observed."""
    world = World(OBSERVED)
    if policy is not None:
        world.says(policy)
    return world


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets at once."""
    world.push(digest)
    world.check()
    world.run_for(HOUR)


def turn(world: World, text: bytes) -> None:
    """Let the list say another mode, and be read."""
    world.configuration.text = text
    world.run_for(HOUR)


def decided(world: World, digest: Digest) -> Admission:
    """Return what was last decided of a digest."""
    admission = admission_of(world.target(), digest)
    assert admission is not None, f"nothing was decided of {digest}"
    return admission


def written(world: World) -> list[str]:
    """Have every write to the base registry noted."""
    calls: list[str] = []
    world.hook = lambda moment: calls.append(moment) if moment.startswith("base.") else None
    return calls


def test_it_is_imported_and_tested_and_comes_to_an_end_of_its_own() -> None:
    world = observed_world()
    calls = written(world)
    arrive(world, ONE)
    candidate, admission = world.candidate(ONE), decided(world, ONE)
    assert (candidate.status, candidate.last.reason) == (Status.OBSERVED, Reason.OBSERVED)
    assert "it would be promoted now" in candidate.last.detail
    assert (admission.outcome, admission.would_be) == (Outcome.HOLD, Outcome.PASS)
    assert calls == []
    assert world.target().wanted == ""


def test_it_is_told_once_and_asks_for_nothing_more() -> None:
    world = observed_world()
    arrive(world, ONE)
    calls: list[str] = []
    world.hook = calls.append
    world.run_for(timedelta(hours=20))
    assert [one.name for one in world.activity.events].count("observing") == 1
    assert [call for call in calls if call.startswith(("targets.", "candidates.", "base."))] == []


def test_what_a_scan_rejects_is_rejected_and_says_that_it_is_observed() -> None:
    world = observed_world(Policy("scanned", test=GateCheck("node"), scan=ScanCheck()))
    arrive(world, ONE)
    assert decided(world, ONE).waits_for is Waiting.SCAN
    world.scan_ends(ONE, BAD)
    world.run_for(HOUR)
    assert world.status(ONE) is Status.REJECTED
    assert decided(world, ONE).would_be is Outcome.REJECT
    assert "observing" in decided(world, ONE).reasons


def test_what_would_soak_soaks_before_it_is_said_that_it_would_be_promoted() -> None:
    world = observed_world(Policy("aged", test=GateCheck("node"), min_age="48h"))
    arrive(world, ONE)
    assert decided(world, ONE).waits_for is Waiting.SOAKING
    assert world.status(ONE) is Status.HELD
    world.run_for(timedelta(hours=48))
    assert decided(world, ONE).would_be is Outcome.PASS
    assert world.status(ONE) is Status.OBSERVED


def test_when_it_is_enforced_what_was_observed_is_promoted_without_another_test() -> None:
    world = observed_world()
    arrive(world, ONE)
    turn(world, WATCH_LIST)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED
    assert world.candidate(ONE).runs == 1


def test_when_it_comes_to_be_observed_what_is_in_use_stays_and_nothing_follows() -> None:
    world = World()
    arrive(world, ONE)
    turn(world, OBSERVED)
    arrive(world, TWO)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(TWO) is Status.OBSERVED
    assert world.target().wanted == ONE
    assert standing(world.observations.of(NODE).tags[TAG], world.target(), world.candidate(TWO)) is Standing.OBSERVED


def test_what_was_decided_and_not_brought_there_yet_is_not_when_it_comes_to_be_observed() -> None:
    world = World()
    arrive(world, ONE)
    world.base.fail("start_import", *[Unavailable("no answer")] * 6)
    world.push(TWO)
    world.check()
    world.run_for(timedelta(minutes=2))
    assert world.target().wanted == TWO
    turn(world, OBSERVED)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(TWO) is Status.OBSERVED
    turn(world, WATCH_LIST)
    world.run_for(2 * HOUR)
    assert world.base.tags[TARGET, TAG] == TWO


def test_what_others_do_to_its_tags_is_told_and_left() -> None:
    world = World(WATCH_LIST + b"    drift: repair\n")
    arrive(world, ONE)
    turn(world, OBSERVED + b"    drift: repair\n")
    calls = written(world)
    for found in (TWO, None):
        if found is None:
            del world.base.tags[TARGET, TAG]
        else:
            world.base.tags[TARGET, TAG] = found
        for _ in range(5):
            world.look_at_base()
            world.run_for(HOUR)
    assert [call for call in calls if "start_import" in call] == []
    assert (TARGET, TAG) not in world.base.tags


def test_people_are_told_that_nothing_is_written_for_it() -> None:
    world = World()
    arrive(world, ONE)
    arrive(world, TWO)
    turn(world, OBSERVED)
    refused = world.actor.roll_back(world.target().id, ONE, Said("anna", "broken", world.clock()))
    assert isinstance(refused, Declined)
    assert refused.reason is Refusal.OBSERVED
    assert world.target().wanted == TWO


def test_what_was_observed_weeks_ago_is_promoted_when_it_is_enforced() -> None:
    world = observed_world()
    arrive(world, ONE)
    for _ in range(14):
        world.check()
        world.run_for(timedelta(days=1), sweeps=timedelta(hours=6))
    turn(world, WATCH_LIST)
    assert world.base.tags[TARGET, TAG] == ONE


@pytest.mark.parametrize("number", range(44))
def test_whoever_dies_anywhere_while_modes_change_writes_nothing_and_loses_nothing(number: int) -> None:
    world = observed_world()
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    arrive(world, ONE)
    world.configuration.text = WATCH_LIST
    world.hook = die
    world.run_for(2 * HOUR)
    assert left < 0
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED
