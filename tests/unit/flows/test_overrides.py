"""A digest is taken against its gate when one asks and another grants it, for that digest and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.overriding import LIFE
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, ONE, TAG, TARGET, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
BOTH = frozenset({Role.APPROVER})
KEY = Caller(Kind.KEY, "0123456789ab", "deploy", BOTH)


@pytest.fixture
def world() -> World:
    """A world in which the second digest was rejected."""
    return rejected()


def rejected() -> World:
    """A world in which the second digest was rejected."""
    made = World()
    arrive(made, ONE)
    made.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(made, TWO)
    return made


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def person(world: World, name: str, *roles: Role, minutes: int = 10) -> Caller:
    """Somebody who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=minutes)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset(roles) or BOTH, at)


def want(world: World, caller: Caller, digest: Digest = TWO) -> Target | Declined:
    """Let somebody want a digest against its gate."""
    world.pass_time(timedelta(seconds=1))
    outcome = world.actor.promote(ID, digest, caller, "the shop is down", world.clock())
    world.settle()
    return outcome


def declined(outcome: Target | Declined) -> Refusal:
    """Return why something is refused."""
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def borne(world: World) -> Digest:
    """Return what the tag bears."""
    return world.base.tags[TARGET, TAG]


def lines(world: World) -> list[str]:
    """Return the names of the lines of the activity log about the tag, oldest first."""
    return [event.name for event in world.activity.events if event.subject == f"target:{ID}"]


def test_one_asks_and_another_grants_and_both_are_said_for_ever(world: World) -> None:
    asked = want(world, person(world, "ada"))
    assert isinstance(asked, Target)
    assert (asked.wanted, borne(world)) == (ONE, ONE)
    granted = want(world, person(world, "bob"))
    assert isinstance(granted, Target)
    assert (granted.why, borne(world), granted.override) == (Why.AGAINST_GATE, TWO, None)
    (forced,) = world.target().forced
    assert "bob" in forced.said.by
    assert forced.asked is not None
    assert "ada" in forced.asked.by
    assert lines(world) == ["override-asked", "promoted-against-its-gate"]


def test_who_asked_cannot_grant_under_any_name(world: World) -> None:
    ada = person(world, "ada")
    want(world, ada)
    renamed = Caller(Kind.PERSON, ada.id, "Bob", ada.roles, ada.signed_in_at)
    assert declined(want(world, ada)) is declined(want(world, renamed)) is Refusal.OWN_REQUEST
    assert borne(world) == ONE
    assert lines(world) == ["override-asked"]


def test_granting_twice_is_granting_once(world: World) -> None:
    want(world, person(world, "ada"))
    want(world, person(world, "bob"))
    number = world.target().number
    for name in ("bob", "ada", "eve"):
        want(world, person(world, name))
    assert (world.target().number, len(world.target().forced)) == (number, 1)


def test_another_digest_is_another_wish(world: World) -> None:
    want(world, person(world, "ada"))
    world.hub.push(world.target().origin.source, TAG, THREE)
    want(world, person(world, "bob"), THREE)
    assert borne(world) == ONE
    want(world, person(world, "eve"), TWO)
    assert borne(world) == ONE


def test_a_newer_digest_closes_what_was_asked_and_says_so(world: World) -> None:
    want(world, person(world, "ada"))
    world.staging_runs.end(THREE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(world, THREE)
    assert world.target().override is None
    (line,) = [one for one in world.activity.events if one.name == "closed-by-newer-digest"]
    assert "ada" in line.detail
    outcome = want(world, person(world, "bob"))
    assert isinstance(outcome, Target)
    assert borne(world) == ONE


def test_what_was_asked_long_ago_is_asked_anew(world: World) -> None:
    want(world, person(world, "ada"))
    world.pass_time(LIFE)
    want(world, person(world, "bob"))
    assert borne(world) == ONE
    want(world, person(world, "ada"))
    assert borne(world) == TWO


@pytest.mark.parametrize(
    ("kind", "roles", "minutes"),
    [
        (Kind.PERSON, (Role.APPROVER,), 61),
        (Kind.PERSON, (Role.OPERATOR,), 1),
        (Kind.KEY, (Role.APPROVER,), 1),
        (Kind.APPLICATION, (Role.APPROVER,), 1),
    ],
)
def test_who_may_not_grant_now_is_told_so_by_name(
    world: World, kind: Kind, roles: tuple[Role, ...], minutes: int
) -> None:
    want(world, person(world, "ada"))
    at = world.clock() - timedelta(minutes=minutes)
    caller = Caller(kind, "bob@33-44", "bob", frozenset(roles), at)
    assert declined(want(world, caller)) is Refusal.MAY_NOT_GRANT
    assert borne(world) == ONE


def test_anybody_who_acts_may_ask(world: World) -> None:
    want(world, KEY)
    want(world, person(world, "bob"))
    assert borne(world) == TWO


def test_a_machine_grants_where_the_policy_names_it() -> None:
    world = World()
    world.says(Policy("named", approval=ApprovalCheck(required=3, machines=(KEY.id,))))
    arrive(world, ONE)
    want(world, person(world, "ada"), ONE)
    want(world, KEY, ONE)
    assert borne(world) == ONE


def test_two_who_ask_at_once_are_one_who_asks_and_one_who_grants_and_what_happened_is_told() -> None:
    world = rejected()
    fast = person(world, "ada")
    hurried = [False]

    def hook(moment: str) -> None:
        if moment.startswith("targets.") and "replace" in moment and not hurried[0]:
            hurried[0] = True
            world.actor.promote(ID, TWO, fast, "at once", world.clock())

    bob = person(world, "bob")
    world.hook = hook
    want(world, bob)
    world.hook = None
    assert (hurried[0], borne(world)) == (True, TWO)
    assert "promoted-against-its-gate" in lines(world)


def test_whoever_dies_at_any_moment_leaves_no_override_of_one() -> None:
    moments = _dying(0)
    assert moments > 5
    for moment in range(1, moments + 1):
        _dying(moment)


def _dying(dies_at: int) -> int:
    """Ask and grant while the process dies at one moment; return how many moments there were."""
    world, counted = rejected(), [0]

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.hook = hook
    for name in ("ada", "bob"):
        try:
            want(world, person(world, name))
        except Died:
            world.start()
            want(world, person(world, name))
        if name == "ada":
            assert (dies_at, borne(world)) == (dies_at, ONE)
    world.hook = None
    for _ in range(3):
        world.pass_time(timedelta(minutes=16))
        world.sweep()
        world.settle()
    assert (dies_at, borne(world), len(world.target().forced)) == (dies_at, TWO, 1)
    return counted[0]
