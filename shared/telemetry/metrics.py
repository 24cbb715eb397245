"""Every metric, by name. Dimensions are few and bounded; what a number is about in detail is told by events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opentelemetry import metrics

from shared.domain.candidate import Status
from shared.domain.lifecycle import ENDS
from shared.domain.messages import CheckRepositories
from shared.domain.references import parse_repository
from shared.ports import Waiting

_METER = metrics.get_meter("tidegate")

CHECKS = _METER.create_counter("tidegate.checks", "{repository}", "Upstream repositories checked, by upstream.")
UPSTREAM_REQUESTS = _METER.create_counter(
    "tidegate.upstream.requests", "{request}", "Tags looked at, by upstream and outcome."
)
VERDICTS = _METER.create_counter("tidegate.verdicts", "{run}", "Finished runs of gates, by verdict.")
TIME_TO_PROMOTE = _METER.create_histogram("tidegate.time_to_promote", "s", "From detected to promoted.")
REBUILDS = _METER.create_counter("tidegate.rebuilds", "{rebuild}", "Rebuilds that ended, by outcome.")
POISON = _METER.create_counter("tidegate.poison", "{message}", "Messages that could not be worked on, by queue.")
# What each sweep finds is recorded in histograms, not in gauges: the SDK sends a gauge's last value again and again
# for as long as the process lives, and a sweep that has stopped must not look as if it went on.
CANDIDATES = _METER.create_histogram("tidegate.candidates", "{candidate}", "Current candidates at a sweep, by status.")
OLDEST = _METER.create_histogram("tidegate.candidates.oldest", "s", "Age of the oldest in its status, at a sweep.")


def checked(check: CheckRepositories) -> None:
    """Count the repositories of a check that was made."""
    for repository in check.repositories:
        CHECKS.add(1, {"tidegate.upstream": parse_repository(repository).registry})


def observed(waiting: Mapping[str, Waiting], now: datetime) -> None:
    """Record what a sweep found, zeros too: that there is a value at all is the app's heartbeat.

    Args:
        waiting: current candidates by status.
        now: UTC.
    """
    for status in Status:
        found = waiting.get(status.value, Waiting(0, now))
        dimensions = {"tidegate.status": status.value}
        CANDIDATES.record(found.count, dimensions)
        if status not in ENDS:
            OLDEST.record((now - found.oldest).total_seconds(), dimensions)
