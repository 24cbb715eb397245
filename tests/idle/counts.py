"""What was counted in some time, by subject and kind, and how such counts are added and scaled. Pure.

Subjects: ``queue``, ``table`` and ``blob`` are storage requests; ``executions`` calls by function, ``billed seconds``
and ``starts`` of instances by scale group; ``told`` bytes by type of telemetry; ``asked`` requests of upstreams and of
Azure, by front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

Counts = Mapping[str, Mapping[str, float]]

SUBJECTS = ("queue", "table", "blob", "executions", "billed seconds", "starts", "told", "asked")
# Kinds that the storage's log does not tell apart, and the host does.
PLATFORM = "the platform's "
FOUND_NOTHING = "GetMessages that found nothing"
OF_TIMERS = " of a timer's last run"
_PLATFORM_KINDS = {"GetQueueMetadata": "QueueProperties", "PeekMessages": "PeekMessages"}
_STATUS_KINDS = {"GET": "Get", "PUT": "Put"}


def added(*all_counts: Counts) -> Counts:
    """Return the sum of counts."""
    return {
        subject: {
            kind: sum(counts[subject].get(kind, 0) for counts in all_counts)
            for kind in sorted({kind for counts in all_counts for kind in counts[subject]})
        }
        for subject in SUBJECTS
    }


def scaled(counts: Counts, by: float) -> Counts:
    """Return so many times the counts."""
    return {subject: {kind: number * by for kind, number in counts[subject].items()} for subject in SUBJECTS}


def total(counts: Counts, subject: str) -> float:
    """Return how many there were of a subject, of every kind."""
    return sum(counts[subject].values())


def told_apart(logged: Mapping[str, float], empty: float, host: Counts) -> dict[str, dict[str, float]]:
    """Tell storage requests by service and kind, those of platform and host apart.

    Args:
        logged: requests by service and kind, as in ``queue PutMessage``, from the storage's log.
        empty: how many of its GetMessages found nothing.
        host: what the host counted meanwhile of its own.
    """
    queue, table, blob = (
        Counter(
            {kind.removeprefix(f"{service} "): number for kind, number in logged.items() if kind.startswith(service)}
        )
        for service in ("queue", "table", "blob")
    )
    _move(queue, "GetMessages", FOUND_NOTHING, empty)
    for polled, kind in _PLATFORM_KINDS.items():
        _move(queue, kind, f"{PLATFORM}{polled}", host["platform_polls"].get(polled, 0))
    for called, kind in _STATUS_KINDS.items():
        _move(blob, kind, f"{kind}{OF_TIMERS}", host["timer_status_calls"].get(called, 0))
    return {"queue": dict(queue), "table": dict(table), "blob": dict(blob)}


def _move(kinds: Counter[str], kind: str, to: str, number: float) -> None:
    """A request that one side has counted and the other not yet leaves no count below nothing."""
    moved = min(number, kinds[kind])
    kinds[kind] -= moved
    kinds[to] += moved
    for name in (kind, to):
        if not kinds[name]:
            del kinds[name]
