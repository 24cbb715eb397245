"""One listing of each registry's tasks, kept for a minute and shared by all instances: signals make no other.

A listing is a request for each page and, where lists lack what a task was built on, one for each task. So whoever finds
it too old claims it under its ETag; the others are told to come again. A listing that fails is tried again ever more
rarely, whoever asks, and no registry's trouble keeps the tasks of the others from being found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from shared.domain.promotion.listing import Listing, is_fresh, listed, not_listed, taken
from shared.domain.promotion.missing import COMPARED_EVERY
from shared.errors import BeingListed, Conflict, ServiceError
from shared.ports import Clock
from shared.run_ports import Listings, Runs, StoredListing

log = logging.getLogger("tidegate.listings")


class KeptListings:
    """Hands out the kept listing of each application registry.

    Args:
        listings: where they are kept.
        runs: ACR Tasks of the application registries, by the registry's name.
        clock: tells the time.
    """

    def __init__(self, listings: Listings, runs: Mapping[str, Runs], clock: Clock) -> None:
        self._listings = listings
        self._runs = runs
        self._clock = clock

    def each(self) -> tuple[tuple[Listing, ...], tuple[ServiceError, ...]]:
        """Return the listings that can be had, and why others cannot."""
        found: list[Listing] = []
        problems: list[ServiceError] = []
        for registry in self._runs:
            try:
                found.append(self.of(registry))
            except ServiceError as error:
                log.warning("the tasks of %s cannot be told now: %s", registry, error)
                problems.append(error)
        return tuple(found), tuple(problems)

    def of(self, registry: str) -> Listing:
        """Return a registry's tasks as they were at most a minute ago.

        Raises:
            BeingListed: another worker lists them.
            ServiceError: they could not be listed, now or a short while ago.
        """
        stored = self._listings.get(registry)
        if is_fresh(stored.listing, self._clock()):
            return stored.listing
        try:
            return self._list(self._listings.replace(stored, taken(stored.listing, self._clock())))
        except Conflict:
            raise BeingListed(f"the tasks of {registry} are being listed", retry_after=1) from None

    def last(self) -> tuple[Listing, ...]:
        """Return the listings as they were kept last, however old: nobody is asked. One transaction a registry."""
        return tuple(self._listings.get(registry).listing for registry in self._runs)

    def to_compare(self) -> Iterator[Listing]:
        """Iterate over the listings that were not compared with what the targets decided for an hour.

        A registry whose tasks cannot be listed is left for another time. One transaction a registry if none is due.
        """
        for registry in self._runs:
            if not _is_compared(self._listings.get(registry).listing, self._clock()):
                try:
                    listing = self.of(registry)
                except ServiceError as error:
                    log.warning("the tasks of %s cannot be compared now: %s", registry, error)
                    continue
                yield listing

    def compared(self, listing: Listing) -> None:
        """Take note that a listing was compared; if another worker is faster, it is compared once more."""
        stored = self._listings.get(listing.registry)
        try:
            self._listings.replace(stored, msgspec.structs.replace(stored.listing, compared_at=self._clock()))
        except Conflict:
            log.info("%s is compared once more", listing.registry)

    def _list(self, claimed: StoredListing) -> Listing:
        """Who was so slow that another one took over is no use to others, and may use what it found all the same."""
        began = self._clock()
        try:
            tasks = self._runs[claimed.listing.registry].tasks()
        except ServiceError as error:
            self._keep(claimed, not_listed(claimed.listing, error, self._clock()))
            raise
        log.info("%s has %d tasks", claimed.listing.registry, len(tasks))
        return self._keep(claimed, listed(claimed.listing, tasks, began))

    def _keep(self, claimed: StoredListing, listing: Listing) -> Listing:
        try:
            self._listings.replace(claimed, listing)
        except Conflict:
            log.info("the tasks of %s were listed by another worker, too", listing.registry)
        return listing


def _is_compared(listing: Listing, now: datetime) -> bool:
    return listing.compared_at is not None and now - listing.compared_at < COMPARED_EVERY
