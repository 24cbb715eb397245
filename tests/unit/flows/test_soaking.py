"""What a policy wants to have been seen for a while is tested and scanned at once, and promoted when that is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import Admission, Waiting, admission_of
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
AGED = Policy("aged", test=GateCheck("node"), min_age="48h")
SCANNED = Policy("scanned", test=GateCheck("node"), scan=ScanCheck(), min_age="48h")


def soaking_world(policy: Policy = AGED) -> World:
    """A world whose one entry wants digests to have been seen for two days."""
    world = World()
    world.says(policy)
    return world


@pytest.fixture
def world() -> World:
    return soaking_world()


def arrive(world: World, digest: Digest) -> datetime:
    """Let a digest appear upstream and come as far as it gets at once; return when it was seen."""
    seen = world.clock()
    world.push(digest)
    world.check()
    world.run_for(timedelta(hours=1))
    return seen


def decided(world: World, digest: Digest) -> Admission:
    """Return what was last decided of a digest."""
    admission = admission_of(world.target(), digest)
    assert admission is not None, f"nothing was decided of {digest}"
    return admission


def test_what_passed_its_test_soaks_until_it_was_seen_for_long_enough(world: World) -> None:
    seen = arrive(world, ONE)
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.HELD, Reason.SOAKING)
    admission = decided(world, ONE)
    assert admission.waits_for is Waiting.SOAKING
    assert admission.until is not None
    assert timedelta(0) <= admission.until - (seen + timedelta(hours=48)) < timedelta(minutes=1)
    assert world.base.tags == {}


def test_it_is_looked_at_when_it_has_soaked_and_not_before(world: World) -> None:
    arrive(world, ONE)
    candidate = world.candidate(ONE)
    assert candidate.look_at == decided(world, ONE).until
    step = candidate.step
    world.run_for(timedelta(hours=40))
    assert world.candidate(ONE).step == step


def test_when_it_has_soaked_it_is_promoted_by_itself(world: World) -> None:
    arrive(world, ONE)
    world.run_for(timedelta(hours=48))
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED


def test_soaking_is_told_once(world: World) -> None:
    arrive(world, ONE)
    world.run_for(timedelta(hours=46))
    assert [one.name for one in world.activity.events if one.name == "soaking"] == ["soaking"]


def test_a_newer_digest_does_not_end_the_soak_of_an_older_one(world: World) -> None:
    for number in range(6):
        arrive(world, digest_of(f"daily {number}"))
        world.run_for(timedelta(hours=23))
    assert world.base.tags[TARGET, TAG] == digest_of("daily 3")


def test_a_digest_that_comes_back_is_as_old_as_when_it_was_first_seen(world: World) -> None:
    arrive(world, ONE)
    world.run_for(timedelta(hours=30))
    arrive(world, TWO)
    world.run_for(timedelta(hours=26))
    arrive(world, ONE)
    world.run_for(timedelta(hours=1))
    assert world.base.tags[TARGET, TAG] == ONE


def test_what_is_in_use_goes_on_when_a_policy_comes_to_want_an_age() -> None:
    world = World()
    arrive(world, ONE)
    world.says(AGED)
    world.run_for(timedelta(hours=1))
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.target().wanted == ONE


def test_what_passed_behind_a_pin_soaks_once_its_policy_wants_that() -> None:
    world = World()
    arrive(world, ONE)
    world.actor.pin(world.target().id, ONE, None, Said("anna", "wait", world.clock()))
    arrive(world, TWO)
    assert TWO in world.target().passed
    world.says(Policy("aged", test=GateCheck("node"), min_age="1w"))
    world.run_for(timedelta(hours=1))
    assert TWO not in world.target().passed
    world.actor.unpin(world.target().id, Said("anna", "go on", world.clock()))
    world.run_for(timedelta(hours=1))
    assert world.base.tags[TARGET, TAG] == ONE
    world.run_for(timedelta(days=7))
    assert world.base.tags[TARGET, TAG] == TWO


def test_the_scan_is_made_at_once_and_again_when_the_waiting_is_over() -> None:
    world = soaking_world(SCANNED)
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.run_for(timedelta(hours=1))
    assert world.status(ONE) is Status.HELD
    assert world.kept_scans.wanted == set()
    world.run_for(timedelta(hours=48))
    assert world.kept_scans.wanted == {ONE}
    assert world.base.tags == {}
    world.scan_ends(ONE)
    world.run_for(timedelta(minutes=5))
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_scan_that_is_rejected_at_the_end_of_the_wait_rejects() -> None:
    world = soaking_world(SCANNED)
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.run_for(timedelta(hours=49))
    world.scan_ends(ONE, BAD)
    world.run_for(timedelta(minutes=5))
    assert world.status(ONE) is Status.REJECTED
    assert world.base.tags == {}


def test_a_rejected_digest_does_not_soak() -> None:
    world = soaking_world(SCANNED)
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.run_for(timedelta(minutes=5))
    assert world.status(ONE) is Status.REJECTED
    assert decided(world, ONE).outcome is Outcome.REJECT


@pytest.mark.parametrize("number", range(40))
def test_whoever_dies_anywhere_at_the_end_of_a_soak_leaves_it_to_the_next_look(number: int) -> None:
    world = soaking_world()
    arrive(world, ONE)
    world.run_for(timedelta(hours=46, minutes=50))
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    world.run_for(timedelta(hours=2))
    assert left < 0
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED
    assert [one.name for one in world.activity.events].count("soaking") == 1


def test_a_list_without_any_of_this_asks_storage_for_nothing_more() -> None:
    world = World()
    calls: list[str] = []
    world.hook = calls.append
    arrive(world, THREE)
    assert world.base.tags[TARGET, TAG] == THREE
    assert not any("kept_scans" in call or "exception_files" in call for call in calls)


def test_a_soak_is_no_trouble_however_long_it_lasts() -> None:
    world = soaking_world(Policy("aged", test=GateCheck("node"), min_age="3w"))
    arrive(world, ONE)
    for _ in range(20):
        world.check()
        world.run_for(timedelta(days=1), sweeps=timedelta(hours=6))
    assert {noted.trouble.kind.value for noted in world.lasting} == set()


def test_a_target_asks_for_no_verdict_while_time_alone_keeps_it_back(world: World) -> None:
    arrive(world, ONE)
    calls: list[str] = []
    world.hook = calls.append
    world.run_for(timedelta(hours=40))
    assert [call for call in calls if call.startswith(("targets.", "candidates."))] == []
