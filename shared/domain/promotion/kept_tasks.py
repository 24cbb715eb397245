"""What is kept of each application task between two listings, and under which bases it is looked up. Pure.

Lists of tasks may leave out what a task was built on; then each task is read by itself, once, and its answer is kept
until its definition changes or a run of it has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.task_runs import TaskRuns, newer
from shared.domain.references import parse_repository
from shared.errors import InvalidReference

# An answer is asked for anew when it is this old, whatever is known of runs: what nobody told heals in a day.
ANSWERS_KEPT = timedelta(days=1)
# A run's end is told by another clock than ours, and what its task is built on may be there a moment later.
AFTER_A_RUN = timedelta(seconds=15)
# Under this name stand the tasks that are built on nothing that is known.
NO_BASE = ""


class ListedTask(msgspec.Struct, frozen=True):
    """A task as a list has it.

    Attributes:
        task: the task; without bases if the list leaves them out.
        complete: whether the list says what it was built on.
        version: of its definition: differs when somebody changed the task.
    """

    task: ApplicationTask
    complete: bool
    version: str = ""


class KeptTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task as it is kept.

    Attributes:
        task: the task; what it is built on may be what it was, while ``is_read`` says that this is not known.
        version: of its definition when it was last listed.
        alone: whether what it is built on has to be read by itself.
        read_at: when that was read, UTC; ``None`` if it is to be read.
    """

    task: ApplicationTask
    version: str = ""
    alone: bool = False
    read_at: datetime | None = None

    @property
    def name(self) -> str:
        """The task's name, as ARM compares names."""
        return self.task.name.lower()

    @property
    def is_read(self) -> bool:
        """Whether it is known what it is built on."""
        return not self.alone or self.read_at is not None


def united(kept: Iterable[KeptTask]) -> dict[str, KeptTask]:
    """Return tasks by name. One that stands under several bases, not all written yet, counts as it was read last."""
    found: dict[str, KeptTask] = {}
    for one in kept:
        other = found.get(one.name)
        if other is None or _read_later(one, other):
            found[one.name] = one
    return found


def _read_later(one: KeptTask, other: KeptTask) -> bool:
    return other.read_at is None or (one.read_at is not None and one.read_at > other.read_at)


def renewed(listed: Iterable[ListedTask], known: Mapping[str, KeptTask]) -> dict[str, KeptTask]:
    """Return the tasks of a list by name, with what is known already of those that it does not say all of."""
    return {one.task.name.lower(): _renewed(one, known.get(one.task.name.lower())) for one in listed}


def _renewed(listed: ListedTask, before: KeptTask | None) -> KeptTask:
    """A task that was changed is still found by what it was built on, until it is known what that is by now."""
    if before is None:
        return KeptTask(listed.task) if listed.complete else KeptTask(listed.task, listed.version, alone=True)
    task = msgspec.structs.replace(listed.task, runs=before.task.runs)
    if listed.complete:
        return KeptTask(task)
    task = msgspec.structs.replace(task, dependencies=before.task.dependencies)
    read_at = before.read_at if before.alone and before.version == listed.version else None
    return KeptTask(task, listed.version, alone=True, read_at=read_at)


def doubted(tasks: Mapping[str, KeptTask], ended: Mapping[str, datetime] | None) -> dict[str, KeptTask]:
    """Return the tasks, those to be read once more of which a run has ended since they were read.

    Args:
        tasks: by name.
        ended: when the last run of a task ended, UTC, by the task's name in lower case; ``None`` if there were so many
            that nobody knows.
    """
    return {name: _doubted(kept, ended) for name, kept in tasks.items()}


def _doubted(kept: KeptTask, ended: Mapping[str, datetime] | None) -> KeptTask:
    if not kept.alone or kept.read_at is None:
        return kept
    end = ended.get(kept.name) if ended is not None else kept.read_at
    since = end is not None and end >= kept.read_at - AFTER_A_RUN
    return msgspec.structs.replace(kept, read_at=None) if since else kept


def to_read(tasks: Iterable[KeptTask], most: int, now: datetime) -> tuple[KeptTask, ...]:
    """Return the tasks that are read in a round: first those that nothing is known of, last old answers."""
    alone = [one for one in tasks if one.alone]
    unread = sorted((one for one in alone if one.read_at is None), key=lambda one: bool(one.task.dependencies))
    dated = [(one.read_at, one) for one in alone if one.read_at is not None and now - one.read_at >= ANSWERS_KEPT]
    old = [one for _, one in sorted(dated, key=lambda pair: pair[0])]
    return tuple([*unread, *old][:most])


def answered(kept: KeptTask, task: ApplicationTask, now: datetime) -> KeptTask:
    """Return a task as it was read by itself."""
    return msgspec.structs.replace(kept, task=msgspec.structs.replace(task, runs=kept.task.runs), read_at=now)


def with_runs(tasks: Mapping[str, KeptTask], found: Mapping[str, TaskRuns]) -> dict[str, KeptTask]:
    """Return the tasks with what their runs say of them.

    Args:
        tasks: by name.
        found: what the runs of a registry said, by the task's name in lower case.
    """
    return {name: _with_runs(kept, found.get(name)) for name, kept in tasks.items()}


def _with_runs(kept: KeptTask, found: TaskRuns | None) -> KeptTask:
    runs = newer(kept.task.runs, found)
    return msgspec.structs.replace(kept, task=msgspec.structs.replace(kept.task, runs=runs))


def by_base(tasks: Iterable[KeptTask]) -> dict[str, tuple[KeptTask, ...]]:
    """Return the tasks by each repository that they are built on, in the order of their names."""
    found: defaultdict[str, list[KeptTask]] = defaultdict(list)
    for kept in sorted(tasks, key=lambda one: one.name):
        for base in _bases(kept.task) or {NO_BASE}:
            found[base].append(kept)
    return {base: tuple(built) for base, built in found.items()}


def _bases(task: ApplicationTask) -> set[str]:
    return {base for one in task.dependencies if (base := base_name(one.registry, one.repository))}


def base_name(host: str, repository: str) -> str:
    """Return the name under which what is built on a repository is looked up; empty if it is none."""
    try:
        return str(parse_repository(f"{host}/{repository}"))
    except InvalidReference:
        return NO_BASE
