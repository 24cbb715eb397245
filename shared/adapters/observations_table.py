"""The table ``observations``: one partition for each upstream repository, one row for each of its watched tags."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.adapters.storage_account import StorageAccount
from shared.adapters.tables import Row, Table, key
from shared.domain.observation import Observation
from shared.domain.references import Repository, Tag


class ObservationsTable:
    """The port ``Observations``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "observations")

    def of(self, repository: Repository) -> Mapping[Tag, Observation]:
        """See ``Observations.of``. One transaction for each thousand tags."""
        rows = self._table.select("PartitionKey eq @partition", {"partition": key(str(repository))})
        observations = (self._table.decode(row, Observation) for row in rows)
        return {observation.tag: observation for observation in observations}

    def save(self, repository: Repository, observations: tuple[Observation, ...]) -> None:
        """See ``Observations.save``. One transaction for each hundred tags; of two for one tag the last counts."""
        rows = {observation.tag: _row(repository, observation) for observation in observations}
        self._table.upsert(tuple(rows.values()))


def _row(repository: Repository, observation: Observation) -> Row:
    columns = {
        "digest": observation.digest,
        "presence": observation.presence.value,
        "last_checked": observation.last_checked,
    }
    return Row(key(str(repository)), observation.tag, msgspec.json.encode(observation).decode(), columns)
