"""Wake for what was left behind, and put away what ended long ago: what no message will ever ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from itertools import islice

import msgspec

from shared.domain.promotion.candidate import Candidate, Status, run_names
from shared.domain.promotion.due import REBUILDS
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, rebuild_run_names
from shared.domain.promotion.schedule import KEPT_CURRENT, OVERDUE_GRACE, is_overdue
from shared.domain.promotion.waiting import Waiting
from shared.errors import TidegateError
from shared.ports import R, Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.run_ports import Runs

log = logging.getLogger("tidegate.sweep")

# Putting away costs a few requests each; what is left waits for the next sweep.
MOST_ARCHIVED = 50


class Swept(msgspec.Struct, frozen=True):
    """What a sweep found.

    Attributes:
        under_way: records that have not ended.
        overdue: of these, how many nobody has looked at in time.
        archived: ended ones that were put away.
        waiting: what is under way, by status.
    """

    under_way: int
    overdue: int
    archived: int
    waiting: Mapping[str, Waiting]


def sweep_candidates(
    progress: Progress[Candidate], staging_runs: Runs, succeed: Callable[[Stored[Candidate]], None]
) -> Swept:
    """Sweep the candidates.

    Args:
        progress: where they are kept and how they go on.
        staging_runs: ACR Tasks of the staging registry, to forget the runs of what is put away.
        succeed: lets the candidate of its digest go on for a record that an earlier version left under way.

    Returns:
        What was found.
    """
    return _sweep(
        progress,
        ENDS,
        frozenset(Status) - ENDS,
        lambda stored: _succeeded(stored, succeed) if stored.record.is_earlier else _is_overdue(progress, stored),
        lambda candidate: _forget(staging_runs, run_names(candidate)),
    )


def sweep_rebuilds(progress: Progress[Rebuild], runs: Mapping[str, Runs]) -> Swept:
    """Sweep the rebuilds; ``runs`` are ACR Tasks of the application registries, by the registry's name."""
    return _sweep(
        progress,
        REBUILD_ENDS,
        REBUILDS,
        lambda stored: _is_overdue(progress, stored),
        lambda rebuild: _forget(runs.get(rebuild.registry), rebuild_run_names(rebuild)),
    )


def sweep_targets(book: TargetBook) -> int:
    """Wake for the targets that are overdue, and return how many those are."""
    overdue = [stored.record for stored in book.targets.due(book.clock() - OVERDUE_GRACE)]
    for target in overdue:
        book.wake(target)
    if overdue:
        log.info("sweep: %d targets are overdue", len(overdue))
    return len(overdue)


def sweep_each(*sweeps: Callable[[], object]) -> None:
    """Make several sweeps, of which none that fails keeps the others from being made.

    Raises:
        TidegateError: the first that failed.
    """
    problems: list[TidegateError] = []
    for sweep in sweeps:
        try:
            sweep()
        except TidegateError as error:
            log.warning("a sweep was cut short: %s", error)
            problems.append(error)
    if problems:
        raise problems[0]


def _sweep(
    progress: Progress[R],
    ends: Collection[Enum],
    under_way: Collection[Enum],
    take_up: Callable[[Stored[R]], bool],
    forget: Callable[[R], None],
) -> Swept:
    """What is under way is read, and of what has ended only what is to be put away."""
    waiting: dict[str, Waiting] = {}
    overdue = found = 0
    for stored in progress.records.in_status(under_way):
        _find(waiting, stored.record)
        found += 1
        overdue += take_up(stored)
    old = islice(progress.records.in_status(ends, progress.clock() - KEPT_CURRENT), MOST_ARCHIVED)
    archived = sum(_archive(progress, stored, forget) for stored in old)
    if overdue or archived:
        log.info("sweep: %d under way, %d overdue, %d put away", found, overdue, archived)
    return Swept(found, overdue, archived, waiting)


def _is_overdue(progress: Progress[R], stored: Stored[R]) -> bool:
    """The message that was to wake for it is lost, or not all that was due could be looked at yet."""
    overdue = is_overdue(stored.record.look_at, progress.clock())
    if overdue:
        progress.wake(stored.record)
    return overdue


def _succeeded(stored: Stored[Candidate], succeed: Callable[[Stored[Candidate]], None]) -> bool:
    try:
        succeed(stored)
    except TidegateError as error:
        log.warning("%s does not go on yet, the next sweep tries again: %s", stored.record.id, error)
        return False
    return True


def _find(waiting: dict[str, Waiting], record: Candidate | Rebuild) -> None:
    found = waiting.get(record.status.value, Waiting(0, record.since))
    waiting[record.status.value] = Waiting(found.count + 1, min(found.oldest, record.since))


def _archive(progress: Progress[R], stored: Stored[R], forget: Callable[[R], None]) -> bool:
    """The names of its runs go first: once it is in the archive nobody looks for them."""
    try:
        forget(stored.record)
        progress.records.archive(stored)
    except TidegateError as error:
        log.warning("%s could not be put away, the next sweep tries again: %s", stored.record.id, error)
        return False
    return True


def _forget(runs: Runs | None, names: tuple[str, ...]) -> None:
    if runs is None:  # a registry that is not in the settings any more: we may not be allowed to reach it
        return
    for name in names:
        runs.forget(name)
