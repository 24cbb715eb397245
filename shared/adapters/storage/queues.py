"""Storage queues, as host.json has the Functions host read them: plain text, no base64.

https://learn.microsoft.com/rest/api/storageservices/put-message
"""

from __future__ import annotations

import math
from datetime import timedelta

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.errors import translated
from shared.domain.events.messages import CHECKS, Message, encode
from shared.errors import NotFound, Refused

_LONGEST_DELAY = timedelta(days=7)
_LARGEST_MESSAGE = 64 * 1024
# A check that was not made for so long is asked for anew by the next timer; all other messages wait for ever.
_CHECKS_LIVE = timedelta(minutes=10)
_FOREVER = -1


class Queues:
    """The port ``Outbox``. A queue that is not there is made by the first message for it.

    Args:
        account: where the queues are.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    def send(self, queue: str, message: Message, delay: timedelta = timedelta(0)) -> None:
        """See ``Outbox.send``. One transaction. A delay over seven days is cut to that: an early look is no harm.

        Raises:
            Refused: the message has more than 64 KiB.
        """
        text = encode(message)
        size = len(text.encode())
        if size > _LARGEST_MESSAGE:
            raise Refused(f"a message for the queue {queue} has {size} bytes; a queue takes {_LARGEST_MESSAGE} at most")
        try:
            self._put(queue, text, delay)
        except NotFound:
            self._create(queue)
            self._put(queue, text, delay)

    def _put(self, queue: str, text: str, delay: timedelta) -> None:
        hidden = math.ceil(min(max(delay, timedelta(0)), _LONGEST_DELAY).total_seconds())
        # Hidden time counts as life, and the service refuses a message that would be hidden all its life.
        life = hidden + int(_CHECKS_LIVE.total_seconds()) if queue == CHECKS else _FOREVER
        with translated(f"sending to the queue {queue}"):
            self._account.queue(queue).send_message(text, visibility_timeout=hidden, time_to_live=life)

    def _create(self, queue: str) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

        with translated(f"making the queue {queue}"):
            try:
                self._account.queue(queue).create_queue()
            except ResourceExistsError:
                return
