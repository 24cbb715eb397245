"""What is foretold of an act is what the act comes to, whatever else holds the digest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck, Freeze
from shared.domain.policy.severity import Severity
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.foretold import Effect, Foretold
from shared.domain.promotion.offering import Act
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.errors import Unavailable
from shared.flows.foretell import Foreteller, Offer
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, WATCH_LIST, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
ASKED = Policy("asked", approval=ApprovalCheck())
OF_TWO = Policy("of-two", approval=ApprovalCheck(required=2))
AGED = Policy("aged", approval=ApprovalCheck(), min_age="48h")
WEEKENDS = (Freeze(cron="0 17 * * FRI", span="62h"),)
FROZEN = Policy("frozen", approval=ApprovalCheck(), freeze=WEEKENDS)
SCANNED = Policy("scanned", approval=ApprovalCheck(), scan=ScanCheck())
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
SATURDAY, MONDAY = datetime(2026, 1, 10, 12, tzinfo=UTC), datetime(2026, 1, 12, 7, tzinfo=UTC)
APPS = (("apps/shop", ONE), ("apps/blog", ONE), ("apps/new", TWO))


def person(world: World, name: str = "ada", minutes: int = 10) -> Caller:
    """Somebody who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=minutes)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset({Role.APPROVER}), at)


def said(world: World, by: str = "eve") -> Said:
    """What somebody says now."""
    return Said(by, "she knows", world.clock())


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def world_of(policy: Policy | None, at: datetime | None = None, *, observed: bool = False) -> World:
    """A world that bears ONE, in which TWO has come as far as its policy lets it."""
    world = World(watch_list=WATCH_LIST + b"    mode: observe\n") if observed else World()
    if at is not None:
        world.clock.now = at
    if not observed:
        arrive(world, ONE)
    world.says(policy)
    arrive(world, TWO)
    return world


def foreteller(world: World) -> Foreteller:
    """Return what tells what acts come to."""
    return Foreteller(world.admissions, world.candidates, lambda _: APPS, 4, world.clock)


def offer(world: World, act: Act, digest: Digest = TWO, who: str = "ada") -> Offer:
    """Return what is told of an act on a digest."""
    found = foreteller(world).offers(world.target(), person(world, who))
    return next(one for one in found if (one.act, one.digest) == (act, digest))


def told(world: World, act: Act, digest: Digest = TWO, who: str = "ada") -> Foretold:
    """Return what an act on a digest would come to."""
    return offer(world, act, digest, who).foretold


def names(foretold: Foretold) -> list[str]:
    """Return the names of what still holds."""
    return [one.name for one in foretold.holds]


def approve(world: World, who: str = "ada") -> Target | Declined:
    """Let somebody agree to TWO, and let that be brought about."""
    outcome = world.approver.approve(ID, TWO, person(world, who), "it runs in test", world.clock())
    world.settle()
    return outcome


def borne(world: World) -> Digest | None:
    """What the tag bears."""
    return world.base.tags.get((TARGET, TAG))


# An approval.


def test_the_last_approval_that_is_missing_promotes_at_once_and_says_what_is_rebuilt() -> None:
    world = world_of(ASKED)
    foretold = told(world, Act.APPROVE)
    assert (foretold.effect, foretold.wanted, foretold.holds) == (Effect.MOVES, TWO, ())
    assert foretold.rebuilt == ("apps/shop", "apps/blog")
    assert foretold.told == f"base/node:22-alpine becomes {TWO} now; 2 applications are rebuilt"
    approve(world)
    assert borne(world) == TWO


def pinned(world: World) -> None:
    """Let somebody pin the tag to what it bears."""
    assert isinstance(world.actor.pin(ID, ONE, None, said(world)), Target)


def held(world: World) -> None:
    """Let somebody hold the entry."""
    world.ruler.hold("node", said(world), listed=True)


@pytest.mark.parametrize(
    ("policy", "at", "before", "holding"),
    [
        (OF_TWO, None, None, ["awaiting-approval"]),
        (AGED, None, None, ["soaking"]),
        (FROZEN, SATURDAY, None, ["frozen"]),
        (SCANNED, None, None, ["scan-awaited"]),
        (ASKED, None, pinned, ["pinned"]),
        (ASKED, None, held, ["held"]),
        (AGED, None, held, ["soaking", "held"]),
    ],
    ids=["another-approver", "soak", "freeze", "scan", "pin", "hold", "soak-and-hold"],
)
def test_an_approval_that_is_not_all_says_what_still_holds_and_the_tag_stays(
    policy: Policy, at: datetime | None, before: Callable[[World], None] | None, holding: list[str]
) -> None:
    world = world_of(policy, at)
    if before is not None:
        before(world)
    foretold = told(world, Act.APPROVE)
    assert (foretold.effect, names(foretold)) == (Effect.WAITS, holding)
    assert all(one.told for one in foretold.holds)
    approve(world)
    assert borne(world) == ONE


