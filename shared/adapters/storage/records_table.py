"""The tables ``candidates``, ``rebuilds`` and ``scans``: current records in one partition, those long ended in others.

A current record is the row ``current`` / id. An archived one is the row group / id, where the group is the upstream
repository (of candidates of earlier versions the target repository) or the task. A row in both places is what a death
between two writes leaves: the current one counts. Scans have no archive: they are deleted when nobody asks for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any, Generic

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key, readable
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.references import parse_digest
from shared.domain.scan.scan import Scan
from shared.errors import UNREADABLE, Conflict, InvalidReference, ServiceError, TidegateError
from shared.ports import R, Stored

_CURRENT = "current"
# Marks the ETag of an archived row, so that ``replace`` knows where the record was read.
_ARCHIVED = "archived "
# Sorts behind every character an id can hold.
_LAST = "\u00ff"
_MOST_TOLD = 5
# Stands for a group where there is no archive.
_NO_ARCHIVE = ""
_CANDIDATES, _REBUILDS = msgspec.json.Decoder(Candidate), msgspec.json.Decoder(Rebuild)
_SCANS = msgspec.json.Decoder(Scan)


class RecordsTable(Generic[R]):
    """The port ``Records`` on a table; made by ``candidates_table``, ``rebuilds_table`` and ``scans_table``."""

    def __init__(
        self,
        table: Table,
        decoder: msgspec.json.Decoder[R],
        group_of: Callable[[str], str],
        columns: Callable[[R], Mapping[str, Any]],
    ) -> None:
        self._table = table
        self._decoder: msgspec.json.Decoder[R] = decoder
        self._group_of = group_of
        self._columns: Callable[[R], Mapping[str, Any]] = columns

    def get(self, record_id: str) -> Stored[R] | None:
        """See ``Records.get``. One transaction for a current record, two for others where there is an archive.

        Raises:
            InvalidReference: the id can be no record's.
        """
        group = self._group_of(record_id)
        if current := self._table.find(_CURRENT, record_id):
            return self._stored(current)
        archived = self._archived(group, record_id)
        return self._stored(archived) if archived else None

    def insert(self, record: R, *, absent: bool = False) -> bool:
        """See ``Records.insert``. Two transactions, or one without an archive: what is in it is there already, too.

        One transaction where ``get`` has just found none: nothing ends and is put away within seconds.
        """
        if not absent and self._archived(self._group_of(record.id), record.id):
            return False
        return self._table.insert(self._row(_CURRENT, record)) is not None

    def replace(self, stored: Stored[R], record: R) -> Stored[R]:
        """See ``Records.replace``. One transaction; three for an archived record."""
        if stored.etag.startswith(_ARCHIVED):
            return Stored(record, self._revive(stored, record))
        return Stored(record, self._table.replace(self._row(_CURRENT, record), stored.etag))

    def replace_all(self, changes: Sequence[tuple[Stored[R], R]]) -> Sequence[Stored[R] | TidegateError]:
        """See ``Records.replace_all``. One transaction for each hundred, and some more where somebody changed one.

        Raises:
            Unavailable, RateLimited: the storage account gave no answer; what was not asked yet was not asked.
        """
        rows = [(self._row(_CURRENT, record), stored.etag) for stored, record in changes]
        written = zip(changes, self._table.replace_all(rows), strict=True)
        return [one if isinstance(one, TidegateError) else Stored(record, one) for (_, record), one in written]

    def current(self, prefix: str = "") -> Iterator[Stored[R]]:
        """See ``Records.current``. One transaction for each thousand records.

        Raises:
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        condition = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        bounds = {"partition": _CURRENT, "first": prefix, "last": prefix + _LAST}
        return readable(self._table.select(condition, bounds), self._stored)

    def in_status(self, statuses: Collection[Enum], by: datetime | None = None) -> Iterator[Stored[R]]:
        """See ``Records.in_status``. One transaction for each thousand records."""
        condition, bounds = _of_statuses(statuses)
        if by is not None:
            condition, bounds["by"] = f"{condition} and look_at le @by", by
        return readable(self._table.select(condition, bounds), self._stored)

    def count(self, statuses: Collection[Enum]) -> int:
        """See ``Records.count``. One transaction for each thousand that have one, or each part of the table."""
        return self._table.count(*_of_statuses(statuses))

    def archive_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """See ``Records.archive_all``. A transaction for each group, and one for what is current no more.

        The archive has them before the current ones lose them. At most a hundred go into a transaction; what the
        archive has already, or somebody changed, costs some more.
        """
        etags = {one.record.id: one.etag for one in stored if not one.etag.startswith(_ARCHIVED)}
        problems = self._keep_all([one.record for one in stored if one.record.id in etags])
        for record_id in problems:
            etags.pop(record_id)
        outcomes = zip(etags, self._table.delete_all(_CURRENT, etags), strict=True)
        return problems | {record_id: outcome for record_id, outcome in outcomes if isinstance(outcome, TidegateError)}

    def archived(self, group: str) -> Iterator[Stored[R]]:
        """See ``Records.archived``. One transaction for each thousand records.

        Raises:
            ServiceError: some rows cannot be read; after all others.
        """
        rows = self._table.select("PartitionKey eq @partition", {"partition": key(group).lower()})
        return readable(rows, self._stored)

    def delete_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """See ``Records.delete_all``. One transaction for each hundred, and some more where somebody changed one."""
        etags = {one.record.id: one.etag for one in stored if not one.etag.startswith(_ARCHIVED)}
        outcomes = zip(etags, self._table.delete_all(_CURRENT, etags), strict=True)
        return {record_id: outcome for record_id, outcome in outcomes if isinstance(outcome, TidegateError)}

    def _archived(self, group: str, record_id: str) -> Row | None:
        return None if group == _NO_ARCHIVE else self._table.find(group, record_id)

    def _revive(self, stored: Stored[R], record: R) -> str:
        """A death after the insertion leaves both rows, of which the current one counts."""
        group, etag = self._group_of(record.id), stored.etag.removeprefix(_ARCHIVED)
        found = self._table.find(group, record.id)
        if found is None or found.etag != etag:
            raise Conflict(f"{record.id} was taken out of the archive by another worker")
        current = self._table.insert(self._row(_CURRENT, record))
        if current is None:
            raise Conflict(f"{record.id} was made current by another worker")
        with suppress(Conflict):  # it ended once more and was archived by another worker, all since the insertion
            self._table.delete(group, record.id, etag)
        return current

    def _keep_all(self, records: Sequence[R]) -> dict[str, TidegateError]:
        """Write the archive's rows, and return what was in the way of some, by their ids."""
        groups: defaultdict[str, list[R]] = defaultdict(list)
        for record in records:
            groups[self._group_of(record.id)].append(record)
        found = [found for group, members in groups.items() for found in self._keep_group(group, members)]
        return {record.id: problem for record, problem in found if problem is not None}

    def _keep_group(self, group: str, records: Sequence[R]) -> Iterator[tuple[R, TidegateError | None]]:
        rows = [self._row(group, record) for record in records]
        for record, row, outcome in zip(records, rows, self._table.insert_all(rows), strict=True):
            problem = outcome if isinstance(outcome, TidegateError) else None
            yield record, self._overwrite(row, record) if isinstance(problem, Conflict) else problem

    def _overwrite(self, row: Row, record: R) -> TidegateError | None:
        """Replace the archive's row unless it is newer: a slow worker must not put an old record over it."""
        try:
            found = self._table.find(row.partition, row.key)
            if found is None or self._table.decode(found, self._decoder).step > record.step:
                return Conflict(f"{record.id} was archived, or taken out of the archive, by another worker")
            self._table.replace(row, found.etag)
        except (Conflict, ServiceError) as error:
            return error
        return None

    def _stored(self, row: Row) -> Stored[R]:
        mark = "" if row.partition == _CURRENT else _ARCHIVED
        record = self._table.decode(row, self._decoder)
        if isinstance(record, Candidate) and not record.history:  # it begins with the change that made it
            told = f"the record {row.key!r} of {self._table.name} has no history: correct or delete its row"
            raise ServiceError(told, code=UNREADABLE)
        return Stored(record, mark + row.etag)

    def _row(self, partition: str, record: R) -> Row:
        return Row(partition, record.id, msgspec.json.encode(record).decode(), self._columns(record))


