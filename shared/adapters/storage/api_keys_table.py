"""The table ``keys``: one partition, a row for each API key. It holds hashes, and never a key."""

from __future__ import annotations

import msgspec

from shared.access_ports import StoredKey
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.access.api_keys import ApiKey
from shared.errors import Conflict

_PARTITION = "keys"
_KEYS = msgspec.json.Decoder(ApiKey)


class ApiKeysTable:
    """The port ``ApiKeys``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "keys")

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``. One transaction for each thousand of them.

        Raises:
            ServiceError: a row cannot be read; then nobody is let in by a key, for it may be one that was revoked.
        """
        rows = self._table.select("PartitionKey eq @partition", {"partition": _PARTITION})
        return tuple(StoredKey(self._table.decode(row, _KEYS), row.etag) for row in rows)

    def add(self, key: ApiKey) -> None:
        """See ``ApiKeys.add``. One transaction."""
        if self._table.insert(_row(key)) is None:
            raise Conflict(f"there is a key {key.id} already; make it once more")

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """See ``ApiKeys.replace``. One transaction."""
        self._table.replace(_row(key), stored.etag)


def _row(record: ApiKey) -> Row:
    columns = {"name": record.name, "role": record.role.value, "revoked": record.revoked is not None}
    return Row(_PARTITION, key(record.id), msgspec.json.encode(record).decode(), columns)
