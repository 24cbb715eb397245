"""The table ``activity``: one partition for each subject, its newest line first."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.ports import Event

# Rows are sorted by their keys, so a line's key counts down: microseconds until the last year there is.
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_MOST_A_PAGE = 1000
# A watch list can have thousands of problems; what nobody would read must not exceed what a row holds (1 MiB).
_LONGEST_DETAIL = 30_000
_EVENTS = msgspec.json.Decoder(Event)


class ActivityTable:
    """The port ``Activity``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "activity")

    def append(self, event: Event) -> None:
        """See ``Activity.append``. One transaction."""
        columns = {"name": event.name, "at": event.at}
        kept = msgspec.structs.replace(event, detail=event.detail[:_LONGEST_DETAIL])
        self._table.insert(Row(key(event.subject), _row_key(event), msgspec.json.encode(kept).decode(), columns))

    def of(self, subject: str, limit: int) -> tuple[Event, ...]:
        """See ``Activity.of``. One transaction for each thousand lines."""
        most = min(max(limit, 1), _MOST_A_PAGE)
        rows = self._table.select("PartitionKey eq @partition", {"partition": key(subject)}, most)
        return tuple(self._table.decode(row, _EVENTS) for row in islice(rows, limit))


def _row_key(event: Event) -> str:
    left = (_END_OF_TIME - event.at) // timedelta(microseconds=1)
    return f"{left:018d}-{hashlib.sha256(event.name.encode()).hexdigest()[:12]}"
