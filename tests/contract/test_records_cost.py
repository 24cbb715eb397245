"""How many storage transactions each call on the records' table costs: they are what an idle day is paid in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.records_table import candidates_table
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import group_of
from shared.ports import Records, Stored
from tests.contract.examples import candidate
from tests.contract.wire import counted

pytestmark = pytest.mark.contract

LATER = msgspec.structs.replace(candidate(), step=2)


@pytest.fixture
def candidates(account: StorageAccount) -> Records[Candidate]:
    """The real table, with one current and one archived candidate in it."""
    records = candidates_table(account)
    for number in (1, 2):
        records.insert(candidate(number))
    assert records.archive_all([read(records, 2)]) == {}
    return records


def read(records: Records[Candidate], number: int = 1) -> Stored[Candidate]:
    """Read a candidate."""
    stored = records.get(candidate(number).id)
    assert stored is not None
    return stored


@pytest.mark.parametrize(
    ("call", "transactions"),
    [
        pytest.param(lambda records, _: records.get(candidate(1).id), 1, id="get a current one"),
        pytest.param(lambda records, _: records.get(candidate(2).id), 2, id="get an archived one"),
        pytest.param(lambda records, _: records.get(candidate(3).id), 2, id="get none"),
        pytest.param(lambda records, _: records.insert(candidate(3)), 2, id="insert"),
        pytest.param(lambda records, stored: records.replace(stored, LATER), 1, id="replace"),
        pytest.param(lambda records, stored: records.archive_all([stored]), 2, id="archive"),
        pytest.param(lambda records, _: list(records.current()), 1, id="list the current ones"),
    ],
)
def test_a_call_costs_no_more_transactions_than_it_says(
    candidates: Records[Candidate],
    call: Callable[[Records[Candidate], Stored[Candidate]], object],
    transactions: int,
) -> None:
    stored = read(candidates)
    with counted() as wire:
        call(candidates, stored)
    assert len(wire) == transactions


def test_what_was_just_looked_for_is_added_by_one_transaction(candidates: Records[Candidate]) -> None:
    with counted() as wire:
        assert candidates.insert(candidate(3), absent=True)
        assert not candidates.insert(candidate(3), absent=True)
    assert len(wire) == 2


def test_fifty_are_put_away_by_a_transaction_for_each_group_and_one_for_all(account: StorageAccount) -> None:
    records, names = candidates_table(account), [f"base/{name}" for name in ("node", "nginx", "python")]
    for number in range(50):
        assert records.insert(candidate(number, target=names[number % 3]))
    read = list(records.current())
    with counted() as wire:
        assert records.archive_all(read) == {}
    assert [path.rpartition("/")[2] for _, path in wire] == ["$batch"] * 4
    assert list(records.current()) == []
    groups = {group_of(one.record.id) for one in read}
    archived = {each.record.id for group in groups for each in records.archived(group)}
    assert (len(groups), archived) == (3, {one.record.id for one in read})


def test_more_than_go_into_a_transaction_are_put_away_by_the_hundred(account: StorageAccount) -> None:
    records = candidates_table(account)
    for number in range(120):
        assert records.insert(candidate(number))
    read = list(records.current())
    with counted() as wire:
        assert records.archive_all(read) == {}
    assert len(wire) == 4
    assert list(records.current()) == []


def test_listing_what_is_current_asks_for_nothing_of_the_archive(candidates: Records[Candidate]) -> None:
    with counted() as wire:
        assert [each.record for each in candidates.current()] == [candidate(1)]
    assert "current" in wire[0][1]
