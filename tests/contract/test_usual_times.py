"""What every implementation of ``KeptUsualTimes`` promises."""

from __future__ import annotations

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.usual_times_table import UsualTimesTable
from shared.domain.promotion.usual_times import UsualTimes
from shared.errors import Conflict
from shared.usual_times_ports import KeptUsualTimes
from tests.doubles.storage import InMemoryUsualTimes

pytestmark = pytest.mark.contract

LEARNT = UsualTimes({"import into staging": 16.5, "gate node/22 'x'": 81.0})


@pytest.fixture
def kept(account_or_none: StorageAccount | None) -> KeptUsualTimes:
    """The implementation under test."""
    return UsualTimesTable(account_or_none) if account_or_none else InMemoryUsualTimes()


def test_at_first_nothing_is_known(kept: KeptUsualTimes) -> None:
    assert kept.get().times == UsualTimes()


def test_what_was_kept_is_read_back(kept: KeptUsualTimes) -> None:
    kept.replace(kept.get(), LEARNT)
    assert kept.get().times == LEARNT


def test_two_hundred_gates_of_long_names_fit(kept: KeptUsualTimes) -> None:
    many = UsualTimes({f"gate {'x' * 100}{number}": float(number) for number in range(200)})
    kept.replace(kept.get(), many)
    assert kept.get().times == many


@pytest.mark.parametrize("kept_before", [False, True])
def test_of_two_who_read_the_same_one_keeps(kept: KeptUsualTimes, kept_before: bool) -> None:
    if kept_before:
        kept.replace(kept.get(), LEARNT)
    read = kept.get()
    written = kept.replace(read, UsualTimes({"gate a": 1.0}))
    with pytest.raises(Conflict):
        kept.replace(read, UsualTimes({"gate b": 1.0}))
    assert kept.get() == written
