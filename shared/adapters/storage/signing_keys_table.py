"""The table ``signingkeys``: one partition, a row for each public key that signs records, or did."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.domain.record.signing_keys import SigningKey
from shared.errors import Conflict
from shared.record_ports import StoredKey

_PARTITION = "key"
_KEYS = msgspec.json.Decoder(SigningKey)


class SigningKeysTable:
    """The port ``SigningKeys``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "signingkeys")

    def every(self) -> tuple[StoredKey, ...]:
        """See ``SigningKeys.every``. One transaction.

        Raises:
            ServiceError: a row cannot be read: without one of the keys, records by it would be called wrong.
        """
        rows = self._table.select("PartitionKey eq @partition", {"partition": _PARTITION})
        return tuple(StoredKey(self._table.decode(row, _KEYS), row.etag) for row in rows)

    def put(self, stored: StoredKey | None, key: SigningKey) -> StoredKey:
        """See ``SigningKeys.put``. One transaction."""
        columns = {"version": key.version, "begins": key.begins_at}
        row = Row(_PARTITION, key.id, msgspec.json.encode(key).decode(), columns)
        etag = self._table.replace(row, stored.etag) if stored else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the signing key {key.version} was written by another worker")
        return StoredKey(key, etag)
