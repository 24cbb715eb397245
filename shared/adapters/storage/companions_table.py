"""The tables ``companions`` and ``uniquetags``: a partition for each repository of a base registry in either.

A row of the first for each digest with companions, a row of the second for each unique tag that was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key, readable
from shared.domain.references import Tag
from shared.domain.travel.companions import Companions, parts_of_companions
from shared.errors import Conflict
from shared.travel_ports import NamedDigest, StoredCompanions

_COMPANIONS = msgspec.json.Decoder(Companions)
_NAMED = msgspec.json.Decoder(NamedDigest)


class CompanionsTable:
    """The port ``CompanionRecords``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "companions")

    def get(self, companions_id: str) -> StoredCompanions | None:
        """See ``CompanionRecords.get``. One transaction.

        Raises:
            InvalidReference: the id can be no companions'.
        """
        registry, repository, digest = parts_of_companions(companions_id)
        row = self._table.find(_partition(registry, repository), key(digest))
        return self._stored(row) if row else None

    def insert(self, companions: Companions) -> StoredCompanions:
        """See ``CompanionRecords.insert``. One transaction."""
        etag = self._table.insert(_row(companions))
        if etag is None:
            raise Conflict(f"{companions.id} is there already; it is looked at again")
        return StoredCompanions(companions, etag)

    def replace(self, stored: StoredCompanions, companions: Companions) -> StoredCompanions:
        """See ``CompanionRecords.replace``. One transaction."""
        return StoredCompanions(companions, self._table.replace(_row(companions), stored.etag))

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.of_repository``. One transaction for each thousand of them.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        return self._read("PartitionKey eq @partition", {"partition": _partition(registry.lower(), repository)})

    def every(self, registry: str) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.every``. One transaction for each thousand of them, or each part of the table.

        ``~`` stands before a repository and can stand in none, so all of a registry's partitions are below ``~~``.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        name = registry.lower()
        bounds = {"low": f"{name}~", "high": f"{name}~~"}
        return self._read("PartitionKey ge @low and PartitionKey lt @high", bounds)

    def due(self, moment: datetime) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.due``. One transaction for each thousand of them, or each part of the table.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        return self._read("look_at le @moment", {"moment": moment})

    def _read(self, condition: str, parameters: Mapping[str, str | datetime]) -> Iterator[StoredCompanions]:
        return readable(self._table.select(condition, parameters), self._stored)

    def _stored(self, row: Row) -> StoredCompanions:
        return StoredCompanions(self._table.decode(row, _COMPANIONS), row.etag)


class UniqueTagsTable:
    """The port ``UniqueNames``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "uniquetags")

    def claim(self, named: NamedDigest) -> NamedDigest:
        """See ``UniqueNames.claim``. One transaction; two where the name was given before."""
        columns = {"digest": named.digest, "tag": named.tag}
        partition = _partition(named.registry, named.repository)
        row = Row(partition, named.name, msgspec.json.encode(named).decode(), columns)
        if self._table.insert(row) is not None:
            return named
        known = self.get(named.registry, named.repository, named.name)
        if known is None:
            raise Conflict(f"the name {named.name} was given and taken back; it is looked at again")
        return known

    def get(self, registry: str, repository: str, name: Tag) -> NamedDigest | None:
        """See ``UniqueNames.get``. One transaction."""
        row = self._table.find(_partition(registry, repository), name)
        return self._table.decode(row, _NAMED) if row else None

    def of_repository(self, registry: str, repository: str) -> Iterator[NamedDigest]:
        """See ``UniqueNames.of_repository``. One transaction for each thousand of them.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        rows = self._table.select("PartitionKey eq @partition", {"partition": _partition(registry, repository)})
        return readable(rows, lambda row: self._table.decode(row, _NAMED))


def _partition(registry: str, repository: str) -> str:
    return key(f"{registry.lower()}/{repository}")


def _row(companions: Companions) -> Row:
    ready = all(want.ready_at is not None for want in companions.wants)
    columns = {"mode": companions.mode.value, "ready": ready, "referrers": len(companions.referrers)}
    due = {"look_at": companions.look_at} if companions.look_at is not None else {}
    partition = _partition(companions.registry, companions.repository)
    return Row(partition, key(companions.digest), msgspec.json.encode(companions).decode(), {**columns, **due})
