"""Queue triggers: one listener a function, polling its queue as the real host does.

Follows ``QueueListener`` of the WebJobs SDK's queue extension (Azure/azure-sdk-for-net,
``Microsoft.Azure.WebJobs.Extensions.Storage.Common``). Like it, a listener makes no queue: it waits until there is one.
"""

from __future__ import annotations

import logging
import threading

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from infra.local.host.backoff import Backoff
from infra.local.host.hostjson import MIN_POLLING_SECONDS, QueueOptions
from infra.local.host.processing import Processor
from infra.local.host.telemetry import untold

_log = logging.getLogger("host.queues")


class QueueListener:
    """Polls one queue and hands what it finds to a processor."""

    def __init__(self, queue: QueueClient, processor: Processor, options: QueueOptions, invisible_seconds: float):
        """Prepare; nothing is polled yet.

        Arguments:
            queue: the queue to listen to.
            processor: takes the messages.
            options: from host.json.
            invisible_seconds: how long a received message stays invisible unless renewed.
        """
        self.queue_name = queue.queue_name
        self._queue = queue
        self._processor = processor
        self._options = options
        self._invisible_seconds = invisible_seconds
        self._backoff = Backoff(MIN_POLLING_SECONDS, options.max_polling_seconds)
        self._exists = False
        self._told_missing = False
        self._found = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"queue {self.queue_name}", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once: this host has just put a message there."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the listener to poll no more; what runs goes on."""
        self._stopping.set()
        self._wake.set()
        self._processor.release_waiting()

    def join(self) -> None:
        """Wait until no further message can come.

        A batch that is being received when the host stops is still begun: left alone, it would stay invisible.
        """
        self._thread.join()

    @property
    def held(self) -> int:
        """How many messages are begun and not yet settled."""
        return self._processor.held

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if batch := self._receive():
                self._begin(batch)
            else:
                self._wake.wait(self._backoff.next(self._found))
                self._found = False

    def _begin(self, batch: list[QueueMessage]) -> None:
        _log.info("Poll on queue '%s' found %d messages", self.queue_name, len(batch))
        self._found = True
        for message in batch:
            self._processor.begin(message)
        self._processor.wait_for_room(self._stopping)

    def _receive(self) -> list[QueueMessage]:
        with untold():
            return self._page()

    def _page(self) -> list[QueueMessage]:
        try:
            # As in the SDK: look once whether the queue is there, and again after an error only.
            if not self._exists:
                self._queue.get_queue_properties(retry_total=0)
                self._exists = True
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size,
                visibility_timeout=round(self._invisible_seconds),
                retry_total=0,
            ).by_page()
            # One page is one request; to iterate on would ask again until the queue is empty.
            return list(next(pages, ()))
        except AzureError as error:
            self._exists = False
            self._report(error)
            return []

    def _report(self, error: AzureError) -> None:
        if not isinstance(error, ResourceNotFoundError):
            _log.warning("queue '%s' cannot be read: %s", self.queue_name, error)
        elif not self._told_missing:
            self._told_missing = True
            _log.warning("queue '%s' does not exist; a trigger does not make it, here or in Azure", self.queue_name)
