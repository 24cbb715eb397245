"""Puts down what is to be told, for each destination once, and sees that it is looked at.

What is put down twice is there once, by its key. So whoever has something to tell puts it down first, and notes that
afterwards: who dies in between puts it down again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.notices.delivery import Delivery, State
from shared.domain.notices.destination import Destination, arrived
from shared.domain.notices.kinds import Told
from shared.domain.notices.notice import Notice
from shared.domain.notices.routes import ways
from shared.domain.notices.when import NOW
from shared.domain.promotion.due import Due
from shared.domain.watching.troubles import Kind
from shared.errors import Conflict, TidegateError
from shared.notice_ports import Deliveries, Destinations, StoredDelivery, StoredDestination
from shared.ports import Clock
from shared.rules.notice_routes import NoticeRoutes
from shared.rules.wake import Waker

log = logging.getLogger("tidegate.notices")

_TRIES = 16
# What was done with longer ago is deleted; until then nothing is told twice.
KEPT = timedelta(days=30)
_LATELY = timedelta(days=7)
# By so much two instances' clocks differ at most.
_CLOCKS = timedelta(minutes=5)
# The others are told, whatever routes say.
_OF_DESTINATIONS = frozenset({Kind.DESTINATION_BROKEN.value, Told.GIVEN_UP.value})


class NoticeBook:
    """Where notices are on their way to destinations.

    Args:
        names: of the destinations, as the settings name them; without any, nothing is read or written.
        deliveries: what is to be sent, and was.
        destinations: what is known of them.
        routes: who is told of what.
        waker: wakes for what is due.
        clock: tells the time.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        deliveries: Deliveries,
        destinations: Destinations,
        routes: NoticeRoutes,
        waker: Waker,
        clock: Clock,
    ) -> None:
        self.names = names
        self.deliveries = deliveries
        self.destinations = destinations
        self.routes = routes
        self.clock = clock
        self._waker = waker

    def tell(self, notices: Sequence[Notice]) -> None:
        """Put down what is to be told; what was put down before stays as it is.

        Raises:
            ServiceError: not all of it was put down; doing it again does no harm.
        """
        if not notices or not self.names:
            return
        problems: list[TidegateError] = []
        for name, deliveries in self._sorted(notices, self.clock()).items():
            try:
                self.deliveries.insert_all(deliveries)
                self.put_to(name, min(one.due_at for one in deliveries))
            except TidegateError as error:  # one destination keeps no other from being told
                problems.append(error)
        if problems:
            raise problems[0]

    def mark(self, deliveries: Sequence[tuple[StoredDelivery, Delivery]]) -> None:
        """Write what became of deliveries to one destination; what somebody else changed meanwhile stays so.

        Raises:
            ServiceError: not all of them were written.
        """
        if not deliveries:
            return
        for key, problem in self.deliveries.replace_all(deliveries).items():
            if not isinstance(problem, Conflict):
                raise problem
            log.info("the delivery %s was changed meanwhile: %s", key, problem)

    def put_to(self, name: str, due: datetime) -> None:
        """See that a destination is looked at when something that was put down for it is due."""
        self.change(name, lambda known: arrived(known, due))
        self.wake(due)

    def change(
        self, name: str, change: Callable[[Destination], Destination], stored: StoredDestination | None = None
    ) -> StoredDestination:
        """Change what is known of a destination, as often as others are faster.

        Args:
            name: the destination's.
            change: what to do to it; called again with what others wrote.
            stored: as it was read, if it was.

        Raises:
            Conflict: others were faster every time.
        """
        for _ in range(_TRIES):
            stored = stored or self.destinations.get(name)
            before = stored.record if stored is not None else Destination(name=name)
            after = change(before)
            if stored is not None and after == before:
                return stored
            try:
                return self.destinations.put(stored, after)
            except Conflict:
                stored = None
        raise Conflict(f"the destination {name} changes too fast; it is tried again")

    def wake(self, due: datetime | None) -> None:
        """See that what is due is looked at."""
        if due is not None:
            self._waker.at(Due.NOTICES, due)

    def due(self, moment: datetime) -> Iterator[StoredDestination]:
        """Iterate over the destinations that are to be looked at by a moment, of those that the settings name."""
        for stored in self.destinations.every() if self.names else ():
            look_at = stored.record.look_at
            if look_at is not None and look_at <= moment and stored.record.name in self.names:
                yield stored

    def not_reached(self, name: str) -> tuple[Delivery, ...]:
        """Return what waits for a destination, and what may not have arrived there."""
        lately = self.deliveries.since(name, self.clock() - _LATELY)
        unclear = (one.record for one in lately if one.record.state is State.UNCLEAR)
        return (*unclear, *(one.record for one in self.deliveries.pending(name)))

    def given_up(self, known: Destination, since: datetime | None = None) -> tuple[Delivery, ...]:
        """Return what was given up to a destination, of late or since a moment; where nothing was, nothing is read."""
        given_up = known.given_up
        if given_up is None or self.clock() - given_up.last_at >= KEPT:
            return ()
        first = since - _CLOCKS if since is not None else self.clock() - KEPT
        every = (one.record for one in self.deliveries.given_up(known.name))
        return tuple(one for one in every if one.done_at is not None and one.done_at >= first)

    def put_away(self, name: str) -> int:
        """Delete what was done with long ago to a destination; return how many deliveries those were."""
        return self.deliveries.put_away(name, self.clock() - KEPT)

    def _sorted(self, notices: Iterable[Notice], now: datetime) -> Mapping[str, Sequence[Delivery]]:
        routes, owners = self.routes.now(), self.routes.owners()
        begun: dict[str, frozenset[str]] = {}
        found: defaultdict[str, dict[str, Delivery]] = defaultdict(dict)
        for notice in notices:
            found_ways = ways(notice, owners(notice), routes, self.names)
            if notice.closes:
                found_ways = {name: found_ways.get(name, NOW) for name in self._who_knows(notice, begun)}
            elif notice.kind in _OF_DESTINATIONS:
                found_ways = {name: NOW for name in self.names if name != notice.not_to}
            for name, when in found_ways.items():
                one = Delivery(destination=name, notice=notice, when=when, due_at=when.due(now))
                found[name].setdefault(one.key, one)
            if not found_ways:
                log.info("nobody is told of %s, %s: no route names it", notice.kind, notice.about)
        return {name: tuple(each.values()) for name, each in found.items()}

    def _who_knows(self, notice: Notice, begun: dict[str, frozenset[str]]) -> Iterator[str]:
        """That something is over is told to those who are told that it began, whatever routes say by now."""
        for name in self.names:
            if name not in begun:
                begun[name] = frozenset(one.record.notice.episode for one in self.deliveries.begun(name))
            if notice.episode in begun[name]:
                yield name
