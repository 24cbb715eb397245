"""The table ``usualtimes``: one row, with how long imports and gates usually take."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.domain.promotion.usual_times import UsualTimes
from shared.errors import Conflict
from shared.usual_times_ports import StoredUsualTimes

_PLACE = ("usual", "times")
_TIMES = msgspec.json.Decoder(UsualTimes)


class UsualTimesTable:
    """The port ``KeptUsualTimes``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "usualtimes")

    def get(self) -> StoredUsualTimes:
        """See ``KeptUsualTimes.get``. One transaction.

        Raises:
            ServiceError: the row cannot be read.
        """
        row = self._table.find(*_PLACE)
        if row is None:
            return StoredUsualTimes(UsualTimes(), "")
        return StoredUsualTimes(self._table.decode(row, _TIMES), row.etag)

    def replace(self, stored: StoredUsualTimes, times: UsualTimes) -> StoredUsualTimes:
        """See ``KeptUsualTimes.replace``. One transaction."""
        row = Row(*_PLACE, msgspec.json.encode(times).decode(), {"kinds": len(times.seconds)})
        etag = self._table.replace(row, stored.etag) if stored.etag else self._table.insert(row)
        if etag is None:
            raise Conflict("the usual times were written by another worker")
        return StoredUsualTimes(times, etag)
