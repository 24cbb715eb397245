"""Every metric, by name. Dimensions are few and bounded; what a number is about in detail is told by events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from opentelemetry import metrics

from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.candidate import Status
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.promotion.waiting import Waiting
from shared.domain.references import parse_repository
from shared.domain.watching.budget import Budget, Refusal, left, locked_for

_METER = metrics.get_meter("tidegate")

CHECKS = _METER.create_counter("tidegate.checks", "{repository}", "Upstream repositories checked, by upstream.")
UPSTREAM_REQUESTS = _METER.create_counter(
    "tidegate.upstream.requests", "{request}", "Questions asked, by the host whose limit is used and outcome."
)
VERDICTS = _METER.create_counter("tidegate.verdicts", "{run}", "Finished runs of gates, by verdict.")
RUNS_REPEATED = _METER.create_counter(
    "tidegate.runs.repeated", "{run}", "Runs of gates that were asked for again and may have run twice."
)
TIME_TO_PROMOTE = _METER.create_histogram("tidegate.time_to_promote", "s", "From detected to promoted.")
REBUILDS = _METER.create_counter("tidegate.rebuilds", "{rebuild}", "Rebuilds that ended, by outcome.")
POISON = _METER.create_counter("tidegate.poison", "{message}", "Messages that could not be worked on, by queue.")
PUT_OFF = _METER.create_counter(
    "tidegate.put_off", "{question}", "Looks and imports put off because a budget is short, by upstream and reason."
)
# What each sweep finds is recorded in histograms, not in gauges: the SDK sends a gauge's last value again and again
# for as long as the process lives. A sweep that has stopped must not look as if it went on, and where instances take
# turns in sweeping, each would go on telling what it saw last beside what is so now.
CANDIDATES = _METER.create_histogram("tidegate.candidates", "{candidate}", "Current candidates at a sweep, by status.")
OLDEST = _METER.create_histogram("tidegate.candidates.oldest", "s", "Age of the oldest in its status, at a sweep.")
BUDGET_LEFT = _METER.create_histogram(
    "tidegate.budget.left", "{request}", "Requests an upstream still grants in the window that runs, at a sweep."
)
BUDGET_LIMIT = _METER.create_histogram(
    "tidegate.budget.limit", "{request}", "Requests it grants in a whole window, told beside what is left."
)
BUDGET_LOCKED = _METER.create_histogram(
    "tidegate.budget.locked", "s", "For how long an upstream that said 429 is still left alone, at a sweep."
)


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


def budgets_observed(budgets: Iterable[Budget], now: datetime) -> None:
    """Record what a sweep found in the table that all instances take from.

    An upstream without a known limit tells nothing. One that is not asked any more tells nothing from the end of its
    window on, though its row stays.

    Args:
        budgets: of every upstream.
        now: UTC.
    """
    for budget in budgets:
        dimensions = {"tidegate.upstream": budget.upstream}
        requests = left(budget, now)
        if requests is not None:
            BUDGET_LEFT.record(requests, dimensions)
            BUDGET_LIMIT.record(budget.limit, dimensions)
        if locked := locked_for(budget, now):
            BUDGET_LOCKED.record(locked.total_seconds(), dimensions)


def put_off(upstream: str, refusal: Refusal) -> None:
    """Count a look or an import that an upstream's budget did not allow."""
    PUT_OFF.add(1, {"tidegate.upstream": upstream, "tidegate.reason": refusal.value})
