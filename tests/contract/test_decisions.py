"""What is promised by where decisions are kept: no record is written over a newer one, and no document is replaced."""

from __future__ import annotations

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.decisions_vault import DecisionsVault
from shared.adapters.storage.keepings_table import KeepingsTable
from shared.decision_ports import Keepings, Vault
from shared.domain.decisions.keeping import Keeping, claimed, name_of, prefix_of
from shared.errors import Conflict
from tests.contract.examples import NOON
from tests.doubles.decisions import InMemoryKeepings, InMemoryVault

pytestmark = pytest.mark.contract

BASE = "tidegatebase"
FIRST = Keeping(remembers=True, since=NOON)


@pytest.fixture
def keepings(account_or_none: StorageAccount | None) -> Keepings:
    """The table, or its double."""
    return KeepingsTable(account_or_none) if account_or_none is not None else InMemoryKeepings()


@pytest.fixture
def vault(account_or_none: StorageAccount | None) -> Vault:
    """The container, which is made beforehand, or its double."""
    if account_or_none is None:
        return InMemoryVault()
    account_or_none.container("decisions").create_container()
    return DecisionsVault(account_or_none)


def test_a_record_is_read_back_as_it_was_written_and_another_registry_has_none(keepings: Keepings) -> None:
    assert keepings.get(BASE) is None
    assert keepings.put(BASE, None, FIRST).keeping == FIRST
    stored = keepings.get(BASE)
    assert (stored.keeping if stored else None, keepings.get("another")) == (FIRST, None)


def test_of_two_first_records_the_second_is_refused(keepings: Keepings) -> None:
    keepings.put(BASE, None, FIRST)
    with pytest.raises(Conflict):
        keepings.put(BASE, None, Keeping())
    stored = keepings.get(BASE)
    assert stored is not None
    assert stored.keeping == FIRST


def test_a_record_that_changed_since_it_was_read_is_not_written_over(keepings: Keepings) -> None:
    read = keepings.put(BASE, None, FIRST)
    after = keepings.put(BASE, read, claimed(FIRST, NOON))
    with pytest.raises(Conflict):
        keepings.put(BASE, read, Keeping())
    assert keepings.get(BASE) == after


def test_the_newest_document_is_that_of_the_registry_and_empty_if_there_is_none(vault: Vault) -> None:
    assert vault.newest(prefix_of(BASE)) == ""
    older, newer = name_of(BASE, NOON), name_of(BASE, NOON.replace(day=5))
    for name in (newer, older, name_of("zebra", NOON.replace(day=9))):
        vault.add(name, b"{}")
    assert vault.newest(prefix_of(BASE)) == newer


def test_a_document_is_not_replaced_by_another_of_its_name(vault: Vault) -> None:
    name = name_of(BASE, NOON)
    vault.add(name, b"one")
    with pytest.raises(Conflict):
        vault.add(name, b"other")
    assert vault.newest(prefix_of(BASE)) == name
