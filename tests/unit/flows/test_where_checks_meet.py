"""Where signatures, time, people and modes meet: what one of them takes back, no other one lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck, Freeze
from shared.domain.policy.severity import Severity
from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.errors import Unavailable
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World
from tests.made_signatures.authorities import new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, statement

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
TEST = GateCheck("node")
ASKED = Policy("asked", test=TEST, approval=ApprovalCheck())
SIGNED = Policy("signed", test=TEST, signatures=SignatureCheck(cosign=CosignCheck(key="keys/build.pem")))
OBSERVED = WATCH_LIST + b"    mode: observe\n"
OURS = new_key()
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets at once."""
    world.push(digest)
    world.check()
    world.run_for(HOUR)


def said(world: World) -> Said:
    """What a person says now."""
    return Said("anna", "she knows", world.clock())


def decided_and_not_brought_there(policy: Policy | None = None) -> World:
    """A world whose first digest is wanted, while the base registry does not answer."""
    world = World()
    world.says(policy)
    world.base.fail("start_import", *[Unavailable("no answer")] * 9)
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=2))
    assert (world.target().wanted, world.base.tags) == (ONE, {})
    return world


def approve(world: World, digest: Digest) -> Target | Declined:
    """Let somebody agree who signed in just now."""
    ada = Caller(Kind.PERSON, "ada@tenant", "ada", frozenset({Role.APPROVER}), world.clock())
    return world.approver.approve(world.target().id, digest, ada, "it runs in test", world.clock())


def lines(world: World) -> list[str]:
    """Return the names of the lines of the activity log about the tag, oldest first."""
    return [event.name for event in world.activity.events if event.subject == f"target:{world.target().id}"]


def test_the_first_digest_of_a_tag_waits_for_people_who_are_asked_for_before_it_is_there() -> None:
    world = decided_and_not_brought_there()
    world.says(ASKED)
    world.run_for(3 * HOUR)
    assert world.base.tags == {}
    assert (world.status(ONE), world.candidate(ONE).last.reason) == (Status.HELD, Reason.AWAITING_APPROVAL)
    assert isinstance(approve(world, ONE), Target)
    world.run_for(3 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED


def test_the_first_digest_of_a_tag_that_is_refused_before_it_is_there_comes_to_an_end() -> None:
    scanned = Policy("scanned", test=TEST, scan=ScanCheck())
    world = decided_and_not_brought_there(Policy("lax", test=TEST))
    world.says(scanned)
    world.run_for(HOUR)
    world.scan_ends(ONE, BAD)
    world.run_for(3 * HOUR)
    assert world.base.tags == {}
    assert (world.status(ONE), world.candidate(ONE).last.reason) == (Status.REJECTED, Reason.SCAN_REJECTED)
    world.says(Policy("lax", test=TEST))
    world.run_for(3 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_whoever_dies_anywhere_while_what_is_wanted_is_taken_back_writes_nothing_and_loses_nothing(number: int) -> None:
    world = decided_and_not_brought_there()
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    world.says(ASKED)
    world.run_for(3 * HOUR)
    assert world.base.tags == {}
    for _ in range(2):
        try:
            approve(world, ONE)
        except Died:
            world.start()
    world.run_for(3 * HOUR)
    assert left < 0
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED


def test_what_nobody_can_verify_does_not_come_when_its_pin_is_taken_away() -> None:
    world = World()
    arrive(world, ONE)
    world.actor.pin(world.target().id, ONE, None, said(world))
    arrive(world, TWO)
    assert TWO in world.target().passed
    world.says(SIGNED)
    world.run_for(HOUR)
    world.actor.unpin(world.target().id, said(world))
    world.run_for(HOUR)
    assert world.base.tags[TARGET, TAG] == ONE
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    world.hub.sign(NODE, TWO, bundle(key_bundle(statement(TWO), OURS)))
    world.run_for(timedelta(hours=25))
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_tag_that_waits_for_a_signature_is_not_kept_by_one_that_soaks() -> None:
    world = World(
        b"""
images:
  - {name: node, source: docker.io/library/node, tags: [22-alpine], target: base/node, gate: node}
  - {name: old, source: docker.io/library/node, tags: [22-alpine], target: base/old, gate: node}
"""
    )
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    world.says(SIGNED)
    world.says(Policy("aged", test=TEST, min_age="48h"), "old")
    world.push(ONE)
    world.check()
    world.settle()
    assert world.status(ONE) is Status.HELD
    assert world.candidate(ONE).look_at - world.clock() < HOUR
    world.hub.sign(NODE, ONE, bundle(key_bundle(statement(ONE), OURS)))
    world.run_for(HOUR)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.base.tags.get(("base/old", TAG)) is None
    world.run_for(timedelta(hours=48))
    assert world.base.tags["base/old", TAG] == ONE


def test_nobody_takes_a_digest_against_its_gate_while_its_entry_is_only_observed() -> None:
    world = World()
    arrive(world, ONE)
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(world, TWO)
    world.configuration.text = OBSERVED
    world.run_for(HOUR)
    refused = world.take_against_gate(TWO)
    assert isinstance(refused, Declined)
    assert refused.reason is Refusal.OBSERVED
    world.configuration.text = WATCH_LIST
    world.run_for(3 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE


def test_an_observed_digest_that_is_enforced_ends_once_and_as_promoted() -> None:
    world = World()
    arrive(world, ONE)
    world.base.fail("start_import", *[Unavailable("no answer")] * 6)
    world.push(TWO)
    world.check()
    world.run_for(timedelta(minutes=2))
    for text in (OBSERVED, WATCH_LIST, OBSERVED, WATCH_LIST):
        world.configuration.text = text
        world.run_for(HOUR)
    world.run_for(2 * HOUR)
    assert world.base.tags[TARGET, TAG] == TWO
    ends = [one.reason for one in world.candidate(TWO).history if one.status in {Status.OBSERVED, Status.PROMOTED}]
    assert ends.count(Reason.OBSERVED) <= 2
    assert world.status(TWO) is Status.PROMOTED


def test_a_scan_that_is_only_observed_keeps_nothing_waiting_at_the_end_of_a_soak() -> None:
    world = World()
    world.says(Policy("seen", test=TEST, scan=ScanCheck(mode=Mode.OBSERVE), min_age="48h"))
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.run_for(timedelta(hours=49))
    assert world.base.tags[TARGET, TAG] == ONE


def test_what_is_agreed_to_in_a_freeze_is_told_to_be_frozen() -> None:
    world = World()
    world.clock.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    freeze = (Freeze(cron="0 17 * * FRI", span="62h", zone="Europe/Berlin"),)
    world.says(Policy("both", test=TEST, approval=ApprovalCheck(), freeze=freeze))
    arrive(world, ONE)
    assert isinstance(approve(world, ONE), Target)
    world.run_for(HOUR)
    assert world.base.tags == {}
    assert lines(world).count("frozen") == 1
    world.run_for(timedelta(hours=48))
    assert world.base.tags[TARGET, TAG] == ONE
