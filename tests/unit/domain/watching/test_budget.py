"""What is left of an upstream's limit: granted, renewed, never lost, and never fought over for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.watching.budget import LONGEST_SILENCE, Budget, Grant, Learned, Purpose, Refusal, grant, learn, turn
from shared.errors import Conflict, Unavailable
from shared.rules.ledger import Ledger
from tests.doubles.storage import MIDDAY, InMemoryBudgets, SettableClock

pytestmark = pytest.mark.unit

HOST = "registry.example"
MINUTE = timedelta(minutes=1)
FULL = Budget(upstream=HOST, limit=100, remaining=100, window=MINUTE)


def test_a_window_that_was_begun_ends_although_no_answer_tells_of_limits_any_more() -> None:
    given, spent = grant(FULL, 500, Purpose.LOOK, MIDDAY)
    assert (given.requests, given.until) == (80, MIDDAY + MINUTE)
    assert grant(spent, 1, Purpose.LOOK, MIDDAY)[0] == Grant(0, Refusal.SPENT, MIDDAY + MINUTE)
    assert grant(spent, 1, Purpose.LOOK, MIDDAY + MINUTE)[0] == Grant(1)


def test_imports_are_granted_what_looking_may_not_use() -> None:
    _, spent = grant(FULL, 80, Purpose.LOOK, MIDDAY)
    assert grant(spent, 20, Purpose.IMPORT, MIDDAY)[0] == Grant(20)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_the_smallest_limit_grants_a_look(limit: int) -> None:
    budget = Budget(upstream=HOST, limit=limit, remaining=limit)
    assert grant(budget, 1, Purpose.LOOK, MIDDAY)[0] == Grant(1)


def test_an_answer_that_tells_an_earlier_end_of_the_window_is_believed() -> None:
    _, spent = grant(Budget(upstream=HOST, limit=10, remaining=10, window=timedelta(days=1)), 8, Purpose.LOOK, MIDDAY)
    assert learn(spent, Learned(10, 2, MINUTE), MIDDAY).resets_at == MIDDAY + MINUTE


def test_a_shorter_lockout_does_not_end_a_longer_one() -> None:
    locked = learn(FULL, Learned(locked_for=timedelta(minutes=10)), MIDDAY)
    assert learn(locked, Learned(locked_for=timedelta(0)), MIDDAY).locked_until == MIDDAY + timedelta(minutes=10)


def test_no_lockout_keeps_an_upstream_from_being_asked_again_within_the_hour() -> None:
    locked = learn(FULL, Learned(locked_for=timedelta(days=1)), MIDDAY)
    assert locked.locked_until == MIDDAY + LONGEST_SILENCE
    assert grant(locked, 5, Purpose.LOOK, MIDDAY + LONGEST_SILENCE)[0].requests == 5


def test_where_nothing_is_left_for_long_one_look_an_hour_finds_out_whether_that_is_true() -> None:
    spent = Budget(upstream=HOST, limit=1, remaining=0, resets_at=MIDDAY + timedelta(days=1))
    granted, hours = list[int](), [0.0, 0.5, 1.0, 1.5, 2.0]
    for hour in hours:
        given, spent = grant(spent, 20, Purpose.LOOK, MIDDAY + timedelta(hours=hour))
        granted.append(given.requests)
        assert given.until is not None
        assert given.until - (MIDDAY + timedelta(hours=hour)) <= LONGEST_SILENCE
    assert granted == [0, 0, 1, 0, 1]
    assert grant(spent, 1, Purpose.IMPORT, MIDDAY + timedelta(hours=3))[0].requests == 0, "a pull is no question"


def test_turns_are_spread_over_the_windows_that_so_many_looks_take() -> None:
    begun = Budget(upstream=HOST, limit=100, remaining=30, window=MINUTE, resets_at=MIDDAY + timedelta(seconds=15))
    seconds = [turn(begun, before, MIDDAY).total_seconds() for before in (0, 9, 10, 89, 90, 170)]
    assert seconds == [0, 0, 15, 15, 75, 135]


def test_where_looks_are_free_only_a_lockout_keeps_them_waiting() -> None:
    hub = Budget(upstream="docker.io", limit=100, remaining=0, resets_at=MIDDAY + timedelta(hours=6))
    assert turn(hub, 1_000, MIDDAY) == timedelta(0)
    assert turn(learn(hub, Learned(locked_for=MINUTE), MIDDAY), 0, MIDDAY) == MINUTE


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 86_400),
    st.lists(st.integers(1, 10**6), max_size=5),
)
def test_whatever_an_upstream_says_it_is_asked_again_within_a_day(
    limit: int, remaining: int, window: int | None, wanted: list[int]
) -> None:
    told = Learned(limit or None, remaining, None if window is None else timedelta(seconds=window))
    budget = learn(Budget(upstream=HOST), told, MIDDAY)
    for each in wanted:
        given, budget = grant(budget, each, Purpose.LOOK, MIDDAY)
        assert 0 <= given.requests <= each
    assert grant(budget, 1, Purpose.LOOK, MIDDAY + timedelta(days=1, minutes=1))[0] == Grant(1)


# The ledger.


def test_an_answer_that_locks_out_counts_before_anything_more_is_granted() -> None:
    ledger = Ledger(InMemoryBudgets(), SettableClock())
    ledger.learned(HOST, Learned(locked_for=timedelta(minutes=10)))
    assert ledger.grant(HOST, 1, Purpose.LOOK) == Grant(0, Refusal.LOCKED_OUT, MIDDAY + timedelta(minutes=10))


def test_what_answers_say_of_the_rest_counts_before_anything_more_is_granted() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), FULL)
    ledger = Ledger(budgets, SettableClock())
    ledger.learned(HOST, Learned(100, 99, MINUTE))
    ledger.learned(HOST, Learned(100, 21, MINUTE))
    assert ledger.grant(HOST, 2, Purpose.LOOK) == Grant(1, Refusal.SPENT, MIDDAY + MINUTE)
    assert budgets.asked == {"get": 2, "replace": 2}, "what was learned is written with what is taken"


def test_what_was_learned_is_not_lost_with_a_write_that_fails() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), FULL)
    ledger = Ledger(budgets, SettableClock())
    ledger.learned(HOST, Learned(locked_for=MINUTE))
    budgets.fail("replace", Unavailable("503"))
    with pytest.raises(Unavailable):
        ledger.settle()
    assert ledger.grant(HOST, 1, Purpose.LOOK).refusal is Refusal.LOCKED_OUT


def test_many_threads_of_some_instances_take_from_one_budget_without_losing_a_request() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), Budget(upstream=HOST, limit=1_000, remaining=1_000))
    ledgers = [Ledger(budgets, SettableClock()) for _ in range(2)]
    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(lambda number: ledgers[number % 2].grant(HOST, 1, Purpose.LOOK), range(200)))
    assert given == [Grant(1)] * 200
    assert budgets.get(HOST).budget.remaining == 800


def test_a_budget_that_is_always_changed_by_others_is_tried_again_later() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), FULL)
    budgets.fail("replace", *[Conflict("somebody was faster")] * 30)
    with pytest.raises(Conflict, match="too many at once"):
        Ledger(budgets, SettableClock()).grant(HOST, 1, Purpose.LOOK)


def test_a_budget_that_others_change_now_and_then_is_granted() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), FULL)
    budgets.fail("replace", *[Conflict("somebody was faster")] * 10)
    assert Ledger(budgets, SettableClock()).grant(HOST, 1, Purpose.LOOK) == Grant(1)


def test_many_grants_in_a_row_read_a_budget_once() -> None:
    budgets, clock = InMemoryBudgets(), SettableClock()
    ledger = Ledger(budgets, clock)
    for _ in range(20):
        ledger.grant(HOST, 1, Purpose.LOOK)
    assert budgets.asked == {"get": 1}
    budgets.replace(budgets.get(HOST), FULL)
    clock.advance(timedelta(seconds=10))
    budgets.asked.clear()
    for _ in range(20):
        ledger.grant(HOST, 1, Purpose.LOOK)
    assert budgets.asked == {"get": 1, "replace": 20}


def test_what_other_instances_took_is_seen_when_a_grant_is_written() -> None:
    budgets = InMemoryBudgets()
    budgets.replace(budgets.get(HOST), FULL)
    one, other = (Ledger(budgets, SettableClock()) for _ in range(2))
    one.grant(HOST, 1, Purpose.LOOK)
    other.grant(HOST, 79, Purpose.LOOK)
    assert one.grant(HOST, 1, Purpose.LOOK).refusal is Refusal.SPENT


def test_a_lockout_that_another_instance_met_is_heeded_ten_seconds_later() -> None:
    budgets, clock = InMemoryBudgets(), SettableClock()
    one, other = (Ledger(budgets, clock) for _ in range(2))
    one.grant(HOST, 1, Purpose.LOOK)
    other.learned(HOST, Learned(locked_for=MINUTE))
    other.settle()
    clock.advance(timedelta(seconds=10))
    assert one.grant(HOST, 1, Purpose.LOOK).refusal is Refusal.LOCKED_OUT


def test_on_docker_hub_reading_a_manifest_is_a_pull_that_leaves_a_share_to_imports() -> None:
    hub = Budget(upstream="docker.io", limit=100, remaining=100, window=MINUTE)
    assert grant(hub, 100, Purpose.LOOK, MIDDAY) == (Grant(100), hub)
    given, spent = grant(hub, 100, Purpose.READ, MIDDAY)
    assert (given.requests, given.refusal, spent.remaining) == (80, Refusal.SPENT, 20)
