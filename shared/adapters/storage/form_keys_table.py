"""The keys of forms: in the table ``keys``, beside the API keys, a partition of their own with a row for each month.

These are secrets, and no hashes: whoever may read them may write the records, too, that a forged form would change.
"""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.domain.access.form_tokens import FormKey

_PARTITION = "forms"
_KEYS = msgspec.json.Decoder(FormKey)


class FormKeysTable:
    """The port ``FormKeys``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "keys")

    def get(self, number: int) -> FormKey | None:
        """See ``FormKeys.get``. One transaction."""
        row = self._table.find(_PARTITION, _row_key(number))
        return self._table.decode(row, _KEYS) if row is not None else None

    def add(self, key: FormKey) -> bool:
        """See ``FormKeys.add``. One transaction."""
        row = Row(_PARTITION, _row_key(key.number), msgspec.json.encode(key).decode(), {})
        return self._table.insert(row) is not None


def _row_key(number: int) -> str:
    return f"{number:09}"
