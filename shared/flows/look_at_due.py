"""Take what is due: all records of a kind whose time has come, in one query, side by side, each owner in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

import msgspec

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due, Turns, in_turn
from shared.domain.promotion.schedule import FIRST_RETRY, pause_before_turn
from shared.errors import Paced, TidegateError
from shared.ports import Clock
from shared.rules.wake import Waker

log = logging.getLogger("tidegate.due")

S = TypeVar("S")
# Made around all that is done about one record.
Careful = Callable[[S], AbstractContextManager[None]]
# What is claimed together is begun one after the other, before what was claimed is taken for left behind.
MOST_BEGUN_TOGETHER = 10
# What is left after so long waits for another message: a function may run for ten minutes.
LONGEST_ROUND = timedelta(minutes=2)
# A rebuild that ends is its wave's next step, and what that asks for begins: all of it takes one message, not three.
FOLLOWED = frozenset({Due.REBUILDS, Due.WAVES})
# What goes on and on leaves others their turn.
MOST_FOLLOWED = 8
# What an instance says to be due may not be due yet by another one's clock.
CLOCKS_DIFFER = timedelta(seconds=5)


class Kind(msgspec.Struct, Generic[S], frozen=True):
    """Records that are looked at together, and how.

    Attributes:
        due: gives those whose time has come at a moment, UTC.
        look: does the next thing about one.
        begins: whether that begins something, for which it needs a turn; else it is looked at before those.
        owners: gives whose they are; asked where several are to begin.
        since: since when it is where it is, UTC.
        had: gives the turns that owners have had; asked with them.
        together: made around looks at many.
        begin: begins some together, in their order: given what is to be made around all that is done about one, and
            whether nothing more is to begin; ``None`` where each begins by itself.
        broke: has one tried ever more rarely whose look failed in a way that nobody foresaw.
        traced: given one, what is told of it is told in its own trace.
    """

    due: Callable[[datetime], Iterable[S]]
    look: Callable[[S], None]
    begins: Callable[[S], bool]
    owners: Callable[[], Callable[[S], str]]
    since: Callable[[S], datetime]
    broke: Callable[[S], None]
    traced: Callable[[S], AbstractContextManager[None]]
    had: Callable[[], Turns] = Turns
    together: Callable[[], AbstractContextManager[None]] = nullcontext
    begin: Callable[[Sequence[S], Careful[S], Callable[[], bool]], None] | None = None


class DueLooker:
    """Looks at what is due.

    Args:
        kinds: what there is.
        waker: wakes for what is left.
        clock: tells the time.
        side_by_side: how many records are looked at at once.
    """

    def __init__(self, kinds: Mapping[Due, Kind[Any]], waker: Waker, clock: Clock, side_by_side: int) -> None:
        self._kinds = kinds
        self._waker = waker
        self._clock = clock
        self._side_by_side = side_by_side
        self._lock = Lock()
        self._asked: dict[Due, datetime] = {}
        self._running: set[Due] = set()

    def look(self, message: LookAtDue) -> None:
        """Look at all that is due, and at what that made due at once.

        Raises:
            ServiceError: what is due could not be read.
        """
        ends = self._clock() + LONGEST_ROUND
        self._look(message.due, message.at)
        for _ in range(MOST_FOLLOWED if message.due in FOLLOWED else 0):
            found = self._waker.taken_now(FOLLOWED) if self._clock() < ends else ()
            self._follow(sorted(found, key=lambda due: due.value))

    def _follow(self, left: list[Due]) -> None:
        """What cannot be looked at now has a message of its own, as if nobody had followed."""
        try:
            while left:
                self._look(left[-1], self._clock())
                left.pop()
        except Exception:
            for due in left:
                self._waker.at(due, self._clock())
            raise

    def _look(self, due: Due, at: datetime) -> None:
        """While this process does so already, it does once more at the end of that."""
        with self._lock:
            now = self._clock()
            asked = max(now, min(at, now + CLOCKS_DIFFER))
            self._asked[due] = max(asked, self._asked.get(due, asked))
            if due in self._running:
                return
            self._running.add(due)
        try:
            while (moment := self._next(due)) is not None:
                _Round(self._kinds[due], due, self._waker, self._clock).run(moment, self._side_by_side)
        except BaseException:
            with self._lock:
                self._running.discard(due)
            raise

    def _next(self, due: Due) -> datetime | None:
        """Whoever asks after this has found nobody at it."""
        with self._lock:
            moment = self._asked.pop(due, None)
            if moment is None:
                self._running.discard(due)
            return moment


class _Round(Generic[S]):
    """Looks at everything that is due at one moment."""

    def __init__(self, kind: Kind[S], due: Due, waker: Waker, clock: Clock) -> None:
        self._kind = kind
        self._due = due
        self._waker = waker
        self._clock = clock
        self._ends = clock() + LONGEST_ROUND
        self._waits = False

    def run(self, moment: datetime, side_by_side: int) -> None:
        """Look at what is under way, then let the rest begin in turn until it is told to wait."""
        kind, found = self._kind, list[S]()
        problem: TidegateError | None = None
        try:
            found.extend(kind.due(moment))
        except TidegateError as error:  # others were read
            problem = error
        self._each([[one] for one in found if not kind.begins(one)], side_by_side)
        begin = [one for one in found if kind.begins(one)]
        if len(begin) > 1:
            begin = in_turn(begin, kind.owners(), kind.since, kind.had())
        size = 1 if kind.begin is None else MOST_BEGUN_TOGETHER
        self._each([begin[first : first + size] for first in range(0, len(begin), size)], side_by_side)
        if problem is not None:
            raise problem

    def _each(self, groups: Sequence[Sequence[S]], side_by_side: int) -> None:
        if not groups:
            return
        with self._kind.together():
            if min(len(groups), side_by_side) <= 1:
                for some in groups:
                    self._take(some)
                return
            with ThreadPoolExecutor(min(len(groups), side_by_side), "due") as pool:
                for done in [pool.submit(copy_context().run, self._take, some) for some in groups]:
                    done.result()

    def _take(self, some: Sequence[S]) -> None:
        """Several are those that begin."""
        begins = self._kind.begins(some[0])
        if self._clock() > self._ends:
            self._waker.at(self._due, self._clock())
        elif begins and self._kind.begin is not None:
            self._kind.begin(some, self._careful, lambda: self._waits)
        elif not (begins and self._waits):
            with self._careful(some[0]):
                self._kind.look(some[0])

    @contextmanager
    def _careful(self, one: S) -> Iterator[None]:
        """A fault of one record keeps no other from its look."""
        try:
            with self._kind.traced(one), self._putting_off(one):
                yield
        except Exception as error:  # noqa: BLE001  whatever it is
            self._break(one, error)

    @contextmanager
    def _putting_off(self, one: S) -> Iterator[None]:
        try:
            yield
        except Paced as error:
            self._waits = self._waits or self._kind.begins(one)
            self._waker.at(self._due, self._clock() + pause_before_turn(error))
        except TidegateError as error:
            if not error.temporary:
                raise
            log.warning("a look at what is due (%s) is made again: %s", self._due.value, error)
            self._waker.at(self._due, self._clock() + FIRST_RETRY)

    def _break(self, one: S, error: Exception) -> None:
        log.error("a look at what is due (%s) broke off: %s", self._due.value, error, exc_info=error)
        try:
            self._kind.broke(one)
        except TidegateError as again:
            log.warning("what broke off is looked at again as it was: %s", again)
            self._waker.at(self._due, self._clock() + FIRST_RETRY)
