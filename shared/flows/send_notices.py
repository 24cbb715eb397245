"""Send what waits for a destination: fold it, claim it, send it, and note what became of it, one message at a time.

Each of these is a write of its own, and whoever dies between two of them leaves what the next look goes on from: before
the claim nothing is sent; after it, once the claim has ended, the message is sent again and says so; once it is noted
that a message was taken, its deliveries are marked, and it is sent no more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.links import Links
from shared.domain.notices.composing import message, tried_again
from shared.domain.notices.delivery import Delivery, State, ended
from shared.domain.notices.destination import (
    Destination,
    Todo,
    UnderWay,
    claimed,
    finished,
    not_taken,
    nothing_left,
    pause_after,
    picked,
    probed,
    refused,
    rests_until,
    still_broken,
    taken,
    todo,
    unclear,
    works,
)
from shared.domain.notices.folding import Fold, next_fold, over_unsent
from shared.domain.notices.giving_up import given_up_text, missed_text
from shared.domain.notices.identity import message_id
from shared.domain.notices.outgoing import Outgoing
from shared.errors import NotTaken, RateLimited, TidegateError
from shared.notice_ports import StoredDelivery, StoredDestination
from shared.rules.notice_book import NoticeBook
from shared.sender_ports import Senders

log = logging.getLogger("tidegate.notices")

# A look ends; what is left is looked at again at once.
MOST_STEPS = 20
LONGEST_LOOK = timedelta(minutes=2)
_MAY_HAVE_ARRIVED = frozenset({State.SENT, State.UNCLEAR})


class _At(msgspec.Struct, frozen=True):
    """Where a look is: the destination's record, and whether there is more to be done at once."""

    stored: StoredDestination
    goes_on: bool = True


