"""People agree to a digest for a tag: each once, of their own rights of now, and to nothing but what waits there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.admission import Waiting, admission_of
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from shared.errors import MalformedRequest
from tests.doubles.world import BASE, ONE, TAG, TARGET, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
ASKED = Policy("asked", approval=ApprovalCheck())
OF_TWO = Policy("of-two", approval=ApprovalCheck(required=2))
KEY = Caller(Kind.KEY, "0123456789ab", "deploy", frozenset({Role.APPROVER}))
APP = Caller(Kind.APPLICATION, "11-22@33-44", "release-bot", frozenset({Role.APPROVER}))
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def world_of(policy: Policy = ASKED, *digests: Digest) -> World:
    """A world whose policy asks for people, in which digests have arrived."""
    world = World()
    world.says(policy)
    for digest in digests or (ONE,):
        arrive(world, digest)
    return world


@pytest.fixture
def world() -> World:
    return world_of()


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def person(world: World, name: str = "ada", minutes: int = 10) -> Caller:
    """Somebody who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=minutes)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset({Role.APPROVER}), at)


def approve(world: World, caller: Caller, digest: Digest = ONE) -> Target | Declined:
    """Let somebody agree now."""
    world.pass_time(timedelta(seconds=1))
    return world.approver.approve(ID, digest, caller, "it runs in test", world.clock())


def reject(world: World, caller: Caller, digest: Digest = ONE) -> Target | Declined:
    """Let somebody refuse now."""
    world.pass_time(timedelta(seconds=1))
    return world.approver.reject(ID, digest, caller, "not before Monday", world.clock())


def said(world: World) -> Said:
    """Say something now."""
    return Said("ada", "it has to stay", world.clock())


def declined(outcome: Target | Declined) -> Refusal:
    """Return why something is refused."""
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def lines(world: World) -> list[str]:
    """Return the names of the lines of the activity log about the tag, oldest first."""
    return [event.name for event in world.activity.events if event.subject == f"target:{ID}"]


def sweep(world: World, minutes: int = 16) -> None:
    """Let time pass until the next sweep has worked."""
    world.pass_time(timedelta(minutes=minutes))
    world.sweep()
    world.settle()


def is_promoted(world: World, digest: Digest) -> bool:
    """Whether the tag bears a digest."""
    return world.base.tags.get((TARGET, TAG)) == digest


# What waits.


def test_what_passed_its_checks_waits_for_people_and_says_how_many_are_missing(world: World) -> None:
    sweep(world)
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.HELD, Reason.AWAITING_APPROVAL)
    assert "1 of 1 approvals are missing" in candidate.last.detail
    admission = admission_of(world.target(), ONE)
    assert admission is not None
    assert admission.waits_for is Waiting.APPROVAL
    assert world.base.tags == {}
    assert lines(world) == ["awaiting-approval"]


def test_who_agrees_lets_it_through_at_once_and_is_told_by_name(world: World) -> None:
    outcome = approve(world, person(world))
    assert isinstance(outcome, Target)
    assert outcome.wanted == ONE
    world.settle()
    assert is_promoted(world, ONE)
    assert world.status(ONE) is Status.PROMOTED
    admission = admission_of(world.target(), ONE)
    assert admission is not None
    assert (admission.outcome, admission.reasons) == (Outcome.PASS, ("approved",))
    assert "ada (person ada@33-44)" in admission.detail
    assert lines(world)[:2] == ["awaiting-approval", "approved"]


def test_agreeing_twice_is_agreeing_once(world: World) -> None:
    approve(world, person(world))
    world.settle()
    again = approve(world, person(world))
    assert isinstance(again, Target)
    assert len(again.consents) == 1
    assert lines(world).count("approved") == 1


def test_two_people_are_two_and_one_of_two_names_is_one() -> None:
    world = world_of(OF_TWO)
    ada = person(world)
    approve(world, ada)
    renamed = Caller(Kind.PERSON, ada.id, "Ada Married", ada.roles, ada.signed_in_at)
    approve(world, renamed)
    world.settle()
    assert not is_promoted(world, ONE)
    assert "1 of 2 approvals are missing, agreed by ada" in world.candidate(ONE).last.detail
    approve(world, person(world, "bob"))
    world.settle()
    assert is_promoted(world, ONE)


def test_what_is_in_use_needs_nobody_when_a_policy_begins_to_ask() -> None:
    world = world_of(Policy("lax"))
    world.says(ASKED)
    sweep(world)
    sweep(world)
    assert is_promoted(world, ONE)
    admission = admission_of(world.target(), ONE)
    assert admission is None or admission.outcome is Outcome.PASS


