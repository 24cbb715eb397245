"""How destinations fare, and what was told of late."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.notices.composing import title_of
from shared.domain.notices.delivery import Delivery, State
from shared.domain.notices.destination import Broken, Destination, Muted, is_muted, last_sent
from shared.rules.notice_book import KEPT, NoticeBook

USUAL_DAYS = 3


class Suppressed(msgspec.Struct, frozen=True):
    """Notices that are not sent now, how many and why."""

    count: int
    why: str


class Forgone(msgspec.Struct, frozen=True):
    """Notices that were given up, as the destination did not take them for a week.

    Attributes:
        count: how many, of the last thirty days.
        since: when the first of them was given up, UTC; ``None`` if none was.
    """

    count: int = 0
    since: datetime | None = None


class Fares(msgspec.Struct, frozen=True, kw_only=True):
    """How a destination fares.

    Attributes:
        name: the destination's.
        last_sent_at: when it last took something, UTC.
        last_error: what it last said instead; stays when it takes something again.
        last_error_at: when, UTC.
        broken: that it does not take what is sent.
        muted: that somebody wants nothing to be sent.
        pending: how many notices wait.
        given_up: those that are not tried any more.
        suppressed: those of them that are not sent now, and those of the last days that need not be sent any more.
        under_way: the id of the message under way; empty for none.
        next_at: when it is looked at next, UTC.
        kinds: when each kind of notice was last sent, UTC, the latest first.
    """

    name: str
    last_sent_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    broken: Broken | None
    muted: Muted | None
    pending: int
    given_up: Forgone
    suppressed: tuple[Suppressed, ...]
    under_way: str
    next_at: datetime | None
    kinds: Mapping[str, datetime]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a notice at one destination."""

    destination: str
    state: State
    why: str
    due_at: datetime
    done_at: datetime | None
    message: str
    again: bool


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A notice, and what became of it at each destination that it goes to."""

    id: str
    kind: str
    severity: str
    title: str
    about: str
    at: datetime
    detail: str
    images: tuple[str, ...]
    digest: str
    deliveries: tuple[Reached, ...]


class NoticeLister:
    """Reads destinations and notices.

    Args:
        book: where they are.
    """

    def __init__(self, book: NoticeBook) -> None:
        self._book = book

    def destinations(self) -> tuple[Fares, ...]:
        """Return how each destination fares that the settings name. One reading, two more for each, and one where
        notices were given up."""
        known = {stored.record.name: stored.record for stored in self._book.destinations.every()}
        return tuple(self._fares(known.get(name, Destination(name=name))) for name in self._book.names)

    def notices(self, limit: int, *, destination: str = "", state: State | None = None) -> tuple[Listed, ...]:
        """Return notices, the newest first.

        Args:
            limit: how many at most.
            destination: only those to one.
            state: only those of which this became at some destination.
        """
        names = [name for name in self._book.names if destination in {"", name}]
        since, found = self._book.clock() - KEPT, defaultdict[str, list[Delivery]](list)
        for name in names:
            for stored in self._book.deliveries.since(name, since):
                if state is None or stored.record.state is state:
                    found[stored.record.key].append(stored.record)
        newest = sorted(found.items(), key=lambda one: (one[1][0].notice.at, one[0]), reverse=True)
        return tuple(_listed(each) for _, each in newest[:limit])

    def _fares(self, known: Destination) -> Fares:
        now = self._book.clock()
        pending = [one.record for one in self._book.deliveries.pending(known.name)]
        lately = self._book.deliveries.since(known.name, now - timedelta(days=USUAL_DAYS))
        over = [one.record for one in lately if one.record.state in {State.OVER, State.UNCLEAR}]
        return Fares(
            name=known.name,
            last_sent_at=known.last_sent_at,
            last_error=known.last_error,
            last_error_at=known.last_error_at,
            broken=known.broken,
            muted=known.muted if is_muted(known, now) else None,
            pending=len(pending),
            given_up=_forgone(self._book.given_up(known)),
            suppressed=(*_held_back(known, pending, now), *_needless(over)),
            under_way=known.under_way.id if known.under_way is not None else "",
            next_at=known.look_at,
            kinds=last_sent(known),
        )


def _forgone(given_up: Sequence[Delivery]) -> Forgone:
    moments = [one.done_at for one in given_up if one.done_at is not None]
    return Forgone(len(given_up), min(moments, default=None))


def _held_back(known: Destination, pending: Sequence[Delivery], now: datetime) -> Iterable[Suppressed]:
    """What waits though it is due, or until its time comes."""
    if not pending:
        return
    if known.muted is not None and is_muted(known, now):
        muted = known.muted
        yield Suppressed(len(pending), f"muted until {muted.until:%Y-%m-%d %H:%M} UTC by {muted.by}: {muted.why}")
    elif known.broken is not None:
        yield Suppressed(len(pending), f"broken since {known.broken.since:%Y-%m-%d %H:%M} UTC: {known.broken.why}")
    else:
        later = Counter(one.when.text for one in pending if one.due_at > now)
        yield from (Suppressed(count, f"its route sends {text}") for text, count in later.items())


def _needless(over: Iterable[Delivery]) -> Iterable[Suppressed]:
    return (Suppressed(count, why) for why, count in Counter(one.why for one in over).most_common(10))


def _listed(deliveries: Sequence[Delivery]) -> Listed:
    notice = deliveries[0].notice
    return Listed(
        id=notice.key,
        kind=notice.kind,
        severity=notice.severity.value,
        title=title_of(notice),
        about=notice.about,
        at=notice.at,
        detail=notice.detail,
        images=notice.images,
        digest=notice.digest,
        deliveries=tuple(_reached(one) for one in deliveries),
    )


def _reached(one: Delivery) -> Reached:
    return Reached(
        destination=one.destination,
        state=one.state,
        why=one.why,
        due_at=one.due_at,
        done_at=one.done_at,
        message=one.message,
        again=one.again,
    )
