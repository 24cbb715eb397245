"""Wake for what was left behind, and put away what ended long ago: what no message will ever ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from shared.domain.promotion.candidate import Candidate, run_names
from shared.domain.promotion.due import REBUILDS, SCANS, UNDER_WAY
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, rebuild_run_names
from shared.domain.promotion.schedule import KEPT_CURRENT, OVERDUE_GRACE, SCAN_KEPT, is_overdue
from shared.domain.promotion.transitions import ENDS
from shared.domain.promotion.waiting import Waiting
from shared.domain.scan.scan import SCAN_ENDS, Scan
from shared.domain.scan.scan_runs import scan_run_names
from shared.domain.waves.states import WaveState
from shared.errors import ServiceError, TidegateError
from shared.ports import R, Stored
from shared.rules.progress import Progress
from shared.rules.putting_away import PuttingAway
from shared.rules.targets import TargetBook
from shared.run_ports import Runs

# Loaded where anything travels with images.
if TYPE_CHECKING:
    from shared.domain.waves.wave import Wave
    from shared.rules.companion_book import CompanionBook
    from shared.rules.wave_book import WaveBook

log = logging.getLogger("tidegate.sweep")


class Swept(msgspec.Struct, frozen=True):
    """What a sweep found.

    Attributes:
        under_way: records that have not ended.
        overdue: of these, how many nobody has looked at in time.
        archived: ended ones that were put away, or deleted.
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
        UNDER_WAY,
        lambda stored: _succeeded(stored, succeed) if stored.record.is_earlier else _is_overdue(progress, stored),
        PuttingAway(progress.records.archive_all, lambda candidate: (staging_runs, run_names(candidate))),
    )


def sweep_rebuilds(progress: Progress[Rebuild], runs: Mapping[str, Runs]) -> Swept:
    """Sweep the rebuilds; ``runs`` are ACR Tasks of the application registries, by the registry's name."""
    return _sweep(
        progress,
        REBUILD_ENDS,
        REBUILDS,
        lambda stored: _is_overdue(progress, stored),
        PuttingAway(
            progress.records.archive_all,
            lambda rebuild: (runs.get(rebuild.registry) if rebuild.is_of_acr else None, rebuild_run_names(rebuild)),
        ),
    )


def sweep_scans(progress: Progress[Scan], staging_runs: Runs) -> Swept:
    """Sweep the scans: wake for what is overdue, and delete what nobody has asked for in a long time.

    Args:
        progress: where they are kept and how they go on.
        staging_runs: ACR Tasks of the staging registry, to forget the runs of what is deleted.
    """
    return _sweep(
        progress,
        SCAN_ENDS,
        SCANS,
        lambda stored: _is_overdue(progress, stored),
        PuttingAway(progress.records.delete_all, lambda scan: (staging_runs, scan_run_names(scan))),
        kept=SCAN_KEPT,
    )


def sweep_targets(book: TargetBook) -> int:
    """Wake for the targets that are overdue, and return how many those are."""
    overdue = [stored.record for stored in book.targets.due(book.clock() - OVERDUE_GRACE)]
    for target in overdue:
        book.wake(target)
    if overdue:
        log.info("sweep: %d targets are overdue", len(overdue))
    return len(overdue)


def sweep_companions(book: CompanionBook) -> int:
    """Wake for what travels with images and is overdue, or is to be listed again; return how many those are."""
    overdue = [stored.record for stored in book.records.due(book.clock() - OVERDUE_GRACE)]
    for companions in overdue:
        book.take_up(companions)
    if overdue:
        log.info("sweep: what travels with %d digests is to be looked at", len(overdue))
    return len(overdue)


def sweep_waves(book: WaveBook, number_of: Callable[[Wave], int]) -> int:
    """Wake for the waves that are overdue, and return how many those are.

    What waits for a person sleeps until then. Once its tag is decided on anew, it waits for nobody.

    Args:
        book: where waves are.
        number_of: gives the number of the decision that is in force for a wave's tag; 0 if there is none.
    """
    overdue = [stored.record for stored in book.waves.due(book.clock() - OVERDUE_GRACE)]
    for wave in overdue:
        book.wake(wave)
    if overdue:
        log.info("sweep: %d waves are overdue", len(overdue))
    for held in book.waves.every(book.registry, states=(WaveState.HELD,)):
        if number_of(held.record) != held.record.number:
            book.due_now(held.record.id)
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
    away: PuttingAway[R],
    kept: timedelta = KEPT_CURRENT,
) -> Swept:
    """What is under way is read, and of what has ended only what is to be put away."""
    waiting: dict[str, Waiting] = {}
    overdue: list[bool] = []

    def find(stored: Stored[R]) -> None:
        _find(waiting, stored.record)
        overdue.append(take_up(stored))

    old = progress.clock() - kept
    unread = _each(progress.records.in_status(under_way), find)
    old_unread = _each(progress.records.in_status(ends, old), away.take)
    archived = away.finish()
    if any(overdue) or archived:
        log.info("sweep: %d under way, %d overdue, %d put away", len(overdue), sum(overdue), archived)
    if (problem := unread or old_unread) is not None:
        raise problem
    return Swept(len(overdue), sum(overdue), archived, waiting)


def _each(found: Iterable[Stored[R]], act: Callable[[Stored[R]], None]) -> ServiceError | None:
    """Rows that cannot be read are told after all others, and keep nothing from what comes after them."""
    try:
        for stored in found:
            act(stored)
    except ServiceError as error:
        return error
    return None


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


def _find(waiting: dict[str, Waiting], record: Candidate | Rebuild | Scan) -> None:
    found = waiting.get(record.status.value, Waiting(0, record.since))
    waiting[record.status.value] = Waiting(found.count + 1, min(found.oldest, record.since))
