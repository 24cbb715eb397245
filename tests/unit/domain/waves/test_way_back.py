"""When a tag goes back by itself, when it does not, and what its control says of the digest that failed."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion import actions
from shared.domain.promotion.canaried import canaried, gone_back, judged
from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import has_passed, sighted
from shared.domain.promotion.said import Blocked, Canaried, Chosen, Guilt, Held, Pinned, Said, Why
from shared.domain.promotion.target import Adopted, Former, Sighting, Target
from shared.domain.references import Digest
from shared.domain.waves.reasons import Reason
from shared.domain.waves.states import MemberState
from shared.domain.waves.wave import Wave
from shared.domain.waves.way_back import (
    Grounds,
    HoldBecause,
    Restore,
    Scanned,
    Taken,
    became,
    control_says,
    proposal,
    restored_by,
    told,
)
from tests.unit.domain.waves.records import CANARY, FINE, SAID, SHOP, THREE, member, target, wave
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

FAILURE = Canaried(TWO, 2, ONE, NOON, (CANARY,))


def failure() -> Wave:
    """Return a wave whose canary failed."""
    return wave(member(CANARY, canary=True, state=MemberState.FAILED), member(SHOP))


def but(**fields: object) -> Target:
    """Return the tag's record with something else in it."""
    return msgspec.structs.replace(target(), **fields)


def back(record: Target | None = None) -> Target:
    """Return a record that went back."""
    found = gone_back(record or target(), FAILURE, SAID, NOON)
    assert found is not None
    return found


def test_a_failed_canary_and_nothing_that_speaks_against_it_propose_to_go_back() -> None:
    assert proposal(failure(), target(), FINE, NOON) == Restore(2, TWO, ONE, (CANARY,))


LONG_AGO = NOON - timedelta(days=9)
ONE_FAILED = but(canaried=(Canaried(ONE, 1, THREE, LONG_AGO),))
TWO_FAILED_BEFORE = but(canaried=(Canaried(TWO, 1, ONE, LONG_AGO),))
ADOPTED_ONE = but(adopted=Adopted(ONE, 1), passed=(TWO,))
FOREIGN_ONE = but(former=(Former(ONE, NOON, foreign=True),))
EARLIER = Canaried(THREE, 1, ONE, NOON - timedelta(hours=23), (CANARY,))


@pytest.mark.parametrize(
    ("record", "grounds", "reason"),
    [
        pytest.param(target(), Grounds(Scanned.FIXES_EXPLOITED, True), Reason.FIXES_EXPLOITED, id="mends exploited"),
        pytest.param(target(), Grounds(Scanned.HAS_FINDINGS, True), Reason.FORMER_HAS_FINDINGS, id="former blocks"),
        pytest.param(target(), Grounds(Scanned.UNKNOWN, True), Reason.NOT_SCANNED, id="former was not scanned"),
        pytest.param(target(), Grounds(Scanned.CLEAN, False), Reason.FORMER_GONE, id="former is gone"),
        pytest.param(but(pinned=Pinned(TWO, SAID), why=Why.PINNED), FINE, Reason.SAID_BY_PERSON, id="pinned"),
        pytest.param(but(why=Why.ROLLED_BACK), FINE, Reason.SAID_BY_PERSON, id="rolled back to it"),
        pytest.param(but(why=Why.AGAINST_GATE), FINE, Reason.SAID_BY_PERSON, id="taken against its gate"),
        pytest.param(but(hold=Held("ada", "no", NOON)), FINE, Reason.SAID_BY_PERSON, id="entry held"),
        pytest.param(but(blocked=(Blocked(ONE, SAID),)), FINE, Reason.FORMER_REFUSED, id="former blocked"),
        pytest.param(
            ONE_FAILED,
            FINE,
            Reason.FORMER_REFUSED,
            id="former failed",
        ),
        pytest.param(ADOPTED_ONE, FINE, Reason.FORMER_UNVERIFIED, id="former adopted"),
        pytest.param(FOREIGN_ONE, FINE, Reason.FORMER_UNVERIFIED, id="former put there by others"),
        pytest.param(
            TWO_FAILED_BEFORE,
            FINE,
            Reason.RESTORED_BEFORE,
            id="went back from it before",
        ),
        pytest.param(but(canaried=(EARLIER,)), FINE, Reason.RESTORED_TODAY, id="went back within a day"),
    ],
)
def test_what_speaks_against_going_back_has_a_name(record: Target, grounds: Grounds, reason: Reason) -> None:
    assert proposal(failure(), record, grounds, NOON) == HoldBecause(reason)


