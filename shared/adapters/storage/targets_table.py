"""The table ``targets``: a partition for each repository of a base registry, a row for each of its tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key, readable
from shared.domain.promotion.target import Target, parts_of_target
from shared.errors import Conflict
from shared.target_ports import StoredTarget

_TARGETS = msgspec.json.Decoder(Target)


class TargetsTable:
    """The port ``Targets``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "targets")

    def get(self, target_id: str) -> StoredTarget | None:
        """See ``Targets.get``. One transaction.

        Raises:
            InvalidReference: the id can be no target's.
        """
        registry, repository, tag = parts_of_target(target_id)
        row = self._table.find(_partition(registry, repository), tag)
        return self._stored(row) if row else None

    def insert(self, target: Target) -> StoredTarget:
        """See ``Targets.insert``. One transaction."""
        etag = self._table.insert(_row(target))
        if etag is None:
            raise Conflict(f"{target.id} is there already; it is looked at again")
        return StoredTarget(target, etag)

    def replace(self, stored: StoredTarget, target: Target) -> StoredTarget:
        """See ``Targets.replace``. One transaction."""
        return StoredTarget(target, self._table.replace(_row(target), stored.etag))

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredTarget]:
        """See ``Targets.of_repository``. One transaction for each thousand of them.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        return self._read("PartitionKey eq @partition", {"partition": _partition(registry.lower(), repository)})

    def repositories(self) -> frozenset[tuple[str, str]]:
        """See ``Targets.repositories``. One transaction for each thousand targets, or each part of the table."""
        return frozenset(_parts(partition) for partition in self._table.partitions())

    def every(self, registry: str, after: str = "") -> Iterator[StoredTarget]:
        """See ``Targets.every``. One transaction for each thousand of them, or each part of the table.

        ``~`` stands before a repository and can stand in none, so all of a registry's partitions are below ``~~``.

        Raises:
            InvalidReference: ``after`` is no target's id.
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        name = registry.lower()
        condition, parameters = (
            "PartitionKey ge @low and PartitionKey lt @high",
            {"low": f"{name}~", "high": f"{name}~~"},
        )
        if after:
            _, repository, tag = parts_of_target(after)
            condition += " and ( PartitionKey gt @last or ( PartitionKey eq @last and RowKey gt @tag ) )"
            parameters |= {"last": _partition(name, repository), "tag": tag}
        return self._read(condition, parameters)

    def due(self, moment: datetime) -> Iterator[StoredTarget]:
        """See ``Targets.due``. One transaction for each thousand of them, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        return self._read("look_at le @moment", {"moment": moment})

    def untold(self) -> Iterator[StoredTarget]:
        """See ``Targets.untold``. One transaction for each thousand of them, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        return self._read("untold eq true", {})

    def _read(self, condition: str, parameters: Mapping[str, str | datetime]) -> Iterator[StoredTarget]:
        return readable(self._table.select(condition, parameters), self._stored)

    def _stored(self, row: Row) -> StoredTarget:
        return StoredTarget(self._table.decode(row, _TARGETS), row.etag)


def _partition(registry: str, repository: str) -> str:
    return key(f"{registry}/{repository}")


def _parts(partition: str) -> tuple[str, str]:
    registry, _, path = partition.partition("~")
    return registry, path.replace("~", "/")


def _row(target: Target) -> Row:
    columns = {"wanted": target.wanted, "why": target.why.value, "number": target.number, "seen": target.seen}
    due = {"look_at": target.look_at} if target.look_at is not None else {}
    untold = {"untold": True} if target.notices else {}
    partition = _partition(target.registry, target.repository)
    return Row(partition, target.tag, msgspec.json.encode(target).decode(), {**columns, **due, **untold})
