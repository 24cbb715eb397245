"""Doubles of what notices are kept in, and of those who send them: they can fail, die and answer nothing."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.domain.notices.delivery import Delivery, State, may_go
from shared.domain.notices.destination import Destination
from shared.domain.notices.outgoing import Outgoing
from shared.errors import Conflict, TidegateError
from shared.notice_ports import StoredDelivery, StoredDestination
from shared.sender_ports import Sent
from tests.doubles.scripted import Scripted
from tests.doubles.storage import OneAtATime


class InMemoryDeliveries(OneAtATime):
    """``Deliveries`` in a dictionary; rows are kept as JSON, as the table does."""

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[tuple[str, str], tuple[bytes, str]] = {}

    @property
    def records(self) -> tuple[Delivery, ...]:
        """Everything that is kept."""
        return tuple(self._stored(row).record for _, row in sorted(self._rows.items()))

    def insert_all(self, deliveries: Sequence[Delivery]) -> None:
        """See ``Deliveries.insert_all``."""
        with self._change("insert_all"):
            for one in deliveries:
                self._rows.setdefault((one.destination, one.key), self._row(one))

    def pending(self, destination: str) -> tuple[StoredDelivery, ...]:
        """See ``Deliveries.pending``."""
        self._raise_scripted("pending")
        return tuple(one for one in self._of(destination) if one.record.state is State.PENDING)

    def replace_all(self, deliveries: Sequence[tuple[StoredDelivery, Delivery]]) -> Mapping[str, TidegateError]:
        """See ``Deliveries.replace_all``."""
        problems: dict[str, TidegateError] = {}
        with self._change("replace_all"):
            for stored, after in deliveries:
                place = (after.destination, after.key)
                if self._rows.get(place, (b"", ""))[1] != stored.etag:
                    problems[after.key] = Conflict("it was changed by another worker")
                else:
                    self._rows[place] = self._row(after)
        return problems

    def begun(self, destination: str) -> Iterator[StoredDelivery]:
        """See ``Deliveries.begun``."""
        self._raise_scripted("begun")
        found = self._of(destination)
        return (one for one in found if one.record.notice.is_ended_later and not one.record.notice.closes)

    def given_up(self, destination: str) -> Iterator[StoredDelivery]:
        """See ``Deliveries.given_up``."""
        self._raise_scripted("given_up")
        return (one for one in self._of(destination) if one.record.state is State.GIVEN_UP)

    def get(self, destination: str, key: str) -> StoredDelivery | None:
        """See ``Deliveries.get``."""
        self._raise_scripted("get")
        row = self._rows.get((destination, key))
        return self._stored(row) if row else None

    def since(self, destination: str, moment: datetime) -> Iterator[StoredDelivery]:
        """See ``Deliveries.since``."""
        self._raise_scripted("since")
        return (one for one in self._of(destination) if one.record.notice.at >= moment)

    def put_away(self, destination: str, before: datetime) -> int:
        """See ``Deliveries.put_away``."""
        with self._change("put_away"):
            every = [one.record for one in self._of(destination)]
            gone = may_go([one for one in every if one.done_at and one.done_at < before], every, before)
            for name in gone:
                del self._rows[destination, name]
        return len(gone)

    def _of(self, destination: str) -> list[StoredDelivery]:
        with self._lock:
            return [self._stored(row) for place, row in sorted(self._rows.items()) if place[0] == destination]

    def _row(self, delivery: Delivery) -> tuple[bytes, str]:
        return msgspec.json.encode(delivery), f"delivery:{next(self._versions)}"

    @staticmethod
    def _stored(row: tuple[bytes, str]) -> StoredDelivery:
        return StoredDelivery(msgspec.json.decode(row[0], type=Delivery), row[1])


class InMemoryDestinations(OneAtATime):
    """``Destinations`` in a dictionary; rows are kept as JSON, as the table does."""

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[str, tuple[bytes, str]] = {}

    def every(self) -> tuple[StoredDestination, ...]:
        """See ``Destinations.every``."""
        self._raise_scripted("every")
        with self._lock:
            return tuple(self._stored(row) for _, row in sorted(self._rows.items()))

    def get(self, name: str) -> StoredDestination | None:
        """See ``Destinations.get``."""
        self._raise_scripted("get")
        with self._lock:
            row = self._rows.get(name)
        return self._stored(row) if row else None

    def put(self, stored: StoredDestination | None, destination: Destination) -> StoredDestination:
        """See ``Destinations.put``."""
        with self._change("put"):
            etag = stored.etag if stored is not None else ""
            if self._rows.get(destination.name, (b"", ""))[1] != etag:
                raise Conflict(f"the destination {destination.name} was written by another worker")
            row = (msgspec.json.encode(destination), f"destination:{next(self._versions)}")
            self._rows[destination.name] = row
            return self._stored(row)

    @staticmethod
    def _stored(row: tuple[bytes, str]) -> StoredDestination:
        return StoredDestination(msgspec.json.decode(row[0], type=Destination), row[1])


class InMemorySender(Scripted):
    """A destination that keeps what it took.

    Attributes:
        got: what arrived, in order, also where no answer came back.
        takes_ids: see ``Sender.takes_ids``.
        always: what every message ends in, none of which arrives.
        answers: what the next messages end in, though they arrive; ``None`` for well.
    """

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self.got: list[Outgoing] = []
        self.takes_ids = False
        self.always: TidegateError | None = None
        self.answers: deque[TidegateError | None] = deque()

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender.send``. An answer that was appointed comes after the message arrived."""
        with self._changing("send"):
            if self.always is not None:
                raise self.always
            self.got.append(message)
            error = self.answers.popleft() if self.answers else None
        if error is not None:
            raise error
        return Sent(200, "ok")

    @property
    def told(self) -> list[str]:
        """The keys of the notices that arrived, those of single ones by their titles."""
        return [item.title for one in self.got for item in one.items] + [one.title for one in self.got if not one.items]


class InMemorySenders:
    """``Senders`` by their names."""

    def __init__(self, names: Iterable[str] = (), before_call: Callable[[str], None] | None = None) -> None:
        self._senders = {name: InMemorySender(before_call) for name in names}

    @property
    def names(self) -> tuple[str, ...]:
        """See ``Senders.names``."""
        return tuple(sorted(self._senders))

    def of(self, name: str) -> InMemorySender:
        """See ``Senders.of``."""
        if name not in self._senders:
            raise KeyError(name)
        return self._senders[name]