class Courier:
    """Sends notices.

    Args:
        book: where they are put down.
        senders: send messages.
        links: makes links.
        installation: the installation's name; may be empty.
        spread: gives a number from 0 to 1, by which tries are spread.
    """

    def __init__(
        self, book: NoticeBook, senders: Senders, links: Links, installation: str, spread: Callable[[], float]
    ) -> None:
        self._book = book
        self._senders = senders
        self._links = links
        self._installation = installation
        self._spread = spread
        self._steps: Mapping[Todo, Callable[[StoredDestination, datetime], _At]] = {
            Todo.FINISH: self._finish,
            Todo.SEND: self._send,
            Todo.PROBE: self._probe,
            Todo.PICK: self._pick,
            Todo.REST: self._rest,
        }

    def look(self, stored: StoredDestination) -> None:
        """Do what is to be done about a destination now.

        Raises:
            Conflict: something arrived, or somebody else looks at it; it is looked at again.
            ServiceError: the storage account did not answer.
        """
        at, ends = _At(stored), self._book.clock() + LONGEST_LOOK
        for _ in range(MOST_STEPS):
            now = self._book.clock()
            if not at.goes_on or now > ends:
                break
            at = self._steps[todo(at.stored.record, now)](at.stored, now)
        self._book.wake(at.stored.record.look_at)

    def _rest(self, stored: StoredDestination, now: datetime) -> _At:
        return self._until(stored, rests_until(stored.record, now))

    def _until(self, stored: StoredDestination, look_at: datetime | None) -> _At:
        if stored.record.look_at != look_at:
            stored = self._put(stored, msgspec.structs.replace(stored.record, look_at=look_at))
        return _At(stored, goes_on=False)

    def _pick(self, stored: StoredDestination, now: datetime) -> _At:
        """Whatever is put down while this looks changes the record, so that nothing is claimed or left by mistake."""
        name = stored.record.name
        waits = self._without_over(name, self._book.deliveries.pending(name), now)
        fold = _next_fold(stored.record, [one.record for one in waits], now)
        if not fold.deliveries:
            return self._until(stored, fold.at)
        return self._deliver(self._put(stored, picked(stored.record, fold, now)), waits)

    def _without_over(self, name: str, waits: Sequence[StoredDelivery], now: datetime) -> Sequence[StoredDelivery]:
        records = [one.record for one in waits]
        if not any(one.notice.closes for one in records):
            return waits
        begun = (one.record for one in self._book.deliveries.begun(name))
        sent = {one.notice.episode for one in begun if one.state in _MAY_HAVE_ARRIVED}
        over = {one.key: one for one in over_unsent(records, sent, now)}
        self._book.mark([(one, over[one.record.key]) for one in waits if one.record.key in over])
        return [one for one in waits if one.record.key not in over]

    def _send(self, stored: StoredDestination, now: datetime) -> _At:
        again = self._put(stored, claimed(stored.record, now))
        under_way = again.record.under_way
        if under_way is None or under_way.became is not None:
            return _At(again)
        return self._deliver(again, self._book.deliveries.pending(stored.record.name))

    def _deliver(self, stored: StoredDestination, waits: Sequence[StoredDelivery]) -> _At:
        """The claim is written; what comes of this is noted in any case that this process lives to see."""
        under_way = _under_way(stored.record)
        keys = set(under_way.keys)
        inside = [one for one in waits if one.record.key in keys]
        become = self._become(stored.record, under_way, [one.record for one in inside])
        noted = self._book.change(stored.record.name, _if_ours(under_way, become), stored)
        if not _has_ended(noted.record):
            return _At(noted)
        now, left = self._book.clock(), [one.record for one in waits if one.record.key not in keys]
        fold = _next_fold(noted.record, left, now)
        self._mark_all(noted.record, inside, now)
        return _At(self._finished(noted, now if fold.deliveries else fold.at, stored.record.arrived))

    def _become(
        self, destination: Destination, under_way: UnderWay, deliveries: Sequence[Delivery]
    ) -> Callable[[Destination], Destination]:
        if not deliveries:
            return nothing_left
        takes_ids = False
        try:
            sender = self._senders.of(destination.name)
            takes_ids = sender.takes_ids
            sender.send(self._outgoing(destination, under_way, deliveries))
        except TidegateError as error:
            return self._failed(destination.name, error, under_way, takes_ids=takes_ids)
        now, kinds = self._book.clock(), frozenset(one.notice.kind for one in deliveries)
        return lambda known: taken(known, kinds, now)

    def _outgoing(self, destination: Destination, under_way: UnderWay, deliveries: Sequence[Delivery]) -> Outgoing:
        return message(
            under_way.id,
            sorted((one.notice for one in deliveries), key=lambda one: (one.at, one.key)),
            self._links,
            self._installation,
            cause=under_way.cause,
            again=under_way.again or any(one.asked for one in deliveries),
            short=under_way.refused > 0,
            missed=self._missed(destination, deliveries),
        )

    def _missed(self, destination: Destination, deliveries: Sequence[Delivery]) -> str:
        missed = destination.missed
        if missed is None or all(one.due_at > missed.until for one in deliveries):
            return ""
        return missed_text(missed, destination.name, self._given_up(destination))

    def _given_up(self, destination: Destination) -> Sequence[Delivery]:
        """What was given up before the last notice was taken was told with that one."""
        since = destination.given_up
        if since is None or since.is_over:
            return ()
        return self._book.given_up(destination, since.since)

    def _failed(
        self, name: str, error: TidegateError, under_way: UnderWay, *, takes_ids: bool
    ) -> Callable[[Destination], Destination]:
        log.warning("%s did not take a message: %s", name, error)
        now, why = self._book.clock(), str(error)
        if isinstance(error, NotTaken | RateLimited):
            pause = pause_after(under_way.tries, error.retry_after, self._spread())
            counts = not isinstance(error, RateLimited)
            return lambda known: not_taken(known, why, pause, now, counts=counts)
        if error.temporary:
            return lambda known: unclear(known, why, now, takes_ids=takes_ids)
        return lambda known: refused(known, why, now)

    def _finish(self, stored: StoredDestination, now: datetime) -> _At:
        """Whoever noted what became of a message has died before its deliveries said so."""
        keys = set(_under_way(stored.record).keys)
        waits = self._book.deliveries.pending(stored.record.name)
        self._mark_all(stored.record, [one for one in waits if one.record.key in keys], now)
        return _At(self._finished(stored, now, stored.record.arrived))

    def _finished(self, stored: StoredDestination, look_at: datetime | None, seen: int) -> StoredDestination:
        """What was put down since this looked is looked at once more."""
        under_way, now = _under_way(stored.record), self._book.clock()

        def change(known: Destination) -> Destination:
            if _under_way(known).id != under_way.id:
                return known
            return finished(known, look_at if known.arrived == seen else now)

        return self._book.change(stored.record.name, change, stored)

    def _mark_all(self, destination: Destination, inside: Sequence[StoredDelivery], now: datetime) -> None:
        """Write to its deliveries what became of a message."""
        under_way = _under_way(destination)
        told = {"message": under_way.id, "again": under_way.again, "asked": False}
        became = under_way.became or State.SENT
        self._book.mark([(one, ended(one.record, became, now, under_way.why, **told)) for one in inside])

    def _probe(self, stored: StoredDestination, now: datetime) -> _At:
        """That it is tried is written first: whoever dies has tried it."""
        broken = stored.record.broken
        if broken is None:
            return _At(stored)
        stored = self._put(stored, probed(stored.record, now))
        name = stored.record.name
        named = message_id(name, ("tried-again",), now)
        told = given_up_text(name, self._given_up(stored.record))
        about = (self._links, self._installation, now)
        outgoing = tried_again(named, broken.since, broken.why, *about, given_up=told)
        try:
            self._senders.of(name).send(outgoing)
        except TidegateError as error:
            log.warning("%s is still broken: %s", name, error)
            why = str(error)
            self._book.change(name, lambda known: still_broken(known, why, now), stored)
            return _At(stored, goes_on=False)
        return _At(self._book.change(name, lambda known: works(known, now), stored))

    def _put(self, stored: StoredDestination, destination: Destination) -> StoredDestination:
        return self._book.destinations.put(stored, destination)


def _next_fold(destination: Destination, waits: Sequence[Delivery], now: datetime) -> Fold:
    return next_fold(waits, destination.causes, destination.recent, now, destination.missed)


def _under_way(destination: Destination) -> UnderWay:
    return destination.under_way or UnderWay(id="")


def _has_ended(destination: Destination) -> bool:
    return destination.under_way is not None and destination.under_way.became is not None


def _if_ours(under_way: UnderWay, become: Callable[[Destination], Destination]) -> Callable[[Destination], Destination]:
    """Whoever claimed the message after us says what becomes of it."""

    def change(known: Destination) -> Destination:
        present = known.under_way
        ours = present is not None and (present.id, present.claimed_at) == (under_way.id, under_way.claimed_at)
        return become(known) if ours else known

    return change
