"""What a timer remembers over a restart: its last and its next run, in the blob the real host keeps them in.

Follows ``ScheduleMonitor`` of Azure/azure-webjobs-sdk-extensions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from infra.local.host.ncrontab import Schedule

_CONTAINER = "azure-webjobs-hosts"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)  # .NET's default(DateTime)


@dataclass(frozen=True)
class ScheduleStatus:
    """When a timer last ran (``None``: never), when it is due next, and the time that was reckoned from; all UTC."""

    last: datetime | None
    next: datetime
    updated: datetime

    def to_json(self) -> dict[str, str]:
        """Return the fields by the names the blob and ``TimerRequest`` use."""
        return {
            "Last": (self.last or _NEVER).isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }

    @staticmethod
    def from_json(record: dict[str, Any]) -> ScheduleStatus:
        """Read what ``to_json`` wrote."""
        last, due, updated = (datetime.fromisoformat(record[name]) for name in ("Last", "Next", "LastUpdated"))
        return ScheduleStatus(None if last == _NEVER else last, due, updated)


class StatusStore:
    """The statuses of all timers, one blob each."""

    def __init__(self, blobs: BlobServiceClient):
        """Use the storage account of the host (``AzureWebJobsStorage``)."""
        self._container = blobs.get_container_client(_CONTAINER)

    def read(self, function_name: str) -> ScheduleStatus | None:
        """Return the status of one timer, or ``None`` when it was never written."""
        try:
            record = json.loads(self._container.download_blob(_blob(function_name)).readall())
        except ResourceNotFoundError:
            return None
        return ScheduleStatus.from_json(record)

    def write(self, function_name: str, status: ScheduleStatus) -> None:
        """Replace the status of one timer."""
        text = json.dumps(status.to_json())
        try:
            self._container.upload_blob(_blob(function_name), text, overwrite=True)
        except ResourceNotFoundError:
            self._make_container()
            self._container.upload_blob(_blob(function_name), text, overwrite=True)

    def _make_container(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            # Another timer's thread was first.
            return


def resume(stored: ScheduleStatus | None, schedule: Schedule, now: datetime) -> tuple[ScheduleStatus, bool]:
    """Return the status a timer starts with, and whether a run was missed while no host ran.

    Arguments:
        stored: what was kept, ``None`` when the timer never ran.
        schedule: the schedule as it is now; a run that only another schedule asked for does not count as missed.
        now: the time of the start.
    """
    if stored is None:
        return ScheduleStatus(None, schedule.next_after(now), now), False
    reckoned_from = stored.last or stored.updated
    expected = schedule.next_after(reckoned_from)
    if stored.next == expected:
        return stored, stored.next < now
    if expected > now:
        return ScheduleStatus(None, expected, reckoned_from), False
    return ScheduleStatus(None, schedule.next_after(now), now), False


def needs_store(schedule: Schedule, now: datetime) -> bool:
    """Whether a schedule is slow enough to be monitored: the real host leaves out those under a minute."""
    fields = schedule.expression.split()
    if any(field != "*" for field in fields[1:]):
        return True
    second = schedule.next_after(schedule.next_after(now))
    return second > now + timedelta(minutes=1)


def _blob(function_name: str) -> str:
    return f"timers/local/{function_name}/status"
