"""What the runs of application tasks say of them: how the last one ended, and which images were pushed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.domain.gate.verdict import RunStatus

# What says something of a task; all else says something of who ran it.
_DECIDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED})
# A run that pushes more than this says enough by the first of them.
_MOST_PUSHED = 50


class Pushed(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image that a task pushes.

    Attributes:
        registry: its host; empty for the task's own registry.
        repository: in that registry.
        tag: the tag.
        digest: what was pushed; empty if only the task's definition says so.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""


class TaskRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of a task that has ended.

    Attributes:
        run_id: the registry's id.
        status: how it ended.
        ended_at: when, UTC.
        pushed: what it pushed.
    """

    run_id: str
    status: RunStatus
    ended_at: datetime | None = None
    pushed: tuple[Pushed, ...] = ()


class TaskRuns(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a task by its runs.

    Attributes:
        decided: the last run that passed or failed, whoever asked for it; ``None`` if none is known.
        pushed: what the last one pushed that passed.
    """

    decided: TaskRun | None = None
    pushed: tuple[Pushed, ...] = ()


def latest_runs(runs: Iterable[tuple[str, TaskRun]]) -> dict[str, TaskRuns]:
    """Return what runs say of their tasks, by the task's name in lower case.

    Args:
        runs: each with its task's name, newest first.
    """
    found: dict[str, TaskRuns] = {}
    pushed: set[str] = set()
    for task, run in runs:
        name = task.lower()
        if run.status not in _DECIDED:
            continue
        found.setdefault(name, TaskRuns(msgspec.structs.replace(run, pushed=())))
        if run.status is RunStatus.SUCCEEDED and name not in pushed:
            pushed.add(name)
            found[name] = msgspec.structs.replace(found[name], pushed=run.pushed[:_MOST_PUSHED])
    return found


def newer(known: TaskRuns | None, found: TaskRuns | None) -> TaskRuns | None:
    """Return what is known of a task after its runs were read; what they do not tell any more stays known."""
    if known is None or found is None:
        return found or known
    return found if found.pushed else msgspec.structs.replace(found, pushed=known.pushed)