def _of_statuses(statuses: Collection[Enum]) -> tuple[str, dict[str, str | datetime]]:
    """The condition for current records of some statuses, with its parameters."""
    values = {f"status{number}": str(one.value) for number, one in enumerate(sorted(statuses, key=str))}
    one_of = " or ".join(f"status eq @{name}" for name in values)
    return f"PartitionKey eq @partition and ( {one_of} )", {"partition": _CURRENT, **values}


def candidates_table(account: StorageAccount) -> RecordsTable[Candidate]:
    """Return the candidates."""
    return RecordsTable(Table(account, "candidates"), _CANDIDATES, _source_group, _candidate_columns)


def rebuilds_table(account: StorageAccount) -> RecordsTable[Rebuild]:
    """Return the rebuilds."""
    return RecordsTable(Table(account, "rebuilds"), _REBUILDS, _task_group, _rebuild_columns)


def scans_table(account: StorageAccount) -> RecordsTable[Scan]:
    """Return the scans, which are never archived."""
    return RecordsTable(Table(account, "scans"), _SCANS, _no_group, _scan_columns)


def _no_group(scan: str) -> str:
    parse_digest(scan)
    return _NO_ARCHIVE


def _scan_columns(scan: Scan) -> Mapping[str, Any]:
    return {
        "image": scan.image,
        "repository": scan.repository,
        "status": scan.status.value,
        "since": scan.since,
        "look_at": scan.look_at,
    }


def _source_group(candidate: str) -> str:
    return key(group_of(candidate))


def _task_group(rebuild: str) -> str:
    group = rebuild.rpartition("~")[0]
    if group.count("~") != 1 or key(rebuild) != rebuild:
        raise InvalidReference(f"{rebuild[:200]!r} is not a rebuild's id, such as registry~task~ and 32 digits")
    return group


def _candidate_columns(candidate: Candidate) -> Mapping[str, Any]:
    return {
        "image": candidate.image,
        "targets": _shown(candidate.places),
        "digest": candidate.digest,
        "status": candidate.status.value,
        "since": candidate.since,
        "look_at": candidate.look_at,
    }


def _shown(places: tuple[Place, ...]) -> str:
    """For people, who read a few; all of them are in the record."""
    told = ", ".join(str(place) for place in places[:_MOST_TOLD])
    return told if len(places) <= _MOST_TOLD else f"{told} and {len(places) - _MOST_TOLD} more"


def _rebuild_columns(rebuild: Rebuild) -> Mapping[str, Any]:
    return {
        "task": rebuild.task,
        "base": f"{rebuild.base_repository}:{rebuild.base_tag}",
        "digest": rebuild.base_digest,
        "status": rebuild.status.value,
        "since": rebuild.since,
        "look_at": rebuild.look_at,
    }
