"""What the sweep asks of the queues of dead messages; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec

MOST_AT_ONCE = 32
# Whoever takes one and dies gives it back after so long; to work on so many takes seconds.
HIDDEN = timedelta(minutes=5)


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not be worked on.

    Attributes:
        queue: where it died.
        text: the message, as it was.
        died_at: when it was given up, UTC.
        id: by which its queue knows it.
        receipt: by which its queue knows who took it last.
    """

    queue: str
    text: str
    died_at: datetime
    id: str
    receipt: str


class DeadLetters(Protocol):
    """What the host gave up, by queue. Nobody is told of it: it is looked for."""

    def take(self, queue: str) -> tuple[DeadLetter, ...]:
        """Take up to ``MOST_AT_ONCE`` messages that died in a queue; they come back if they are not deleted in time."""
        ...

    def delete(self, letter: DeadLetter) -> None:
        """Delete a message that was taken; one that is gone, or that somebody else has taken since, is left."""
        ...
