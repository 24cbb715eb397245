"""The table ``answers``: one partition, a row for each request that named itself by an idempotency key."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.answer_ports import StoredAnswer
from shared.domain.access.repeating import Kept

_PARTITION = "answers"
_MOST_PUT_AWAY = 500
_KEPT = msgspec.json.Decoder(Kept)


class AnswersTable:
    """The port ``KeptAnswers``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "answers")

    def find(self, name: str) -> StoredAnswer | None:
        """See ``KeptAnswers.find``. One transaction."""
        row = self._table.find(_PARTITION, name)
        return StoredAnswer(self._table.decode(row, _KEPT), row.etag) if row is not None else None

    def add(self, kept: Kept) -> StoredAnswer | None:
        """See ``KeptAnswers.add``. One transaction."""
        etag = self._table.insert(_row(kept))
        return StoredAnswer(kept, etag) if etag is not None else None

    def replace(self, stored: StoredAnswer, kept: Kept) -> StoredAnswer:
        """See ``KeptAnswers.replace``. One transaction."""
        return StoredAnswer(kept, self._table.replace(_row(kept), stored.etag))

    def remove(self, stored: StoredAnswer) -> None:
        """See ``KeptAnswers.remove``. One transaction."""
        self._table.delete(_PARTITION, stored.kept.name, stored.etag)

    def put_away(self, before: datetime) -> None:
        """See ``KeptAnswers.put_away``: at most 500. One transaction, and one for each hundred of them."""
        condition = "PartitionKey eq @partition and begun lt @before"
        etags: dict[str, str] = {}
        for row in self._table.select(condition, {"partition": _PARTITION, "before": before}):
            etags[row.key] = row.etag
            if len(etags) == _MOST_PUT_AWAY:
                break
        if etags:
            self._table.delete_all(_PARTITION, etags)


def _row(kept: Kept) -> Row:
    columns = {"begun": kept.at, "status": kept.status}
    return Row(_PARTITION, kept.name, msgspec.json.encode(kept).decode(), columns)
