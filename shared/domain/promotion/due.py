"""What is due: records whose time to be looked at has come, by what is looked at together, and in whose turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import Stage, turn_of
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, RebuildStatus
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.transitions import ENDS
from shared.domain.scan.scan import SCAN_ENDS, Scan, ScanStatus

S = TypeVar("S")
_NEVER = datetime.min.replace(tzinfo=UTC)


class Due(Enum):
    """What is looked at together."""

    STAGING = "staging"  # candidates on their way into the staging registry
    GATES = "gates"  # candidates that are tested, or wait for it, or whose tests are to end
    PROMOTIONS = "promotions"  # candidates that passed, until their targets have decided
    TARGETS = "targets"  # tags of the base registry
    REBUILDS = "rebuilds"  # runs of application tasks
    NOTICES = "notices"  # what people are to be told, and the destinations that it goes to
    SCANS = "scans"  # scans of digests, until whoever asked was told
    WAVES = "waves"  # those who are built on a base that moved, canaries first
    COMPANIONS = "companions"  # what is to be beside digests before tags are moved to them, or follows later


_OF_STAGE = {
    Stage.IMPORT: Due.STAGING,
    Stage.MIRROR: Due.GATES,
    Stage.VALIDATE: Due.GATES,
    Stage.CANCEL: Due.GATES,
    Stage.PROMOTE: Due.PROMOTIONS,
}

CANDIDATES: dict[Due, frozenset[Status]] = {
    Due.STAGING: frozenset({Status.DETECTED, Status.IMPORTING}),
    Due.GATES: frozenset({Status.STAGED, Status.VALIDATING, Status.CANCELLING}),
    Due.PROMOTIONS: frozenset({Status.PROMOTING, Status.HELD}),
}
UNDER_WAY = frozenset(Status) - ENDS
REBUILDS = frozenset(RebuildStatus) - REBUILD_ENDS
SCANS = frozenset(ScanStatus) - SCAN_ENDS
# What is begun takes requests that others wait for too; what is under way only has to be looked at.
BEGINS = frozenset({Status.DETECTED, Status.STAGED})


def due_of(record: Candidate | Rebuild | Scan) -> Due | None:
    """Return with what a record is looked at; ``None`` at its end, and for what goes on no more."""
    if isinstance(record, Scan):
        return None if record.status in SCAN_ENDS else Due.SCANS
    if isinstance(record, Rebuild):
        return None if record.status in REBUILD_ENDS else Due.REBUILDS
    turn = turn_of(record)
    return _OF_STAGE[turn] if turn is not None else None


class Turns(msgspec.Struct, frozen=True):
    """The turns that owners have had.

    Attributes:
        under_way: how much of an owner's is under way.
        last: when something of an owner's was last begun, UTC.
    """

    under_way: Mapping[str, int] = {}
    last: Mapping[str, datetime] = {}


_NO_TURNS = Turns()


def in_turn(
    waiting: Iterable[S], owner: Callable[[S], str], since: Callable[[S], datetime], had: Turns = _NO_TURNS
) -> list[S]:
    """Return what waits in the order in which it takes its turn.

    Each owner has one turn, then each a second one: whoever has one update does not wait for those who have hundreds.

    Args:
        waiting: in any order.
        owner: whose something is.
        since: since when it waits, UTC; of one owner the oldest comes first.
        had: turns that owners have had. Of those who have had as many, whoever was last to have one comes last.
    """
    turns: Counter[str] = Counter(had.under_way)
    placed: list[tuple[int, datetime, datetime, S]] = []
    for one in sorted(waiting, key=since):
        turns[owner(one)] += 1
        placed.append((turns[owner(one)], had.last.get(owner(one), _NEVER), since(one), one))
    return [one for *_, one in sorted(placed, key=lambda place: place[:3])]
