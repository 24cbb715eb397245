"""The kept tasks of each registry, looked up by what they are built on: a search lists nothing itself.

A list is a request for each page and, where it lacks what a task was built on, one for each task. So it is kept, shared
by all instances, and whoever finds it older than a minute asks for one refresh under its ETag and comes again, as do
the others. No registry's trouble keeps the tasks of the others from being found. Where hundreds search, what one of
them has read serves the others of its process for some seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import ListTasks
from shared.domain.promotion.kept_tasks import united
from shared.domain.promotion.listing import KEPT_FOR, Listing, asked, being_listed, is_fresh, knows_runs
from shared.domain.promotion.missing import COMPARED_EVERY, COMPARED_FROM
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.errors import UNREADABLE, BeingListed, Conflict, ServiceError
from shared.ports import Clock, Outbox
from shared.run_ports import Listings, StoredListing

log = logging.getLogger("tidegate.listings")

# How long what was read is gone by without being read again.
READ_FOR = timedelta(seconds=5)


class Found(msgspec.Struct, frozen=True):
    """What is built on a repository, in the registries that could tell.

    Attributes:
        tasks: the tasks.
        listings: how old what is known of each registry is.
        problems: why others could not tell.
    """

    tasks: tuple[ApplicationTask, ...]
    listings: tuple[Listing, ...]
    problems: tuple[ServiceError, ...]


class Listed(msgspec.Struct, frozen=True):
    """All that is kept of the tasks of the application registries, however old.

    Attributes:
        tasks: the tasks.
        listings: how old what is known of each registry is.
        problems: why something is missing, for people.
    """

    tasks: tuple[ApplicationTask, ...]
    listings: tuple[Listing, ...]
    problems: tuple[str, ...]


class _Read(msgspec.Struct, frozen=True):
    """What was read of a registry: the listing, when, and what is built on the bases that were asked for since."""

    listing: Listing
    at: datetime
    built_on: dict[str, tuple[ApplicationTask, ...]]


class KeptListings:
    """Looks up application tasks.

    Args:
        listings: where they are kept.
        registries: the names of the application registries.
        outbox: where a refresh is asked for.
        clock: tells the time.
    """

    def __init__(self, listings: Listings, registries: Sequence[str], outbox: Outbox, clock: Clock) -> None:
        self._listings = listings
        self._registries = registries
        self._outbox = outbox
        self._clock = clock
        self._read: dict[str, _Read] = {}

    def built_on(self, base: str, asked_at: datetime | None = None) -> Found:
        """Return the tasks that are built on a repository, as they were at most a minute ago.

        Two transactions a registry, or none where somebody has just asked for the same.

        Args:
            base: its name; see ``base_name``.
            asked_at: when that was first asked for; what was listed since then is not too old for it.
        """
        tasks: list[ApplicationTask] = []
        listings: list[Listing] = []
        problems: list[ServiceError] = []
        for registry in self._registries:
            try:
                listings.append(self._fresh(registry, asked_at))
                tasks.extend(self._built_on(registry, base))
            except BeingListed as error:
                problems.append(error)
            except ServiceError as error:
                log.warning("the tasks of %s cannot be told now: %s", registry, error)
                problems.append(error)
        return Found(tuple(tasks), tuple(listings), tuple(problems))

    def last(self) -> tuple[ApplicationTask, ...]:
        """Return all tasks as they were kept last, however old: nobody is asked.

        Raises:
            ServiceError: some cannot be read.
        """
        return tuple(task for registry in self._registries for task in self._all(registry))

    def known(self, *, renew: bool) -> Listed:
        """Return all that is kept, with its age, for who asks who is built on whom: nobody is waited for.

        Two transactions a registry, for each thousand bases.

        Args:
            renew: whether what is too old for that is asked for once more, so that the next who asks finds it.
        """
        tasks: list[ApplicationTask] = []
        listings: list[Listing] = []
        problems: list[str] = []
        for registry in self._registries:
            try:
                stored = self._listings.get(registry)
                listings.append(stored.listing)
                if renew:
                    self._renew(stored)
                tasks.extend(self._all(registry))
            except ServiceError as error:
                log.warning("the tasks of %s cannot be told now: %s", registry, error)
                problems.append(f"{registry}: {error}")
        return Listed(tuple(tasks), tuple(listings), tuple(problems))

    def to_compare(self) -> Iterator[tuple[str, tuple[ApplicationTask, ...]]]:
        """Iterate over the registries that were not compared with what the targets decided for an hour.

        Of one whose listing is too old for that a refresh is asked for, and it is left for the next time, as is one
        whose tasks cannot be listed. One transaction a registry if none is due.
        """
        for registry in self._registries:
            stored = self._listings.get(registry)
            if self._is_due(stored):
                yield registry, self._all(registry)

    def compared(self, registry: str) -> None:
        """Take note that a registry was compared; if another worker is faster, it is compared once more."""
        stored = self._listings.get(registry)
        try:
            self._listings.replace(stored, msgspec.structs.replace(stored.listing, compared_at=self._clock()))
        except Conflict:
            log.info("%s is compared once more", registry)

    def _fresh(self, registry: str, asked_at: datetime | None) -> Listing:
        now, read = self._clock(), self._read.get(registry)
        if read is not None and now - read.at < READ_FOR and is_fresh(read.listing, now, asked_at):
            return read.listing
        stored = self._listings.get(registry)
        if not is_fresh(stored.listing, now, asked_at):
            self._ask(stored)
            raise being_listed(registry)
        self._read[registry] = _Read(stored.listing, now, {})
        return stored.listing

    def _ask(self, stored: StoredListing) -> None:
        """Whoever dies before sending keeps the others waiting for a lease, and then one of them asks.

        Raises:
            BeingListed: another one has asked.
            ServiceError: it could not be listed a short while ago.
        """
        registry = stored.listing.registry
        try:
            claimed = self._listings.replace(stored, asked(stored.listing, self._clock())).listing
        except Conflict:
            raise being_listed(registry) from None
        self._outbox.send(ListTasks(v=1, registry=registry, step=claimed.step))

    def _built_on(self, registry: str, base: str) -> tuple[ApplicationTask, ...]:
        """What cannot be read is written anew by the next refresh."""
        known = self._read[registry].built_on
        if base in known:
            return known[base]
        try:
            return known.setdefault(base, tuple(kept.task for kept in self._listings.built_on(registry, base)))
        except ServiceError as error:
            if error.code != UNREADABLE:
                raise
            log.warning("the tasks of %s are listed anew: %s", registry, error)
            self._ask(self._listings.get(registry))
            raise being_listed(registry) from error

    def _all(self, registry: str) -> tuple[ApplicationTask, ...]:
        return tuple(kept.task for kept in united(self._listings.tasks(registry)).values())

    def _is_due(self, stored: StoredListing) -> bool:
        """A registry of whose tasks some are still to be read goes on by this if the message that did so was lost."""
        listing, now = stored.listing, self._clock()
        due = _is_older(listing.compared_at, now, COMPARED_EVERY)
        if _is_older(listing.listed_at, now, COMPARED_FROM if due else KEPT_FOR) and (due or listing.unread):
            self._ask_quietly(stored)
            return False
        return due

    def _renew(self, stored: StoredListing) -> None:
        now = self._clock()
        if not knows_runs(stored.listing, now):
            self._ask_quietly(_wanting_runs(stored))
        elif not is_fresh(stored.listing, now):
            self._ask_quietly(stored)

    def _ask_quietly(self, stored: StoredListing) -> None:
        try:
            self._ask(stored)
        except ServiceError as error:
            log.info("the tasks of %s cannot be compared now: %s", stored.listing.registry, error)


def _wanting_runs(stored: StoredListing) -> StoredListing:
    return msgspec.structs.replace(stored, listing=msgspec.structs.replace(stored.listing, runs_wanted=True))


def _is_older(moment: datetime | None, now: datetime, age: timedelta) -> bool:
    return moment is None or now - moment >= age
