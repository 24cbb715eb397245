"""Puts together what tells people, if the settings name a destination; see ``shared.bootstrap``.

Without one nothing here is read, written or loaded, and no record holds a notice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from shared.domain.links import Links
from shared.due_kinds import Untold, of_notices
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from shared.bootstrap import Parts
    from shared.domain.notices.notice import Notice
    from shared.domain.notices.routes import Route
    from shared.domain.promotion.target import Target
    from shared.domain.watching.troubles import Trouble
    from shared.domain.watching.watch_list import WatchList
    from shared.domain.waves.wave import Wave
    from shared.exception_ports import ExceptionFiles
    from shared.flows.act_on_notices import NoticeActs
    from shared.flows.give_up_notices import GivesUp
    from shared.flows.list_notices import NoticeLister
    from shared.flows.look_at_due import Kind
    from shared.flows.send_notices import Courier
    from shared.notice_ports import Deliveries, Destinations, StoredDestination
    from shared.ports import Activity, Clock
    from shared.rolling import Rolling
    from shared.rules.notice_book import NoticeBook
    from shared.rules.notice_routes import NoticeRoutes
    from shared.rules.targets import TargetBook
    from shared.rules.trouble_notices import TroubleNotices
    from shared.rules.wake import Waker
    from shared.sender_ports import Senders
    from shared.trouble_ports import Troubles

S = TypeVar("S")

# An instance that lives for weeks deletes what is old now and then.
PUT_AWAY_EVERY = timedelta(hours=12)
# The message that was to wake for it may still be on its way.
_GRACE = timedelta(seconds=60)


def notifying_of(parts: Parts, senders: Senders) -> Notifying:
    """Return what tells people.

    Args:
        parts: the other parts of the app, each asked for when it is needed.
        senders: the destinations that the settings name.
    """

    def in_force() -> WatchList:
        return parts.watch_lists.in_force()

    return Notifying(
        senders,
        deliveries=lambda: parts.deliveries,
        destinations=lambda: parts.destinations,
        files=lambda: parts.notify_files,
        waker=lambda: parts.waker,
        clock=parts.clock,
        watch_list=in_force,
        links=Links(parts.settings.public_url),
        installation=parts.settings.installation,
    )


class NotifyFile:
    """Reads ``config/notify.yaml``; the YAML reader is loaded when there is one."""

    @staticmethod
    def read(text: bytes, destinations: Collection[str]) -> tuple[Route, ...]:
        """See ``ReadsNotify.read``."""
        from shared.notify_yaml import read_notify  # noqa: PLC0415

        return read_notify(text, destinations)

    @staticmethod
    def unknown(text: bytes, owners: Collection[str], images: Collection[str]) -> str:
        """See ``ReadsNotify.unknown``."""
        from shared.notify_yaml import unknown_owners  # noqa: PLC0415

        return unknown_owners(text, owners, images)


class Notifying:
    """What tells people, each part once and when first needed.

    Args:
        senders: the destinations that the settings name.
        deliveries, destinations, files: give where it is kept what is told, and by which routes.
        waker: wakes for what is due.
        clock: tells the time.
        watch_list: gives the list in force.
        links: makes links.
        installation: the installation's name; may be empty.
    """

    def __init__(
        self,
        senders: Senders,
        *,
        deliveries: Callable[[], Deliveries],
        destinations: Callable[[], Destinations],
        files: Callable[[], ExceptionFiles],
        waker: Callable[[], Waker],
        clock: Clock,
        watch_list: Callable[[], WatchList],
        links: Links,
        installation: str,
    ) -> None:
        self.senders = senders
        self.links = links
        self.installation = installation
        self._deliveries = deliveries
        self._destinations = destinations
        self._files = files
        self._waker = waker
        self._clock = clock
        self._watch_list = watch_list
        self._put_away_at: datetime | None = None

    @property
    def is_used(self) -> bool:
        """Whether the settings name a destination."""
        return bool(self.senders.names)

    @cached_property
    def routes(self) -> NoticeRoutes:
        """Who is told of what."""
        from shared.rules.notice_routes import NoticeRoutes  # noqa: PLC0415

        return NoticeRoutes(self._files(), NotifyFile(), self.senders.names, self._watch_list, self._clock)

    @cached_property
    def book(self) -> NoticeBook:
        """Where notices are put down."""
        from shared.rules.notice_book import NoticeBook  # noqa: PLC0415

        kept = (self._deliveries(), self._destinations())
        return NoticeBook(self.senders.names, *kept, self.routes, self._waker(), self._clock)

    @cached_property
    def courier(self) -> Courier:
        """Sends notices."""
        from shared.flows.send_notices import Courier  # noqa: PLC0415

        return Courier(self.book, self.senders, self.links, self.installation, random.random)

    @property
    def gives_up(self) -> GivesUp:
        """Ends what waits in vain, and deletes what is old."""
        from shared.flows.give_up_notices import GivesUp  # noqa: PLC0415

        return GivesUp(self.book)

    def told_of(self, before: Target | None, after: Target, now: datetime) -> tuple[Notice, ...]:
        """Return what people are to be told of a target's change."""
        if not self.is_used:
            return ()
        from shared.domain.promotion.telling import told_of  # noqa: PLC0415

        return told_of(before, after, now)

    def told_of_wave(self, before: Wave | None, after: Wave, now: datetime) -> tuple[Notice, ...]:
        """Return what people are to be told of a wave's change."""
        if not self.is_used:
            return ()
        from shared.domain.waves.telling import told_of_wave  # noqa: PLC0415

        return told_of_wave(before, after, now)

    def people(self, troubles: Callable[[], Troubles]) -> TroubleNotices | None:
        """Return what tells people of troubles; ``None`` where nobody is to be told."""
        if not self.is_used:
            return None
        from shared.rules.trouble_notices import TroubleNotices  # noqa: PLC0415

        return TroubleNotices(self.book, troubles())

    @property
    def lister(self) -> NoticeLister:
        """Tells how destinations fare, and what was told."""
        from shared.flows.list_notices import NoticeLister  # noqa: PLC0415

        return NoticeLister(self.book)

    def acts(self, activity: Activity) -> NoticeActs:
        """Return what people may do about notices."""
        from shared.flows.act_on_notices import NoticeActs  # noqa: PLC0415

        return NoticeActs(self.book, self.senders, self.links, self.installation, activity)

    def kind(self, targets: Callable[[], TargetBook], rolling: Rolling) -> Kind[Any]:
        """Return how it is looked at what people are to be told.

        Args:
            targets: gives the targets of the base registry.
            rolling: knows the waves, where there are any.
        """

        def take(untold: Untold) -> None:
            from shared.flows.take_notices import NoticeTaker  # noqa: PLC0415

            NoticeTaker(targets(), self.book, lambda: rolling.book).take(untold.targets, untold.waves)

        return of_notices(lambda moment: self._due(targets(), rolling, moment), take, self._send)

    def _send(self, stored: StoredDestination) -> None:
        """What sends is loaded for the first that is due."""
        self.courier.look(stored)

    def _due(self, targets: TargetBook, rolling: Rolling, moment: datetime) -> Iterator[Untold | StoredDestination]:
        if not self.is_used:
            return
        untold, problem = _untold(targets, rolling)
        if untold.targets or untold.waves:
            yield untold
        yield from self.book.due(moment)
        if problem is not None:
            raise problem

    def sweep(self, targets: TargetBook, rolling: Rolling) -> None:
        """Wake for what was left behind, and delete what is old.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not self.is_used:
            return
        now = self._clock()
        untold, problem = _untold(targets, rolling)
        if untold.targets or untold.waves or any(self.book.due(now - _GRACE)):
            self.book.wake(now)
        if self._put_away_at is None or now >= self._put_away_at:
            self._put_away_at = now + PUT_AWAY_EVERY
            self.gives_up.put_away()
        if problem is not None:
            raise problem

    def troubles(self) -> Iterable[Trouble]:
        """Return what is wrong with routes and destinations."""
        if not self.is_used:
            return ()
        from shared.domain.notices.of_troubles import broken_destination  # noqa: PLC0415

        broken = [one.record for one in self.book.destinations.every() if one.record.broken is not None]
        found = [
            broken_destination(one, self.book.not_reached(one.name)) for one in broken if one.name in self.senders.names
        ]
        return (*self.routes.troubles(), *found)


def _untold(targets: TargetBook, rolling: Rolling) -> tuple[Untold, ServiceError | None]:
    """Return what tells something; one that cannot be read keeps nobody else from being told."""
    found, problem = _readable(targets.targets.untold)
    waves, unread = _readable(rolling.untold)
    return Untold(found, waves), problem or unread


def _readable(records: Callable[[], Iterator[S]]) -> tuple[tuple[S, ...], ServiceError | None]:
    found: list[S] = []
    try:
        found.extend(records())
    except ServiceError as error:
        return tuple(found), error
    return tuple(found), None