def test_what_passed_before_and_waits_for_a_pin_needs_people_once_a_policy_asks() -> None:
    world = world_of(Policy("lax", scan=ScanCheck()))
    world.scan_ends(ONE)
    world.settle()
    world.actor.pin(ID, None, None, said(world))
    arrive(world, TWO)
    world.scan_ends(TWO)
    world.settle()
    world.says(Policy("asked", scan=ScanCheck(), approval=ApprovalCheck()))
    sweep(world)
    sweep(world)
    world.actor.unpin(ID, said(world))
    world.settle()
    assert is_promoted(world, ONE)
    approve(world, person(world), TWO)
    world.settle()
    assert is_promoted(world, TWO)


def test_consent_lifts_no_other_check() -> None:
    world = world_of(Policy("strict", scan=ScanCheck(), approval=ApprovalCheck()))
    approve(world, person(world))
    world.settle()
    assert not is_promoted(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert (world.status(ONE), world.candidate(ONE).last.reason) == (Status.REJECTED, Reason.SCAN_REJECTED)
    assert declined(approve(world, person(world, "bob"))) is Refusal.NOT_WAITING


def test_a_list_that_asks_nobody_any_more_lets_through_what_waited(world: World) -> None:
    world.says(Policy("lax", scan=None, min_age=None))
    sweep(world)
    sweep(world)
    assert is_promoted(world, ONE)


# Refusing.


def test_a_refusal_is_an_end_of_its_own_and_not_called_a_failure(world: World) -> None:
    reject(world, person(world))
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.REJECTED, Reason.REJECTED_BY_PEOPLE)
    assert "refused by ada" in candidate.last.detail
    assert lines(world) == ["awaiting-approval", "rejected-by-people"]
    sweep(world, 60 * 25)
    assert world.status(ONE) is Status.REJECTED
    assert world.base.tags == {}


def test_refusing_twice_is_refusing_once(world: World) -> None:
    reject(world, person(world))
    world.settle()
    reject(world, person(world))
    assert len(world.target().consents) == 1
    assert lines(world).count("rejected-by-people") == 1


def test_as_many_as_have_to_lift_a_refusal_and_none_from_before_counts() -> None:
    world = world_of(OF_TWO)
    approve(world, person(world, "bob"))
    reject(world, person(world))
    world.settle()
    approve(world, person(world, "eve"))
    world.settle()
    assert world.status(ONE) is Status.REJECTED
    approve(world, person(world, "bob"))
    world.settle()
    assert is_promoted(world, ONE)
    assert world.status(ONE) is Status.PROMOTED


# Which digest.


def test_a_newer_digest_closes_what_was_agreed_and_says_so() -> None:
    world = world_of(OF_TWO)
    approve(world, person(world))
    arrive(world, TWO)
    assert world.target().consents == ()
    assert declined(approve(world, person(world, "bob"))) is Refusal.SUPERSEDED
    (line,) = [one for one in world.activity.events if one.name == "closed-by-newer-digest"]
    assert ONE in line.detail
    assert TWO in line.detail
    assert "ada" in line.detail
    sweep(world)
    assert world.status(ONE) is Status.SUPERSEDED


def test_what_was_agreed_counts_no_more_when_the_source_returns_to_it() -> None:
    world = world_of(OF_TWO)
    approve(world, person(world))
    arrive(world, TWO)
    arrive(world, ONE)
    sweep(world)
    approve(world, person(world, "bob"))
    world.settle()
    assert not is_promoted(world, ONE)


def test_what_was_promoted_and_left_needs_people_anew_when_the_source_returns_to_it(world: World) -> None:
    approve(world, person(world))
    world.settle()
    arrive(world, TWO)
    approve(world, person(world), TWO)
    world.settle()
    assert is_promoted(world, TWO)
    arrive(world, ONE)
    sweep(world)
    assert is_promoted(world, TWO)
    assert declined(approve(world, person(world, "bob"), TWO)) is Refusal.DECIDED
    approve(world, person(world, "bob"), ONE)
    world.settle()
    assert is_promoted(world, ONE)


def test_what_is_not_there_or_is_decided_is_refused_by_name(world: World) -> None:
    assert declined(approve(world, person(world), THREE)) is Refusal.NOT_WAITING
    approve(world, person(world))
    world.settle()
    assert declined(approve(world, person(world, "bob"))) is Refusal.DECIDED
    assert declined(reject(world, person(world, "bob"))) is Refusal.DECIDED
    world.says(Policy("lax", scan=ScanCheck()))
    arrive(world, TWO)
    assert declined(approve(world, person(world), TWO)) is Refusal.NOT_WAITING


