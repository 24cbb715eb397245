"""The table ``troubles``: one partition, a row for each kind of trouble of each thing."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.watching.troubles import Noted
from shared.errors import Conflict, ServiceError
from shared.trouble_ports import StoredTrouble

_PARTITION = "troubles"
_NOTED = msgspec.json.Decoder(Noted)


class TroublesTable:
    """The port ``Troubles``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "troubles")

    def every(self) -> tuple[StoredTrouble, ...]:
        """See ``Troubles.every``. One transaction for each thousand of them, and one for each that is forgotten."""
        rows = self._table.select("PartitionKey eq @partition", {"partition": _PARTITION})
        read = (self._read(row) for row in rows)
        return tuple(stored for stored in read if stored is not None)

    def put(self, stored: StoredTrouble | None, noted: Noted) -> StoredTrouble:
        """See ``Troubles.put``. One transaction."""
        row = _row(noted)
        etag = self._table.replace(row, stored.etag) if stored else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the trouble of {noted.trouble.about} was noted by another worker")
        return StoredTrouble(noted, etag)

    def remove(self, stored: StoredTrouble) -> None:
        """See ``Troubles.remove``. One transaction."""
        row = _row(stored.noted)
        self._table.delete(row.partition, row.key, stored.etag)

    def _read(self, row: Row) -> StoredTrouble | None:
        try:
            return StoredTrouble(self._table.decode(row, _NOTED), row.etag)
        except ServiceError:
            self._table.delete(row.partition, row.key, row.etag)
            return None


def _row(noted: Noted) -> Row:
    trouble = noted.trouble
    columns = {"kind": trouble.kind.value, "since": noted.since, "told": noted.told, "detail": trouble.detail}
    row_key = key(f"{trouble.kind.value}:{trouble.about}")
    return Row(_PARTITION, row_key, msgspec.json.encode(noted).decode(), columns)
