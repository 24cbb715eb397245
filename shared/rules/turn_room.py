"""How much of a kind is under way at once in the staging registry: who finds no room waits its turn.

Waiting is pacing: a candidate stays as it is and stays due. Every round looks first at what is under way, so that who
waits has what came free in the same round.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.due import Turns
from shared.domain.scan.scan import Scan
from shared.errors import Paced, ServiceError
from shared.ports import Clock, Records

log = logging.getLogger("tidegate.room")

W = TypeVar("W", Candidate, Scan)

# What other instances begin and end is seen when what is under way is read again.
READ_FOR = timedelta(seconds=5)
# What ends makes rounds of its own; this is for when nobody looks at any.
_FULL_PAUSE = timedelta(seconds=15)
_TURN_PAUSE = timedelta(seconds=1)
# For so long after somebody found no room, whoever just arrived stands in line with those who wait.
_STANDS_IN_LINE = timedelta(minutes=1)
# What nobody has looked at for so long after its time is under way no more: imports and runs end within an hour.
_ABANDONED = timedelta(hours=1)


class TurnRoom(ABC):
    """Room for what is under way at once; one for all threads of a process.

    Several instances that read at the same moment may each fill what they found free, so that there are at most that
    much more for each further instance until they read again. A record that cannot be read, or that nobody has looked
    at for an hour, holds no place.

    Args:
        clock: tells the time.
        most: how much is under way at most.
        full: what to say where there is no room.
    """

    def __init__(self, clock: Clock, most: int, full: str) -> None:
        self._clock = clock
        self._most = most
        self._full = full
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()  # by the names of their images
        self._read_at: datetime | None = None
        self._beginning = 0
        self._began: dict[str, datetime] = {}
        self._full_at: datetime | None = None
        self._again_at: datetime | None = None

    @abstractmethod
    def _images(self, now: datetime) -> Iterator[str]:
        """Yield the images' names of what is under way."""

    @contextmanager
    def place(self, image: str, *, in_turn: bool) -> Iterator[Callable[[], None]]:
        """Take a place for as long as the block lasts, and give what keeps it for longer.

        Args:
            image: what is begun, as the watch list names it.
            in_turn: whether it has its turn; who comes straight from what went before passes by nobody who waits.

        Raises:
            Paced: there is no room, or others wait for it. At most one query in ``READ_FOR``.
            ServiceError: what is under way could not be read.
        """
        kept = False

        def keep() -> None:
            nonlocal kept
            kept = True

        self._take(in_turn=in_turn)
        try:
            yield keep
        finally:
            self._give_back(image, kept=kept)

    def ended(self, image: str) -> None:
        """Take note that what had a place has none any more."""
        with self._lock:
            self._under_way[image] = max(self._under_way[image] - 1, 0)

    def turns(self, owner: Callable[[str], str]) -> Turns:
        """Return the turns that owners have had.

        Args:
            owner: gives whose an image is.

        Raises:
            ServiceError: what is under way could not be read.
        """
        with self._lock:
            self._read(self._clock())
            under_way, last = Counter[str](), dict[str, datetime]()
            for image, number in self._under_way.items():
                under_way[owner(image)] += number
            for image, at in self._began.items():
                last[owner(image)] = max(at, last.get(owner(image), at))
            return Turns(under_way, last)

    def _take(self, *, in_turn: bool) -> None:
        with self._lock:
            now = self._clock()
            waits = self._full_at is not None and now - self._full_at < _STANDS_IN_LINE
            if waits and not in_turn:
                raise _no_room("others wait, and come first", _TURN_PAUSE)
            self._read(now)
            if self._under_way.total() + self._beginning >= self._most:
                raise _no_room(self._full, self._look_at(now) - now)
            self._beginning += 1

    def _look_at(self, now: datetime) -> datetime:
        """All who find no room are woken at one moment, by one message."""
        self._full_at = now
        if self._again_at is None or self._again_at <= now:
            self._again_at = now + _FULL_PAUSE
        return self._again_at

    def _give_back(self, image: str, *, kept: bool) -> None:
        """What began is counted twice rather than not at all: it may have been read before it is noted here."""
        with self._lock:
            self._beginning -= 1
            if kept:
                self._under_way[image] += 1
                self._began[image] = self._clock()

    def _read(self, now: datetime) -> None:
        if self._read_at is not None and now - self._read_at < READ_FOR:
            return
        self._under_way = Counter(self._images(now))
        self._read_at = now
        if self._full_at is None or now - self._full_at >= _STANDS_IN_LINE:
            self._began.clear()  # nobody waits for a turn


def images_under_way(records: Records[W], status: Enum, now: datetime) -> Iterator[str]:
    """Yield the images' names of records that hold a place.

    Args:
        records: where they are.
        status: in which they hold one.
        now: UTC.

    Raises:
        ServiceError: they could not be read.
    """
    try:
        for stored in records.in_status({status}):
            if now - stored.record.look_at < _ABANDONED:
                yield stored.record.image
    except ServiceError as error:
        if error.temporary:
            raise
        log.warning("what cannot be read holds no place: %s", error)


def _no_room(why: str, pause: timedelta) -> Paced:
    return Paced(f"{why}; nothing is wrong", code="no-room", retry_after=pause.total_seconds())
