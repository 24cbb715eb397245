"""What every implementation of ``Budgets`` promises."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.budgets_table import BudgetsTable
from shared.budget_ports import Budgets
from shared.domain.watching.budget import Budget
from shared.errors import Conflict
from tests.contract.examples import NOON
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryBudgets

pytestmark = pytest.mark.contract

HUB = "docker.io"
LEARNED = Budget(
    upstream=HUB,
    limit=100,
    remaining=76,
    window=timedelta(hours=6),
    resets_at=NOON,
    locked_until=NOON + timedelta(minutes=1),
)


@pytest.fixture
def budgets(account_or_none: StorageAccount | None) -> Budgets:
    """The implementation under test."""
    return BudgetsTable(account_or_none) if account_or_none else InMemoryBudgets()


def test_an_upstream_of_which_nothing_was_learned_has_a_budget_without_a_limit(budgets: Budgets) -> None:
    assert budgets.get(HUB).budget == Budget(upstream=HUB)


@pytest.mark.parametrize("upstream", [HUB, "hub.docker.com", "[::1]:5000", "localhost:20031"])
def test_a_budget_is_read_back_as_it_was_written(budgets: Budgets, upstream: str) -> None:
    written = msgspec.structs.replace(LEARNED, upstream=upstream)
    budgets.replace(budgets.get(upstream), written)
    assert budgets.get(upstream).budget == written


def test_each_upstream_has_a_budget_of_its_own(budgets: Budgets) -> None:
    budgets.replace(budgets.get(HUB), LEARNED)
    assert budgets.get("mcr.microsoft.com").budget == Budget(upstream="mcr.microsoft.com")


def test_every_budget_that_was_written_is_told_and_no_other(budgets: Budgets) -> None:
    assert budgets.every() == ()
    one, other = (msgspec.structs.replace(LEARNED, upstream=upstream) for upstream in (HUB, "[::1]:5000"))
    budgets.replace(budgets.get(HUB), one)
    budgets.replace(budgets.get("[::1]:5000"), other)
    budgets.get("mcr.microsoft.com")
    assert sorted(budgets.every(), key=lambda budget: budget.upstream) == [other, one]


def test_of_two_who_write_the_first_budget_one_meets_a_conflict(budgets: Budgets) -> None:
    read = budgets.get(HUB)
    budgets.replace(read, LEARNED)
    with pytest.raises(Conflict):
        budgets.replace(read, msgspec.structs.replace(LEARNED, remaining=1))
    assert budgets.get(HUB).budget == LEARNED


def test_of_two_who_change_a_budget_one_meets_a_conflict(budgets: Budgets) -> None:
    budgets.replace(budgets.get(HUB), LEARNED)
    read = budgets.get(HUB)
    budgets.replace(read, msgspec.structs.replace(LEARNED, remaining=75))
    with pytest.raises(Conflict):
        budgets.replace(read, msgspec.structs.replace(LEARNED, remaining=1))
    assert budgets.get(HUB).budget.remaining == 75


def test_a_budget_may_lose_its_times(budgets: Budgets) -> None:
    budgets.replace(budgets.get(HUB), LEARNED)
    renewed = Budget(upstream=HUB, limit=100, remaining=100)
    budgets.replace(budgets.get(HUB), renewed)
    assert budgets.get(HUB).budget == renewed


def test_reading_and_writing_a_budget_cost_one_transaction_each(account: StorageAccount) -> None:
    budgets = BudgetsTable(account)
    budgets.replace(budgets.get(HUB), LEARNED)
    with counted() as sent:
        read = budgets.get(HUB)
    assert len(sent) == 1
    with counted() as sent:
        budgets.replace(read, LEARNED)
    assert len(sent) == 1


def test_reading_every_budget_costs_one_transaction(account: StorageAccount) -> None:
    budgets = BudgetsTable(account)
    budgets.replace(budgets.get(HUB), LEARNED)
    with counted() as sent:
        assert budgets.every() == (LEARNED,)
    assert len(sent) == 1
