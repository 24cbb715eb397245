"""The table ``waves``: a partition for each repository of a base registry, and a row for each decision with a wave."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key, readable
from shared.domain.promotion.target import parts_of_target
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave, parts_of_wave
from shared.errors import Conflict
from shared.wave_ports import StoredWave

_WAVES = msgspec.json.Decoder(Wave)


class WavesTable:
    """The port ``Waves``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "waves")

    def get(self, wave_id: str) -> StoredWave | None:
        """See ``Waves.get``. One transaction.

        Raises:
            InvalidReference: the id can be no wave's.
        """
        row = self._table.find(*_place(wave_id))
        return self._stored(row) if row else None

    def insert(self, wave: Wave) -> StoredWave:
        """See ``Waves.insert``. One transaction."""
        etag = self._table.insert(_row(wave))
        if etag is None:
            raise Conflict(f"{wave.id} is there already; it is looked at again")
        return StoredWave(wave, etag)

    def replace(self, stored: StoredWave, wave: Wave) -> StoredWave:
        """See ``Waves.replace``. One transaction."""
        return StoredWave(wave, self._table.replace(_row(wave), stored.etag))

    def delete(self, stored: StoredWave) -> None:
        """See ``Waves.delete``. One transaction."""
        self._table.delete(*_place(stored.record.id), stored.etag)

    def due(self, moment: datetime) -> Iterator[StoredWave]:
        """See ``Waves.due``. One transaction for each thousand of them, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        return self._read("look_at le @moment", {"moment": moment})

    def untold(self) -> Iterator[StoredWave]:
        """See ``Waves.untold``. One transaction for each thousand of them, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        return self._read("untold eq true", {})

    def every(
        self,
        registry: str,
        *,
        repository: str = "",
        states: Collection[WaveState] = (),
        since: datetime | None = None,
        by: datetime | None = None,
        after: str = "",
    ) -> Iterator[StoredWave]:
        """See ``Waves.every``. One transaction for each thousand of them, or each part of the table.

        Raises:
            InvalidReference: ``after`` is no wave's id.
            ServiceError: some rows cannot be read; after all others.
        """
        name = registry.lower()
        conditions = ["PartitionKey ge @low and PartitionKey lt @high"]
        values: dict[str, str | datetime] = {"low": f"{name}~", "high": f"{name}~~"}
        if repository:
            conditions, values = ["PartitionKey eq @one"], {"one": key(f"{name}/{repository}")}
        if states:
            named = {f"state{number}": one.value for number, one in enumerate(states)}
            conditions.append(" or ".join(f"state eq @{one}" for one in named))
            values |= named
        if since is not None:
            conditions.append("planned_at ge @since")
            values["since"] = since
        if by is not None:
            conditions.append("planned_at le @by")
            values["by"] = by
        if after:
            partition, row = _place(after)
            conditions.append("PartitionKey gt @last or ( PartitionKey eq @last and RowKey gt @row )")
            values |= {"last": partition, "row": row}
        return self._read(" and ".join(f"( {one} )" for one in conditions), values)

    def _read(self, condition: str, parameters: Mapping[str, str | datetime]) -> Iterator[StoredWave]:
        return readable(self._table.select(condition, parameters), self._stored)

    def _stored(self, row: Row) -> StoredWave:
        return StoredWave(self._table.decode(row, _WAVES), row.etag)


def _place(wave_id: str) -> tuple[str, str]:
    """Numbers are made as long as each other, so that a tag's waves stand in their order."""
    target, number = parts_of_wave(wave_id)
    registry, repository, tag = parts_of_target(target)
    return key(f"{registry}/{repository}"), key(f"{tag}~{number:010}")


def _row(wave: Wave) -> Row:
    columns = {"state": wave.state.value, "reason": wave.reason.value, "members": len(wave.members)}
    planned = {"planned_at": wave.planned_at}
    due = {"look_at": wave.look_at} if wave.look_at is not None else {}
    untold = {"untold": True} if wave.notices else {}
    return Row(*_place(wave.id), msgspec.json.encode(wave).decode(), {**columns, **planned, **due, **untold})
