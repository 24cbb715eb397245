"""How long imports and gates usually take, learnt from when their ends were seen."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.schedule import is_late, pause_before_look
from shared.domain.promotion.usual_times import UsualTimes, gate_kind, is_news, learnt

pytestmark = pytest.mark.unit

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
GATE = gate_kind("node")
lengths = st.timedeltas(timedelta(0), timedelta(hours=8))


def watched(known: UsualTimes, length: timedelta) -> tuple[int, timedelta]:
    """Return how often something that takes so long is looked at, and when its end is seen."""
    passed, looks = timedelta(0), 0
    while passed < length or not looks:
        passed += pause_before_look(passed, usual=known.of(GATE))
        looks += 1
    return looks, passed


def test_nothing_is_known_of_what_never_ended() -> None:
    assert UsualTimes().of(GATE) is None


@given(st.lists(lengths, min_size=1, max_size=60))
def test_what_is_learnt_lies_between_nothing_and_the_longest(seen: list[timedelta]) -> None:
    known = UsualTimes()
    for one in seen:
        known = learnt(known, GATE, one)
    usual = known.of(GATE)
    assert usual is not None
    assert timedelta(0) <= usual <= max(seen)


@pytest.mark.parametrize(("median", "spread", "most"), [(3, 0.3, 4), (20, 0.3, 4), (90, 0.2, 3), (600, 0.3, 10)])
def test_after_some_have_ended_their_like_is_looked_at_a_few_times_and_seen_soon(
    median: int, spread: float, most: int
) -> None:
    draw, known, looks, late = random.Random(7), UsualTimes(), 0, 0.0  # noqa: S311  a drawn time is no secret
    for number in range(400):
        length = timedelta(seconds=draw.lognormvariate(0, spread) * median)
        took = watched(known, length)
        known = learnt(known, GATE, took[1])
        if number >= 100:
            looks, late = looks + took[0], late + (took[1] - length) / timedelta(seconds=median)
    assert looks / 300 <= most
    assert late / 300 <= 0.2 or median <= 3


def test_what_has_become_much_faster_is_seen_sooner_and_sooner() -> None:
    known = UsualTimes({GATE: 1800.0})
    ends = []
    for _ in range(30):
        _, seen = watched(known, 40 * SECOND)
        known = learnt(known, GATE, seen)
        ends.append(seen)
    assert ends[0] <= 2 * MINUTE
    assert ends[-1] <= 50 * SECOND


def test_an_outage_of_hours_is_no_slow_import() -> None:
    known = learnt(UsualTimes({GATE: 20.0}), GATE, timedelta(hours=5))
    assert known.of(GATE) == timedelta(seconds=22)


@given(lengths)
def test_what_fails_early_is_seen_at_most_twice_as_late_however_long_its_like_takes(length: timedelta) -> None:
    _, seen = watched(UsualTimes({GATE: 8 * 3600.0}), length)
    assert seen <= max(2 * length, 100 * SECOND) + 30 * SECOND


def test_the_kinds_that_are_known_are_bounded() -> None:
    known = UsualTimes()
    for number in range(500):
        known = learnt(known, gate_kind(str(number)), SECOND)
    assert len(known.seconds) == 200


def test_each_gate_has_a_time_of_its_own() -> None:
    known = learnt(learnt(UsualTimes(), GATE, 90 * SECOND), gate_kind("other"), 10 * SECOND)
    assert known.of(GATE) == 72 * SECOND
    assert known.of(gate_kind("other")) == 8 * SECOND


@pytest.mark.parametrize(
    ("kept", "now", "worth"), [(None, 20.0, True), (20.0, 24.9, False), (20.0, 25.1, True), (2.0, 2.9, False)]
)
def test_only_what_changed_by_a_quarter_is_worth_keeping_anew(kept: float | None, now: float, worth: bool) -> None:
    before = UsualTimes() if kept is None else UsualTimes({GATE: kept})
    assert is_news(UsualTimes({GATE: now}), before, GATE) is worth


@pytest.mark.parametrize(
    ("passed", "usual", "late"), [(29, None, False), (30, None, True), (59, 20, False), (60, 20, True), (29, 1, False)]
)
def test_an_import_is_late_after_half_a_minute_or_three_times_what_is_usual(
    passed: int, usual: int | None, late: bool
) -> None:
    assert is_late(passed * SECOND, None if usual is None else usual * SECOND) is late
