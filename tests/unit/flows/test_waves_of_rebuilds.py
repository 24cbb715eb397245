"""Rebuilds in waves: canaries first, the others after their word, and the tag back where it stood if they fail."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion import actions
from shared.domain.promotion.rebuilds import EndKind, RebuildStatus
from shared.domain.promotion.said import Guilt, Said, Why
from shared.domain.waves.results import Baseline, LastRun
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Spoken, Word
from shared.domain.waves.way_back import Grounds, Scanned
from shared.errors import MayNotRun, Unavailable
from shared.run_ports import Run
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, WATCH_LIST
from tests.unit.flows.waving import (
    ALL,
    APPS,
    BLOG,
    CANARY,
    CONTINUE,
    RESTORE,
    SHOP,
    Waving,
    asking,
    task,
)

pytestmark = pytest.mark.unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def says(world: Waving, word: Word, by: str = "ada", number: int = 2) -> None:
    """Let a person say something of a wave, and some time pass."""
    spoken = Spoken(word, Said(by, "I looked at it", world.clock()))
    done = world.rolling.book.change(world.wave(number).id, lambda known: spoke(known, spoken) if known else None)
    assert done is not None
    world.rolling.book.wake(done.record)
    world.run_for(HOUR)


# Without waves nothing is other than before.


def test_an_entry_that_asks_for_no_waves_has_none_and_no_storage_is_asked_about_any() -> None:
    world = Waving(WATCH_LIST)
    asked: list[str] = []
    world.waves.before_call = asked.append
    world.waves.fail("get", Unavailable("nobody should ask"))
    world.promote(TWO)
    assert [one.status for one in world.rebuilt() if one.base_digest == TWO] == [RebuildStatus.SUCCEEDED] * 3
    assert asked == []
    assert world.waves._errors["get"], "somebody asked"
    assert all(not one.wave for one in world.rebuilt())


def test_a_first_filling_has_no_wave() -> None:
    world = Waving()
    assert list(world.waves.every("tidegatebase")) == []


# The way ahead.


def test_the_canary_is_rebuilt_first_and_the_others_after_it_each_once() -> None:
    world = Waving()
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert [world.runs_of(name) for name in ALL] == [1, 1, 1]
    runs = world.application_runs.bases_at_start  # type: ignore[attr-defined]
    assert runs[0][0] == "/tasks/canary"
    assert {world.built_on(name) for name in ALL} == {TWO}


def test_a_canary_that_fails_keeps_the_others_from_being_asked_for_until_a_person_speaks() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 3 * DAY)
    assert world.state() == (WaveState.HELD, "canary-failed")
    assert [world.runs_of(name) for name in ALL] == [2, 0, 0]
    assert world.wave().held_until is not None


def test_both_logs_of_a_canary_that_failed_twice_are_kept() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    failed = [one for one in world.rebuilt() if one.task == CANARY and one.base_digest == TWO]
    assert sorted(one.attempt for one in failed) == [1, 2]
    logs = [world.evidence.read(one.id, "rebuild-1.log") for one in failed]
    assert logs == [b"canary broke", b"canary broke"]


def test_a_canary_that_fails_once_is_only_flaky() -> None:
    world = Waving()
    world.fails(CANARY, times=1)
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.DONE, "all-built")


def test_others_go_as_many_at_once_as_the_entry_says() -> None:
    names = [CANARY, *(f"task{number}" for number in range(12))]
    world = Waving(asking(wave=2), names)
    most = 0

    def count(_: str) -> None:
        nonlocal most
        most = max(most, sum(one.status is RebuildStatus.RUNNING for one in world.rebuilt()))

    world.application_runs.before_call = count
    world.promote(TWO, 6 * HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert 0 < most <= 2
    assert [world.runs_of(name) for name in names] == [1] * 13


def test_a_failure_is_passed_over_where_the_entry_says_so() -> None:
    world = Waving(asking(CONTINUE))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    assert world.state()[0] is WaveState.DONE_WITH_FAILURES
    assert [world.built_on(name) for name in ALL] == [ONE, TWO, TWO]


def test_of_so_many_canaries_as_are_asked_for_the_others_wait() -> None:
    world = Waving(asking(canary="2"))
    world.promote(TWO, HOUR)
    assert [one.canary for one in world.wave().members] == [True, True, False]
    assert world.state()[0] is WaveState.DONE


def test_a_named_canary_that_is_not_there_holds() -> None:
    world = Waving(asking(canary="[tidegateapps/nobody]"))
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.HELD, "no-canary")
    assert [world.runs_of(name) for name in ALL] == [0, 0, 0]


def test_tasks_with_a_trigger_of_their_own_or_disabled_are_outside_and_said_to_be() -> None:
    world = Waving(asking(), [CANARY, task("own", own_trigger=True), task("off", enabled=False)])
    world.promote(TWO, HOUR)
    assert {(one.target, one.why.split()[0]) for one in world.wave().outside} == {
        (f"acr:{APPS}/own", "its"),
        (f"acr:{APPS}/off", "it"),
    }
    assert [one.target for one in world.wave().members] == [f"acr:{APPS}/canary"]


def test_a_canary_that_nobody_may_run_cannot_speak() -> None:
    world = Waving()
    world.application_runs.fail("start_task", *[MayNotRun("lacks tasks/write", code="LinkedAuthorizationFailed")] * 99)
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.HELD, "all-excluded")


def test_whoever_waits_in_a_wave_is_not_missed_by_the_comparison() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 5 * HOUR)
    told = [line.name for name in ALL for line in world.activity.of(f"task:{APPS}/{name}", 9)]
    assert "rebuild-missing" not in told
    assert [world.runs_of(name) for name in ALL] == [2, 0, 0]


def test_a_task_that_is_made_later_joins_its_wave() -> None:
    world = Waving()
    world.promote(TWO, timedelta(minutes=2))
    world.application_runs.application_tasks += (task("late"),)
    world.run_for(3 * HOUR, timedelta(minutes=4))
    assert world.state() == (WaveState.DONE, "all-built")
    assert world.runs_of("late") == 1


# 11


def test_a_run_that_was_built_on_the_old_digest_is_no_answer_and_is_asked_for_again() -> None:
    world = Waving()
    runs = world.application_runs

    def start_early(moment: str) -> None:
        if moment == "application_runs.after:start_task" and not done:
            done.append(moment)
            runs.built_late = True  # type: ignore[attr-defined]
            (run, (key, bases)) = next(iter(runs._built_on.items()))  # type: ignore[attr-defined]
            runs._built_on[run] = (key, {**bases, (TARGET, TAG): ONE})  # type: ignore[attr-defined]

    done: list[str] = []
    world.hook = start_early
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    found = world.wave().member(f"acr:{APPS}/canary")
    assert found is not None
    assert [one.built_on for one in found.results] == [ONE, TWO]


# 12, 13


def test_a_canary_that_fails_takes_the_tag_back_and_its_control_confirms_it() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.RESTORED, "went-back")
    assert (world.target().wanted, world.target().seen, world.target().why) == (ONE, ONE, Why.RESTORED)
    assert world.wave().restored_by == 3
    assert (world.canaried().digest, world.canaried().guilt) == (TWO, Guilt.CONFIRMED)
    assert [world.runs_of(name) for name in ALL] == [2, 0, 0]
    assert world.state(3) == (WaveState.DONE, "all-built")


def test_after_the_way_back_the_next_check_leaves_the_digest_and_a_newer_one_goes_through() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    world.check()
    world.run_for(2 * HOUR)
    assert world.target().wanted == ONE
    world.promote(THREE, 2 * HOUR)
    assert (world.target().seen, world.state(4)) == (THREE, (WaveState.DONE, "all-built"))
    assert {world.built_on(name) for name in ALL} == {THREE}


def test_a_control_that_fails_as_well_makes_the_refusal_a_suspicion_and_waits_for_a_person() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY, times=4)
    world.promote(TWO, 3 * HOUR)
    assert world.state(3) == (WaveState.HELD, "control-failed")
    assert (world.canaried().guilt, world.target().number) == (Guilt.SUSPECTED, 3)
    rebuilds = [one for one in world.rebuilt() if one.task == CANARY]
    logs = [world.evidence.read(one.id, "rebuild-1.log") for one in rebuilds]
    assert logs == [b"canary broke"] * 4
    world.run_for(2 * DAY)
    assert (world.target().number, world.target().seen) == (3, ONE)


# 14


def before(world: Waving, name: str, *, passed: bool) -> None:
    """Say how a task was on the former digest."""
    world.last_runs.of[f"{APPS}/{name}"] = LastRun("r0", passed, EndKind.BUILD, built_on=ONE)


def test_a_canary_that_was_failing_before_is_excluded_and_another_one_decides() -> None:
    world = Waving(asking(canary=f"[{APPS}/{CANARY}, {APPS}/{SHOP}]"))
    before(world, CANARY, passed=False)
    world.promote(TWO, HOUR)
    assert next(iter(world.application_runs.started)) == f"/tasks/{SHOP}"
    assert world.state()[0] is WaveState.DONE
    assert [world.built_on(name) for name in (CANARY, SHOP, BLOG)] == [TWO, TWO, TWO]


def test_one_that_fails_as_before_when_the_others_are_rebuilt_is_not_told_to_fail_since_its_base_moved() -> None:
    world = Waving(asking(canary=f"[{APPS}/{CANARY}, {APPS}/{SHOP}]"))
    before(world, CANARY, passed=False)
    world.fails(CANARY, times=9)
    world.promote(TWO, 2 * HOUR)
    assert (world.member(CANARY), world.state()[0]) == (MemberState.FAILED, WaveState.DONE_WITH_FAILURES)
    world.teller.survey()
    told = {one.noted.trouble.kind.value: one.noted.trouble.detail for one in world.troubles.every()}
    assert "it is failed in its wave, as before: run " in told["not-rebuilt"]
    assert "task-fails-since-base-moved" not in told


def test_if_no_canary_is_left_that_was_not_failing_before_the_wave_is_held() -> None:
    world = Waving()
    before(world, CANARY, passed=False)
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.HELD, "all-excluded")


def test_where_a_number_of_canaries_is_asked_for_one_that_was_failing_before_is_none_of_them() -> None:
    world = Waving(asking(canary="1"))
    before(world, BLOG, passed=False)
    world.promote(TWO, HOUR)
    assert next(iter(world.application_runs.started)) == f"/tasks/{CANARY}"
    assert (world.member(BLOG), world.member(CANARY)) == (MemberState.BUILT, MemberState.BUILT)


def test_how_a_canary_was_before_is_frozen_when_the_wave_is_planned() -> None:
    world = Waving()
    world.promote(TWO, HOUR)
    before(world, CANARY, passed=False)
    found = world.wave().member(f"acr:{APPS}/canary")
    assert found is not None
    assert found.baseline is Baseline.UNKNOWN


# 15, 16


def test_a_newer_decision_supersedes_the_wave_and_its_late_failure_restores_nothing() -> None:
    world = Waving(asking(RESTORE))
    world.application_runs.looks = 10**6
    world.fails(CANARY, times=1)
    world.promote(TWO, timedelta(minutes=20))
    assert world.state()[0] is WaveState.CANARIES
    world.promote(THREE, timedelta(minutes=20))
    assert world.state()[0] is WaveState.SUPERSEDED
    world.application_runs.looks = 1
    world.application_runs.finish()
    world.run_for(2 * HOUR)
    assert (world.state()[0], world.state(3)[0]) == (WaveState.SUPERSEDED, WaveState.DONE)
    assert (world.target().number, world.target().canaried) == (3, ())
    assert [world.runs_of(name, THREE) for name in ALL] == [1, 1, 1]
    assert [world.member(name) for name in (SHOP, BLOG)] == [MemberState.VOID, MemberState.VOID]


def test_a_run_that_was_claimed_and_never_begun_is_not_begun_on_what_the_tag_moved_to_before_its_canaries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Waving()
    starting = world.application_runs.start_task

    def start(name: str, task_id: str) -> Run:
        if task_id == f"/tasks/{SHOP}":
            raise Unavailable("503")
        return starting(name, task_id)

    with monkeypatch.context() as patch:
        patch.setattr(world.application_runs, "start_task", start)
        world.promote(TWO)
        world.fails(CANARY)
        world.promote(THREE)
    assert [world.runs_of(name) for name in (CANARY, BLOG, SHOP)] == [1, 1, 0]
    world.run_for(HOUR)
    assert world.state(3) == (WaveState.HELD, "canary-failed")
    assert [world.runs_of(name, THREE) for name in ALL] == [2, 0, 0]


def test_what_no_canary_was_built_on_is_nothing_to_go_back_to() -> None:
    world = Waving(asking(RESTORE))
    world.application_runs.looks = 10**6
    world.promote(TWO, timedelta(minutes=20))
    world.application_runs.looks = 1
    world.promote(THREE, timedelta(minutes=20))
    assert world.wave(3).former == ONE


# 17, 18


@pytest.mark.parametrize(
    ("grounds", "reason"),
    [
        (Grounds(Scanned.FIXES_EXPLOITED, there=True), "fixes-exploited"),
        (Grounds(Scanned.HAS_FINDINGS, there=True), "former-has-findings"),
        (Grounds(Scanned.UNKNOWN, there=True), "not-scanned"),
        (Grounds(Scanned.CLEAN, there=False), "former-gone"),
    ],
)
def test_what_speaks_against_going_back_holds_and_moves_nothing(grounds: Grounds, reason: str) -> None:
    world = Waving(asking(RESTORE))
    world.grounds.grounds = grounds
    world.fails(CANARY)
    world.promote(TWO, DAY)
    assert world.state() == (WaveState.HELD, reason)
    assert (world.target().seen, world.target().number) == (TWO, 2)
    assert [world.runs_of(name) for name in ALL] == [2, 0, 0]


def test_a_digest_that_a_person_pinned_does_not_go_back() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.application_runs.looks = 10
    world.promote(TWO, timedelta(minutes=1))
    said = Said("ada", "this one", world.clock())
    world.book.change(world.target().id, lambda known: _pinned(known, said))
    world.run_for(2 * HOUR)
    assert world.state() == (WaveState.HELD, "said-by-person")
    assert world.target().seen == TWO


def _pinned(known: object, said: Said) -> object:
    return actions.pin(known, TWO, None, said)  # type: ignore[arg-type]


def test_a_former_digest_that_was_blocked_meanwhile_is_not_gone_back_to() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.application_runs.looks = 10
    world.promote(TWO, timedelta(minutes=1))
    said = Said("ada", "it leaks", world.clock())
    world.book.change(world.target().id, lambda known: actions.block(known, ONE, said) if known else None)
    world.run_for(2 * HOUR)
    assert world.state() == (WaveState.HELD, "former-refused")


# 20


def test_the_tag_goes_back_from_one_digest_once_and_is_held_when_it_returns() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    world.promote(ONE, 2 * DAY)
    world.fails(CANARY)
    said = Said("ada", "once more", world.clock())
    world.book.change(world.target().id, lambda known: _pinned(known, said))
    world.book.wake(world.target())
    world.run_for(2 * HOUR)
    world.book.change(world.target().id, lambda known: actions.unpin(known, said))  # type: ignore[arg-type, return-value]
    world.run_for(2 * HOUR)
    assert len([one for one in world.target().canaried if one.digest == TWO]) == 1


# 23


def test_a_task_whose_own_trigger_built_it_first_counts_and_is_not_run_again() -> None:
    world = Waving()

    def built_by_acr(moment: str) -> None:
        if moment == "waves.after:insert":
            world.application_runs.built_by_others(CANARY)  # type: ignore[attr-defined]

    world.hook = built_by_acr
    world.promote(TWO, HOUR)
    assert (world.member(CANARY), world.runs_of(CANARY)) == (MemberState.COVERED, 0)
    assert world.state() == (WaveState.DONE, "all-built")


def test_a_canary_that_is_left_to_its_own_trigger_which_does_nothing_is_run_once_by_us() -> None:
    world = Waving(asking(), [task(CANARY, own_trigger=True), SHOP])
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert world.runs_of(CANARY) == 1


# 28


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (Word.CONTINUE, WaveState.DONE_WITH_FAILURES),
        (Word.CANCEL, WaveState.CANCELLED),
        (Word.RESTORE, WaveState.RESTORED),
    ],
)
def test_a_wave_that_was_held_for_three_days_obeys_the_first_word_and_keeps_who_said_it(
    word: Word, state: WaveState
) -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 3 * DAY)
    says(world, word)
    for other in Word:
        says(world, other, by="bob")
    assert world.state()[0] is state
    spoken = world.wave().spoken
    assert spoken is not None
    assert (spoken.word, spoken.said.by, spoken.said.why) == (word, "ada", "I looked at it")
    expected = {Word.CONTINUE: TWO}.get(word, ONE)
    assert world.built_on(SHOP) == expected


def test_a_held_wave_that_nobody_speaks_of_ends_and_has_asked_for_nobody() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    world.pass_time(timedelta(days=15))
    world.run_for(HOUR)
    assert world.state() == (WaveState.CANCELLED, "nobody-said-anything")
    assert [world.runs_of(name) for name in (SHOP, BLOG)] == [0, 0]


# Undecided.


@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.TIMEOUT, RunStatus.ERROR])
def test_runs_that_the_platform_ended_three_times_hold_and_never_pass(status: RunStatus) -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY, times=3, status=status)
    world.promote(TWO, 3 * HOUR)
    assert world.state() == (WaveState.HELD, "inconclusive")
    assert [world.runs_of(name) for name in ALL] == [3, 0, 0]
    assert world.target().seen == TWO


def test_a_failure_while_another_base_had_moved_too_names_no_culprit() -> None:
    other = task(CANARY, ("base/go", "1", ONE))
    world = Waving(asking(RESTORE), [other, SHOP])
    moved = msgspec.structs.replace(world.target(), repository="base/go", tag=TAG, seen=TWO)
    go = msgspec.structs.replace(moved, tag=type(TAG)("1"))
    world.targets.insert(go)
    world.fails(CANARY, times=9)
    world.promote(TWO, 3 * HOUR)
    assert world.state() == (WaveState.HELD, "inconclusive")
    assert world.target().seen == TWO
