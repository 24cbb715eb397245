"""The tables ``deliveries``, a partition for each destination, and ``destinations``, one partition for all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.notices.delivery import LONGEST_LASTING, Delivery, State, may_go
from shared.domain.notices.destination import Destination
from shared.errors import Conflict, ServiceError, TidegateError
from shared.notice_ports import StoredDelivery, StoredDestination

S = TypeVar("S")
log = logging.getLogger("tidegate.notices")

_DELIVERIES, _DESTINATIONS = msgspec.json.Decoder(Delivery), msgspec.json.Decoder(Destination)
_ALL = "destinations"


class DeliveriesTable:
    """The port ``Deliveries``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "deliveries")

    def insert_all(self, deliveries: Sequence[Delivery]) -> None:
        """See ``Deliveries.insert_all``. One transaction for each hundred; more where some are there already."""
        for outcome in self._table.insert_all([_row(one) for one in deliveries]):
            if isinstance(outcome, TidegateError) and not isinstance(outcome, Conflict):
                raise outcome

    def pending(self, destination: str) -> tuple[StoredDelivery, ...]:
        """See ``Deliveries.pending``. One transaction for each thousand."""
        return tuple(self._read(destination, "pending eq true"))

    def replace_all(self, deliveries: Sequence[tuple[StoredDelivery, Delivery]]) -> Mapping[str, TidegateError]:
        """See ``Deliveries.replace_all``. One transaction for each hundred; one more for each of a few that changed."""
        outcomes = self._table.replace_all([(_row(after), stored.etag) for stored, after in deliveries])
        keys = (after.key for _, after in deliveries)
        return {name: one for name, one in zip(keys, outcomes, strict=True) if isinstance(one, TidegateError)}

    def begun(self, destination: str) -> Iterator[StoredDelivery]:
        """See ``Deliveries.begun``. One transaction for each thousand."""
        return self._read(destination, "begins eq true")

    def given_up(self, destination: str) -> Iterator[StoredDelivery]:
        """See ``Deliveries.given_up``. One transaction for each thousand."""
        return self._read(destination, "state eq @state", {"state": State.GIVEN_UP.value})

    def get(self, destination: str, key_of_notice: str) -> StoredDelivery | None:
        """See ``Deliveries.get``. One transaction."""
        row = self._table.find(key(destination), key(key_of_notice))
        return self._stored(row) if row is not None else None

    def since(self, destination: str, moment: datetime) -> Iterator[StoredDelivery]:
        """See ``Deliveries.since``. One transaction for each thousand."""
        return self._read(destination, "at ge @moment", {"moment": moment})

    def put_away(self, destination: str, before: datetime) -> int:
        """See ``Deliveries.put_away``. One transaction for each thousand, and one for each hundred that go.

        Where something of long ago may last, one more for each thousand that there are.
        """
        old = list(self._read(destination, "done_at lt @before", {"before": before}))
        every = (one.record for one in self._read(destination, "at ge @first", {"first": before - LONGEST_LASTING}))
        gone = may_go([one.record for one in old], every, before)
        self._table.delete_all(key(destination), {one.record.key: one.etag for one in old if one.record.key in gone})
        return len(gone)

    def _read(
        self, destination: str, condition: str, parameters: Mapping[str, str | datetime] | None = None
    ) -> Iterator[StoredDelivery]:
        partition = {"partition": key(destination), **(parameters or {})}
        return _each(self._table.select(f"PartitionKey eq @partition and {condition}", partition), self._stored)

    def _stored(self, row: Row) -> StoredDelivery:
        return StoredDelivery(self._table.decode(row, _DELIVERIES), row.etag)


class DestinationsTable:
    """The port ``Destinations``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "destinations")

    def every(self) -> tuple[StoredDestination, ...]:
        """See ``Destinations.every``. One transaction."""
        rows = self._table.select("PartitionKey eq @partition", {"partition": _ALL})
        return tuple(_each(rows, self._stored))

    def get(self, name: str) -> StoredDestination | None:
        """See ``Destinations.get``. One transaction."""
        row = self._table.find(_ALL, key(name))
        return self._stored(row) if row is not None else None

    def put(self, stored: StoredDestination | None, destination: Destination) -> StoredDestination:
        """See ``Destinations.put``. One transaction."""
        columns = {
            "look_at": destination.look_at,
            "broken": destination.broken is not None,
            "last_sent_at": destination.last_sent_at,
            "last_error": destination.last_error,
        }
        row = Row(_ALL, key(destination.name), msgspec.json.encode(destination).decode(), _known(columns))
        etag = self._table.replace(row, stored.etag) if stored is not None else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the destination {destination.name} was written by another worker")
        return StoredDestination(destination, etag)

    def _stored(self, row: Row) -> StoredDestination:
        return StoredDestination(self._table.decode(row, _DESTINATIONS), row.etag)


def _each(rows: Iterable[Row], read: Callable[[Row], S]) -> Iterator[S]:
    """What a newer version wrote is left for that one, and keeps nothing else from being sent."""
    for row in rows:
        try:
            yield read(row)
        except ServiceError as error:
            log.error("a notice, or a destination of notices, is left as it is: %s", error)


def _row(delivery: Delivery) -> Row:
    """What waits is found by a column of its own, and so is what somebody may have to be told the end of."""
    notice = delivery.notice
    columns = {
        "kind": notice.kind,
        "about": notice.about,
        "at": notice.at,
        "state": delivery.state.value,
        "done_at": delivery.done_at,
        "pending": True if delivery.state is State.PENDING else None,
        "begins": None if notice.closes or not notice.is_ended_later else True,
    }
    record = msgspec.json.encode(delivery).decode()
    return Row(key(delivery.destination), key(delivery.key), record, _known(columns))


def _known(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in columns.items() if value is not None}
