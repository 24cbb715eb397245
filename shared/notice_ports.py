"""What is asked of the records of deliveries and destinations; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.notices.delivery import Delivery
from shared.domain.notices.destination import Destination
from shared.errors import TidegateError


class StoredDelivery(msgspec.Struct, frozen=True):
    """A delivery as it was read, with the ETag that guards its replacement."""

    record: Delivery
    etag: str


class StoredDestination(msgspec.Struct, frozen=True):
    """A destination as it was read, with the ETag that guards its replacement."""

    record: Destination
    etag: str


class Deliveries(Protocol):
    """What is to be sent to destinations, and what became of it, each notice once a destination."""

    def insert_all(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries to one destination; one that is there already stays as it is, whatever became of it.

        Raises:
            ServiceError: not all were added.
        """
        ...

    def pending(self, destination: str) -> tuple[StoredDelivery, ...]:
        """Return what waits for a destination."""
        ...

    def replace_all(self, deliveries: Sequence[tuple[StoredDelivery, Delivery]]) -> Mapping[str, TidegateError]:
        """Replace deliveries to one destination that nobody changed since they were read.

        Returns:
            By their keys those that were not replaced, and why: ``Conflict`` if somebody changed them.

        Raises:
            Unavailable, RateLimited: the storage account gave no answer.
        """
        ...

    def begun(self, destination: str) -> Iterator[StoredDelivery]:
        """Iterate over what was put down for a destination, sent or not, of which the end is told, too."""
        ...

    def given_up(self, destination: str) -> Iterator[StoredDelivery]:
        """Iterate over the deliveries to a destination that were given up."""
        ...

    def get(self, destination: str, key: str) -> StoredDelivery | None:
        """Return a delivery, or ``None`` if there is none."""
        ...

    def since(self, destination: str, moment: datetime) -> Iterator[StoredDelivery]:
        """Iterate over the deliveries to a destination of what happened since a moment, UTC, in any order."""
        ...

    def put_away(self, destination: str, before: datetime) -> int:
        """Delete what was done with before a moment, UTC, and does not last; return how many those were."""
        ...


class Destinations(Protocol):
    """What is known of destinations, one record each."""

    def every(self) -> tuple[StoredDestination, ...]:
        """Return all that is known."""
        ...

    def get(self, name: str) -> StoredDestination | None:
        """Return a destination, or ``None`` if nothing is known of it."""
        ...

    def put(self, stored: StoredDestination | None, destination: Destination) -> StoredDestination:
        """Write a destination that nobody changed since it was read; ``None`` for a new one.

        Raises:
            Conflict: somebody did change it.
        """
        ...