def test_a_soak_and_a_freeze_say_until_when_and_it_comes_then() -> None:
    frozen, aged = world_of(FROZEN, SATURDAY), world_of(AGED)
    (freeze,), (soak,) = told(frozen, Act.APPROVE).holds, told(aged, Act.APPROVE).holds
    assert freeze.until == MONDAY
    assert soak.until is not None
    approve(frozen)
    approve(aged)
    for world, until in ((frozen, MONDAY), (aged, soak.until)):
        world.run_for(until - world.clock() - timedelta(minutes=5))
        assert borne(world) == ONE
        world.run_for(timedelta(hours=1))
        assert borne(world) == TWO


def test_what_is_only_observed_is_said_to_be_promoted_by_nobody() -> None:
    world = world_of(ASKED, observed=True)
    foretold = told(world, Act.APPROVE)
    assert (foretold.effect, names(foretold)) == (Effect.WAITS, ["observing"])
    approve(world)
    assert borne(world) is None


def test_who_agreed_already_is_told_that_it_is_so_and_another_one_what_is_left() -> None:
    world = world_of(OF_TWO)
    approve(world)
    assert told(world, Act.APPROVE).effect is Effect.SAME
    assert told(world, Act.APPROVE, who="bob").effect is Effect.MOVES
    approve(world, "bob")
    assert borne(world) == TWO


def test_whose_sign_in_is_too_old_is_told_so_before_the_click() -> None:
    world = world_of(ASKED)
    found = foreteller(world).offers(world.target(), person(world, minutes=61))
    old = {one.act: one.may_not for one in found}
    assert "sign-in of the last hour" in old[Act.APPROVE]
    assert "sign-in of the last hour" in old[Act.REJECT]
    assert old[Act.PIN] == ""


def test_a_refusal_says_that_the_tag_stays_and_who_lifts_it() -> None:
    world = world_of(OF_TWO)
    foretold = told(world, Act.REJECT)
    assert (foretold.effect, foretold.wanted) == (Effect.ENDS, ONE)
    assert "2 approvers who agree lift that" in foretold.told
    world.approver.reject(ID, TWO, person(world), "not now", world.clock())
    world.settle()
    assert borne(world) == ONE
    assert told(world, Act.APPROVE, who="bob").effect in {Effect.NOTED, Effect.WAITS}


def test_what_nobody_waits_for_is_not_offered_to_be_agreed_to() -> None:
    world = world_of(None)
    acts = {one.act for one in foreteller(world).offers(world.target(), person(world))}
    assert acts == {Act.ROLL_BACK, Act.PIN, Act.BLOCK, Act.HOLD}


# Going back, pins, blocks.


def test_going_back_is_done_at_once_through_a_freeze() -> None:
    world = World()
    arrive(world, ONE)
    arrive(world, TWO)
    world.says(FROZEN)
    world.clock.now = SATURDAY
    foretold = told(world, Act.ROLL_BACK, ONE)
    assert (foretold.effect, foretold.wanted, foretold.rebuilt) == (Effect.MOVES, ONE, ("apps/new",))
    world.actor.roll_back(ID, ONE, said(world))
    world.settle()
    assert borne(world) == ONE


def test_going_back_while_the_entry_is_held_is_told_to_be_refused_in_the_same_words() -> None:
    world = world_of(None)
    held(world)
    foretold, outcome = told(world, Act.ROLL_BACK, ONE), world.actor.roll_back(ID, ONE, said(world))
    assert isinstance(outcome, Declined)
    assert (foretold.effect, foretold.refusal, foretold.told) == (Effect.REFUSED, outcome.reason.value, outcome.detail)


def test_a_pin_of_what_is_in_force_changes_nothing_now_and_unpinning_lets_the_newest_come() -> None:
    world = world_of(ASKED)
    assert told(world, Act.PIN, ONE).effect is Effect.NOTED
    pinned(world)
    approve(world)
    foretold = told(world, Act.UNPIN, ONE)
    assert (foretold.effect, foretold.wanted) == (Effect.MOVES, TWO)
    world.actor.unpin(ID, said(world))
    world.settle()
    assert borne(world) == TWO


