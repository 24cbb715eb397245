"""An in-memory double of the ``Outbox`` port, with the other end of its queues: delivery as Azure Functions does it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.dead_letter_ports import HIDDEN, MOST_AT_ONCE, DeadLetter
from shared.domain.events.messages import Message, decode, encode, life_of, queue_of
from shared.errors import Refused
from shared.ports import Clock
from tests.doubles.storage import Hook, OneAtATime

LONGEST_DELAY = timedelta(days=7)
LARGEST_MESSAGE = 64 * 1024
MOST_DELIVERIES = 5


class Sent(msgspec.Struct, frozen=True):
    """A message as it was sent."""

    queue: str
    message: Message
    delay: timedelta


class Delivery(msgspec.Struct, frozen=True):
    """A message as a function gets it.

    Attributes:
        queue: where it was.
        text: its body, JSON.
        due: when it became visible, UTC.
        attempt: 1 for its first delivery.
        life: how long it may wait to be taken; ``None`` for ever.
    """

    queue: str
    text: str
    due: datetime
    attempt: int = 1
    life: timedelta | None = None

    def asks_for(self, *kinds: type[Any]) -> bool:
        """Whether it is a message of one of these kinds."""
        return isinstance(decode(self.text), kinds)


class InMemoryOutbox(OneAtATime):
    """``Outbox`` in a list. ``sent`` records all that was sent; ``waiting`` is what is not delivered yet.

    Args:
        clock: decides when a message is due.
        before_call: see ``Scripted``.

    Attributes:
        late: by how much every message comes later than it was asked for.
        again: so much later it comes once more; ``None`` if it does not.
    """

    def __init__(self, clock: Clock, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._clock = clock
        self._order = itertools.count()
        self.sent: list[Sent] = []
        self.waiting: list[tuple[datetime, int, Delivery]] = []
        self.poison: list[Delivery] = []
        self.late = timedelta(0)
        self.again: timedelta | None = None

    def send(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        """See ``Outbox.send``."""
        queue, text = queue_of(message), encode(message)
        if len(text.encode()) > LARGEST_MESSAGE:
            raise Refused(f"the queue {queue} does not take this message: it is too long")
        with self._change("send"):
            self.sent.append(Sent(queue, message, delay))
            due = self._clock() + min(delay, LONGEST_DELAY) + self.late
            for each in (due,) if self.again is None else (due, due + self.again):
                self._wait(Delivery(queue, text, each, life=life_of(message)))

    def deliver(self) -> tuple[Delivery, ...]:
        """Take what is due now, in the order it became due. A message that is not ``put_back`` is done with."""
        now = self._clock()
        with self._lock:
            due = sorted(item for item in self.waiting if item[0] <= now)
            self.waiting = [item for item in self.waiting if item[0] > now]
        return tuple(delivery for _, _, delivery in due if not _expired(delivery, now))

    def next_due(self) -> datetime | None:
        """Return when the next message becomes visible, or ``None`` if none waits."""
        return min((due for due, _, _ in self.waiting), default=None)

    def put_back(self, delivery: Delivery) -> None:
        """Have a message delivered once more, as when its function failed or its host died.

        After the fifth delivery it goes to ``poison`` instead.
        """
        if delivery.attempt >= MOST_DELIVERIES:
            self.poison.append(msgspec.structs.replace(delivery, due=self._clock()))
            return
        with self._lock:
            self._wait(msgspec.structs.replace(delivery, attempt=delivery.attempt + 1))

    def repeat(self) -> None:
        """Have everything that was ever sent delivered once more: a queue may do that to any message."""
        with self._lock:
            for sent in self.sent:
                self._wait(Delivery(sent.queue, encode(sent.message), self._clock(), life=life_of(sent.message)))

    def _wait(self, delivery: Delivery) -> None:
        self.waiting.append((delivery.due, next(self._order), delivery))


def _expired(delivery: Delivery, now: datetime) -> bool:
    return delivery.life is not None and now - delivery.due > delivery.life


class InMemoryDeadLetters(OneAtATime):
    """``DeadLetters``: what an ``InMemoryOutbox`` gave up.

    Args:
        outbox: whose ``poison`` is read.
        clock: decides when what was taken comes back.
        before_call: see ``Scripted``.
    """

    def __init__(self, outbox: InMemoryOutbox, clock: Clock, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._outbox = outbox
        self._clock = clock
        self._receipts = itertools.count(1)
        self._taken: dict[int, tuple[datetime, str]] = {}

    def take(self, queue: str) -> tuple[DeadLetter, ...]:
        """See ``DeadLetters.take``."""
        with self._change("take"):
            found = [each for each in self._outbox.poison if each.queue == queue and self._is_there(each)]
            return tuple(self._letter(each) for each in found[:MOST_AT_ONCE])

    def delete(self, letter: DeadLetter) -> None:
        """See ``DeadLetters.delete``."""
        with self._change("delete"):
            if self._taken.get(int(letter.id), (None, ""))[1] == letter.receipt:
                self._outbox.poison[:] = [each for each in self._outbox.poison if id(each) != int(letter.id)]

    def _is_there(self, delivery: Delivery) -> bool:
        until, _ = self._taken.get(id(delivery), (self._clock(), ""))
        return until <= self._clock()

    def _letter(self, delivery: Delivery) -> DeadLetter:
        receipt = str(next(self._receipts))
        self._taken[id(delivery)] = (self._clock() + HIDDEN, receipt)
        return DeadLetter(delivery.queue, delivery.text, delivery.due, str(id(delivery)), receipt)
