"""What every implementation of ``SigningKeys`` promises."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.signing_keys_table import SigningKeysTable
from shared.domain.record.signing_keys import SigningKey
from shared.errors import Conflict
from shared.record_ports import SigningKeys
from tests.contract.examples import NOON
from tests.doubles.records import InMemorySigningKeys

pytestmark = pytest.mark.contract

FIRST = SigningKey("https://kv.vault.azure.net/keys/records", "v1", "-----BEGIN", "aa" * 32, NOON, NOON)
SECOND = msgspec.structs.replace(FIRST, version="v2", fingerprint="bb" * 32, begins_at=NOON + timedelta(days=1))


@pytest.fixture
def keys(account_or_none: StorageAccount | None) -> SigningKeys:
    """The implementation under test."""
    return SigningKeysTable(account_or_none) if account_or_none else InMemorySigningKeys()


def test_where_none_was_published_there_is_none(keys: SigningKeys) -> None:
    assert keys.every() == ()


def test_keys_are_read_back_as_written(keys: SigningKeys) -> None:
    written = {keys.put(None, one).key for one in (FIRST, SECOND)}
    assert {stored.key for stored in keys.every()} == written == {FIRST, SECOND}


def test_of_two_who_publish_a_key_one_is_told_that_it_is_there(keys: SigningKeys) -> None:
    keys.put(None, FIRST)
    with pytest.raises(Conflict):
        keys.put(None, FIRST)


def test_a_key_is_replaced_by_who_has_read_it_last(keys: SigningKeys) -> None:
    stored = keys.put(None, SECOND)
    begun = msgspec.structs.replace(SECOND, begins_at=NOON)
    keys.put(stored, begun)
    with pytest.raises(Conflict):
        keys.put(stored, SECOND)
    assert [one.key for one in keys.every()] == [begun]
