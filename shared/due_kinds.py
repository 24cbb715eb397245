"""What there is to be looked at when it is due, and who looks at it: one table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.due import BEGINS, CANDIDATES, REBUILDS, SCANS, Due, Turns
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.scan.scan import Scan, ScanStatus
from shared.domain.watching.watch_list import WatchList
from shared.errors import TidegateError
from shared.flows.dispatch import Dispatching
from shared.flows.look_at_candidate import CandidateLooker
from shared.flows.look_at_due import Careful, Kind
from shared.flows.look_at_scan import ScanLooker
from shared.flows.rebuild import Rebuilder
from shared.flows.reconcile import Reconciler
from shared.ports import Stored
from shared.rules.breaking import candidate_broke, rebuild_broke, scan_broke, target_broke
from shared.rules.gate_room import GateRoom
from shared.rules.import_room import ImportRoom
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.rules.turn_room import TurnRoom
from shared.target_ports import StoredTarget
from shared.telemetry.spans import looking

# Loaded where somebody is told.
if TYPE_CHECKING:
    from shared.notice_ports import StoredDestination
    from shared.travel_ports import StoredCompanions
    from shared.wave_ports import StoredWave


class Untold(msgspec.Struct, frozen=True):
    """Targets and waves that tell people something; they are taken together, as they go to the same destinations."""

    targets: tuple[StoredTarget, ...]
    waves: tuple[StoredWave, ...] = ()


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
log = logging.getLogger("tidegate.due")


def kinds(
    candidates: Progress[Candidate],
    rebuilds: Progress[Rebuild],
    scans: Progress[Scan],
    book: TargetBook,
    *,
    candidate_looker: CandidateLooker,
    scan_looker: ScanLooker,
    reconciler: Reconciler,
    rebuilder: Rebuilder,
    dispatching: Dispatching,
    room: GateRoom,
    import_room: ImportRoom,
    watch_list: Callable[[], WatchList],
    notices: Kind[Any],
    companions: Kind[Any],
    waves: Kind[Any],
) -> dict[Due, Kind[Any]]:
    """Return how each kind of record is looked at.

    Args:
        notices: how it is looked at what people are to be told; see ``of_notices``.
        companions: how what travels with images is looked at; see ``of_companions``.
        waves: how waves are looked at; see ``of_waves``.
        candidates, rebuilds, scans, book: where records are, and how they go on.
        candidate_looker, scan_looker, reconciler, rebuilder: look at one of them.
        dispatching: looks at a rebuild that ACR Tasks does not run.
        room: knows whose runs are under way.
        import_room: knows whose imports are.
        watch_list: gives the list in force, which says whose an image is; turns may go by one of a minute ago.
    """
    had = partial(_had, room, watch_list)
    turns = {Due.STAGING: partial(_had, import_room, watch_list), Due.GATES: had}
    return {
        **{
            due: _of_candidates(due, candidates, candidate_looker, watch_list, turns.get(due, Turns))
            for due in CANDIDATES
        },
        Due.SCANS: _of_scans(scans, scan_looker, watch_list, had),
        Due.TARGETS: _of_targets(book, reconciler),
        Due.REBUILDS: _of_rebuilds(rebuilds, rebuilder, dispatching),
        Due.NOTICES: notices,
        Due.COMPANIONS: companions,
        Due.WAVES: waves,
    }


def of_notices(
    due: Callable[[datetime], Iterator[Untold | StoredDestination]],
    take: Callable[[Untold], None],
    send: Callable[[StoredDestination], None],
) -> Kind[Untold | StoredDestination]:
    """Return how it is looked at what people are to be told.

    Args:
        due: gives the records that tell something, all as one, and the destinations for which something is due.
        take: puts down what those tell.
        send: sends what is due to one destination.
    """
    return Kind(
        due=due,
        look=lambda one: take(one) if isinstance(one, Untold) else send(one),
        begins=lambda _: False,
        owners=lambda: lambda _: "",
        since=lambda _: _LONG_AGO,
        # What was claimed is claimed for a while, and looked at again after that.
        broke=lambda _: None,
        traced=lambda _: nullcontext(),
    )


def of_companions(
    due: Callable[[datetime], Iterator[StoredCompanions]], look: Callable[[StoredCompanions], None]
) -> Kind[StoredCompanions]:
    """Return how what travels with images is looked at.

    Args:
        due: gives the companions whose time has come.
        look: does the next thing about those of one digest.
    """
    return Kind(
        due=due,
        look=look,
        begins=lambda one: one.record.carry is None,
        owners=lambda: lambda one: one.record.repository,
        since=lambda one: min((want.since for want in one.record.wants), default=_LONG_AGO),
        # A copy that was claimed is looked at once its lease has ended, and what was not is looked at again.
        broke=lambda _: None,
        traced=_traced(Due.COMPANIONS, "companions"),
    )


def of_waves(due: Callable[[datetime], Iterator[StoredWave]], look: Callable[[StoredWave], None]) -> Kind[StoredWave]:
    """Return how waves are looked at.

    Args:
        due: gives the waves whose time has come.
        look: does the next thing about one.
    """
    return Kind(
        due=due,
        look=look,
        begins=lambda _: False,
        owners=lambda: lambda _: "",
        since=lambda one: one.record.planned_at,
        # It is due as it was, and the sweep looks at it again.
        broke=lambda _: None,
        traced=_traced(Due.WAVES, "wave"),
    )


def _of_candidates(
    due: Due,
    progress: Progress[Candidate],
    looker: CandidateLooker,
    watch_list: Callable[[], WatchList],
    had: Callable[[], Turns],
) -> Kind[Stored[Candidate]]:
    return Kind(
        due=lambda moment: progress.records.in_status(CANDIDATES[due], moment),
        look=looker.look,
        begins=lambda one: one.record.status in BEGINS,
        owners=lambda: _owners(watch_list),
        since=lambda one: one.record.since,
        broke=partial(candidate_broke, progress),
        traced=_traced(due, "candidate"),
        had=had,
    )


def _of_targets(book: TargetBook, reconciler: Reconciler) -> Kind[StoredTarget]:
    return Kind(
        due=book.targets.due,
        look=reconciler.look,
        begins=lambda one: one.record.importing is None,
        owners=lambda: lambda one: one.record.origin.image,
        since=lambda one: one.record.decided_at or _LONG_AGO,
        broke=partial(target_broke, book),
        traced=_traced(Due.TARGETS, "target"),
    )


def _of_rebuilds(progress: Progress[Rebuild], rebuilder: Rebuilder, dispatching: Dispatching) -> Kind[Stored[Rebuild]]:
    return Kind(
        due=lambda moment: progress.records.in_status(REBUILDS, moment),
        look=lambda one: (rebuilder.look if one.record.is_of_acr else dispatching.look)(one),
        begins=lambda one: one.record.status is RebuildStatus.WANTED,
        owners=lambda: lambda one: one.record.task,
        since=lambda one: one.record.since,
        broke=partial(rebuild_broke, progress),
        traced=_traced(Due.REBUILDS, "rebuild"),
        together=progress.together,
        begin=partial(_begin_rebuilds, rebuilder, dispatching),
    )


def _begin_rebuilds(
    rebuilder: Rebuilder,
    dispatching: Dispatching,
    waiting: Sequence[Stored[Rebuild]],
    careful: Careful[Stored[Rebuild]],
    waits: Callable[[], bool],
) -> None:
    rebuilder.begin([one for one in waiting if one.record.is_of_acr], careful, waits)
    for one in waiting:
        if not one.record.is_of_acr and not waits():
            with careful(one):
                dispatching.look(one)


def _of_scans(
    progress: Progress[Scan], looker: ScanLooker, watch_list: Callable[[], WatchList], had: Callable[[], Turns]
) -> Kind[Stored[Scan]]:
    return Kind(
        due=lambda moment: progress.records.in_status(SCANS, moment),
        look=looker.look,
        begins=lambda one: one.record.status is ScanStatus.WANTED,
        owners=lambda: _owners(watch_list),
        since=lambda one: one.record.since,
        broke=partial(scan_broke, progress),
        traced=_traced(Due.SCANS, "scan"),
        had=had,
    )


def _traced(due: Due, about: str) -> Callable[[Any], AbstractContextManager[None]]:
    return lambda one: looking(due.value, about, one.record.id, one.record.step, one.record.traceparent)


def _owners(watch_list: Callable[[], WatchList]) -> Callable[[Stored[Any]], str]:
    owner = _owner_of(watch_list)
    return lambda one: owner(one.record.image)


def _had(room: TurnRoom, watch_list: Callable[[], WatchList]) -> Turns:
    """Who has had turns is worth no waiting, either."""
    try:
        return room.turns(_owner_of(watch_list))
    except TidegateError as error:
        log.warning("whose turns have been is not known, so it does not count: %s", error)
        return Turns()


def _owner_of(watch_list: Callable[[], WatchList]) -> Callable[[str], str]:
    """An entry that names nobody has turns of its own; a list that cannot be read keeps nobody waiting."""
    try:
        owners = {image.name: image.owner for image in watch_list().images if image.owner}
    except TidegateError as error:
        log.warning("whose images are is not known, so each entry of the watch list has turns of its own: %s", error)
        owners = {}
    return lambda image: owners.get(image, image)
