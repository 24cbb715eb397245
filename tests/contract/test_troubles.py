"""What every implementation of ``Troubles`` promises."""

from __future__ import annotations

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.adapters.storage.troubles_table import TroublesTable
from shared.domain.watching.troubles import Kind, Noted, Trouble
from shared.errors import Conflict
from shared.trouble_ports import Troubles
from tests.contract.examples import NOON
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryTroubles

pytestmark = pytest.mark.contract

TYPO = Noted(
    trouble=Trouble(
        kind=Kind.TAG_NEVER_THERE, about="tag:docker.io/library/node:22-apline", detail="never there", images=("node",)
    ),
    since=NOON,
)
TOLD = msgspec.structs.replace(TYPO, told=True)
SAME_TAG_GONE = msgspec.structs.replace(TYPO, trouble=msgspec.structs.replace(TYPO.trouble, kind=Kind.TAG_GONE))


@pytest.fixture
def troubles(account_or_none: StorageAccount | None) -> Troubles:
    """The implementation under test."""
    return TroublesTable(account_or_none) if account_or_none else InMemoryTroubles()


def test_where_nothing_was_noted_there_is_nothing(troubles: Troubles) -> None:
    assert troubles.every() == ()


def test_troubles_of_two_kinds_of_one_thing_are_two_and_are_read_back_as_written(troubles: Troubles) -> None:
    written = {troubles.put(None, one).noted for one in (TYPO, SAME_TAG_GONE)}
    assert {stored.noted for stored in troubles.every()} == written == {TYPO, SAME_TAG_GONE}


def test_a_trouble_is_replaced_and_removed_by_who_has_read_it_last(troubles: Troubles) -> None:
    first = troubles.put(None, TYPO)
    told = troubles.put(first, TOLD)
    for stale in (first, None):
        with pytest.raises(Conflict):
            troubles.put(stale, TYPO)
    with pytest.raises(Conflict):
        troubles.remove(first)
    troubles.remove(told)
    troubles.remove(told)
    assert troubles.every() == ()


def test_a_row_that_cannot_be_read_is_forgotten(account: StorageAccount) -> None:
    troubles = TroublesTable(account)
    troubles.put(None, TYPO)
    Table(account, "troubles").insert(Row("troubles", "junk:x", '{"trouble": 1}'))
    assert [stored.noted for stored in troubles.every()] == [TYPO]
    assert [stored.noted for stored in troubles.every()] == [TYPO]


def test_reading_all_troubles_is_one_transaction_and_so_is_writing_one(account: StorageAccount) -> None:
    troubles = TroublesTable(account)
    stored = troubles.put(None, TYPO)
    with counted() as wire:
        troubles.every()
        troubles.remove(troubles.put(stored, TOLD))
    assert len(wire) == 3
