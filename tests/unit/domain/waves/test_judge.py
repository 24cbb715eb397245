"""What is to be done next about a wave: every move and reason, and that it waits where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import msgspec
import pytest

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.astray import LetGo
from shared.domain.promotion.canaried import gone_back
from shared.domain.promotion.said import Canaried, Held
from shared.domain.promotion.target import Target
from shared.domain.waves.joining import joined
from shared.domain.waves.judge import FALLBACK, LEFT_LOOK, Move, applied, judge, needs_grounds
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Baseline, Result
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import WAVE_ENDS, MemberState, WaveState
from shared.domain.waves.wave import HELD_FOR, Member, Wave, Word, excluded, learned
from shared.domain.waves.way_back import UNKNOWN
from tests.unit.domain.waves.records import (
    BLOG,
    CANARY,
    CONTINUE,
    FINE,
    HOLD,
    ON_IT,
    ONE,
    RESTORE,
    SAID,
    SHOP,
    THREE,
    TWO,
    asks,
    at,
    broke,
    failed,
    judged,
    member,
    passed,
    played,
    spoken,
    state_of,
    target,
    wave,
)
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit

FAILURE = (failed(CANARY), failed(CANARY, 2))
MOVED_ON = target(ONE, TWO, THREE)


def held(reason: Reason = Reason.CANARY_FAILED) -> Wave:
    """Return a wave that waits for a person."""
    failure = wave(member(CANARY, canary=True, state=MemberState.FAILED), member(SHOP))
    return at(failure, WaveState.HELD, reason=reason, held_until=NOON + HELD_FOR)


def test_a_planned_wave_begins_with_its_canaries() -> None:
    found = judged(wave())
    assert (found.move, found.reason, found.to) == (Move.ADVANCE, Reason.CANARIES_GO, WaveState.CANARIES)


def test_canaries_are_asked_for_and_nobody_else() -> None:
    found = judged(at(wave(), WaveState.CANARIES))
    assert (found.move, found.what) == (Move.ASK, (CANARY,))


def test_a_wave_waits_while_its_canaries_run_and_looks_again_should_their_word_be_lost() -> None:
    found = judged(asks(at(wave(), WaveState.CANARIES), CANARY))
    assert (found.move, found.until) == (Move.WAIT, NOON + FALLBACK)


def test_canaries_that_pass_let_the_others_go_as_many_at_once_as_is_asked() -> None:
    found = played(wave(), passed(CANARY), asked=Rebuilding(wave=1))
    assert found.state is WaveState.ROLLING
    assert [state_of(found, name).value for name in (CANARY, SHOP, BLOG)] == ["built", "claimed", "waiting"]


def test_a_wave_in_which_all_were_built_is_done() -> None:
    found = played(wave(), passed(CANARY), passed(SHOP), passed(BLOG))
    assert (found.state, found.reason, found.look_at) == (WaveState.DONE, Reason.ALL_BUILT, None)


def test_a_wave_in_which_one_of_the_others_failed_is_done_with_failures() -> None:
    found = played(wave(), passed(CANARY), failed(SHOP), passed(BLOG))
    assert (found.state, found.reason) == (WaveState.DONE_WITH_FAILURES, Reason.SOME_NOT_BUILT)


def test_one_that_was_covered_by_another_run_counts_as_built() -> None:
    found = played(wave(member(CANARY, canary=True, state=MemberState.COVERED), member(SHOP)), passed(SHOP))
    assert found.state is WaveState.DONE


def test_a_wave_without_members_is_done() -> None:
    found = judged(msgspec.structs.replace(wave(), members=()))
    assert (found.move, found.reason, found.to) == (Move.FINISH, Reason.NOBODY, WaveState.DONE)


def test_a_canary_that_fails_once_is_asked_for_again() -> None:
    found = played(wave(), failed(CANARY), passed(CANARY, 2), passed(SHOP), passed(BLOG))
    assert found.state is WaveState.DONE


def test_a_canary_that_fails_twice_holds_the_others() -> None:
    found = played(wave(), *FAILURE)
    assert (found.state, found.reason) == (WaveState.HELD, Reason.CANARY_FAILED)
    assert [state_of(found, name).value for name in (SHOP, BLOG)] == ["waiting", "waiting"]
    assert found.held_until is not None


def test_a_canary_that_fails_lets_the_others_go_where_the_entry_says_so() -> None:
    found = played(wave(), *FAILURE, passed(SHOP), passed(BLOG), asked=CONTINUE)
    assert found.state is WaveState.DONE_WITH_FAILURES


def test_a_failure_that_was_passed_over_is_the_reason_why_the_others_go() -> None:
    found = judged(
        at(wave(member(CANARY, canary=True, state=MemberState.FAILED), member(SHOP)), WaveState.CANARIES), CONTINUE
    )
    assert (found.move, found.reason) == (Move.ADVANCE, Reason.FAILURE_PASSED_OVER)


def test_a_canary_that_fails_proposes_to_go_back_where_the_entry_says_so() -> None:
    found = judged(played(wave(), *FAILURE, asked=RESTORE), RESTORE)
    assert (found.move, found.reason) == (Move.RESTORE, Reason.GOES_BACK)
    assert found.restore is not None
    assert (found.restore.number, found.restore.digest, found.restore.former) == (2, TWO, ONE)
    assert found.restore.canaries == (CANARY,)


def test_three_runs_that_decide_nothing_hold_and_neither_pass_nor_restore() -> None:
    found = played(wave(), *(broke(CANARY, attempt) for attempt in (1, 2, 3)), asked=RESTORE)
    assert (found.state, found.reason) == (WaveState.HELD, Reason.INCONCLUSIVE)


def test_one_failure_needs_no_word_of_the_other_canaries() -> None:
    two = wave(member(CANARY, canary=True), member("b", canary=True), member(SHOP))
    assert played(two, *FAILURE).state is WaveState.HELD


def test_an_undecided_canary_waits_for_the_word_of_the_others_which_may_be_a_failure() -> None:
    undecided = member(CANARY, canary=True, state=MemberState.UNDECIDED)
    two = at(wave(undecided, member("b", canary=True)), WaveState.CANARIES)
    assert judged(two).move is Move.ASK
    assert played(two, failed("b"), failed("b", 2)).reason is Reason.CANARY_FAILED
    assert played(two, passed("b")).reason is Reason.INCONCLUSIVE


def test_nobody_who_could_go_first_holds() -> None:
    found = judged(wave(member(SHOP)))
    assert (found.move, found.reason) == (Move.HOLD, Reason.NO_CANARY)


def test_all_canaries_excluded_hold_and_do_not_pass() -> None:
    found = judged(excluded(wave(), CANARY, "it was failing before"))
    assert (found.move, found.reason) == (Move.HOLD, Reason.ALL_EXCLUDED)


def test_of_two_canaries_one_of_which_was_failing_before_the_other_decides() -> None:
    two = excluded(wave(member(CANARY, canary=True), member("b", canary=True), member(SHOP)), CANARY, "failing")
    found = played(two, passed("b"), passed(SHOP))
    assert found.state is WaveState.DONE_WITH_FAILURES


def was_failing(*more: Member) -> Wave:
    """Return a wave of which one canary was failing before, and another was not."""
    failing = member(CANARY, canary=True, baseline=Baseline.FAILING)
    return excluded(wave(failing, member("b", canary=True), *more), CANARY, "it was failing before")


def test_a_canary_that_was_failing_before_is_rebuilt_with_the_others_as_the_new_digest_may_mend_it() -> None:
    found = played(was_failing(member(SHOP)), passed("b"), passed(SHOP), passed(CANARY))
    assert (found.state, state_of(found, CANARY)) == (WaveState.DONE, MemberState.BUILT)


def test_it_is_not_rebuilt_where_the_others_are_not() -> None:
    found = played(was_failing(member(SHOP)), failed("b"), failed("b", 2))
    assert (found.state, state_of(found, CANARY)) == (WaveState.HELD, MemberState.EXCLUDED)


def test_so_is_whoever_is_built_on_it_and_is_not_waited_for_if_it_fails_again() -> None:
    chain = member("c", canary=True, after=(CANARY,)), member(SHOP, after=("c",))
    mended = played(was_failing(*chain), *map(passed, ("b", CANARY, "c", SHOP)))
    assert mended.state is WaveState.DONE
    again = played(was_failing(*chain), passed("b"), failed(CANARY), failed(CANARY, 2))
    assert [state_of(again, name) for name in (CANARY, "c", SHOP)] == [MemberState.FAILED, *[MemberState.VOID] * 2]


def test_a_canary_that_is_found_after_the_hold_for_want_of_one_goes() -> None:
    without = played(wave(member(SHOP)))
    found = joined(without, [member(CANARY, canary=True)])
    assert (judged(found).move, judged(found).to) == (Move.ADVANCE, WaveState.CANARIES)


@pytest.mark.parametrize("state", [WaveState.PLANNED, WaveState.CANARIES, WaveState.ROLLING, WaveState.HELD])
def test_a_later_decision_supersedes_a_wave(state: WaveState) -> None:
    found = judged(at(wave(), state), record=MOVED_ON)
    assert (found.move, found.reason, found.to) == (Move.SUPERSEDE, Reason.MOVED_ON, WaveState.SUPERSEDED)


def test_a_tag_that_left_the_list_or_is_gone_ends_its_wave() -> None:
    gone = msgspec.structs.replace(target(), let_go=LetGo(NOON, "gone"))
    assert judged(wave(), record=gone).reason is Reason.LET_GO
    assert judge(wave(), None, HOLD, FINE, NOON).reason is Reason.LET_GO


@pytest.mark.parametrize("order", list(permutations([*FAILURE, failed(CANARY, 2)])))
def test_the_late_failure_of_a_superseded_wave_restores_nothing_whenever_and_however_often_it_comes(
    order: tuple[Result, ...],
) -> None:
    late = asks(at(wave(), WaveState.CANARIES), CANARY)
    late = applied(late, judged(late, RESTORE, MOVED_ON), NOON, ON_IT)
    for one in order:
        late = learned(late, one, NOON)
    assert (late.state, judged(late, RESTORE, MOVED_ON).move) == (WaveState.SUPERSEDED, Move.WAIT)


def test_a_failure_and_a_later_decision_that_are_known_at_once_come_to_the_later_decision() -> None:
    failure = at(wave(member(CANARY, canary=True, state=MemberState.FAILED)), WaveState.CANARIES)
    assert judged(failure, RESTORE, MOVED_ON).move is Move.SUPERSEDE


@pytest.mark.parametrize("state", sorted(WAVE_ENDS, key=lambda one: one.value))
def test_nothing_is_done_about_a_wave_that_is_over(state: WaveState) -> None:
    over = at(wave(member(SHOP, state=MemberState.BUILT)), state)
    assert judged(over).move is Move.WAIT
    assert judged(over).until is None


def test_a_run_that_goes_on_after_the_end_of_its_wave_is_heard_of_though_its_word_is_lost() -> None:
    over = at(asks(wave(), CANARY), WaveState.CANARIES)
    over = applied(over, judged(over, HOLD, MOVED_ON), NOON, ON_IT)
    assert over.look_at == NOON + LEFT_LOOK
    assert judged(over, HOLD, MOVED_ON).until == NOON + LEFT_LOOK
    heard = learned(over, failed(CANARY), NOON)
    assert judged(heard, HOLD, MOVED_ON).until is None


def test_a_wave_that_was_done_goes_on_for_whoever_is_found_later() -> None:
    done = played(wave(), passed(CANARY), passed(SHOP), passed(BLOG))
    found = played(joined(done, [member("late")]), passed("late"))
    assert (found.state, state_of(found, "late")) == (WaveState.DONE, MemberState.BUILT)


# Chains.


def test_who_is_built_on_a_member_waits_for_it() -> None:
    chain = wave(member(CANARY, canary=True), member("middle"), member("app", after=("middle",)))
    found = played(chain, passed(CANARY))
    assert [state_of(found, name).value for name in ("middle", "app")] == ["claimed", "waiting"]
    assert state_of(played(chain, passed(CANARY), passed("middle")), "app") is MemberState.CLAIMED


def test_who_is_built_on_a_member_that_failed_is_never_asked_for() -> None:
    chain = wave(member(CANARY, canary=True), member("middle"), member("app", after=("middle",)))
    found = played(chain, passed(CANARY), failed("middle"))
    assert (found.state, state_of(found, "app")) == (WaveState.DONE_WITH_FAILURES, MemberState.VOID)


# Room.


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_never_more_than_the_cap_are_asked_for_at_once(most: int) -> None:
    names = [f"acr:apps/task{number}" for number in range(20)]
    found = wave(member(CANARY, canary=True), *(member(name) for name in names))
    found = played(found, passed(CANARY), asked=Rebuilding(wave=most))
    for name in names:
        assert len(found.in_flight) <= most
        found = played(found, passed(name), asked=Rebuilding(wave=most))
    assert found.state is WaveState.DONE


def test_who_is_not_to_be_asked_for_yet_keeps_no_other_waiting() -> None:
    later = member(SHOP, retry_at=NOON + timedelta(minutes=1))
    rolling = at(wave(member(CANARY, canary=True, state=MemberState.BUILT), later, member(BLOG)), WaveState.ROLLING)
    assert judged(rolling).what == (BLOG,)
    assert judged(asks(rolling, BLOG)).until == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=3), timedelta(minutes=9, seconds=59)])
def test_others_are_looked_at_by_themselves_within_ten_minutes_and_at_the_same_moment_after_each_step(
    after: timedelta,
) -> None:
    rolling = at(wave(member(CANARY, canary=True, state=MemberState.BUILT), member(BLOG)), WaveState.ROLLING)
    found = judge(asks(rolling, BLOG), target(), HOLD, FINE, NOON + after)
    assert (found.move, found.until) == (Move.WAIT, NOON + timedelta(minutes=10))


# People.


def test_a_held_wave_waits_for_a_person_until_its_time() -> None:
    found = judged(held())
    assert (found.move, found.until, found.what) == (Move.WAIT, NOON + HELD_FOR, ())


def test_a_held_wave_of_which_nobody_says_anything_ends_and_asks_for_nobody() -> None:
    found = judge(held(), target(), HOLD, FINE, NOON + HELD_FOR)
    assert (found.move, found.reason) == (Move.CANCEL, Reason.NOBODY_SAID_ANYTHING)


def test_a_person_lets_the_others_go() -> None:
    found = played(spoke(held(), spoken(Word.CONTINUE)), passed(SHOP))
    assert (found.state, state_of(found, SHOP)) == (WaveState.DONE_WITH_FAILURES, MemberState.BUILT)


def test_a_person_ends_a_wave_in_whatever_state() -> None:
    for state in (WaveState.PLANNED, WaveState.CANARIES, WaveState.ROLLING, WaveState.HELD):
        assert judged(spoke(at(wave(), state), spoken(Word.CANCEL))).move is Move.CANCEL


def test_a_person_says_to_go_back_though_the_entry_does_not() -> None:
    found = judged(spoke(held(), spoken(Word.RESTORE)))
    assert (found.move, found.reason, found.to) == (Move.RESTORE, Reason.TOLD_TO_RESTORE, WaveState.RESTORING)


def test_a_person_who_says_to_go_back_to_nothing_is_answered_and_the_next_word_counts() -> None:
    without = msgspec.structs.replace(spoke(held(), spoken(Word.RESTORE)), former="")
    found = applied(without, judged(without), NOON, ON_IT)
    assert (found.state, found.reason, found.spoken) == (WaveState.HELD, Reason.NO_FORMER, None)


# Going back.


def restoring() -> Wave:
    """Return a wave whose tag is to go back."""
    failure = wave(member(CANARY, canary=True, state=MemberState.FAILED), member(SHOP))
    return at(failure, WaveState.RESTORING, reason=Reason.GOES_BACK)


def taken(record: Target) -> Target:
    """Return the record after it went back."""
    back = gone_back(record, Canaried(TWO, 2, ONE, NOON, (CANARY,)), SAID, NOON)
    assert back is not None
    return back


def test_a_proposal_that_may_not_have_reached_the_record_is_made_again() -> None:
    assert judged(restoring()).move is Move.RESTORE


def test_a_proposal_that_the_record_took_ends_the_wave_as_restored() -> None:
    found = judged(restoring(), record=taken(target()))
    assert (found.move, found.to) == (Move.WENT_BACK, WaveState.RESTORED)


def test_a_proposal_is_void_once_the_record_went_on() -> None:
    assert judged(restoring(), record=MOVED_ON).move is Move.SUPERSEDE


def test_a_proposal_that_a_person_keeps_from_being_taken_holds() -> None:
    hold = msgspec.structs.replace(target(), hold=Held("ada", "no", NOON))
    assert judged(restoring(), record=hold).reason is Reason.SAID_BY_PERSON


def test_the_control_that_fails_holds_whatever_the_entry_says() -> None:
    control = msgspec.structs.replace(wave(), control_of=1)
    for asked in (HOLD, RESTORE, CONTINUE):
        found = played(control, *FAILURE, asked=asked)
        assert (found.state, found.reason) == (WaveState.HELD, Reason.CONTROL_FAILED)


def test_what_speaks_against_going_back_is_asked_for_only_where_it_may_come_to_that() -> None:
    failure = at(wave(member(CANARY, canary=True, state=MemberState.FAILED)), WaveState.CANARIES)
    assert needs_grounds(failure, RESTORE)
    assert not needs_grounds(failure, HOLD)
    assert not needs_grounds(wave(), RESTORE)
    assert not needs_grounds(msgspec.structs.replace(failure, control_of=1), RESTORE)
    assert needs_grounds(spoke(held(), spoken(Word.RESTORE)), HOLD)


def test_without_an_answer_nothing_goes_back() -> None:
    failure = at(wave(member(CANARY, canary=True, state=MemberState.FAILED)), WaveState.CANARIES)
    assert judged(failure, RESTORE, grounds=UNKNOWN).move is Move.HOLD


TWICE = [member("a", canary=True), member("b", canary=True), member(SHOP)]


@pytest.mark.parametrize(
    ("results", "state", "reason"),
    [
        ([failed("a"), failed("a", 2), passed("b")], WaveState.HELD, Reason.CANARY_FAILED),
        ([broke("a"), broke("a", 2), broke("a", 3), passed("b")], WaveState.HELD, Reason.INCONCLUSIVE),
        ([broke("a"), broke("a", 2), broke("a", 3), failed("b"), failed("b", 2)], WaveState.HELD, Reason.CANARY_FAILED),
        ([failed("a"), passed("a", 2), passed("b")], WaveState.ROLLING, Reason.CANARIES_PASSED),
    ],
)
def test_in_whatever_order_results_come_it_ends_the_same(
    results: list[Result], state: WaveState, reason: Reason
) -> None:
    ends = set()
    for order in permutations(results):
        found = played(wave(*TWICE), *order)
        ends.add((found.state, found.reason, *(state_of(found, one.target) for one in TWICE if one.canary)))
    assert {(one[0], one[1]) for one in ends} == {(state, reason)}


def test_members_are_what_they_were_planned_to_be() -> None:
    found = played(wave(), passed(CANARY), passed(SHOP), passed(BLOG))
    kept: list[Member] = [member(CANARY, canary=True), member(SHOP), member(BLOG)]
    assert [(one.target, one.canary, one.baseline) for one in found.members] == [
        (one.target, one.canary, one.baseline) for one in kept
    ]


def test_who_is_found_to_be_built_on_what_failed_before_is_not_waited_for() -> None:
    over = at(
        wave(member(CANARY, canary=True, state=MemberState.BUILT), member(SHOP, state=MemberState.FAILED)),
        WaveState.DONE_WITH_FAILURES,
    )
    found = played(joined(over, [member(BLOG, after=(SHOP,)), member("acr:apps/last", after=(BLOG,))]))
    late = found.member(BLOG)
    assert late is not None
    assert (late.state, late.detail) == (MemberState.VOID, f"its base failed: {SHOP}")
    assert state_of(found, "acr:apps/last") is MemberState.VOID
    assert found.state is WaveState.DONE_WITH_FAILURES


def test_what_a_canary_that_is_found_later_is_built_on_goes_first_with_it() -> None:
    waits = at(wave(member(SHOP, retry_at=NOON + HELD_FOR)), WaveState.HELD, reason=Reason.NO_CANARY)
    found = joined(waits, [member(SHOP, canary=True), member(CANARY, canary=True, after=(SHOP,))])
    assert played(found, passed(SHOP), passed(CANARY)).state is WaveState.DONE


def test_a_wave_that_goes_back_ends_when_its_tag_leaves_the_watch_list() -> None:
    goes_back = at(wave(member(CANARY, canary=True, state=MemberState.FAILED)), WaveState.RESTORING)
    found = judged(goes_back, record=target(let_go=LetGo(NOON, "its entry is gone")))
    assert (found.move, found.reason) == (Move.SUPERSEDE, Reason.LET_GO)


def test_a_chain_may_be_as_long_as_people_make_it() -> None:
    names = [f"acr:apps/{number}" for number in range(3000)]
    chain = [member(name, after=tuple(names[at - 1 : at])) for at, name in enumerate(names)]
    found = excluded(wave(member(CANARY, canary=True), *chain), names[0], "it may not be run")
    assert state_of(found, names[-1]) is MemberState.VOID