def test_a_wave_that_knows_no_digest_before_does_not_go_back() -> None:
    for former in (Digest(""), TWO):
        without = msgspec.structs.replace(failure(), former=former)
        assert proposal(without, target(), FINE, NOON) == HoldBecause(Reason.NO_FORMER)


def test_a_day_after_the_tag_went_back_it_may_do_so_from_another_digest() -> None:
    old = but(canaried=(msgspec.structs.replace(EARLIER, at=NOON - timedelta(days=1)),))
    assert isinstance(proposal(failure(), old, FINE, NOON), Restore)


def test_a_person_who_says_to_go_back_is_held_only_by_what_cannot_be() -> None:
    assert isinstance(told(failure(), ADOPTED_ONE, Grounds(Scanned.HAS_FINDINGS, True)), Restore)
    assert told(failure(), target(), Grounds()) == HoldBecause(Reason.FORMER_GONE)
    assert told(failure(), but(blocked=(Blocked(ONE, SAID),)), FINE) == HoldBecause(Reason.FORMER_REFUSED)


def test_going_back_is_the_next_decision_for_the_digest_before() -> None:
    found = back()
    assert (found.wanted, found.number, found.why) == (ONE, 3, Why.RESTORED)
    assert canaried(found, TWO) == Canaried(TWO, 2, ONE, NOON, (CANARY,), 3, Guilt.REFUSED)


def test_going_back_twice_is_going_back_once() -> None:
    assert gone_back(back(), FAILURE, SAID, NOON) is None


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(target(ONE, TWO, THREE), id="the order has gone on"),
        pytest.param(but(hold=Held("ada", "no", NOON)), id="a person holds it"),
        pytest.param(but(pinned=Pinned(TWO, SAID)), id="a person pinned it"),
        pytest.param(but(blocked=(Blocked(ONE, SAID),)), id="the digest before is blocked"),
    ],
)
def test_a_proposal_is_void_where_something_came_between(record: Target) -> None:
    assert gone_back(record, FAILURE, SAID, NOON) is None


def test_what_became_of_a_proposal_is_told_by_the_record_alone() -> None:
    assert became(failure(), target()) is Taken.OPEN
    assert (became(failure(), back()), restored_by(failure(), back())) == (Taken.TAKEN, 3)
    assert became(failure(), target(ONE, TWO, THREE)) is Taken.VOID


def test_a_newer_one_that_was_seen_before_the_tag_went_back_goes_through_once_it_passes() -> None:
    record = target()
    seen = back(sighted(record, Sighting(3, THREE), record.origin, NOON))
    assert (seen.wanted, seen.why) == (ONE, Why.RESTORED)
    again = decide(sighted(seen, Sighting(2, TWO), record.origin, NOON), NOON)[0]
    assert (again.wanted, again.number) == (ONE, 3)
    passed = decide(has_passed(again, THREE), NOON)[0]
    assert (passed.wanted, passed.why, passed.number) == (THREE, Why.NEWEST, 4)


