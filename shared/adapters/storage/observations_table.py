"""The table ``observations``: a partition for each upstream repository, a row for each watched tag and one for all."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.references import Repository
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from shared.ports import Known

# No tag can begin with it.
_STATE = "@"
_STATES, _OBSERVATIONS = msgspec.json.Decoder(RepositoryState), msgspec.json.Decoder(Observation)


class ObservationsTable:
    """The port ``Observations``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "observations")

    def of(self, repository: Repository) -> Known:
        """See ``Observations.of``. One transaction for each thousand tags."""
        rows = tuple(self._table.select("PartitionKey eq @partition", {"partition": key(str(repository))}))
        states = [self._table.decode(row, _STATES) for row in rows if row.key == _STATE]
        observations = (self._table.decode(row, _OBSERVATIONS) for row in rows if row.key != _STATE)
        return Known({seen.tag: seen for seen in observations}, states[0] if states else RepositoryState())

    def save(self, repository: Repository, state: RepositoryState, observations: tuple[Observation, ...]) -> None:
        """See ``Observations.save``. One transaction for each hundred rows, the state's with the last of them.

        The state says what need not be looked at again, so it is not written before what was seen.
        """
        rows = {observation.tag: _row(repository, observation) for observation in observations}
        self._table.upsert((*rows.values(), _state_row(repository, state)))

    def states(self) -> Mapping[Repository, RepositoryState]:
        """See ``Observations.states``. One transaction for each thousand rows of the table."""
        rows = self._table.select("RowKey eq @row", {"row": _STATE})
        return {_repository(row): self._table.decode(row, _STATES) for row in rows}


def _row(repository: Repository, observation: Observation) -> Row:
    columns = {
        "digest": observation.digest,
        "presence": observation.presence.value,
        "last_checked": observation.last_checked,
    }
    return Row(key(str(repository)), observation.tag, msgspec.json.encode(observation).decode(), columns)


def _state_row(repository: Repository, state: RepositoryState) -> Row:
    columns = {"trouble": state.trouble, "deferred": state.deferred, "failures": state.failures}
    return Row(key(str(repository)), _STATE, msgspec.json.encode(state).decode(), columns)


def _repository(row: Row) -> Repository:
    registry, _, path = row.partition.partition("~")
    return Repository(registry, path.replace("~", "/"))
