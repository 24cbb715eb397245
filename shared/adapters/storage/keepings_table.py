"""The table ``decisions``: a row for each base registry, on what is known of decisions that are kept elsewhere."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.decision_ports import StoredKeeping
from shared.domain.decisions.keeping import Keeping
from shared.errors import Conflict

_PARTITION = "keeping"
_KEEPINGS = msgspec.json.Decoder(Keeping)


class KeepingsTable:
    """The port ``Keepings``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "decisions")

    def get(self, registry: str) -> StoredKeeping | None:
        """See ``Keepings.get``. One transaction."""
        row = self._table.find(_PARTITION, registry)
        return StoredKeeping(self._table.decode(row, _KEEPINGS), row.etag) if row else None

    def put(self, registry: str, stored: StoredKeeping | None, keeping: Keeping) -> StoredKeeping:
        """See ``Keepings.put``. One transaction."""
        row = Row(_PARTITION, registry, msgspec.json.encode(keeping).decode(), {"remembers": keeping.remembers})
        etag = self._table.replace(row, stored.etag) if stored else self._table.insert(row)
        if etag is None:
            raise Conflict(f"what is known of decisions of {registry} was written by another worker")
        return StoredKeeping(keeping, etag)
