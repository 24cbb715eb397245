"""Timer triggers: one listener a function, which runs one occurrence at a time and never retries one.

Follows ``TimerListener`` of Azure/azure-webjobs-sdk-extensions. Times are UTC, as in Azure unless set otherwise.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from infra.local.host.invoke import Invoker
from infra.local.host.metadata import Function
from infra.local.host.ncrontab import Schedule
from infra.local.host.schedule_status import ScheduleStatus, StatusStore, resume
from infra.local.host.values import timer_value

_log = logging.getLogger("host.timers")


class TimerListener:
    """Runs one timer function on its schedule."""

    def __init__(self, function: Function, schedule: Schedule, invoker: Invoker, store: StatusStore | None):
        """Prepare; the clock does not run yet.

        Arguments:
            function: the timer function.
            schedule: when it runs.
            invoker: runs it.
            store: where the last run is kept so that a missed one is noticed after a restart; ``None`` for schedules
                that come around more often than every minute, which the real host does not monitor either.
        """
        self._function = function
        self._schedule = schedule
        self._invoker = invoker
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"timer {function.name}", daemon=True)

    def start(self) -> None:
        """Begin to keep the schedule."""
        self._thread.start()

    def stop(self) -> None:
        """Start no further run; one that is under way goes on."""
        self._stopping.set()

    def _run(self) -> None:
        status, past_due = resume(self._remembered(), self._schedule, datetime.now(UTC))
        self._remember(status)
        if past_due or self._function.trigger.get("runOnStartup"):
            status = self._occur(status, past_due, early=True)
        while not self._stopping.wait(max(0.0, (status.next - datetime.now(UTC)).total_seconds())):
            status = self._occur(status, past_due=False, early=False)

    def _occur(self, status: ScheduleStatus, past_due: bool, early: bool) -> ScheduleStatus:
        """Run the function once and return the status after it; ``early``: not at its scheduled time."""
        began = datetime.now(UTC)
        reason = f"Timer fired{' late' if past_due else ''} at {began.isoformat()}"
        value = timer_value(past_due, status if self._store else None)
        # Waiting here is what keeps a timer to one run at a time; how the run ended makes no difference.
        self._invoker.submit(self._function, value, reason).exception()
        # A clock that fires a little early must not make the same occurrence come twice.
        counted = began if early else max(began, status.next)
        after = ScheduleStatus(counted, self._schedule.next_after(counted), counted)
        self._remember(after)
        return after

    def _remembered(self) -> ScheduleStatus | None:
        try:
            return self._store.read(self._function.name) if self._store else None
        except AzureError as error:
            _log.warning("status of timer '%s' cannot be read: %s", self._function.name, error)
            return None

    def _remember(self, status: ScheduleStatus) -> None:
        try:
            if self._store:
                self._store.write(self._function.name, status)
        except AzureError as error:
            _log.warning("status of timer '%s' cannot be written: %s", self._function.name, error)
