"""Records of waves: what the tables allow, that twice is once, and that what is over stays over."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import msgspec
import pytest

from shared.domain.waves.builders import task_id
from shared.domain.waves.joining import joined
from shared.domain.waves.reasons import HOLDS, Reason
from shared.domain.waves.results import Baseline
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import (
    IN_FLIGHT,
    MEMBER_ENDS,
    MEMBER_MOVES,
    WAVE_ENDS,
    WAVE_MOVES,
    MemberState,
    WaveState,
)
from shared.domain.waves.wave import Wave, Word, excluded, learned, moved, parts_of_wave, wave_id, went
from shared.errors import InvalidReference
from tests.unit.domain.waves.records import (
    BLOG,
    CANARY,
    NOON,
    SHOP,
    asks,
    at,
    broke,
    failed,
    member,
    passed,
    spoken,
    state_of,
    wave,
)

pytestmark = pytest.mark.unit


def test_every_state_has_a_place_in_its_table_and_nothing_else_has() -> None:
    assert set(WAVE_MOVES) == set(WaveState)
    assert set(MEMBER_MOVES) == set(MemberState)
    assert (
        set(WAVE_MOVES[WaveState.RESTORED] | WAVE_MOVES[WaveState.SUPERSEDED] | WAVE_MOVES[WaveState.CANCELLED])
        == set()
    )


def test_every_state_of_a_wave_can_be_come_to_and_left_or_is_an_end() -> None:
    reached = {WaveState.PLANNED}
    for _ in WaveState:
        reached |= {to for state in reached for to in WAVE_MOVES[state]}
    assert reached == set(WaveState)
    assert {state for state in WaveState if not WAVE_MOVES[state] - WAVE_ENDS and state not in WAVE_ENDS} == set()


def test_a_member_that_has_ended_is_at_most_rebuilt_after_all_if_it_said_nothing() -> None:
    left = {state: MEMBER_MOVES[state] for state in MEMBER_ENDS if MEMBER_MOVES[state]}
    assert left == dict.fromkeys((MemberState.EXCLUDED, MemberState.VOID), frozenset({MemberState.WAITING}))
    assert set(MemberState) == MEMBER_ENDS | IN_FLIGHT | {MemberState.WAITING}


@pytest.mark.parametrize(("state", "to"), list(product(WaveState, WaveState)))
def test_a_wave_goes_only_where_its_table_says(state: WaveState, to: WaveState) -> None:
    before = at(wave(), state)
    if to is state or to in WAVE_MOVES[state]:
        after = went(before, to, Reason.OTHERS_GO)
        assert (after.state, after.step) == (to, before.step + 1)
    else:
        with pytest.raises(ValueError, match="cannot go"):
            went(before, to, Reason.OTHERS_GO)


@pytest.mark.parametrize(("state", "to"), list(product(MemberState, MemberState)))
def test_a_member_goes_only_where_its_table_says(state: MemberState, to: MemberState) -> None:
    before = wave(member(SHOP, state=state))
    expected = to if to in MEMBER_MOVES[state] else state
    assert state_of(moved(before, SHOP, to), SHOP) is expected


def test_a_wave_has_an_id_that_its_parts_are_read_from() -> None:
    assert wave().id == "tidegatebase~base~node~22-alpine~2"
    assert parts_of_wave(wave().id) == ("tidegatebase~base~node~22-alpine", 2)
    assert wave_id(*parts_of_wave(wave().id)) == wave().id


@pytest.mark.parametrize("text", ["", "2", "tidegatebase~base~node~22-alpine~0", "a~b~c~x", "~~2", "a~b~c~²"])
def test_what_is_no_id_of_a_wave_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        parts_of_wave(text)


def test_a_task_is_a_rebuild_target_whatever_its_case() -> None:
    assert task_id("ContosoApps", "Shop") == "acr:contosoapps/shop"


def test_a_record_reads_back_as_it_was_written() -> None:
    found = learned(asks(wave(), CANARY), failed(CANARY), NOON)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Wave) == found


def test_members_are_claimed_once() -> None:
    once = asks(wave(), SHOP)
    twice = asks(once, SHOP)
    assert state_of(twice, SHOP) is MemberState.CLAIMED
    assert twice.member(SHOP) == once.member(SHOP)


def test_a_result_that_comes_twice_counts_once() -> None:
    once = learned(asks(wave(), CANARY), failed(CANARY), NOON)
    assert learned(once, failed(CANARY), NOON) == once


def test_a_result_of_an_attempt_that_was_never_asked_for_is_not_believed() -> None:
    assert learned(wave(), passed(CANARY), NOON) == wave()


def test_a_result_of_another_decision_is_not_believed() -> None:
    other = msgspec.structs.replace(passed(CANARY), number=3)
    assert learned(asks(wave(), CANARY), other, NOON) == asks(wave(), CANARY)


def test_a_failure_is_repeated_once_after_a_pause() -> None:
    once = learned(asks(wave(), CANARY), failed(CANARY), NOON)
    known = once.member(CANARY)
    assert known is not None
    assert (known.state, known.retry_at) == (MemberState.WAITING, NOON + timedelta(seconds=15))


def test_both_failures_are_kept_with_their_runs() -> None:
    once = learned(asks(wave(), CANARY), failed(CANARY), NOON)
    twice = learned(asks(once, CANARY), failed(CANARY, 2), NOON)
    known = twice.member(CANARY)
    assert known is not None
    assert known.state is MemberState.FAILED
    assert [one.ended.run for one in known.results] == ["run1", "run2"]


def test_of_others_than_canaries_one_failure_is_the_end() -> None:
    assert state_of(learned(asks(wave(), SHOP), failed(SHOP), NOON), SHOP) is MemberState.FAILED


def test_whoever_is_built_on_a_member_that_failed_is_not_asked_for_and_says_why() -> None:
    chain = wave(member(SHOP), member("b", after=(SHOP,)), member("c", after=("b",)), member("d"))
    found = learned(asks(chain, SHOP), failed(SHOP), NOON)
    assert [state_of(found, name).value for name in "bcd"] == ["void", "void", "waiting"]
    known = found.member("b")
    assert known is not None
    assert known.detail == f"its base failed: {SHOP}"


def test_a_late_result_of_a_wave_that_is_over_is_kept_and_asks_for_nothing() -> None:
    over = went(at(asks(wave(), CANARY), WaveState.CANARIES), WaveState.SUPERSEDED, Reason.MOVED_ON)
    late = learned(over, broke(CANARY), NOON)
    assert (late.state, state_of(late, CANARY)) == (WaveState.SUPERSEDED, MemberState.VOID)
    known = late.member(CANARY)
    assert known is not None
    assert len(known.results) == 1


def test_the_end_of_a_wave_voids_who_waits_and_lets_go_on_who_runs() -> None:
    over = went(at(asks(wave(), CANARY), WaveState.CANARIES), WaveState.CANCELLED, Reason.TOLD_TO_CANCEL)
    assert [state_of(over, name).value for name in (CANARY, SHOP, BLOG)] == ["claimed", "void", "void"]


def test_a_member_found_later_joins_and_goes_with_the_others() -> None:
    found = joined(at(wave(), WaveState.ROLLING), [member("late", canary=True)])
    known = found.member("late")
    assert known is not None
    assert not known.canary


def test_nobody_joins_twice_or_what_is_over_for_good() -> None:
    assert joined(wave(), [member(SHOP)]) == wave()
    over = at(wave(), WaveState.SUPERSEDED)
    assert joined(over, [member("late")]) == over


def test_where_nobody_could_go_first_a_canary_that_is_found_later_does() -> None:
    held = at(wave(member(SHOP)), WaveState.HELD, reason=Reason.NO_CANARY)
    assert [one.target for one in joined(held, [member("late", canary=True)]).canaries] == ["late"]


def test_only_the_first_word_counts() -> None:
    first = spoke(at(wave(), WaveState.HELD), spoken(Word.CANCEL))
    assert spoke(first, spoken(Word.CONTINUE)) == first
    assert first.spoken == spoken(Word.CANCEL)


@pytest.mark.parametrize("state", sorted(WAVE_ENDS, key=lambda one: one.value))
def test_of_what_is_over_nobody_says_anything(state: WaveState) -> None:
    assert spoke(at(wave(), state), spoken(Word.RESTORE)).spoken is None


def test_a_member_that_cannot_speak_says_why_and_keeps_who_is_built_on_it_waiting_for_nothing() -> None:
    chain = wave(member(CANARY, canary=True), member("b", after=(CANARY,)))
    found = excluded(chain, CANARY, "it was failing before")
    assert (state_of(found, CANARY), state_of(found, "b")) == (MemberState.EXCLUDED, MemberState.VOID)


def test_a_failure_is_unproven_where_no_canary_that_failed_was_known_to_be_good() -> None:
    unknown = wave(member(CANARY, canary=True, baseline=Baseline.UNKNOWN, state=MemberState.FAILED))
    good = wave(member(CANARY, canary=True, state=MemberState.FAILED))
    assert (unknown.unproven, good.unproven, wave().unproven) == (True, False, False)


def test_every_reason_to_hold_is_one_and_no_other_reason_is() -> None:
    assert {one for one in Reason if one not in HOLDS} >= {Reason.MOVED_ON, Reason.GOES_BACK, Reason.CANARIES_PASSED}
    assert len(HOLDS) == 16
