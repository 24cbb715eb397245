"""The table ``rulings``: one partition, a row for each digest or entry of which people spoke."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.promotion.rulings import Kind, Ruling
from shared.errors import Conflict
from shared.target_ports import StoredRuling

_PARTITION = "rulings"
_RULINGS = msgspec.json.Decoder(Ruling)


class RulingsTable:
    """The port ``Rulings``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "rulings")

    def get(self, kind: Kind, subject: str) -> StoredRuling | None:
        """See ``Rulings.get``. One transaction."""
        row = self._table.find(_PARTITION, _row_key(kind, subject))
        return StoredRuling(self._table.decode(row, _RULINGS), row.etag) if row else None

    def put(self, stored: StoredRuling | None, ruling: Ruling) -> StoredRuling:
        """See ``Rulings.put``. One transaction."""
        columns = {"by": ruling.said.by, "in_force": ruling.in_force}
        text = msgspec.json.encode(ruling).decode()
        row = Row(_PARTITION, _row_key(ruling.kind, ruling.subject), text, columns)
        etag = self._table.replace(row, stored.etag) if stored else self._table.insert(row)
        if etag is None:
            raise Conflict(f"somebody said something of {ruling.subject} just now; it is looked at again")
        return StoredRuling(ruling, etag)

    def every(self) -> tuple[Ruling, ...]:
        """See ``Rulings.every``. One transaction for each thousand of them.

        Raises:
            ServiceError: a row cannot be read: whoever cannot tell what is blocked decides nothing.
        """
        rows = self._table.select("PartitionKey eq @partition", {"partition": _PARTITION})
        return tuple(self._table.decode(row, _RULINGS) for row in rows)


def _row_key(kind: Kind, subject: str) -> str:
    return key(f"{kind.value}:{subject}")
