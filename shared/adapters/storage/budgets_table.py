"""The table ``budgets``: one row for each upstream, by its host."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.budget_ports import StoredBudget
from shared.domain.watching.budget import Budget
from shared.errors import Conflict

_PARTITION = "upstream"
_BUDGETS = msgspec.json.Decoder(Budget)


class BudgetsTable:
    """The port ``Budgets``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "budgets")

    def get(self, upstream: str) -> StoredBudget:
        """See ``Budgets.get``. One transaction."""
        row = self._table.find(_PARTITION, key(upstream))
        if row is None:
            return StoredBudget(Budget(upstream=upstream), "")
        return StoredBudget(self._table.decode(row, _BUDGETS), row.etag)

    def every(self) -> tuple[Budget, ...]:
        """See ``Budgets.every``. One transaction for each thousand upstreams."""
        rows = self._table.select("PartitionKey eq @partition", {"partition": _PARTITION})
        return tuple(self._table.decode(row, _BUDGETS) for row in rows)

    def replace(self, stored: StoredBudget, budget: Budget) -> StoredBudget:
        """See ``Budgets.replace``. One transaction."""
        row = _row(budget)
        etag = self._table.replace(row, stored.etag) if stored.etag else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the budget of {budget.upstream} was written by another worker; it is looked at again")
        return StoredBudget(budget, etag)


def _row(budget: Budget) -> Row:
    columns = {"limit": budget.limit, "remaining": budget.remaining}
    times = {"resets_at": budget.resets_at, "locked_until": budget.locked_until}
    told = {name: moment for name, moment in times.items() if moment is not None}
    return Row(_PARTITION, key(budget.upstream), msgspec.json.encode(budget).decode(), {**columns, **told})
