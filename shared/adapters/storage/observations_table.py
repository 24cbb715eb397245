"""The table ``observations``: a partition for each upstream repository, a row for each watched tag and one for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby, islice
from typing import Any

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import MOST_WITH_GUARD, Row, Table, key
from shared.domain.references import Repository
from shared.domain.watching.observation import Observation, dated
from shared.domain.watching.questions import RepositoryState
from shared.errors import UNREADABLE, ServiceError
from shared.ports import Known

# No tag can begin with it.
_STATE = "@"
_MOST_TOLD = 5
# What one request answers.
_MOST_ROWS = 1000
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
        return self._known(self._table.select("PartitionKey eq @partition", {"partition": key(str(repository))}))

    def together(self, first: Repository, others: Collection[Repository]) -> Mapping[Repository, Known]:
        """See ``Observations.together``. One transaction for a thousand tags, or each part of the table.

        The rows from the first one's on are read, up to the last of its registry that is asked for. One of which
        perhaps not all rows came is left out; if that is the first, it is read alone.
        """
        wanted = {key(str(one)): one for one in (first, *others) if one.registry == first.registry}
        low = key(str(first))
        bounds = {"low": low, "high": max(wanted)}
        rows = list(islice(self._table.select("PartitionKey ge @low and PartitionKey le @high", bounds), _MOST_ROWS))
        parts = {name: tuple(of_it) for name, of_it in groupby(rows, lambda row: row.partition) if name in wanted}
        if len(rows) == _MOST_ROWS:
            parts.pop(rows[-1].partition, None)
            wanted = {name: one for name, one in wanted.items() if name in parts}
        asked = {one: parts.get(name, ()) for name, one in wanted.items() if low < name}
        whole = low in wanted
        return {**self._readable(asked), first: self._known(parts.get(low, ())) if whole else self.of(first)}

    def save(
        self, repository: Repository, known: Known, state: RepositoryState, observations: tuple[Observation, ...]
    ) -> Known:
        """See ``Observations.save``. One transaction for each 99 observations, guarded by the state's row.

        The state says what need not be looked at again, so all but the last write it as it was, but for the orders
        that were given.
        """
        rows = tuple({seen.tag: _row(repository, seen) for seen in observations}.values())
        starts = range(0, len(rows), MOST_WITH_GUARD) or range(1)
        before = msgspec.structs.replace(known.state, order=state.order)
        etag = known.etag
        for start in starts:
            guard = _state_row(repository, state if start == starts[-1] else before)
            etag = self._table.write_together(rows[start : start + MOST_WITH_GUARD], guard, etag)
        return Known({**known.tags, **{seen.tag: seen for seen in observations}}, state, etag)

    def states(self) -> Mapping[Repository, RepositoryState]:
        """See ``Observations.states``. One transaction for each thousand rows of the table."""
        rows = self._table.select("RowKey eq @row", {"row": _STATE})
        return {_repository(row): self._table.decode(row, _STATES) for row in rows}

    def every(self) -> Iterator[tuple[Repository, Known]]:
        """See ``Observations.every``. One transaction for each thousand rows, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        problems: list[str] = []
        for _, rows in groupby(self._table.select("PartitionKey gt @low", {"low": ""}), lambda row: row.partition):
            one = tuple(rows)
            try:
                known = self._known(one)
            except ServiceError as error:
                problems.append(str(error))
                continue
            yield _repository(one[0]), known
        if problems:
            told = "\n".join([f"{len(problems)} repositories cannot be read:", *problems[:_MOST_TOLD]])
            raise ServiceError(told, code=UNREADABLE)

    def _readable(self, asked: Mapping[Repository, Iterable[Row]]) -> dict[Repository, Known]:
        """What cannot be read is in nobody's way: it says so to whoever asks for it."""
        found: dict[Repository, Known] = {}
        for repository, rows in asked.items():
            with suppress(ServiceError):
                found[repository] = self._known(rows)
        return found

    def _known(self, rows: Iterable[Row]) -> Known:
        read = tuple(rows)
        states = [(self._table.decode(row, _STATES), row.etag) for row in read if row.key == _STATE]
        state, etag = states[0] if states else (RepositoryState(), "")
        observations = (self._table.decode(row, _OBSERVATIONS) for row in read if row.key != _STATE)
        return Known({seen.tag: dated(seen, state.seen_at) for seen in observations}, state, etag)


def _row(repository: Repository, observation: Observation) -> Row:
    columns = {
        "digest": observation.digest,
        "presence": observation.presence.value,
        "last_checked": observation.last_checked,
    }
    return Row(key(str(repository)), observation.tag, msgspec.json.encode(observation).decode(), columns)


def _state_row(repository: Repository, state: RepositoryState) -> Row:
    columns: dict[str, Any] = {"trouble": state.trouble, "deferred": state.deferred, "failures": state.failures}
    columns |= {"seen_at": state.seen_at} if state.seen_at is not None else {}
    return Row(key(str(repository)), _STATE, msgspec.json.encode(state).decode(), columns)


def _repository(row: Row) -> Repository:
    registry, _, path = row.partition.partition("~")
    return Repository(registry, path.replace("~", "/"))
