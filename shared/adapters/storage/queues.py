"""Storage queues, as host.json has the Functions host read them: plain text, no base64.

https://learn.microsoft.com/rest/api/storageservices/put-message
"""

from __future__ import annotations

import math
from datetime import timedelta

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.errors import translated
from shared.domain.events.messages import Message, encode, life_of, queue_of
from shared.errors import NotFound, Refused

_LONGEST_DELAY = timedelta(days=7)
_LARGEST_MESSAGE = 64 * 1024
_FOREVER = -1


class Queues:
    """The port ``Outbox``. A queue that is not there is made by the first message for it.

    Args:
        account: where the queues are.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    def send(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        """See ``Outbox.send``. One transaction. A delay over seven days is cut to that: an early look is no harm.

        Raises:
            Refused: the message has more than 64 KiB.
        """
        queue, text, life = queue_of(message), encode(message), life_of(message)
        size = len(text.encode())
        if size > _LARGEST_MESSAGE:
            raise Refused(f"a message for the queue {queue} has {size} bytes; a queue takes {_LARGEST_MESSAGE} at most")
        try:
            self._put(queue, text, delay, life)
        except NotFound:
            self._create(queue)
            self._put(queue, text, delay, life)

    def _put(self, queue: str, text: str, delay: timedelta, life: timedelta | None) -> None:
        hidden = math.ceil(min(max(delay, timedelta(0)), _LONGEST_DELAY).total_seconds())
        # Hidden time counts as life, and the service refuses a message that would be hidden all its life.
        lives = hidden + int(life.total_seconds()) if life is not None else _FOREVER
        with translated(f"sending to the queue {queue}"):
            self._account.queue(queue).send_message(text, visibility_timeout=hidden, time_to_live=lives)

    def _create(self, queue: str) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

        with translated(f"making the queue {queue}"):
            try:
                self._account.queue(queue).create_queue()
            except ResourceExistsError:
                return