# Who.


@pytest.mark.parametrize("minutes", [61, 60 * 24 * 30, -30])
def test_a_sign_in_that_is_too_old_or_of_the_future_does_not_count(world: World, minutes: int) -> None:
    with pytest.raises(MalformedRequest, match="sign in again") as caught:
        approve(world, person(world, minutes=minutes))
    assert caught.value.status == 403
    assert world.target().consents == ()
    assert lines(world) == ["awaiting-approval"]


def test_a_sign_in_of_which_nobody_knows_the_time_does_not_count(world: World) -> None:
    unknown = Caller(Kind.PERSON, "ada@33-44", "ada", frozenset({Role.APPROVER}))
    with pytest.raises(MalformedRequest, match="at a time that nobody tells"):
        approve(world, unknown)


@pytest.mark.parametrize("machine", [KEY, APP], ids=lambda one: one.kind.name)
def test_a_machine_counts_only_where_the_policy_names_it(machine: Caller) -> None:
    world = world_of()
    with pytest.raises(MalformedRequest, match="machines"):
        approve(world, machine)
    named = machine.id.partition("@")[0]
    world.says(Policy("asked", approval=ApprovalCheck(machines=(named,))))
    sweep(world)
    approve(world, machine)
    world.settle()
    assert is_promoted(world, ONE)


def test_the_consent_of_a_machine_counts_no_more_once_the_policy_names_it_not() -> None:
    world = world_of(Policy("named", approval=ApprovalCheck(required=2, machines=(KEY.id,))))
    approve(world, KEY)
    world.says(OF_TWO)
    sweep(world)
    approve(world, person(world))
    world.settle()
    assert not is_promoted(world, ONE)


def test_a_person_is_no_machine_whatever_a_policy_names() -> None:
    world = world_of(Policy("named", approval=ApprovalCheck(machines=("ada", "ada@33-44"))))
    with pytest.raises(MalformedRequest, match="sign in again"):
        approve(world, person(world, minutes=600))


# Deaths.


def _approved(world: World) -> None:
    approve(world, person(world))


def _refused(world: World) -> None:
    reject(world, person(world))


@pytest.mark.parametrize(("act", "status"), [(_approved, Status.PROMOTED), (_refused, Status.REJECTED)])
def test_whoever_dies_at_any_moment_of_it_is_asked_again_or_goes_on_by_itself(
    act: Callable[[World], None], status: Status
) -> None:
    moments = _moments(act, 0, status)
    assert moments > 3
    for moment in range(1, moments + 1):
        _moments(act, moment, status)


def test_what_was_written_by_whoever_died_is_decided_by_the_survey(world: World) -> None:
    world.hook = _dies_at_first_of("candidates")
    with pytest.raises(Died):
        approve(world, person(world))
    world.hook = None
    world.start()
    assert len(world.target().consents) == 1
    sweep(world)
    sweep(world)
    assert is_promoted(world, ONE)


def test_what_a_newer_digest_closes_is_told_whenever_the_process_dies() -> None:
    moments = _closing(0)
    assert moments > 5
    for moment in range(1, moments + 1):
        _closing(moment)


def _closing(dies_at: int) -> int:
    """Let a newer digest come while the process dies at one moment; return how many moments there were."""
    world, counted = world_of(OF_TWO), [0]
    approve(world, person(world))

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.push(TWO)
    world.hook = hook
    try:
        world.check()
        world.settle()
    except Died:
        world.check()
        world.settle()
    assert (dies_at, world.target().consents) == (dies_at, ())
    assert lines(world).count("closed-by-newer-digest") >= 1
    return counted[0]


def _dies_at_first_of(name: str) -> Callable[[str], None]:
    def hook(moment: str) -> None:
        if moment.startswith(name.partition(".")[0]):
            raise Died

    return hook


def _moments(act: Callable[[World], None], dies_at: int, status: Status) -> int:
    """Act in a world whose process dies at one moment; return how many moments there were."""
    world, counted = world_of(), [0]

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.hook = hook
    try:
        act(world)
    except Died:
        world.hook = None
        world.start()
        act(world)
    world.hook = None
    for _ in range(3):
        sweep(world)
    assert (dies_at, world.status(ONE)) == (dies_at, status)
    assert len(world.target().consents) == 1
    return counted[0]
