"""The queue and timer listeners of an app, or of a part of it: started together and stopped in good order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from azure.storage.blob import BlobServiceClient

from infra.local.host import ncrontab
from infra.local.host.deliveries import Renewals
from infra.local.host.hostjson import HostJson
from infra.local.host.invoke import Invoker
from infra.local.host.metadata import Function
from infra.local.host.ncrontab import Schedule
from infra.local.host.processing import Processor, poison_queue_name
from infra.local.host.queues import QueueListener
from infra.local.host.schedule_status import StatusStore, needs_store
from infra.local.host.storage import blob_service, queue_service
from infra.local.host.timers import TimerListener

_log = logging.getLogger("host")


class Timing(Protocol):
    """What keeps a timer's schedule."""

    def start(self) -> None:
        """Begin to."""

    def stop(self) -> None:
        """Start no further run."""


class Listeners:
    """Listens to what triggers queue and timer functions."""

    def __init__(
        self,
        functions: list[Function],
        host_json: HostJson,
        settings: Mapping[str, str],
        invoker: Invoker,
        invisible_seconds: float,
        statuses: BlobServiceClient | None = None,
        single: Callable[[Function, TimerListener], Timing] = lambda _, timer: timer,
    ):
        """Build every listener; nothing runs yet.

        Arguments:
            functions: those to listen for; HTTP functions among them are left out.
            host_json: of the app.
            settings: app settings.
            invoker: runs the functions.
            invisible_seconds: for how long messages are received, and renewed.
            statuses: where timers keep their last runs, if not by a client of its own.
            single: what keeps a timer to one instance, where there are several.

        Raises:
            ConnectionMissingError: the storage connection of a trigger is not set.
        """
        self._settings = settings
        self._host_json = host_json
        self._invoker = invoker
        self._statuses = statuses
        self._renewals = Renewals(invisible_seconds)
        self._queues = [self._queue(function) for function in functions if function.kind == "queueTrigger"]
        timers = [(one, self._timer(one)) for one in functions if one.kind == "timerTrigger"]
        self._timers = [single(function, timer) for function, timer in timers if timer]

    def start(self) -> None:
        """Start listening; returns at once."""
        for queue in self._queues:
            queue.start()
        for timer in self._timers:
            timer.start()
        _log.info("Host started: %d queue and %d timer listeners", len(self._queues), len(self._timers))

    def stop(self) -> None:
        """Take no more work; what runs goes on."""
        for timer in self._timers:
            timer.stop()
        for queue in self._queues:
            queue.stop()

    def wait_settled(self, deadline: float) -> bool:
        """Wait, up to a moment of the monotonic clock, until every message that was begun is settled; say whether."""
        for queue in self._queues:
            queue.join()
        while self._held() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._held()

    def _held(self) -> int:
        return sum(listener.held for listener in self._queues)

    def _queue(self, function: Function) -> QueueListener:
        service = queue_service(self._settings, str(function.trigger["connection"]))
        name = str(function.trigger["queueName"])
        poison = poison_queue_name(name)
        queue = service.get_queue_client(name)
        options = self._host_json.queues
        processor = Processor(
            function,
            queue,
            service.get_queue_client(poison) if poison else None,
            options,
            self._invoker,
            self._renewals,
            self._wake,
        )
        return QueueListener(queue, processor, options, self._renewals.invisible_seconds)

    def _wake(self, queue_name: str) -> None:
        for listener in self._queues:
            if listener.queue_name == queue_name:
                listener.wake()

    def _timer(self, function: Function) -> TimerListener | None:
        """Return the listener of a timer; ``None`` leaves out a function whose schedule is none, as the SDK does."""
        schedule = schedule_of(function)
        if schedule is None:
            return None
        monitored = function.trigger.get("useMonitor") is not False and needs_store(schedule, datetime.now(UTC))
        store = StatusStore(self._status_blobs()) if monitored else None
        return TimerListener(function, schedule, self._invoker, store)

    def _status_blobs(self) -> BlobServiceClient:
        return self._statuses or blob_service(self._settings, "AzureWebJobsStorage")


def schedule_of(function: Function) -> Schedule | None:
    """Return when a timer runs; ``None``, and a line in the log, where that is no schedule, as the SDK does."""
    try:
        return ncrontab.parse(str(function.trigger["schedule"]))
    except ncrontab.NcrontabError as error:
        _log.error("function '%s' failed indexing and will be disabled: %s", function.name, error)
        return None
