"""The host: every trigger of an app, started together and stopped in good order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from infra.local.host import ncrontab
from infra.local.host.deliveries import INVISIBLE_SECONDS, Renewals
from infra.local.host.hostjson import HostJson
from infra.local.host.http import HttpSide
from infra.local.host.invoke import Invoker
from infra.local.host.keys import Keys
from infra.local.host.metadata import Function
from infra.local.host.processing import Processor, poison_queue_name
from infra.local.host.queues import QueueListener
from infra.local.host.schedule_status import StatusStore, needs_store
from infra.local.host.storage import blob_service, queue_service
from infra.local.host.timers import TimerListener

_log = logging.getLogger("host")


class Host:
    """Serves the functions of one app on 127.0.0.1."""

    def __init__(
        self,
        functions: list[Function],
        host_json: HostJson,
        settings: Mapping[str, str],
        port: int,
        keys: Keys,
        invisible_seconds: float = INVISIBLE_SECONDS,
    ):
        """Build every listener; nothing runs yet. Messages are received for ``invisible_seconds``, and renewed.

        Raises:
            ConnectionMissingError: the storage connection of a trigger is not set.
        """
        self._settings = settings
        self._host_json = host_json
        self._invoker = Invoker()
        self._renewals = Renewals(invisible_seconds)
        self._queues = [self._queue(function) for function in functions if function.kind == "queueTrigger"]
        timers = [self._timer(function) for function in functions if function.kind == "timerTrigger"]
        self._timers = [timer for timer in timers if timer]
        side = HttpSide(functions, host_json.route_prefix, keys, self._invoker, settings)
        self._server = _server(port, side)

    def start(self) -> None:
        """Start listening; returns at once."""
        for queue in self._queues:
            queue.start()
        for timer in self._timers:
            timer.start()
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()
        _log.info("Host started: %d queue and %d timer listeners", len(self._queues), len(self._timers))

    def stop(self, seconds: float) -> bool:
        """Stop taking work, wait up to ``seconds`` for what runs, and return whether all of it ended."""
        deadline = time.monotonic() + seconds
        for timer in self._timers:
            timer.stop()
        for queue in self._queues:
            queue.stop()
        self._server.shutdown()
        for queue in self._queues:
            queue.join()
        # A message is settled after its function ended, so functions alone are not enough to wait for.
        while self._held() and time.monotonic() < deadline:
            time.sleep(0.02)
        ended = self._invoker.close(max(0.0, deadline - time.monotonic()))
        return ended and not self._held()

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
        try:
            schedule = ncrontab.parse(str(function.trigger["schedule"]))
        except ncrontab.NcrontabError as error:
            _log.error("function '%s' failed indexing and will be disabled: %s", function.name, error)
            return None
        monitored = function.trigger.get("useMonitor") is not False and needs_store(schedule, datetime.now(UTC))
        store = StatusStore(blob_service(self._settings, "AzureWebJobsStorage")) if monitored else None
        return TimerListener(function, schedule, self._invoker, store)


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests and leaves the log to the functions."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        _log.debug("%s %s %s %s", self.command, self.path, code, size)


def _server(port: int, side: HttpSide) -> BaseWSGIServer:
    return make_server("127.0.0.1", port, side, threaded=True, request_handler=_QuietHandler)
