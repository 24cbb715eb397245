"""What people do about notices: try a destination, mute it for a time, and have a notice sent once more."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.links import Links
from shared.domain.notices.composing import trial
from shared.domain.notices.delivery import Delivery, State, asked_again
from shared.domain.notices.destination import Destination, Muted, is_muted, still_broken, works
from shared.domain.notices.identity import message_id
from shared.domain.promotion.said import Said
from shared.errors import Conflict, MalformedRequest, TidegateError
from shared.ports import Activity, Event
from shared.rules.notice_book import NoticeBook
from shared.sender_ports import Senders

LONGEST_MUTE = timedelta(days=30)


class Tried(msgspec.Struct, frozen=True):
    """What a destination answered to a message that it was tried with.

    Attributes:
        sent: whether it took it.
        status: of its answer, as the service numbers it; 0 where it has none.
        said: its words, or why it did not take it.
        message: the message's id.
    """

    sent: bool
    status: int
    said: str
    message: str


class NoticeActs:
    """Acts on destinations and notices. Each raises ``MalformedRequest`` (404) for what there is not.

    Args:
        book: where notices are put down.
        senders: send messages.
        links: makes links.
        installation: the installation's name; may be empty.
        activity: is told who does what.
    """

    def __init__(self, book: NoticeBook, senders: Senders, links: Links, installation: str, activity: Activity) -> None:
        self._book = book
        self._senders = senders
        self._links = links
        self._installation = installation
        self._activity = activity

    def test(self, name: str, by: str, at: datetime) -> Tried:
        """Send a message to a destination now; what it takes shows that it is not broken any more.

        Args:
            name: the destination's.
            by: who wants that.
            at: when, UTC.
        """
        self._known(name)
        named = message_id(name, ("test", by), at)
        message = trial(named, by, self._links, self._installation, at)
        try:
            sent = self._senders.of(name).send(message)
        except TidegateError as error:
            said = str(error)
            self._book.change(name, lambda known: still_broken(known, said, at))
            code = getattr(error, "code", "")
            return Tried(sent=False, status=int(code) if code.isdecimal() else 0, said=said, message=named)
        self._works(name, at)
        return Tried(sent=True, status=sent.status, said=sent.said, message=named)

    def mute(self, name: str, until: datetime, said: Said) -> Muted | None:
        """Send nothing to a destination until a moment; what is to be told waits.

        Args:
            name: the destination's.
            until: until when, UTC; a moment that has passed ends it.
            said: who says so, why and when.

        Returns:
            That it is muted; ``None`` if it is not.

        Raises:
            MalformedRequest: 400, it is too far away.
        """
        self._known(name)
        if until > said.at + LONGEST_MUTE:
            raise MalformedRequest(f"until: a destination is muted for {LONGEST_MUTE.days} days at most")
        over = until <= said.at
        self._activity.append(_unmuted(name, said) if over else _muted(name, until, said))

        def change(known: Destination) -> Destination:
            muted = _ended_by(said, known.muted) if over else Muted(until, said.by, said.why)
            waits = known.look_at is not None or known.under_way is not None
            return msgspec.structs.replace(known, muted=muted, look_at=said.at if waits and over else known.look_at)

        stored = self._book.change(name, change)
        self._book.wake(stored.record.look_at)
        return stored.record.muted if is_muted(stored.record, said.at) else None

    def resend(self, key: str, destination: str, said: Said) -> Delivery:
        """Have a notice sent to a destination once more; what waits there is sent anyway.

        Args:
            key: the notice's.
            destination: the destination's name.
            said: who wants that, why and when.

        Raises:
            Conflict: it was changed at the same time.
        """
        self._known(destination)
        stored = self._book.deliveries.get(destination, key)
        if stored is None:
            raise MalformedRequest(f"{destination} was never to be told of a notice {key}", status=404)
        if stored.record.state is State.PENDING:
            self._book.put_to(destination, said.at)
            return stored.record
        detail = f"{stored.record.notice.about} to {destination} once more, says {said.by}: {said.why}"
        self._activity.append(Event(f"destination:{destination}", "notice-resent", said.at, detail))
        again = asked_again(stored.record, said.at)
        for problem in self._book.deliveries.replace_all([(stored, again)]).values():
            raise problem
        self._book.put_to(destination, said.at)
        return again

    def _works(self, name: str, at: datetime) -> None:
        """What waited for it follows."""

        def change(known: Destination) -> Destination:
            after = works(known, at)
            return msgspec.structs.replace(after, look_at=at) if known.broken is not None else after

        try:
            stored = self._book.change(name, change)
        except Conflict:
            return
        self._book.wake(stored.record.look_at)

    def _known(self, name: str) -> None:
        if name not in self._senders.names:
            there = ", ".join(self._senders.names) or "none"
            told = f"there is no destination {name!r}; there are: {there}. Each is a setting: NOTIFY_<NAME>"
            raise MalformedRequest(told, status=404)


def _ended_by(said: Said, known: Muted | None) -> Muted | None:
    """What waited is not given up at once: from the end on it is tried."""
    return known and msgspec.structs.replace(known, until=min(known.until, said.at))


def _muted(name: str, until: datetime, said: Said) -> Event:
    detail = f"{name} is muted until {until:%Y-%m-%d %H:%M} UTC, says {said.by}: {said.why}"
    return Event(f"destination:{name}", "muted", said.at, detail)


def _unmuted(name: str, said: Said) -> Event:
    return Event(f"destination:{name}", "unmuted", said.at, f"{name} is muted no more, says {said.by}: {said.why}")
