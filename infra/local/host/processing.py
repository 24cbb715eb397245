"""What happens to a received message: its function runs, then the message is deleted, released or made poison.

Follows ``QueueProcessor`` of the WebJobs SDK's queue extension (Azure/azure-sdk-for-net).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient, QueueMessage

from infra.local.host.deliveries import Delivery, Renewals
from infra.local.host.hostjson import QueueOptions
from infra.local.host.invoke import Invoker, Outcome
from infra.local.host.metadata import Function
from infra.local.host.telemetry import untold
from infra.local.host.values import queue_value

_log = logging.getLogger("host.queues")
_MAX_QUEUE_NAME = 63


class Processor:
    """Processes the messages of one queue."""

    def __init__(
        self,
        function: Function,
        queue: QueueClient,
        poison: QueueClient | None,
        options: QueueOptions,
        invoker: Invoker,
        renewals: Renewals,
        buried: Callable[[str], None],
    ):
        """Prepare.

        Arguments:
            function: the queue-triggered function.
            queue: where its messages come from.
            poison: where messages go that failed too often; ``None`` for a queue that is a poison queue itself.
            options: from host.json.
            invoker: runs the function.
            renewals: keeps messages invisible while it runs.
            buried: told the name of a poison queue that received a message.
        """
        self._function = function
        self._queue = queue
        self._poison = poison
        self._options = options
        self._invoker = invoker
        self._renewals = renewals
        self._buried = buried
        self._held = 0
        self._fewer = threading.Condition()

    @property
    def held(self) -> int:
        """How many messages are begun and not yet settled."""
        return self._held

    def begin(self, message: QueueMessage) -> None:
        """Start the function for a message just received; one that was delivered too often goes to poison at once."""
        delivery = Delivery(self._queue, message)
        if delivery.count > self._options.max_dequeue_count:
            self._settle(delivery, self._give_up)
            return
        try:
            value = queue_value(message, self._options.encoding)
        except ValueError:
            _log.warning("message %s of queue '%s' is not base64", message.id, self._queue.queue_name)
            self._settle(delivery, self._give_up)
            return
        self._count(1)
        self._renewals.keep(delivery)
        reason = f"New queue message detected on '{self._queue.queue_name}'."
        future = self._invoker.submit(self._function, value, reason)
        future.add_done_callback(lambda ended: self._end(delivery, ended))

    def wait_for_room(self, stopping: threading.Event) -> None:
        """Wait until few enough messages are held for another batch, or the host stops."""
        with self._fewer:
            self._fewer.wait_for(lambda: stopping.is_set() or self._held <= self._options.new_batch_threshold)

    def release_waiting(self) -> None:
        """Let ``wait_for_room`` see that the host stops."""
        self._count(0)

    def _count(self, change: int) -> None:
        with self._fewer:
            self._held += change
            self._fewer.notify_all()

    def _end(self, delivery: Delivery, ended: Future[Outcome]) -> None:
        self._renewals.end(delivery)
        if not ended.cancelled():
            self._settle(delivery, self._delete if ended.result().error is None else self._failed)
        self._count(-1)

    def _settle(self, delivery: Delivery, how: Callable[[Delivery], None]) -> None:
        try:
            with untold():
                how(delivery)
        except AzureError:
            # Left as it is, the message becomes visible again by itself: delivery is at least once.
            _log.exception("message %s of queue '%s' could not be settled", delivery.message.id, self._queue.queue_name)

    def _delete(self, delivery: Delivery) -> None:
        delivery.delete()

    def _failed(self, delivery: Delivery) -> None:
        if self._poison is None or delivery.count >= self._options.max_dequeue_count:
            self._give_up(delivery)
        else:
            delivery.release(self._options.visibility_seconds)

    def _give_up(self, delivery: Delivery) -> None:
        if self._poison is None:
            # Left invisible, as the SDK does, so that a failing poison function does not run in a fast loop.
            delivery.abandon()
            return
        _log.warning("Moving message %s to queue '%s'.", delivery.message.id, self._poison.queue_name)
        delivery.bury(self._poison)
        self._buried(self._poison.queue_name)


def poison_queue_name(queue_name: str) -> str | None:
    """Return the name of a queue's poison queue; ``None`` for a poison queue and where the name would be too long."""
    name = f"{queue_name}-poison"
    return None if queue_name.endswith("-poison") or len(name) > _MAX_QUEUE_NAME else name
