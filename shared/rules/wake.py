"""Nothing that is not due waits in a queue: a record says when it is to be looked at, and one message wakes for many.

A message is sent for a moment at which something comes due, and takes all that is due then. What was written last is
woken for last: whoever dies between a record's write and its message leaves what the sweep wakes for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from threading import Lock

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due
from shared.domain.promotion.schedule import FARTHEST_WAKE, together_by
from shared.ports import Clock, Outbox

_GATHERS: ContextVar[bool] = ContextVar("gathers", default=False)
# A check of hundreds of tags that moved, or a round of as many records, lasts for a minute: what it has made ready
# does not wait for its end.
LONGEST_GATHERED = timedelta(seconds=2)


class Waker:
    """Sends the messages that take what is due. One for all threads of a process.

    Args:
        outbox: sends messages.
        clock: tells the time.
    """

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = Lock()
        self._asked: defaultdict[Due, list[datetime]] = defaultdict(list)
        self._coming: defaultdict[Due, list[datetime]] = defaultdict(list)
        self._gathered_since: datetime | None = None

    def at(self, due: Due, moment: datetime) -> None:
        """See that what is due is taken at a moment; what is far away the sweep wakes for.

        Args:
            due: what is looked at together.
            moment: when something of it is due, UTC; its record says so already.

        Raises:
            ServiceError: the message could not be sent. The next one that is sent wakes for this, too.
        """
        now = self._clock()
        with self._lock:
            self._asked[due].append(moment)
            since = self._gathered_since = self._gathered_since or now
        if not _GATHERS.get() or now - since >= LONGEST_GATHERED:
            self._send()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Send one message for many at the end of the block, also if it fails; within it only what has waited a while.

        What threads do with a copy of its context is within it.
        """
        token = _GATHERS.set(True)
        try:
            yield
        except Exception:
            self._send()
            raise
        finally:
            _GATHERS.reset(token)
        self._send()

    def taken_now(self, kinds: Collection[Due]) -> frozenset[Due]:
        """Return of which kinds something has come due and was not woken for yet; whoever asks looks at it instead.

        Args:
            kinds: those that are asked for.
        """
        now = self._clock()
        with self._lock:
            found = frozenset(due for due in kinds if any(moment <= now for moment in self._asked[due]))
            for due in found:
                self._asked[due] = [moment for moment in self._asked[due] if moment > now]
        return found

    def _send(self) -> None:
        now = self._clock()
        for due, moments in self._taken().items():
            left = sorted({max(moment, now) for moment in moments})
            try:
                while left:
                    self._wake(due, left)
            finally:
                if left:
                    self._give_back(due, left)

    def _taken(self) -> dict[Due, list[datetime]]:
        with self._lock:
            taken, self._asked, self._gathered_since = dict(self._asked), defaultdict(list), None
        return taken

    def _give_back(self, due: Due, left: Iterable[datetime]) -> None:
        with self._lock:
            self._asked[due].extend(left)

    def _wake(self, due: Due, left: list[datetime]) -> None:
        """Wake for the first of the moments that are left, and for those which come soon after it."""
        now = self._clock()
        last = together_by(left[0], now)
        moment = max([one for one in left if one <= last])
        if not self._comes(due, left[0], last, now) and moment - now <= FARTHEST_WAKE:
            self._outbox.send(LookAtDue(v=1, due=due, at=moment), max(moment - now, timedelta(0)))
            with self._lock:
                self._coming[due].append(moment)
        else:
            moment = left[0]
        left[:] = [one for one in left if one > moment]

    def _comes(self, due: Due, moment: datetime, last: datetime, now: datetime) -> bool:
        """Whether this process has sent a message that is still to come, in time. One for this very moment is gone."""
        with self._lock:
            self._coming[due] = coming = [one for one in self._coming[due] if one > now]
            return any(max(moment, now) <= one <= last for one in coming)
