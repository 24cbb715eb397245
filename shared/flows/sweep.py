"""Take up what was left behind, and put away what ended long ago: what no message will ever ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from shared.domain.promotion.candidate import Candidate, run_names
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, rebuild_run_names
from shared.domain.promotion.schedule import KEPT_CURRENT
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
        taken_up: overdue ones whose message was sent again.
        archived: ended ones that were put away.
        waiting: all that it found, by status.
    """

    under_way: int
    taken_up: int
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
        lambda candidate: candidate.status in ENDS,
        lambda stored: _succeeded(stored, succeed) if stored.record.is_earlier else progress.take_up(stored),
        lambda candidate: _forget(staging_runs, run_names(candidate)),
    )


def sweep_rebuilds(progress: Progress[Rebuild], runs: Mapping[str, Runs]) -> Swept:
    """Sweep the rebuilds; ``runs`` are ACR Tasks of the application registries, by the registry's name."""
    return _sweep(
        progress,
        lambda rebuild: rebuild.status in REBUILD_ENDS,
        progress.take_up,
        lambda rebuild: _forget(runs.get(rebuild.registry), rebuild_run_names(rebuild)),
    )


def sweep_targets(book: TargetBook) -> int:
    """Take up the targets that are overdue, and return how many those were."""
    taken_up = sum(book.take_up(stored) for stored in book.targets.due(book.clock()))
    if taken_up:
        log.info("sweep: %d targets taken up again", taken_up)
    return taken_up


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
    ended: Callable[[R], bool],
    take_up: Callable[[Stored[R]], bool],
    forget: Callable[[R], None],
) -> Swept:
    under_way = taken_up = archived = 0
    waiting: dict[str, Waiting] = {}
    for stored in progress.records.current():
        _find(waiting, stored.record)
        if not ended(stored.record):
            under_way += 1
            taken_up += take_up(stored)
        elif archived < MOST_ARCHIVED and _is_old(progress, stored):
            archived += _archive(progress, stored, forget)
    if taken_up or archived:
        log.info("sweep: %d under way, %d taken up again, %d put away", under_way, taken_up, archived)
    return Swept(under_way, taken_up, archived, waiting)


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


def _is_old(progress: Progress[R], stored: Stored[R]) -> bool:
    return progress.clock() - stored.record.look_at > KEPT_CURRENT


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
