"""One table of the storage account: rows that hold a record as JSON, beside columns for people who look into it.

Limits: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.errors import translated
from shared.adapters.storage.group_transaction import Write, make_all
from shared.adapters.storage.grouped_writes import GroupedWrites
from shared.adapters.storage.record_properties import properties_of, record_of
from shared.errors import UNREADABLE, Conflict, NotFound, ServiceError, TidegateError

if TYPE_CHECKING:
    from azure.data.tables import TableClient

S = TypeVar("S")
T = TypeVar("T")

MOST_WITH_GUARD = 99
_MOST_TOLD = 5
_LONGEST_KEY = 500
_FORBIDDEN_IN_KEYS = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f]")


class Row(msgspec.Struct, frozen=True):
    """A row.

    Attributes:
        partition: its PartitionKey, made by ``key``.
        key: its RowKey, made by ``key``.
        record: JSON.
        columns: for people, and to be filtered by; never read back.
        etag: as read; empty for a row to be written.
    """

    partition: str
    key: str
    record: str
    columns: Mapping[str, Any] = {}
    etag: str = ""


def key(text: str) -> str:
    """Return a text as a PartitionKey or RowKey: with ``~`` for ``/`` and all else that keys must not hold."""
    return _FORBIDDEN_IN_KEYS.sub("~", text)[:_LONGEST_KEY]


def readable(rows: Iterable[S], read: Callable[[S], T]) -> Iterator[T]:
    """Iterate over what can be read of some rows.

    Args:
        rows: as they were selected.
        read: takes what is wanted out of one.

    Raises:
        ServiceError: ``UNREADABLE``, some could not be read; after all others, so that they keep nobody from the rest.
    """
    problems: list[str] = []
    for row in rows:
        try:
            found = read(row)
        except ServiceError as error:
            problems.append(str(error))
            continue
        yield found
    if problems:
        told = "\n".join([f"{len(problems)} rows cannot be read:", *problems[:_MOST_TOLD]])
        raise ServiceError(told, code=UNREADABLE)


class Table:
    """Reads and writes rows. A table that is not there is empty, and made by the first write.

    Args:
        account: where it is.
        name: its name.
    """

    def __init__(self, account: StorageAccount, name: str) -> None:
        self._account = account
        self.name = name
        self._grouped = GroupedWrites(lambda: self._client)

    def find(self, partition: str, key: str) -> Row | None:
        """Return one row, or ``None``. One transaction."""
        try:
            with translated(f"reading {self._row(partition, key)}"):
                return _row(self._client.get_entity(partition, key))
        except NotFound:
            return None

    def select(self, condition: str, parameters: Mapping[str, str | datetime], most: int = 1000) -> Iterator[Row]:
        """Iterate over rows in the order of their keys, read in pages of ``most``.

        Args:
            condition: OData filter, with ``@name`` for parameters.
            parameters: values, to be quoted by the SDK.
            most: rows a page, at most 1000.
        """
        try:
            with translated(f"reading the table {self.name}"):
                pages = self._client.query_entities(condition, parameters=dict(parameters), results_per_page=most)
                for entity in pages:
                    yield _row(entity)
        except NotFound:
            return

    def partitions(self) -> frozenset[str]:
        """Return every PartitionKey there is. One transaction for each thousand rows, or each part of the table."""
        try:
            with translated(f"reading the table {self.name}"):
                rows = self._client.list_entities(select=["PartitionKey"], results_per_page=1000)
                return frozenset(row["PartitionKey"] for row in rows)
        except NotFound:
            return frozenset()

    def count(self, condition: str, parameters: Mapping[str, str | datetime]) -> int:
        """Return how many rows there are. One transaction for each thousand, or each part of the table; keys alone."""
        try:
            with translated(f"reading the table {self.name}"):
                found = self._client.query_entities(condition, parameters=dict(parameters), select=["RowKey"])
                return sum(1 for _ in found)
        except NotFound:
            return 0

    def insert(self, row: Row) -> str | None:
        """Add a row, and return its ETag, or ``None`` if one with its keys is there.

        One transaction, which it shares with what else is written to its partition at the time.
        """
        try:
            return self._grouped.make(row.partition, self._insertion(row))
        except Conflict:
            return None

    def insert_all(self, rows: Sequence[Row]) -> list[str | TidegateError]:
        """Add rows of one partition. One transaction for each hundred; one more for each that is there, of a few.

        Returns:
            Of each row its ETag, ``Conflict`` if one with its keys is there, or another error that is about it alone.

        Raises:
            Unavailable, RateLimited: the storage account gave no answer; what was not asked yet was not asked.
        """
        return make_all(self._client, [self._insertion(row) for row in rows])

    def replace(self, row: Row, etag: str) -> str:
        """Replace a row that still has an ETag, and return the new one. One transaction, shared as an insertion's.

        Raises:
            Conflict: it has another ETag, or is gone.
        """
        return self._grouped.make(row.partition, self._replacement(row, etag))

    def replace_all(self, rows: Sequence[tuple[Row, str]]) -> list[str | TidegateError]:
        """Replace rows of one partition that still have their ETags. As many transactions as ``insert_all``.

        Returns:
            Of each row its new ETag; ``Conflict`` if it has another one or is gone, or another error.

        Raises:
            Unavailable, RateLimited: as ``insert_all``.
        """
        return make_all(self._client, [self._replacement(row, etag) for row, etag in rows])

    def delete(self, partition: str, key: str, etag: str) -> None:
        """Delete a row that still has an ETag; no harm if it is gone. One transaction, shared as an insertion's.

        Raises:
            Conflict: it has another ETag.
        """
        self._grouped.make(partition, self._deletion(partition, key, etag))

    def delete_all(self, partition: str, etags: Mapping[str, str]) -> list[str | TidegateError]:
        """Delete rows that still have their ETags, by their keys. As many transactions as ``insert_all``.

        Returns:
            Of each row an empty text, no harm if it is gone; ``Conflict`` if it has another ETag, or another error.

        Raises:
            Unavailable, RateLimited: as ``insert_all``.
        """
        return make_all(self._client, [self._deletion(partition, key, etag) for key, etag in etags.items()])

    def write_together(self, rows: Sequence[Row], guard: Row, etag: str) -> str:
        """Write rows of one partition with one that guards them, all or none, and return the ETag of that one.

        Args:
            rows: at most ``MOST_WITH_GUARD``, each with a key of its own.
            guard: the row that must still have the ETag.
            etag: as it was read; empty if there was no such row.

        Raises:
            Conflict: it has another ETag, or is there, or is gone.
        """
        operations = [("upsert", _entity(row), {"mode": "replace"}) for row in rows]
        try:
            written = self._write(guard, lambda: self._client.submit_transaction([*operations, _guarded(guard, etag)]))
        except NotFound:
            raise Conflict(f"{self._row(guard.partition, guard.key)} is gone; it is looked for again") from None
        return written

    def decode(self, row: Row, decoder: msgspec.json.Decoder[T]) -> T:
        """Read the record of a row.

        Raises:
            ServiceError: it is none; permanent, and names the row.
        """
        try:
            return decoder.decode(row.record)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ServiceError(
                f"{self._row(row.partition, row.key)} cannot be read: {error}. It was written by a newer version of "
                "this app, or by hand: run that version, or correct or delete the row",
                code=UNREADABLE,
            ) from None

    @property
    def _client(self) -> TableClient:
        return self._account.table(self.name)

    def _row(self, partition: str, key: str) -> str:
        return f"row {partition!r} / {key!r} of the table {self.name}"

    def _insertion(self, row: Row) -> Write:
        entity = _entity(row)
        return Write(row.key, self._writing(row), ("create", entity), partial(self._insert, row, entity))

    def _insert(self, row: Row, entity: Mapping[str, Any]) -> str:
        return self._write(row, lambda: self._client.create_entity(entity))

    def _replacement(self, row: Row, etag: str) -> Write:
        entity, asked = _entity(row), f"replacing {self._row(row.partition, row.key)}"
        how = {"mode": "replace", **_unchanged(etag)}
        return Write(row.key, asked, ("update", entity, how), partial(self._replace, row, asked, entity, how))

    def _replace(self, row: Row, asked: str, entity: Mapping[str, Any], how: Mapping[str, Any]) -> str:
        try:
            with translated(asked):
                return _etag(self._client.update_entity(entity, **how))
        except NotFound:
            raise Conflict(f"{self._row(row.partition, row.key)} is gone; it is looked for again") from None

    def _deletion(self, partition: str, key: str, etag: str) -> Write:
        asked, keys = f"deleting {self._row(partition, key)}", {"PartitionKey": partition, "RowKey": key}
        unchanged = _unchanged(etag)
        return Write(key, asked, ("delete", keys, unchanged), partial(self._delete, asked, keys, unchanged))

    def _delete(self, asked: str, keys: Mapping[str, str], unchanged: Mapping[str, Any]) -> str:
        with translated(asked):
            self._client.delete_entity(keys["PartitionKey"], keys["RowKey"], **unchanged)
        return ""

    def _write(self, row: Row, write: Callable[[], Any]) -> str:
        asked = self._writing(row)
        try:
            with translated(asked):
                return _etag(write())
        except NotFound:
            self._create()
            with translated(asked):
                return _etag(write())

    def _writing(self, row: Row) -> str:
        return f"writing {self._row(row.partition, row.key)}"

    def _create(self) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

        with translated(f"making the table {self.name}"):
            try:
                self._client.create_table()
            except ResourceExistsError:
                return


def _guarded(row: Row, etag: str) -> tuple[Any, ...]:
    if not etag:
        return "create", _entity(row)
    return "update", _entity(row), {"mode": "replace", **_unchanged(etag)}


def _unchanged(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _etag(written: Any) -> str:
    """Of a batch the last row's counts."""
    return str((written if isinstance(written, Mapping) else written[-1])["etag"])


def _row(entity: Any) -> Row:
    return Row(entity["PartitionKey"], entity["RowKey"], record_of(entity), etag=str(entity.metadata["etag"]))


def _entity(row: Row) -> dict[str, Any]:
    return {"PartitionKey": row.partition, "RowKey": row.key, **row.columns, **properties_of(row.record)}
