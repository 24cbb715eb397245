"""What is asked of those who send messages to people; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.notices.outgoing import Outgoing


class Sent(msgspec.Struct, frozen=True):
    """A service took a message.

    Attributes:
        status: of its answer, as the service numbers it; 0 where it has none.
        said: its words, without any secret; may be empty.
    """

    status: int = 0
    said: str = ""


class Sender(Protocol):
    """Sends to one destination. Each call is one try, ends within half a minute, and never waits to try again."""

    @property
    def takes_ids(self) -> bool:
        """Whether the receiver knows a message by its id that it has had already: those are repeated freely."""
        ...

    def send(self, message: Outgoing) -> Sent:
        """Send a message.

        Args:
            message: what is to be sent.

        Returns:
            That the service took it: nothing else does so.

        Raises:
            Unavailable: it may have arrived: the answer did not come, or came from something in between.
            NotTaken: it surely did not arrive, and may be taken later: no connection, 408, 425, 500, 503.
            RateLimited: it did not arrive; 429.
            Refused, NotFound: the service will not take it, now or later: 410, any other 4xx. With the service's words.
        """
        ...


class Senders(Protocol):
    """The destinations that the settings name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, sorted; nothing is loaded for this."""
        ...

    def of(self, name: str) -> Sender:
        """Return the sender to a destination; what it needs is loaded when it is first asked for.

        Raises:
            KeyError: there is no destination of that name.
        """
        ...
