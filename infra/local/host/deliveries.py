"""One delivery of a queue message: kept invisible while its function runs, then deleted, released or made poison.

Follows ``QueueProcessor`` and ``UpdateQueueMessageVisibilityCommand`` of the WebJobs SDK's queue extension.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

INVISIBLE_SECONDS = 600.0

_log = logging.getLogger("host.queues")


class Delivery:
    """A message this host holds, with the receipt that proves it."""

    def __init__(self, queue: QueueClient, message: QueueMessage):
        """Take charge of a message just received from ``queue``."""
        self.message = message
        self._queue = queue
        self._receipt = message.pop_receipt or ""
        self._settled = False
        # Renewal changes the receipt while a function ends in another thread.
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How often the message was delivered, this time included."""
        return self.message.dequeue_count or 0

    def renew(self, seconds: float) -> None:
        """Keep the message invisible for ``seconds`` from now, unless it is settled already."""
        with self._lock:
            if not self._settled:
                updated = self._queue.update_message(self.message.id, self._receipt, visibility_timeout=round(seconds))
                self._receipt = updated.pop_receipt or self._receipt

    def delete(self) -> None:
        """Delete the message: its function succeeded, or it lies in the poison queue."""
        with self._lock, _unless_lost(self.message):
            self._settled = True
            self._queue.delete_message(self.message.id, self._receipt)

    def release(self, seconds: float) -> None:
        """Let the message be delivered again after ``seconds``."""
        with self._lock, _unless_lost(self.message):
            self._settled = True
            self._queue.update_message(self.message.id, self._receipt, visibility_timeout=round(seconds))

    def abandon(self) -> None:
        """Leave the message invisible until its time runs out, as for poison queues, which have no poison queue."""
        with self._lock:
            self._settled = True

    def bury(self, poison: QueueClient) -> None:
        """Copy the message, text unchanged, to the poison queue, made if missing, and delete it."""
        try:
            poison.send_message(self.message.content)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                poison.create_queue()
            poison.send_message(self.message.content)
        self.delete()


@contextmanager
def _unless_lost(message: QueueMessage) -> Iterator[None]:
    """Let pass that someone else took the message over, or that it or its queue is gone."""
    try:
        yield
    except HttpResponseError as error:
        if error.status_code not in (400, 404, 409):
            raise
        _log.debug("message %s is no longer ours: %s", message.id, error.message)


class Renewals:
    """Renews what functions still work on, half-way through its invisibility, for all queues in one thread."""

    def __init__(self, invisible_seconds: float = INVISIBLE_SECONDS):
        """Prepare; ``invisible_seconds`` is what messages were received with."""
        self.invisible_seconds = invisible_seconds
        self._due: dict[Delivery, float] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="renewals", daemon=True).start()

    def keep(self, delivery: Delivery) -> None:
        """Begin to keep a delivery invisible."""
        with self._lock:
            self._due[delivery] = time.monotonic() + self.invisible_seconds / 2

    def end(self, delivery: Delivery) -> None:
        """Stop keeping a delivery invisible."""
        with self._lock:
            self._due.pop(delivery, None)

    def _run(self) -> None:
        while True:
            time.sleep(self.invisible_seconds / 20)
            now = time.monotonic()
            with self._lock:
                due = [delivery for delivery, moment in self._due.items() if moment <= now]
            for delivery in due:
                self._renew(delivery)

    def _renew(self, delivery: Delivery) -> None:
        wait = self.invisible_seconds / 2
        try:
            delivery.renew(self.invisible_seconds)
        except AzureError as error:
            _log.warning("could not keep message %s invisible: %s", delivery.message.id, error)
            # The SDK speeds up after a failure: it tries again in a fifth of the time that is left.
            wait /= 5
        with self._lock:
            if delivery in self._due:
                self._due[delivery] = time.monotonic() + wait
