"""What the table of API keys promises."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.api_keys_table import ApiKeysTable
from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Role
from shared.errors import Conflict, MalformedInput
from shared.keys import listed, make, revoke
from tests.contract.examples import NOON

pytestmark = pytest.mark.contract


@pytest.fixture
def keys(account_or_none: StorageAccount | None) -> ApiKeysTable:
    """The table; there is no double of it to hold to the same."""
    if account_or_none is None:
        pytest.skip("only the table keeps keys")
    return ApiKeysTable(account_or_none)


def test_a_key_is_read_back_as_it_was_kept_and_the_secret_is_not_in_the_table(keys: ApiKeysTable) -> None:
    assert keys.every() == ()
    key, text = new_key("deploy", Role.OPERATOR, NOON, ())
    keys.add(key)
    assert [stored.key for stored in keys.every()] == [key]
    assert text[-64:] not in str(keys.every())
    with pytest.raises(Conflict):
        keys.add(key)


def test_what_somebody_changed_cannot_be_written_over(keys: ApiKeysTable) -> None:
    key, _ = new_key("deploy", Role.OPERATOR, NOON, ())
    keys.add(key)
    (stored,) = keys.every()
    keys.replace(stored, replace(key, revoked=NOON))
    with pytest.raises(Conflict):
        keys.replace(stored, key)


def test_keys_are_made_listed_and_revoked_by_name_and_revoked_twice_is_revoked_once(keys: ApiKeysTable) -> None:
    text = make(keys, "deploy", Role.READER)
    key_id = text.split("_")[1]
    said = revoke(keys, key_id)
    (stored,) = keys.every()
    assert stored.key.revoked is not None
    assert revoke(keys, key_id) == said
    assert keys.every() == (stored,)
    assert [line.split()[:3] for line in listed(keys)[1:]] == [[key_id, "deploy", "reader"]]
    with pytest.raises(MalformedInput, match="there is no key"):
        revoke(keys, "000000000000")
