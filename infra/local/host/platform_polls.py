"""The platform's own looks at the queues an app listens to, made at the customer's storage and cost.

One GetQueueMetadata for each queue and interval, and one PeekMessages where that said more than none, as
``QueueMetricsProvider`` of the WebJobs SDK's queue extension does it (Azure/azure-sdk-for-net). Ten seconds are what
https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider says of Consumption.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Literal

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient

from infra.local.host.counts import Counts
from infra.local.host.telemetry import untold

_log = logging.getLogger("host.scale")
Hidden = Literal["counted", "ignored-alone"]


class PlatformPolls:
    """The lengths of queues by the name of the scale group that listens, as of the last look.

    Args:
        queues: by group.
        seconds: between two looks at the same queue.
        hidden: ``counted``: a queue is as long as it has messages, visible or not; ``ignored-alone``: the same, but one
            where a peek sees none is empty, as the newest extension takes it.
        counts: where each look is counted.
    """

    def __init__(self, queues: Mapping[str, QueueClient], seconds: float, hidden: Hidden, counts: Counts) -> None:
        self._queues = queues
        self._seconds = seconds
        self._hidden = hidden
        self._counts = counts
        self._lengths = dict.fromkeys(queues, 0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platform polls", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def length(self, group: str) -> int:
        """Return how many messages wait for a group, as far as known."""
        return self._lengths[group]

    def look(self) -> None:
        """Look at every queue once; one that cannot be read keeps the length it had."""
        for group, queue in self._queues.items():
            try:
                with untold():
                    self._lengths[group] = self._length(queue)
            except AzureError as error:
                _log.debug("the queue of '%s' cannot be read: %s", group, error)

    def _run(self) -> None:
        self.look()
        while not self._stopping.wait(self._seconds):
            self.look()

    def _length(self, queue: QueueClient) -> int:
        self._counts.add("platform_polls", "GetQueueMetadata")
        length = queue.get_queue_properties(retry_total=0).approximate_message_count or 0
        if length == 0:
            return 0
        self._counts.add("platform_polls", "PeekMessages")
        seen = queue.peek_messages(max_messages=1, retry_total=0)
        return length if seen or self._hidden == "counted" else 0
