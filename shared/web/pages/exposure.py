"""The page of what is in use and would not be let in any more, and of what people waived. A board in, a view out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

import azure.functions as func
import msgspec

from shared.domain.promotion.board import Group, Line, group_of
from shared.domain.promotion.exposure import Exposure, Standing
from shared.domain.scan.waivers import Waiver, end_of
from shared.flows.board import Board
from shared.web.pages.listing import Part, filter_of, part_of, start_of
from shared.web.queries import one_of

_SOON = timedelta(days=7)


class Fix(Enum):
    """What becomes of what is exposed."""

    NONE = "none"  # upstream bears nothing else
    WAITING = "waiting"  # upstream bears another digest, which is on its way
    BLOCKED = "blocked"  # upstream bears another digest, which is kept out


class Row(msgspec.Struct, frozen=True):
    """One tag in use.

    Attributes:
        exposure: how it stands.
        place: the tag.
        owner: whose it is.
        fix: what becomes of it; whether that mends it, its candidate says.
        line: how the tag stands; ``None`` if nothing watches it any more.
    """

    exposure: Exposure
    place: str
    owner: str
    fix: Fix
    line: Line | None


class WaiverRow(msgspec.Struct, frozen=True):
    """A waiver, of one tag or for all.

    Attributes:
        place: the tag; empty for all.
        target: the tag's id; empty for all.
        owner: whose the tag is.
        id: of the finding.
        package: its package.
        why: why.
        by: who asked and granted, or wrote the file.
        until: as it was written.
        end: when it ends, UTC.
        state: in a word.
    """

    place: str
    target: str
    owner: str
    id: str
    package: str
    why: str
    by: str
    until: str
    end: datetime
    state: str


class ExposureView(msgspec.Struct, frozen=True):
    """What the page shows."""

    part: Part[Row]
    waivers: Part[WaiverRow]
    teams: tuple[str, ...]
    team: str
    standing: Standing | None
    standings: tuple[Standing, ...]
    fix: Fix | None
    fixes: tuple[Fix, ...]
    unreadable: str


def exposure_view(board: Board, for_all: Iterable[Waiver], request: func.HttpRequest) -> ExposureView:
    """Return what the page shows.

    Args:
        board: how everything stands.
        for_all: the waivers of the file, which hold for every tag.
        request: what is asked for.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    team, standing, fix = filter_of(request, "team"), one_of(request, "standing", Standing), one_of(request, "fix", Fix)
    filters = {
        "team": team,
        "standing": standing.value if standing is not None else "",
        "fix": fix.value if fix is not None else "",
    }
    rows = [one for one in rows_of(board) if team in {"", one.owner} and fix in {None, one.fix}]
    shown = [one for one in rows if _is_wanted(one.exposure, standing)]
    waivers = [one for one in _waivers(board, for_all) if team in {"", one.owner}]
    return ExposureView(
        part=part_of(shown, start_of(request), filters),
        waivers=part_of(waivers, start_of(request, "waivers"), filters, at="waivers"),
        teams=tuple(sorted({one.owner for one in board.lines if one.owner})),
        team=team,
        standing=standing,
        standings=tuple(Standing),
        fix=fix,
        fixes=tuple(Fix),
        unreadable=board.unreadable,
    )


def rows_of(board: Board) -> list[Row]:
    """Return how everything in use stands: what is known to be exploited first, then what has lasted longest."""
    lines = {one.target: one for one in board.lines if one.target}
    rows = [_row(one, lines.get(one.target)) for one in board.exposures]
    return sorted(rows, key=lambda one: (not one.exposure.exploited, one.exposure.since, one.place))


def _row(one: Exposure, line: Line | None) -> Row:
    place = line.place if line is not None else one.target
    return Row(one, place, line.owner if line is not None else "", _fix(one, line), line)


def _fix(one: Exposure, line: Line | None) -> Fix:
    if line is None or line.upstream in {"", one.digest}:
        return Fix.NONE
    on_its_way = {Group.WAITING, Group.UNDER_WAY, Group.NEEDS_PEOPLE}
    return Fix.WAITING if group_of(line) in on_its_way else Fix.BLOCKED


def _is_wanted(one: Exposure, standing: Standing | None) -> bool:
    if standing is not None:
        return one.standing is standing
    return one.standing is not Standing.CLEAN or bool(one.exploited)


def _waivers(board: Board, for_all: Iterable[Waiver]) -> list[WaiverRow]:
    of_tags = [
        WaiverRow(
            place=at.place,
            target=at.target,
            owner=at.owner,
            id=at.waived.id,
            package=at.waived.package,
            why=at.waived.why,
            by=at.waived.asked.told + (f", granted by {at.waived.granted.told}" if at.waived.granted else ""),
            until=at.waived.until,
            end=end_of(at.waived.until),
            state=_state(end_of(at.waived.until), board.at, granted=at.waived.granted is not None),
        )
        for at in board.waived
    ]
    rest = [
        WaiverRow("", "", "", one.id, one.package, one.reason, one.by, one.until, one.end, _state(one.end, board.at))
        for one in for_all
    ]
    return sorted((*of_tags, *rest), key=lambda one: (one.end, one.id, one.package, one.place))


def _state(end: datetime, now: datetime, *, granted: bool = True) -> str:
    if end <= now:
        return "ended"
    if not granted:
        return "asked for"
    return "ends soon" if end - now <= _SOON else "in force"
