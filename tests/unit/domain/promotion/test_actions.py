"""What people may do to a target: what it leads to, what is refused and by which name, and that twice is once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.promotion import actions
from shared.domain.promotion.actions import MOST_FORCED, Declined, Refusal
from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import has_passed, landed, scheduled, shown, sighted
from shared.domain.promotion.said import Blocked, Forced, Pinned, Said, Why
from shared.domain.promotion.target import Former, Origin, Sighting, Target
from shared.domain.references import Digest
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO

pytestmark = pytest.mark.unit

THREE, FOUR = digest_of("three"), digest_of("four")
SAID = Said("ada", "it broke the shop", NOON)
LATER = Said("bob", "once more", NOON + timedelta(minutes=1))
TOMORROW = NOON + timedelta(days=1)


def promoted(*digests: Digest, **fields: Any) -> Target:
    """Return a target whose tag bore these digests one after another; the last is in force."""
    origin = Origin("node", NODE, TAG, "node")
    record = Target(registry="base", repository="base/node", tag=TAG, origin=origin)
    for order, digest in enumerate(digests, start=1):
        record = has_passed(sighted(record, Sighting(order, digest), origin, NOON), digest)
        record = landed(decide(record, NOON)[0], digest, NOON)
    return msgspec.structs.replace(scheduled(record, NOON), **fields)


def rejected(record: Target, digest: Digest) -> Target:
    """Let the source bear a digest whose verdict is that it is rejected."""
    order = record.sightings[-1].order + 1 if record.sightings else 1
    return msgspec.structs.replace(sighted(record, Sighting(order, digest), record.origin, NOON), awaited=None)


def done(outcome: Target | Declined) -> Target:
    """Return what an action led to; it must not be refused."""
    assert isinstance(outcome, Target), outcome
    return outcome


def declined(outcome: Target | Declined, reason: Refusal, *words: str) -> None:
    """Assert that an action is refused for a reason, and says these words."""
    assert isinstance(outcome, Declined)
    assert outcome.reason is reason
    assert all(word in outcome.detail for word in ("base/node:22-alpine", *words) if word != reason.value)


def state(record: Target) -> tuple[Digest, Why, int]:
    """Return what is wanted, why, and by which decision."""
    return record.wanted, record.why, record.number


ROLL_BACK = pytest.param(lambda target, said: actions.roll_back(target, None, said), id="roll back")
BACK_TO_ONE = pytest.param(lambda target, said: actions.roll_back(target, ONE, said), id="roll back by name")
PIN = pytest.param(lambda target, said: actions.pin(target, ONE, None, said), id="pin")
PIN_UNTIL = pytest.param(lambda target, said: actions.pin(target, ONE, TOMORROW, said), id="pin until")
UNPIN = pytest.param(actions.unpin, id="unpin")
PROMOTE = pytest.param(lambda target, said: actions.promote(target, THREE, said), id="promote")
BLOCK = pytest.param(lambda target, said: actions.block(target, TWO, said), id="block")
RELEASE = pytest.param(lambda target, said: actions.release(target, TWO, said), id="release")
HOLD = pytest.param(actions.hold, id="hold")
RESUME = pytest.param(actions.resume, id="resume")
Action = Callable[[Target, Said], "Target | Declined"]


@pytest.mark.parametrize("act", [ROLL_BACK, BACK_TO_ONE, PIN, PIN_UNTIL, UNPIN, PROMOTE, BLOCK, RELEASE, HOLD, RESUME])
def test_doing_it_twice_is_doing_it_once(act: Action) -> None:
    record = promoted(ONE, TWO)
    once = done(act(record, SAID))
    assert act(once, LATER) == once
    assert decide(once, LATER.at)[0] == once, "nothing is left to be decided"
    assert scheduled(once, SAID.at) == once


@pytest.mark.parametrize("act", [ROLL_BACK, BACK_TO_ONE, PIN, PIN_UNTIL, PROMOTE, BLOCK])
def test_what_leads_to_another_digest_is_a_decision_that_is_due_at_once(act: Action) -> None:
    before = promoted(ONE, TWO, failures=3, trouble="503", retry_at=TOMORROW)
    after = done(act(before, SAID))
    assert (after.number, after.decided_at, after.look_at) == (before.number + 1, NOON, NOON)
    assert (after.failures, after.trouble, after.retry_at) == (0, "", None)


# Roll back.


def test_going_back_is_going_back_to_the_last_digest_before() -> None:
    assert state(done(actions.roll_back(promoted(ONE, TWO, THREE), None, SAID))) == (TWO, Why.ROLLED_BACK, 4)


def test_going_back_by_name_is_going_back_to_that_digest() -> None:
    assert state(done(actions.roll_back(promoted(ONE, TWO, THREE), ONE, SAID))) == (ONE, Why.ROLLED_BACK, 4)


def test_going_back_passes_over_what_is_blocked() -> None:
    record = actions.block(promoted(ONE, TWO, THREE), TWO, SAID)
    assert done(actions.roll_back(record, None, SAID)).wanted == ONE


def test_going_back_while_the_import_is_under_way_is_going_back_to_what_the_tag_bears() -> None:
    record = promoted(ONE)
    record = has_passed(sighted(record, Sighting(2, TWO), record.origin, NOON), TWO)
    assert done(actions.roll_back(decide(record, NOON)[0], None, SAID)).wanted == ONE


def test_going_back_again_once_the_former_digest_is_there_is_no_going_forth() -> None:
    back = done(actions.roll_back(promoted(ONE, TWO), None, SAID))
    there = landed(back, ONE, NOON)
    assert actions.roll_back(there, None, LATER) == there


def test_a_rolled_back_digest_is_not_promoted_by_the_next_check_and_a_newer_one_is() -> None:
    back = done(actions.roll_back(promoted(ONE, TWO), None, SAID))
    checked = decide(sighted(back, Sighting(2, TWO), back.origin, NOON), NOON)[0]
    assert state(checked) == state(back)
    newer = has_passed(sighted(back, Sighting(3, THREE), back.origin, NOON), THREE)
    assert state(decide(newer, NOON)[0]) == (THREE, Why.NEWEST, 4)


def test_what_was_seen_before_going_back_and_passes_after_it_is_not_promoted() -> None:
    record = promoted(ONE, TWO)
    testing = sighted(record, Sighting(3, THREE), record.origin, NOON)
    back = done(actions.roll_back(testing, None, SAID))
    assert decide(has_passed(back, THREE), NOON)[0].wanted == ONE


def test_there_is_nothing_to_go_back_to_from_the_first_digest() -> None:
    declined(actions.roll_back(promoted(ONE), None, SAID), Refusal.NOTHING_BEFORE, "bore no other digest")


def test_going_back_to_what_was_never_there_is_refused() -> None:
    never = rejected(promoted(ONE, TWO), THREE)
    declined(actions.roll_back(never, THREE, SAID), Refusal.NEVER_PROMOTED, THREE)


def test_what_somebody_else_pushed_into_the_tag_is_nothing_to_go_back_to() -> None:
    overwritten = shown(promoted(ONE, TWO), THREE, NOON)
    mended = landed(overwritten, TWO, NOON)
    assert [(one.digest, one.foreign) for one in mended.former] == [(THREE, True), (ONE, False)]
    assert done(actions.roll_back(mended, None, SAID)).wanted == ONE
    declined(actions.roll_back(mended, THREE, SAID), Refusal.NEVER_PROMOTED)


def test_what_somebody_else_pushed_is_not_what_comes_back_when_a_digest_is_blocked() -> None:
    mended = landed(shown(promoted(ONE), THREE, NOON), ONE, NOON)
    assert state(actions.block(mended, ONE, SAID)) == ("", Why.WITHDRAWN, 2)


# Pin.


def test_a_pinned_digest_stays_whatever_comes() -> None:
    pinned = done(actions.pin(promoted(ONE, TWO), ONE, None, SAID))
    newer = has_passed(sighted(pinned, Sighting(3, THREE), pinned.origin, NOON), THREE)
    assert state(decide(newer, NOON + timedelta(days=900))[0]) == (ONE, Why.PINNED, 3)


def test_without_a_digest_what_is_in_force_is_pinned_without_another_decision() -> None:
    assert state(done(actions.pin(promoted(ONE, TWO), None, None, SAID))) == (TWO, Why.PINNED, 2)


def test_a_pin_that_runs_out_is_looked_at_then_and_the_newest_is_wanted() -> None:
    pinned = landed(done(actions.pin(promoted(ONE, TWO), ONE, TOMORROW, SAID)), ONE, NOON)
    record = scheduled(msgspec.structs.replace(pinned, search_at=None), NOON)
    assert record.look_at == TOMORROW
    after = scheduled(decide(record, TOMORROW)[0], TOMORROW)
    assert state(after) == (TWO, Why.NEWEST, 4)


def test_another_date_moves_the_pin_without_another_decision() -> None:
    pinned = done(actions.pin(promoted(ONE, TWO), ONE, TOMORROW, SAID))
    longer = done(actions.pin(pinned, ONE, TOMORROW + timedelta(days=1), LATER))
    assert longer.pinned == Pinned(ONE, LATER, TOMORROW + timedelta(days=1))
    assert longer.number == pinned.number


def test_what_passed_may_be_pinned_although_it_was_never_in_force() -> None:
    record = promoted(TWO)
    older = has_passed(sighted(record, Sighting(0, ONE), record.origin, NOON), ONE)
    assert done(actions.pin(older, ONE, None, SAID)).wanted == ONE


def test_what_has_not_passed_cannot_be_pinned() -> None:
    untested = rejected(promoted(ONE), TWO)
    declined(actions.pin(untested, TWO, None, SAID), Refusal.NOT_PASSED, TWO, "promote")


def test_a_date_that_is_over_is_refused() -> None:
    outcome = actions.pin(promoted(ONE, TWO), ONE, NOON, SAID)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.DATE_PASSED


def test_where_nothing_is_in_force_nothing_can_be_pinned() -> None:
    declined(actions.pin(promoted(), None, None, SAID), Refusal.NOTHING_WANTED)


def test_after_the_pin_the_newest_is_wanted() -> None:
    pinned = done(actions.pin(promoted(ONE, TWO), ONE, None, SAID))
    assert state(done(actions.unpin(pinned, SAID))) == (TWO, Why.NEWEST, 4)


def test_after_the_pin_what_was_pinned_is_kept_where_nothing_else_has_passed() -> None:
    pinned = done(actions.pin(promoted(ONE, TWO), ONE, None, SAID))
    anew = msgspec.structs.replace(pinned, passed=())
    assert state(done(actions.unpin(anew, SAID))) == (ONE, Why.KEPT, 3)


# Promote.


def test_a_rejected_digest_is_taken_against_its_gate_until_a_newer_one_passes() -> None:
    forced = done(actions.promote(rejected(promoted(ONE, TWO), THREE), THREE, SAID))
    assert state(forced) == (THREE, Why.AGAINST_GATE, 3)
    newer = has_passed(sighted(forced, Sighting(4, FOUR), forced.origin, NOON), FOUR)
    assert state(decide(newer, NOON)[0]) == (FOUR, Why.NEWEST, 4)


def test_what_was_taken_against_its_gate_says_so_for_ever() -> None:
    forced = landed(done(actions.promote(rejected(promoted(ONE), TWO), TWO, SAID)), TWO, NOON)
    for order, digest in enumerate((THREE, FOUR, ONE), start=3):
        forced = has_passed(sighted(forced, Sighting(order, digest), forced.origin, NOON), digest)
        forced = landed(decide(forced, NOON)[0], digest, NOON)
    assert forced.forced == (Forced(TWO, SAID),)
    back = done(actions.roll_back(forced, TWO, LATER))
    assert (back.wanted, back.why, back.forced) == (TWO, Why.ROLLED_BACK, (Forced(TWO, SAID),))


def test_what_has_passed_needs_nothing_against_its_gate() -> None:
    declined(actions.promote(promoted(ONE, TWO), ONE, SAID), Refusal.PASSED, "pin it")


def test_a_tag_whose_gate_is_passed_by_so_often_has_none() -> None:
    often = tuple(Forced(digest_of(str(number)), SAID) for number in range(MOST_FORCED))
    declined(actions.promote(promoted(ONE, forced=often), TWO, SAID), Refusal.TOO_MANY, "mend the gate")
    assert done(actions.promote(promoted(ONE, forced=often), digest_of("7"), SAID)).forced == often


# Block and release.


def test_where_what_is_in_force_is_blocked_the_digest_before_comes_back() -> None:
    assert state(actions.block(promoted(ONE, TWO), TWO, SAID)) == (ONE, Why.NEWEST, 3)


def test_where_nothing_else_can_be_had_what_is_blocked_is_withdrawn_and_comes_back_when_released() -> None:
    record = promoted(ONE)
    withdrawn = actions.block(record, ONE, SAID)
    assert state(withdrawn) == ("", Why.WITHDRAWN, 2)
    assert state(actions.release(withdrawn, ONE, LATER)) == (ONE, Why.NEWEST, 3)


def test_what_was_withdrawn_and_still_stands_is_kept_when_released_although_nothing_has_passed() -> None:
    record = promoted(ONE, passed=())
    withdrawn = actions.block(record, ONE, SAID)
    assert state(actions.release(withdrawn, ONE, LATER)) == (ONE, Why.KEPT, 3)


def test_what_somebody_else_put_where_a_digest_was_withdrawn_is_never_wanted() -> None:
    withdrawn = actions.block(promoted(ONE, passed=()), ONE, SAID)
    overwritten = actions.block(shown(withdrawn, TWO, NOON), TWO, SAID)
    assert state(actions.release(overwritten, TWO, LATER)) == ("", Why.WITHDRAWN, 2)


def test_what_is_blocked_before_it_was_seen_is_never_wanted_until_it_is_released() -> None:
    blocked = actions.block(promoted(ONE), TWO, SAID)
    passed = decide(has_passed(sighted(blocked, Sighting(2, TWO), blocked.origin, NOON), TWO), NOON)[0]
    assert state(passed) == (ONE, Why.NEWEST, 1)
    assert state(actions.release(passed, TWO, LATER)) == (TWO, Why.NEWEST, 2)


@pytest.mark.parametrize("act", [BACK_TO_ONE, PIN, pytest.param(lambda t, s: actions.promote(t, ONE, s), id="promote")])
def test_what_is_blocked_can_be_had_by_no_action(act: Action) -> None:
    outcome = act(actions.block(promoted(ONE, TWO), ONE, SAID), LATER)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.BLOCKED
    assert "by ada (it broke the shop)" in outcome.detail


def test_who_blocked_first_is_who_is_told() -> None:
    twice = actions.block(actions.block(promoted(ONE, TWO), TWO, SAID), TWO, LATER)
    assert twice.blocked == (Blocked(TWO, SAID),)


# Hold and resume.


def test_while_it_is_held_nothing_is_decided_and_what_came_meanwhile_is_decided_when_it_is_resumed() -> None:
    held = actions.hold(promoted(ONE), SAID)
    passed = decide(has_passed(sighted(held, Sighting(2, TWO), held.origin, NOON), TWO), NOON)[0]
    assert state(passed) == (ONE, Why.NEWEST, 1)
    assert state(actions.resume(passed, LATER)) == (TWO, Why.NEWEST, 2)


def test_holding_keeps_the_search_for_what_is_built_on_an_earlier_decision() -> None:
    record = promoted(ONE)
    held = actions.hold(record, SAID)
    assert record.search_at is not None
    assert (held.search_at, held.look_at) == (record.search_at, record.look_at)


@pytest.mark.parametrize("act", [ROLL_BACK, BACK_TO_ONE, PIN, PROMOTE])
def test_what_is_held_is_left_alone_by_actions_until_it_is_resumed(act: Action) -> None:
    declined(act(actions.hold(promoted(ONE, TWO), SAID), LATER), Refusal.HELD, "by ada (it broke the shop)", "resume")


@pytest.mark.parametrize("act", [ROLL_BACK, BACK_TO_ONE, PROMOTE])
def test_what_is_pinned_is_unpinned_first(act: Action) -> None:
    pinned = done(actions.pin(promoted(ONE, TWO), TWO, None, SAID))
    declined(act(pinned, LATER), Refusal.PINNED, "by ada (it broke the shop)", "unpin")


def test_a_pin_whose_date_is_over_is_in_nobodys_way() -> None:
    expired = promoted(ONE, TWO, pinned=Pinned(TWO, SAID, NOON))
    assert done(actions.roll_back(expired, None, LATER)).wanted == ONE


def test_what_was_borne_is_told_with_the_present_one_first_and_without_what_others_pushed() -> None:
    former = (Former(THREE, NOON, foreign=True), Former(ONE, NOON))
    assert actions.borne(promoted(TWO, former=former)) == (TWO, ONE)
