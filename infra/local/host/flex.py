"""The host as Flex Consumption scales it: instances for each scale group, as many as its work wants."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from azure.storage.queue import QueueClient

from infra.local.host.counts import Counts
from infra.local.host.fleet import Fleet
from infra.local.host.front import Front
from infra.local.host.hostjson import QueueOptions
from infra.local.host.keys import Keys
from infra.local.host.listeners import schedule_of
from infra.local.host.metadata import Function
from infra.local.host.platform_polls import PlatformPolls
from infra.local.host.scale_options import ScaleOptions
from infra.local.host.scaling import ScaleGroup, Wish, allot, scale_groups, wanted_for
from infra.local.host.serving import web_server
from infra.local.host.sign_in_pages import Around
from infra.local.host.starting import InstanceStart
from infra.local.host.storage import queue_service
from infra.local.host.timer_watch import TimerWatch

# How often the state of the instances is looked at; lengths of queues are as old as the platform's last poll.
_LOOK_SECONDS = 0.2
_log = logging.getLogger("host.scale")


class FlexHost:
    """Serves the functions of one app on 127.0.0.1, by instances that come and go."""

    def __init__(
        self,
        functions: list[Function],
        queues: QueueOptions,
        settings: Mapping[str, str],
        port: int,
        keys: Keys,
        options: ScaleOptions,
        start: InstanceStart,
        around: Around = lambda app: app,
    ):
        """Prepare; nothing runs yet.

        Arguments:
            functions: of the app, those that are switched off left out.
            queues: from host.json, which say how many messages an instance takes.
            settings: app settings.
            port: where HTTP is served.
            keys: the app's.
            options: how it scales.
            start: starts a process for an instance.
            around: gives what stands before what is served.

        Raises:
            ConnectionMissingError: the storage connection of a trigger is not set.
        """
        self._options = options
        self._a_queue_instance = queues.batch_size + queues.new_batch_threshold
        self._groups = [group for group in scale_groups(functions) if _can_run(group)]
        self._by_name = {group.name: group for group in self._groups}
        self._counts = Counts()
        self._fleet = Fleet(
            lambda name, group, ready_at: start(name, self._by_name[group], options, ready_at), options, self._counts
        )
        listened = {one.name: _queue(one, settings) for one in self._groups if one.kind == "queueTrigger"}
        self._polls = PlatformPolls(listened, options.poll_seconds, options.hidden, self._counts)
        self._timers = self._watched_timers()
        self._front = Front(self._groups, keys, self._fleet, options.http_concurrency, self.counted)
        self._server = web_server(port, around(self._front))
        self._stopping = threading.Event()
        self._scaling = threading.Thread(target=self._scale, name="scale", daemon=True)

    def start(self) -> None:
        """Begin to scale; returns at once."""
        self._polls.start()
        self._scaling.start()
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()
        _log.info(
            "Host started: %d scale groups, %d instances at most", len(self._groups), self._options.most_instances
        )

    def stop(self, seconds: float) -> bool:
        """Stop taking work, wait up to ``seconds`` for what runs, and return whether all of it ended."""
        self._stopping.set()
        self._polls.stop()
        self._scaling.join()
        self._server.shutdown()
        return self._fleet.stop(seconds)

    def counted(self) -> dict[str, object]:
        """Return everything that was counted since the start."""
        return {**self._counts.shown(), **self._fleet.shown(time.monotonic())}

    def _scale(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            now = time.monotonic()
            wishes = [Wish(one.name, self._wanted(one), len(self._fleet.living(one.name))) for one in self._groups]
            for group, granted in allot(wishes, self._options.most_instances).items():
                self._fleet.resize(group, granted, now)
            self._fleet.kill_overdue(now)

    def _wanted(self, group: ScaleGroup) -> int:
        asked = wanted_for(self._front.asking(group.name), self._options.http_concurrency)
        if group.kind == "queueTrigger":
            return max(asked, wanted_for(self._polls.length(group.name), self._a_queue_instance))
        if group.kind == "timerTrigger":
            due = self._timers[group.name].wants(datetime.now(UTC), self._fleet.serves(group.name))
            return max(min(asked, 1), int(due))
        return asked

    def _watched_timers(self) -> dict[str, TimerWatch]:
        now, ahead = datetime.now(UTC), timedelta(seconds=self._options.start_seconds[1] + 1)
        schedules = {one.name: schedule_of(one.functions[0]) for one in self._groups if one.kind == "timerTrigger"}
        return {name: TimerWatch(schedule, ahead, now) for name, schedule in schedules.items() if schedule}


def _can_run(group: ScaleGroup) -> bool:
    return group.kind != "timerTrigger" or schedule_of(group.functions[0]) is not None


def _queue(group: ScaleGroup, settings: Mapping[str, str]) -> QueueClient:
    trigger = group.functions[0].trigger
    return queue_service(settings, str(trigger["connection"])).get_queue_client(str(trigger["queueName"]))
