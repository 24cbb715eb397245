"""Poison queues: where the Functions host puts a message that was delivered too often.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#poison-messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.errors import translated
from shared.dead_letter_ports import HIDDEN, MOST_AT_ONCE, DeadLetter
from shared.errors import NotFound, Refused

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueMessage

# https://learn.microsoft.com/rest/api/storageservices/queue-service-error-codes
_TAKEN_SINCE = "PopReceiptMismatch"


class PoisonQueues:
    """The port ``DeadLetters``. A queue that is not there is empty: the host makes it for the first dead message.

    Args:
        account: where the queues are.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    def take(self, queue: str) -> tuple[DeadLetter, ...]:
        """See ``DeadLetters.take``. One transaction."""
        try:
            with translated(f"looking for what died in the queue {queue}"):
                asked = self._client(queue).receive_messages(
                    messages_per_page=MOST_AT_ONCE, visibility_timeout=int(HIDDEN.total_seconds())
                )
                return tuple(_letter(queue, found) for found in next(asked.by_page(), ()))
        except NotFound:
            return ()

    def delete(self, letter: DeadLetter) -> None:
        """See ``DeadLetters.delete``. One transaction."""
        try:
            with translated(f"deleting what died in the queue {letter.queue}"):
                self._client(letter.queue).delete_message(letter.id, letter.receipt)
        except NotFound:
            return
        except Refused as error:
            if error.code != _TAKEN_SINCE:
                raise

    def _client(self, queue: str) -> QueueClient:
        return self._account.queue(f"{queue}-poison")


def _letter(queue: str, found: QueueMessage) -> DeadLetter:
    assert found.inserted_on is not None  # noqa: S101
    return DeadLetter(queue, found.content, found.inserted_on, found.id, found.pop_receipt or "")
