"""Requests of a catalogue are taken together by one check, and each that is not granted is heard of by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.references import Repository
from shared.domain.watching.budget import Learned, Refusal
from shared.rules.ledger import Ledger
from shared.rules.purse import Purse
from tests.doubles.storage import InMemoryBudgets, SettableClock

pytestmark = pytest.mark.unit

API = "hub.docker.com"
TEN = tuple(Repository("docker.io", f"library/n{number}") for number in range(10))


class Desk:
    """A ledger over a budget of so many requests, eight tenths of which looks may have."""

    def __init__(self, limit: int) -> None:
        self.clock, self.budgets, self.refused = SettableClock(), InMemoryBudgets(), list[Refusal]()
        self.ledger = Ledger(self.budgets, self.clock, lambda _, refusal: self.refused.append(refusal))
        self.ledger.learned(API, Learned(limit=limit, remaining=limit, window=timedelta(minutes=1)))
        self.ledger.settle()
        self.budgets.asked.clear()

    def left(self) -> int:
        return self.budgets.get(API).budget.remaining


def test_ten_looks_of_one_check_are_one_write_of_the_budget_and_no_more_than_ten_are_taken() -> None:
    desk = Desk(180)
    purse = Purse(desk.ledger, desk.clock, TEN)
    assert [purse.grant(API, 1).requests for _ in TEN] == [1] * 10
    assert desk.budgets.asked["replace"] == 1
    assert desk.left() == 170


def test_where_there_is_not_enough_for_all_as_many_go_on_as_there_is_enough_for() -> None:
    desk = Desk(5)
    purse = Purse(desk.ledger, desk.clock, TEN)
    grants = [purse.grant(API, 1) for _ in TEN]
    assert [grant.requests for grant in grants] == [1] * 4 + [0] * 6
    assert [grant.refusal for grant in grants] == [None] * 4 + [Refusal.SPENT] * 6
    assert desk.refused == [Refusal.SPENT] * 6, "told once for each that is put off"


def test_an_upstream_that_locks_us_out_meanwhile_grants_nothing_of_what_was_taken() -> None:
    desk = Desk(180)
    purse = Purse(desk.ledger, desk.clock, TEN)
    purse.grant(API, 1)
    desk.ledger.learned(API, Learned(locked_for=timedelta(minutes=5)))
    assert purse.grant(API, 1).refusal is Refusal.LOCKED_OUT


def test_what_was_taken_long_ago_is_asked_for_anew() -> None:
    desk = Desk(180)
    purse = Purse(desk.ledger, desk.clock, TEN)
    purse.grant(API, 1)
    desk.clock.advance(timedelta(minutes=2))
    assert purse.grant(API, 1).requests == 1
    assert desk.budgets.asked["replace"] == 2


def test_a_host_that_is_not_asked_by_its_catalogue_is_granted_what_is_wanted_and_nothing_to_spare() -> None:
    desk = Desk(180)
    purse = Purse(desk.ledger, desk.clock, (Repository("quay.io", "a/b"),))
    assert purse.grant(API, 3).requests == 3
    assert desk.left() == 177
