"""What every implementation of ``Rulings`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.rulings_table import RulingsTable
from shared.adapters.storage.tables import Row, Table
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.said import Said
from shared.errors import Conflict, ServiceError
from shared.target_ports import Rulings
from tests.contract.examples import NOON, digest
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryRulings

pytestmark = pytest.mark.contract

SAID = Said("ada", "it broke the shop", NOON)
BLOCK = Ruling(Kind.BLOCK, digest(1), SAID)
HOLD = Ruling(Kind.HOLD, "node", SAID, in_force=False, open=False)


@pytest.fixture
def rulings(account_or_none: StorageAccount | None) -> Rulings:
    """The implementation under test."""
    return RulingsTable(account_or_none) if account_or_none else InMemoryRulings()


def test_of_what_nobody_spoke_there_is_nothing(rulings: Rulings) -> None:
    assert rulings.get(Kind.BLOCK, digest(1)) is None
    assert rulings.every() == ()


@pytest.mark.parametrize("ruling", [BLOCK, HOLD], ids=["a block", "a hold taken back"])
def test_a_ruling_is_read_back_as_it_was_written(rulings: Rulings, ruling: Ruling) -> None:
    written = rulings.put(None, ruling)
    assert rulings.get(ruling.kind, ruling.subject) == written
    assert written.ruling == ruling


def test_everything_that_was_said_is_listed(rulings: Rulings) -> None:
    for ruling in (BLOCK, HOLD):
        rulings.put(None, ruling)
    assert set(rulings.every()) == {BLOCK, HOLD}


def test_a_digest_and_an_entry_of_one_name_are_two(rulings: Rulings) -> None:
    rulings.put(None, HOLD)
    assert rulings.get(Kind.BLOCK, "node") is None


def test_what_somebody_changed_cannot_be_written_over(rulings: Rulings) -> None:
    first = rulings.put(None, BLOCK)
    second = rulings.put(first, msgspec.structs.replace(BLOCK, in_force=False))
    for stale in (first, None):
        with pytest.raises(Conflict):
            rulings.put(stale, BLOCK)
    assert rulings.get(Kind.BLOCK, digest(1)) == second


def test_of_many_who_speak_at_once_exactly_one_is_heard(rulings: Rulings) -> None:
    def put(worker: int) -> bool:
        try:
            rulings.put(None, msgspec.structs.replace(BLOCK, said=Said(str(worker), "because", NOON)))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(put, range(8)))
    stored = rulings.get(Kind.BLOCK, digest(1))
    assert heard.count(True) == 1
    assert stored is not None
    assert stored.ruling.said.by == str(heard.index(True))


def test_a_row_that_cannot_be_read_is_named_and_nothing_is_told_without_it(account: StorageAccount) -> None:
    rulings = RulingsTable(account)
    rulings.put(None, BLOCK)
    Table(account, "rulings").insert(Row("rulings", "block:junk", '{"kind": "ban"}'))
    with pytest.raises(ServiceError, match=r"block:junk.*newer version"):
        rulings.every()


def test_each_call_costs_one_transaction(account: StorageAccount) -> None:
    rulings = RulingsTable(account)
    stored = rulings.put(None, HOLD)
    calls = (
        lambda: rulings.get(Kind.HOLD, "node"),
        lambda: rulings.put(stored, HOLD),
        lambda: rulings.put(None, BLOCK),
        rulings.every,
    )
    for call in calls:
        with counted() as wire:
            call()
        assert len(wire) == 1
