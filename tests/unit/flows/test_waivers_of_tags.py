"""A finding of one digest is waived for one tag: asked by one, granted by another, until a date or a newer digest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import target_troubles
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.domain.watching.troubles import Kind as Kind_
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
FAR = "2099-12-31"


@pytest.fixture
def world() -> World:
    """A world in which a digest was rejected for one finding."""
    return rejected()


def rejected() -> World:
    """A world in which a digest was rejected for one finding."""
    made = World()
    made.says(Policy("standard", scan=ScanCheck()))
    arrive(made, ONE)
    return made


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream, whose scan finds something."""
    world.push(digest)
    world.check()
    world.settle()
    world.scan_ends(digest, BAD)
    world.settle()


def person(world: World, name: str, minutes: int = 10) -> Caller:
    """Somebody who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=minutes)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset({Role.APPROVER}), at)


def ask(world: World, caller: Caller, digest: Digest = ONE, until: str = FAR) -> Target | Declined:
    """Let somebody ask for a waiver now."""
    world.pass_time(timedelta(seconds=1))
    return world.waiver.ask(ID, digest, BAD.id, BAD.package, until, caller, "not reachable", world.clock())


def grant(world: World, caller: Caller, digest: Digest = ONE) -> Target | Declined:
    """Let somebody grant it now, who writes the id in small letters."""
    world.pass_time(timedelta(seconds=1))
    outcome = world.waiver.grant(ID, digest, BAD.id.lower(), BAD.package, caller, "I looked", world.clock())
    world.settle()
    return outcome


def declined(outcome: Target | Declined) -> Refusal:
    """Return why something is refused."""
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def is_promoted(world: World, digest: Digest = ONE) -> bool:
    """Whether the tag bears a digest."""
    return world.base.tags.get((TARGET, TAG)) == digest


def test_what_is_granted_lets_through_at_once_without_another_scan(world: World) -> None:
    assert isinstance(ask(world, person(world, "ada")), Target)
    world.settle()
    assert world.status(ONE) is Status.REJECTED
    grant(world, person(world, "bob"))
    assert is_promoted(world)
    names = [event.name for event in world.activity.events if event.subject == f"target:{ID}"]
    assert [name for name in names if name.startswith("waiver")] == ["waiver-asked", "waiver-granted"]


def test_who_asked_cannot_grant(world: World) -> None:
    ada = person(world, "ada")
    ask(world, ada)
    renamed = Caller(ada.kind, ada.id, "Bob", ada.roles, ada.signed_in_at)
    assert declined(grant(world, ada)) is declined(grant(world, renamed)) is Refusal.OWN_REQUEST
    assert not is_promoted(world)


def test_an_old_sign_in_and_a_machine_grant_nothing(world: World) -> None:
    ask(world, person(world, "ada"))
    machine = Caller(Kind.KEY, "0123456789ab", "deploy", frozenset({Role.APPROVER}))
    for caller in (person(world, "bob", 61), machine):
        assert declined(grant(world, caller)) is Refusal.MAY_NOT_GRANT
    assert not is_promoted(world)


def test_asking_and_granting_twice_is_once(world: World) -> None:
    for _ in range(2):
        ask(world, person(world, "ada"))
    for _ in range(2):
        grant(world, person(world, "bob"))
    ask(world, person(world, "ada"))
    assert len(world.target().waived) == 1
    assert is_promoted(world)


def test_a_newer_digest_closes_what_was_asked(world: World) -> None:
    ask(world, person(world, "ada"))
    arrive(world, TWO)
    assert declined(grant(world, person(world, "bob"))) is Refusal.NOT_WAITING
    assert declined(ask(world, person(world, "ada"))) is Refusal.SUPERSEDED
    assert world.target().waived == ()
    (line,) = [one for one in world.activity.events if one.name == "closed-by-newer-digest"]
    assert BAD.id in line.detail


def test_a_waiver_that_ends_or_is_revoked_before_promotion_counts_no_more(world: World) -> None:
    world.ruler.hold("node", _said(world), listed=True)
    until = (world.clock() + timedelta(hours=2)).isoformat()
    ask(world, person(world, "ada"), until=until)
    grant(world, person(world, "bob"))
    assert ONE in world.target().passed
    world.pass_time(timedelta(hours=3))
    for _ in range(2):
        world.sweep()
        world.settle()
    assert ONE not in world.target().passed
    assert declined(ask(world, person(world, "ada"), until=until)) is Refusal.DATE_PASSED


def test_revoking_takes_it_back_and_twice_is_once(world: World) -> None:
    ask(world, person(world, "ada"))
    for _ in range(2):
        world.waiver.revoke(ID, ONE, BAD.id, BAD.package, person(world, "eve"), "no", world.clock())
    assert declined(grant(world, person(world, "bob"))) is Refusal.NOT_WAITING


def test_whoever_dies_at_any_moment_of_granting_goes_on_or_is_asked_again() -> None:
    moments = _dying(0)
    assert moments > 3
    for moment in range(1, moments + 1):
        _dying(moment)


def _said(world: World) -> Said:
    return Said("ada", "wait", world.clock())


def _dying(dies_at: int) -> int:
    world, counted = rejected(), [0]
    ask(world, person(world, "ada"))

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.hook = hook
    try:
        grant(world, person(world, "bob"))
    except Died:
        world.start()
        grant(world, person(world, "bob"))
    world.hook = None
    for _ in range(3):
        world.pass_time(timedelta(minutes=16))
        world.sweep()
        world.settle()
    assert (dies_at, is_promoted(world), len(world.target().waived)) == (dies_at, True, 1)
    return counted[0]


def test_a_waiver_in_use_is_told_of_a_week_before_it_ends_and_not_before(world: World) -> None:
    until = (world.clock() + timedelta(days=10)).isoformat()
    ask(world, person(world, "ada"), until=until)
    grant(world, person(world, "bob"))
    told = target_troubles(world.target(), None, world.clock())
    assert [one.kind for one in told] == []
    (one,) = target_troubles(world.target(), None, world.clock() + timedelta(days=4))
    assert one.kind is Kind_.WAIVER_ENDING
    assert BAD.id in one.detail