def test_what_a_person_went_back_from_does_not_come_back_when_what_they_went_back_to_fails() -> None:
    record = target(ONE, TWO, THREE)
    chosen = Chosen(TWO, 3, SAID, Why.ROLLED_BACK, (THREE,))
    rolled = decide(msgspec.structs.replace(record, chosen=chosen), NOON)[0]
    assert (rolled.wanted, rolled.number) == (TWO, 4)
    found = gone_back(rolled, Canaried(TWO, 4, ONE, NOON, (CANARY,)), SAID, NOON)
    assert found is not None
    assert (found.wanted, found.why) == (ONE, Why.RESTORED)


def test_the_next_check_leaves_the_digest_refused_and_a_newer_one_goes_through() -> None:
    record = back()
    again = sighted(record, Sighting(3, TWO), record.origin, NOON)
    assert decide(again, NOON)[0].wanted == ONE
    newer = has_passed(sighted(again, Sighting(4, THREE), record.origin, NOON), THREE)
    assert decide(newer, NOON)[0].wanted == THREE


def test_the_digest_stays_refused_after_a_newer_one_came_and_went() -> None:
    record = back()
    newer = has_passed(sighted(record, Sighting(3, THREE), record.origin, NOON), THREE)
    newer = decide(newer, NOON)[0]
    returned = sighted(newer, Sighting(5, TWO), record.origin, NOON)
    assert decide(returned, NOON)[0].wanted == THREE


def test_a_person_may_take_the_refused_digest_all_the_same() -> None:
    found = actions.pin(back(), TWO, None, Said("ada", "the shop is mended", NOON))
    assert isinstance(found, Target)
    assert found.wanted == TWO


def test_a_digest_between_the_two_that_was_never_in_force_is_not_taken_instead() -> None:
    record = has_passed(sighted(target(ONE), Sighting(2, THREE), target().origin, NOON), THREE)
    record = decide(has_passed(sighted(record, Sighting(3, TWO), record.origin, NOON), TWO), NOON)[0]
    failed = msgspec.structs.replace(FAILURE, number=record.number)
    found = gone_back(record, failed, SAID, NOON)
    assert found is not None
    assert found.wanted == ONE


def control(*states: MemberState) -> Wave:
    """Return the control of a digest that failed, whose canaries are in these states."""
    canaries = (member(f"c{number}", canary=True, state=state) for number, state in enumerate(states))
    return msgspec.structs.replace(wave(*canaries), control_of=1)


@pytest.mark.parametrize(
    ("states", "guilt"),
    [
        ((MemberState.BUILT,), Guilt.CONFIRMED),
        ((MemberState.FAILED,), Guilt.SUSPECTED),
        ((MemberState.BUILT, MemberState.FAILED), Guilt.SUSPECTED),
        ((MemberState.BUILT, MemberState.RUNNING), None),
        ((MemberState.BUILT, MemberState.UNDECIDED), None),
        ((MemberState.COVERED, MemberState.EXCLUDED), Guilt.CONFIRMED),
        ((MemberState.EXCLUDED,), None),
        ((MemberState.UNDECIDED,), None),
        ((MemberState.RUNNING,), None),
        ((), None),
    ],
)
def test_the_control_says_whose_fault_it_was(states: tuple[MemberState, ...], guilt: Guilt | None) -> None:
    assert control_says(control(*states)) is guilt


def test_a_wave_that_is_no_control_says_nothing_of_guilt() -> None:
    assert control_says(failure()) is None


def test_guilt_is_written_once_and_a_suspicion_refuses_the_digest_no_more() -> None:
    suspected = judged(back(), 2, Guilt.SUSPECTED)
    assert judged(suspected, 2, Guilt.CONFIRMED) == suspected
    known = canaried(suspected, TWO)
    assert known is not None
    assert known.guilt is Guilt.SUSPECTED


def test_a_suspicion_makes_no_second_turn_by_itself() -> None:
    suspected = judged(back(), 2, Guilt.SUSPECTED)
    assert decide(suspected, NOON)[0].wanted == ONE
    assert proposal(failure(), but(canaried=suspected.canaried), FINE, NOON) == HoldBecause(Reason.RESTORED_BEFORE)
