"""One act on one target: fenced by the decision that was seen, told before it is done, and told if it came too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.target import Target
from shared.errors import Conflict
from shared.ports import Event
from shared.rules.acts import TOO_LATE, Acts
from tests.doubles.world import BASE, ONE, THREE, TWO, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"


@pytest.fixture
def world() -> World:
    """A world in which two digests were promoted one after the other."""
    made = World()
    for digest in (ONE, TWO):
        made.push(digest)
        made.check()
        made.settle()
    return made


def said(world: World) -> Said:
    """Say something now."""
    return Said("ada", "it breaks the shop", world.clock())


def lines(world: World) -> list[str]:
    """Return the names of the lines of the activity log about the tag, oldest first."""
    return [event.name for event in world.activity.events if event.subject == f"target:{ID}"]


def ada(world: World) -> Caller:
    """Somebody who signed in some minutes ago."""
    return Caller(Kind.PERSON, "ada@33-44", "ada", frozenset({Role.APPROVER}), world.clock() - timedelta(minutes=5))


# The decision that was seen.


def test_who_names_the_decision_in_force_acts_on_it(world: World) -> None:
    number = world.target().number
    done = world.actor.roll_back(ID, ONE, said(world), number)
    assert isinstance(done, Target)
    assert (done.wanted, done.number) == (ONE, number + 1)


def test_who_names_an_earlier_decision_is_told_which_one_is_in_force_and_nothing_is_done_or_told(world: World) -> None:
    before, told = world.target(), lines(world)
    outcome = world.actor.roll_back(ID, ONE, said(world), before.number - 1)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.MOVED_ON
    assert f"you saw decision {before.number - 1}, and {before.number} is in force ({TWO})" in outcome.detail
    assert (world.target(), lines(world)) == (before, told)


@pytest.mark.parametrize("act", ["roll_back", "pin"])
def test_who_sends_the_same_twice_gets_the_same_twice_though_the_first_was_another_decision(
    world: World, act: str
) -> None:
    number = world.target().number
    again: Callable[[], Target | Declined] = {
        "roll_back": lambda: world.actor.roll_back(ID, ONE, said(world), number),
        "pin": lambda: world.actor.pin(ID, ONE, None, said(world), number),
    }[act]
    first, told = again(), lines(world)
    world.settle()
    second = again()
    assert isinstance(first, Target)
    assert isinstance(second, Target)
    assert (second.wanted, second.number, lines(world)) == (ONE, number + 1, told)


def test_what_is_decided_between_reading_and_writing_fences_too(world: World) -> None:
    stored = world.actor._acts.known(ID)
    world.actor.pin(ID, ONE, None, said(world))
    acts, number = Acts(world.book, world.activity), stored.record.number
    outcome = acts.take(stored, lambda known: _moved(known, world), _telling(world), number=number)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.MOVED_ON
    assert world.target().why is Why.PINNED
    assert lines(world)[-2:] == ["tried", TOO_LATE]


# What is told.


def test_what_came_too_late_is_told_to_have_done_nothing(world: World) -> None:
    stored = world.actor._acts.known(ID)
    world.ruler.hold("node", said(world), listed=True)
    acts = Acts(world.book, world.activity)
    outcome = acts.take(stored, lambda known: _unless_held(known, world), _telling(world))
    assert isinstance(outcome, Declined)
    assert lines(world)[-2:] == ["tried", TOO_LATE]


def test_what_is_something_else_by_what_others_wrote_is_told_anew_and_done_as_told(world: World) -> None:
    stored = world.actor._acts.known(ID)
    world.actor.pin(ID, ONE, None, said(world))
    done = Acts(world.book, world.activity).take(stored, lambda known: _moved(known, world), _by_wanted(world))
    assert not isinstance(done, Declined)
    assert lines(world)[-2:] == [f"tried-{TWO}", f"tried-{ONE}"]


def test_who_never_gets_through_is_told_to_ask_again(world: World) -> None:
    stored = world.actor._acts.known(ID)
    acts = Acts(world.book, world.activity)
    count = 0

    def ever_other(before: Target, _: Target) -> Event:
        nonlocal count
        count += 1
        return Event(f"target:{before.id}", f"tried-{count}", world.clock(), "")

    with pytest.raises(Conflict, match="ask again"):
        acts.take(stored, lambda known: _moved(known, world), ever_other)
    assert world.target() == stored.record


# The flows that act go by it.


def test_an_approval_is_refused_by_a_decision_that_is_not_in_force() -> None:
    world = World()
    world.says(Policy("asked", approval=ApprovalCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    number = world.target().number
    stale = world.approver.approve(ID, ONE, ada(world), "it runs in test", world.clock(), number + 1)
    assert isinstance(stale, Declined)
    assert stale.reason is Refusal.MOVED_ON
    assert isinstance(world.approver.approve(ID, ONE, ada(world), "it runs", world.clock(), number), Target)
    world.settle()
    assert world.target().wanted == ONE


def test_a_waiver_and_an_override_are_refused_by_a_decision_that_is_not_in_force(world: World) -> None:
    other, now = world.target().number + 7, world.clock()
    wish = (TWO, "CVE-2026-1", "openssl", "2099-01-01")
    waiver = world.waiver.ask(ID, *wish, ada(world), "not reachable", now, other)
    override = world.actor.promote(ID, THREE, ada(world), "now", now, other)
    refused = [one.reason for one in (waiver, override) if isinstance(one, Declined)]
    assert refused == [Refusal.MOVED_ON, Refusal.MOVED_ON]


def _moved(known: Target, world: World) -> Target:
    return msgspec.structs.replace(known, repairs=(*known.repairs, world.clock()))


def _unless_held(known: Target, world: World) -> Target | Declined:
    return Declined(Refusal.HELD, "it is held") if known.hold else _moved(known, world)


def _telling(world: World) -> Callable[[Target, Target], Event]:
    return lambda before, _: Event(f"target:{before.id}", "tried", world.clock(), "somebody tries")


def _by_wanted(world: World) -> Callable[[Target, Target], Event]:
    return lambda _, after: Event(f"target:{after.id}", f"tried-{after.wanted}", world.clock(), "somebody tries")
