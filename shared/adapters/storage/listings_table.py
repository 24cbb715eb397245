"""The table ``listings``: a partition for each application registry, with a row for each base that tasks are built on.

The row ``listing`` says how old they are. Every write of the others is one transaction with it, under its ETag, so that
a worker that was taken for dead writes nothing over what another one found since.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import MOST_WITH_GUARD, Row, Table, key, readable
from shared.domain.promotion.kept_tasks import KeptTask, by_base
from shared.domain.promotion.listing import Listing
from shared.errors import Conflict
from shared.run_ports import StoredListing

_LISTING = "listing"
# A row holds a megabyte in pieces of 64 kB, and a task takes some hundred bytes when pressed together, or a thousand
# where it is built on ten bases.
_TASKS_IN_ROW = 200
# A transaction holds four megabytes.
_MOST_TOGETHER = 2_000_000
_SELECTED = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
_LISTINGS = msgspec.json.Decoder(Listing)
_TASKS = msgspec.json.Decoder(tuple[KeptTask, ...])


class ListingsTable:
    """The port ``Listings``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "listings")

    def get(self, registry: str) -> StoredListing:
        """See ``Listings.get``. One transaction.

        Raises:
            ServiceError: the row cannot be read.
        """
        row = self._table.find(_partition(registry), _LISTING)
        if row is None:
            return StoredListing(Listing(registry=registry), "")
        return StoredListing(self._table.decode(row, _LISTINGS), row.etag)

    def built_on(self, registry: str, base: str) -> tuple[KeptTask, ...]:
        """See ``Listings.built_on``. One transaction.

        Raises:
            ServiceError: a row cannot be read.
        """
        rows = self._rows(registry, _row_key(base, ""), _row_key(base, ":"))
        return tuple(task for row in rows for task in self._tasks(row))

    def tasks(self, registry: str) -> Iterator[KeptTask]:
        """See ``Listings.tasks``. One transaction for each thousand bases."""
        for tasks in readable(self._every(registry), self._tasks):
            yield from tasks

    def replace(self, stored: StoredListing, listing: Listing) -> StoredListing:
        """See ``Listings.replace``. One transaction."""
        row = _head(listing)
        etag = self._table.replace(row, stored.etag) if stored.etag else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the tasks of {listing.registry} are listed by another worker")
        return StoredListing(listing, etag)

    def keep(self, stored: StoredListing, listing: Listing, tasks: Iterable[KeptTask]) -> StoredListing:
        """See ``Listings.keep``. One transaction for each thousand bases, and one for each hundred that changed."""
        there = {row.key: row.record for row in self._every(listing.registry)}
        parts = list(_together(_changed(listing.registry, tasks, there)))
        for part in parts[:-1]:
            stored = self._write(part, stored, stored.listing)
        return self._write(parts[-1] if parts else [], stored, listing)

    def _write(self, rows: list[Row], stored: StoredListing, listing: Listing) -> StoredListing:
        return StoredListing(listing, self._table.write_together(rows, _head(listing), stored.etag))

    def _every(self, registry: str) -> Iterator[Row]:
        return self._rows(registry, "base:", "base;")

    def _rows(self, registry: str, first: str, last: str) -> Iterator[Row]:
        return self._table.select(_SELECTED, {"partition": _partition(registry), "first": first, "last": last})

    def _tasks(self, row: Row) -> tuple[KeptTask, ...]:
        return self._table.decode(msgspec.structs.replace(row, record=_unpressed(row.record)), _TASKS)


def _partition(registry: str) -> str:
    return key(f"tasks of {registry.lower()}")


def _row_key(base: str, number: str) -> str:
    """After the last of a base's rows, whose numbers are digits, and before any other's comes ``:``."""
    return f"{key(f'base:{base}')}:{number}"


def _head(listing: Listing) -> Row:
    columns = {"tasks": listing.tasks, "unread": listing.unread, "trouble": listing.trouble}
    times = {"listed_at": listing.listed_at, "compared_at": listing.compared_at}
    told = {name: moment for name, moment in times.items() if moment is not None}
    record = msgspec.json.encode(listing).decode()
    return Row(_partition(listing.registry), _LISTING, record, {**columns, **told})


def _changed(registry: str, tasks: Iterable[KeptTask], there: Mapping[str, str]) -> list[Row]:
    """Return the rows to be written; of a base that nothing is built on any more, empty ones."""
    rows = {row.key: row for base, built in by_base(tasks).items() for row in _of_base(registry, base, built)}
    emptied = [_row(registry, name, ()) for name in there.keys() - rows.keys()]
    return [row for row in (*rows.values(), *emptied) if row.record != there.get(row.key)]


def _of_base(registry: str, base: str, tasks: tuple[KeptTask, ...]) -> Iterator[Row]:
    for number, start in enumerate(range(0, len(tasks), _TASKS_IN_ROW)):
        yield _row(registry, _row_key(base, f"{number:04}"), tasks[start : start + _TASKS_IN_ROW])


def _row(registry: str, name: str, tasks: tuple[KeptTask, ...]) -> Row:
    pressed = base64.b64encode(zlib.compress(msgspec.json.encode(tasks))).decode()
    return Row(_partition(registry), name, pressed, {"tasks": len(tasks)})


def _unpressed(record: str) -> str:
    """What cannot be unpressed is no record: whoever decodes it says so, with the row's name."""
    try:
        return zlib.decompress(base64.b64decode(record)).decode()
    except (ValueError, zlib.error):
        return ""


def _together(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Iterate over rows in parts that are each written by one transaction."""
    part: list[Row] = []
    size = 0
    for row in rows:
        if part and (len(part) == MOST_WITH_GUARD or size + len(row.record) > _MOST_TOGETHER):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.record)
    if part:
        yield part
