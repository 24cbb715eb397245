"""The judge of waves, given lies: each fault that he is there to find, put into a wave that went as it should."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.judge_waves import (
    Decided,
    Member,
    Rebuild,
    Rolled,
    Run,
    Wave,
    doubled_in_waves,
    for_another_base,
    leaves,
    lost_in_waves,
    stuck_waves,
)

pytestmark = pytest.mark.unit

NEW, OLD, OTHER = (f"sha256:{letter * 64}" for letter in "abc")
NOW = datetime(2030, 1, 1, tzinfo=UTC)
TAG = "base/bee:1"
FIRST, SECOND = Member("first", "built", canary=True), Member("second", "built")
WAVE = Wave("bee~2", TAG, 2, NEW, OLD, "done", "all-built", members=(FIRST, SECOND), story=("what was",))
REBUILDS = (
    Rebuild("a", "first", TAG, 2, ("run-a",), WAVE.id, 1, canary=True),
    Rebuild("b", "second", TAG, 2, ("run-b",), WAVE.id, 1),
)
RUNS = (
    Run("apps", "ca1", "run-a", "first", "Succeeded", {TAG: NEW}, asked=5.0, started=10.0, finished=20.0),
    Run("apps", "ca2", "run-b", "second", "Succeeded", {TAG: NEW}, asked=20.0, started=20.0, finished=30.0),
)
FAILED = (replace(RUNS[0], status="Failed"), RUNS[1])
ROLLED = Rolled((WAVE,), {TAG: Decided(2, NEW)}, at_once=1)
RESTORED = replace(WAVE, state="restored", reason="went-back", restored_by=3, members=(replace(FIRST, state="failed"),))
BACK = Rolled((RESTORED,), {TAG: Decided(3, OLD, frozenset({NEW}))})


def lost(rolled: Rolled, rebuilds: Iterable[Rebuild] = REBUILDS, runs: Iterable[Run] = RUNS) -> list[str]:
    """Return why something is lost, and hold that its story is told."""
    found = list(lost_in_waves(rolled, rebuilds, runs))
    assert all(one.story == WAVE.story for one in found)
    return [one.why for one in found]


def doubled(rolled: Rolled, rebuilds: Iterable[Rebuild] = REBUILDS, runs: Iterable[Run] = RUNS) -> list[str]:
    return [one.why for one in doubled_in_waves(rolled, rebuilds, runs)]


def with_wave(**changes: object) -> Rolled:
    return replace(ROLLED, waves=(replace(WAVE, **changes),))  # type: ignore[arg-type]


def test_a_wave_that_went_as_it_should_is_clean() -> None:
    assert (lost(ROLLED), doubled(ROLLED), list(stuck_waves(ROLLED, NOW))) == ([], [], [])


def test_whoever_was_built_before_his_canary_had_been_is_told() -> None:
    early = (RUNS[0], replace(RUNS[1], started=15.0))
    (why,) = lost(ROLLED, runs=early)
    assert why == f"second was rebuilt by it before its canary first had been built on {NEW} (run ca2 of 20.0 for b)"


def test_whoever_was_built_although_his_canary_failed_is_told() -> None:
    failed = with_wave(members=(replace(FIRST, state="failed"), SECOND))
    (why,) = lost(failed, runs=FAILED)
    assert "second was rebuilt by it before its canary first" in why


def test_a_canary_that_was_built_on_another_digest_has_not_passed() -> None:
    other = (replace(RUNS[0], bases={TAG: OLD}), RUNS[1])
    assert any("before its canary first" in why for why in lost(ROLLED, runs=other))


def test_where_no_canary_could_speak_nobody_else_is_built() -> None:
    excluded = with_wave(members=(replace(FIRST, state="excluded"), SECOND))
    assert lost(excluded) == ["second was rebuilt by it, and no canary could speak (run ca2 of 20.0 for b)"]


def test_whoever_was_told_to_continue_or_says_so_in_its_entry_may_go_on() -> None:
    failed = with_wave(members=(replace(FIRST, state="failed"), SECOND))
    assert lost(replace(failed, continued=frozenset({WAVE.id})), runs=FAILED) == []
    assert lost(with_wave(members=failed.waves[0].members, passes_over=True), runs=FAILED) == []


def test_whoever_was_built_for_something_else_although_the_canary_failed_is_told_unless_another_base_moved() -> None:
    members = (replace(FIRST, state="failed"), replace(SECOND, state="waiting"))
    held = with_wave(state="held", reason="canary-failed", members=members)
    (why,) = lost(held, REBUILDS[:1], FAILED)
    assert "second was rebuilt by it before its canary first" in why
    both = (FAILED[0], replace(RUNS[1], bases={TAG: NEW, "base/dog:1": OTHER}))
    assert lost(held, REBUILDS[:1], both) == []
    assert (for_another_base(held, both), for_another_base(held, FAILED)) == (1, 0)
    assert for_another_base(replace(held, continued=frozenset({WAVE.id})), both) == 0
    own_trigger = (FAILED[0], replace(RUNS[1], name=""))
    assert lost(held, REBUILDS[:1], own_trigger) == []


def test_what_an_earlier_decision_asked_for_before_the_tag_moved_may_build_on_what_it_moved_to() -> None:
    members = (FIRST, replace(SECOND, state="void"))
    over = with_wave(state="superseded", reason="moved-on", members=members, planned=19.0)
    early = (RUNS[0], replace(RUNS[1], asked=8.0, started=9.0))
    earlier = (REBUILDS[0], replace(REBUILDS[1], wave="bee~1", decision=1))
    assert lost(over, earlier, early) == []
    assert lost(over, (REBUILDS[0], replace(earlier[1], tag="base/dog:1")), early) != []
    assert lost(over, (REBUILDS[0], replace(earlier[1], decision=0)), early) != []
    assert lost(with_wave(members=members, planned=8.0), earlier, early) != []


def test_whoever_waits_in_a_wave_on_hold_was_not_built_by_it() -> None:
    members = (replace(FIRST, state="failed"), replace(SECOND, state="waiting"))
    held = with_wave(state="held", reason="canary-failed", members=members)
    assert lost(held, REBUILDS[:1], FAILED[:1]) == []


@pytest.mark.parametrize(("state", "why"), [("built", "and no run of it was"), ("failed", "and no run of it did")])
def test_what_is_said_of_a_member_and_was_not_is_told(state: str, why: str) -> None:
    told = with_wave(members=(FIRST, SECOND, Member("third", state)))
    (found,) = lost(told)
    assert "third" in found
    assert why in found


def test_on_what_the_end_of_a_chain_is_built_is_not_read_from_its_runs() -> None:
    assert lost(with_wave(members=(FIRST, SECOND, Member("end", "built", chained=True)))) == []


def test_what_went_back_to_the_digest_before_is_clean() -> None:
    assert lost(BACK, REBUILDS[:1], FAILED) == []


@pytest.mark.parametrize(
    ("rolled", "why"),
    [
        (replace(BACK, waves=(replace(RESTORED, restored_by=0),)), "no decision took its digest back"),
        (replace(BACK, decided={TAG: Decided(3, OTHER, frozenset({NEW}))}), f"was to go back to {OLD}"),
        (replace(BACK, decided={TAG: Decided(4, NEW, frozenset({NEW}))}), "came back by decision 4"),
        (
            replace(
                BACK,
                waves=(RESTORED, replace(WAVE, id="bee~4", number=4)),
                decided={TAG: Decided(5, OTHER, frozenset({NEW}))},
            ),
            "came back by decision 4",
        ),
    ],
)
def test_what_went_elsewhere_than_back_or_came_again_by_itself_is_told(rolled: Rolled, why: str) -> None:
    runs = (*FAILED, replace(RUNS[0], id="ca3", name="", asked=4.0, started=4.0, finished=5.0))
    (found,) = lost(rolled, (), runs)
    assert why in found


def test_what_is_only_suspected_may_come_again() -> None:
    suspected = replace(BACK, decided={TAG: Decided(4, NEW)})
    assert lost(suspected, REBUILDS[:1], FAILED) == []


def test_an_attempt_that_was_made_twice_is_told() -> None:
    twice = (replace(REBUILDS[0], runs=("run-a", "run-c")), REBUILDS[1])
    again = replace(RUNS[0], id="ca3", name="run-c", status="Failed", asked=40.0, started=40.0, finished=41.0)
    assert doubled(ROLLED, twice, (*RUNS, again)) == ["attempt 1 of first was made 2 times"]


def test_two_builds_on_one_digest_are_told_though_they_are_two_attempts() -> None:
    second = replace(REBUILDS[0], id="c", runs=("run-c",), attempt=2)
    again = replace(RUNS[0], id="ca3", name="run-c", asked=40.0, started=40.0, finished=41.0)
    assert doubled(ROLLED, (*REBUILDS, second), (*RUNS, again)) == [f"first was built 2 times on {NEW}"]


def test_a_failure_may_be_repeated_and_so_may_what_decided_nothing() -> None:
    second = replace(REBUILDS[0], id="c", runs=("run-c", "run-d"), attempt=2)
    later = replace(RUNS[0], id="ca3", name="run-c", status="Canceled", asked=40.0, started=40.0, finished=41.0)
    well = replace(RUNS[0], id="ca4", name="run-d", asked=42.0, started=42.0, finished=43.0)
    assert doubled(ROLLED, (*REBUILDS, second), (*FAILED, later, well)) == []


def test_a_member_that_is_in_a_wave_twice_is_told() -> None:
    assert doubled(with_wave(members=(FIRST, SECOND, SECOND))) == ["second is in it 2 times"]


def test_more_rebuilds_at_once_than_may_be_are_told_with_their_names() -> None:
    assert doubled(ROLLED, runs=(RUNS[0], replace(RUNS[1], asked=19.0))) == [
        "2 rebuilds were under way, of which 1 may be: first, second"
    ]
    assert doubled(ROLLED, runs=(replace(RUNS[0], finished=0.0), RUNS[1])) != []
    others = replace(RUNS[1], asked=19.0, name="")
    assert doubled(ROLLED, runs=(RUNS[0], others)) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"holds": False}, "others-go is no reason for that"),
        ({"held_until": None}, "held until None"),
        ({"held_until": NOW}, "held until 2030"),
    ],
)
def test_a_wave_that_waits_without_a_reason_or_an_end_is_stuck(changes: dict[str, object], why: str) -> None:
    held = replace(WAVE, state="held", reason="others-go", holds=True, held_until=NOW + timedelta(days=14))
    assert list(stuck_waves(replace(ROLLED, waves=(held,)), NOW)) == []
    (found,) = stuck_waves(replace(ROLLED, waves=(replace(held, **changes),)), NOW)  # type: ignore[arg-type]
    assert why in found.why


@pytest.mark.parametrize(
    ("state", "member", "left"),
    [
        ("held", "waiting", True),
        ("cancelled", "void", True),
        ("done-with-failures", "failed", True),
        ("done-with-failures", "built", False),
        ("done", "built", False),
        ("rolling", "waiting", False),
        ("superseded", "void", False),
    ],
)
def test_a_task_is_left_as_it_is_only_where_its_wave_waits_or_came_to_nothing_for_it(
    state: str, member: str, left: bool
) -> None:
    assert leaves(with_wave(state=state, members=(Member("task", member),)), TAG, "task") is left


def test_whoever_is_outside_of_the_wave_in_force_has_to_be_built() -> None:
    held = with_wave(state="held")
    assert not leaves(held, TAG, "outside")
    assert not leaves(replace(held, decided={TAG: Decided(3, OTHER)}), TAG, "second")
    assert not leaves(held, "base/bee:2", "second")