def test_an_unpinning_in_a_freeze_waits_for_its_end() -> None:
    world = world_of(None, SATURDAY - timedelta(days=2))
    world.actor.roll_back(ID, ONE, said(world))
    world.settle()
    pinned(world)
    world.push(Digest("sha256:" + "3" * 64))
    world.check()
    world.settle()
    world.says(Policy("frozen", freeze=WEEKENDS))
    world.clock.now = SATURDAY
    foretold = told(world, Act.UNPIN, ONE)
    assert (foretold.effect, names(foretold), foretold.holds[0].until) == (Effect.WAITS, ["frozen"], MONDAY)
    world.actor.unpin(ID, said(world))
    world.settle()
    assert borne(world) == ONE


def test_a_block_of_what_is_in_use_says_what_comes_instead_and_that_it_is_for_every_tag() -> None:
    world = world_of(None)
    foretold = told(world, Act.BLOCK, TWO)
    assert (foretold.effect, foretold.wanted) == (Effect.MOVES, ONE)
    assert foretold.told.endswith("; it is refused for every other tag, too")
    world.ruler.block(TWO, said(world))
    world.settle()
    assert borne(world) == ONE
    assert told(world, Act.RELEASE, TWO).effect is Effect.MOVES


def test_a_block_with_nothing_left_says_that_the_tag_is_withdrawn() -> None:
    world = World()
    arrive(world, ONE)
    foretold = told(world, Act.BLOCK, ONE)
    assert (foretold.effect, foretold.wanted) == (Effect.MOVES, "")
    assert "nothing is left" in foretold.told
    world.ruler.block(ONE, said(world))
    assert world.target().why is Why.WITHDRAWN


def test_holding_and_resuming_say_that_they_are_for_the_whole_entry() -> None:
    world = world_of(ASKED)
    assert told(world, Act.HOLD, ONE).told.endswith("for every tag of its entry, until that is resumed")
    held(world)
    approve(world)
    foretold = told(world, Act.RESUME, ONE)
    assert (foretold.effect, foretold.wanted) == (Effect.MOVES, TWO)


# What two have to want.


def rejected_world() -> World:
    """A world that bears ONE, and whose second digest its test rejected."""
    world = World()
    arrive(world, ONE)
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(world, TWO)
    return world


def test_an_override_is_asked_first_refused_to_who_asked_and_granted_by_another() -> None:
    world = rejected_world()
    first = told(world, Act.OVERRIDE)
    assert (first.effect, offer(world, Act.OVERRIDE).grants) == (Effect.NOTED, False)
    world.actor.promote(ID, TWO, person(world), "we need it", world.clock())
    again = told(world, Act.OVERRIDE)
    assert (again.effect, again.refusal) == (Effect.REFUSED, "own-request")
    other = offer(world, Act.OVERRIDE, who="bob")
    assert (other.grants, other.foretold.effect, other.foretold.wanted) == (True, Effect.MOVES, TWO)
    world.actor.promote(ID, TWO, person(world, "bob"), "we do", world.clock())
    world.settle()
    assert borne(world) == TWO


def test_a_waiver_that_another_grants_lets_the_digest_pass_as_foretold() -> None:
    world = World()
    arrive(world, ONE)
    world.says(Policy("scanned", scan=ScanCheck()))
    arrive(world, TWO)
    world.scan_ends(TWO, BAD)
    world.settle()
    assert told(world, Act.ASK_WAIVER).effect is Effect.NOTED
    world.waiver.ask(ID, TWO, BAD.id, BAD.package, "2099-01-01", person(world), "not reachable", world.clock())
    assert told(world, Act.GRANT_WAIVER).refusal == "own-request"
    other = offer(world, Act.GRANT_WAIVER, who="bob")
    assert other.waived is not None
    assert (other.waived.id, other.foretold.effect, other.foretold.wanted) == (BAD.id, Effect.MOVES, TWO)
    world.waiver.grant(ID, TWO, BAD.id, BAD.package, person(world, "bob"), "I looked", world.clock())
    world.settle()
    assert borne(world) == TWO


# What cannot be read.


def test_what_cannot_be_read_is_said_not_to_be_known_and_nothing_is_promised() -> None:
    world = world_of(ASKED)
    found = foreteller(world)

    def fails(_: str) -> None:
        raise Unavailable("storage does not answer")

    target = world.target()
    world.candidates.get = fails  # type: ignore[method-assign, assignment]
    foretold = next(one.foretold for one in found.offers(target, person(world)) if one.act is Act.APPROVE)
    assert (foretold.effect, foretold.wanted) == (Effect.WAITS, ONE)
    assert "cannot be told now" in foretold.told


def test_telling_writes_nothing() -> None:
    world = world_of(SCANNED)
    before, scans = world.target(), dict(world.kept_scans.of_digest)
    events = len(world.activity.events)
    foreteller(world).offers(before, person(world))
    assert (world.target(), dict(world.kept_scans.of_digest)) == (before, scans)
    assert len(world.activity.events) == events
