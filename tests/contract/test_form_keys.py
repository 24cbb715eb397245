"""What the keys of forms promise: one for each month, and the first one that is kept stays."""

from __future__ import annotations

import pytest

from shared.access_ports import FormKeys
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.api_keys_table import ApiKeysTable
from shared.adapters.storage.form_keys_table import FormKeysTable
from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Role
from shared.domain.access.form_tokens import new_form_key
from tests.contract.examples import NOON
from tests.doubles.form_keys import InMemoryFormKeys

pytestmark = pytest.mark.contract


@pytest.fixture
def keys(account_or_none: StorageAccount | None) -> FormKeys:
    """The table, or its double."""
    return FormKeysTable(account_or_none) if account_or_none is not None else InMemoryFormKeys()


def test_a_key_is_read_back_as_it_was_kept_and_another_month_has_none(keys: FormKeys) -> None:
    assert keys.get(7) is None
    key = new_form_key(7)
    assert keys.add(key)
    assert (keys.get(7), keys.get(8)) == (key, None)


def test_of_two_keys_of_one_month_the_first_one_stays(keys: FormKeys) -> None:
    first, second = new_form_key(7), new_form_key(7)
    assert (keys.add(first), keys.add(second)) == (True, False)
    assert keys.get(7) == first


def test_keys_of_forms_are_no_api_keys_though_they_lie_beside_them(account_or_none: StorageAccount | None) -> None:
    if account_or_none is None:
        pytest.skip("only the table keeps keys")
    FormKeysTable(account_or_none).add(new_form_key(7))
    api_keys = ApiKeysTable(account_or_none)
    assert api_keys.every() == ()
    api_keys.add(new_key("deploy", Role.OPERATOR, NOON, ())[0])
    assert len(api_keys.every()) == 1
