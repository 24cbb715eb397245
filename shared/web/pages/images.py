"""The pages of all watched tags, and of those of one entry. A board in, a view out."""

from __future__ import annotations

from enum import Enum

import azure.functions as func
import msgspec

from shared.domain.promotion.board import Group, Line, group_of
from shared.domain.promotion.standing import Standing
from shared.domain.promotion.statuses import Status
from shared.domain.watching.troubles import Noted
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import MalformedRequest
from shared.flows.board import Board
from shared.web.pages.listing import Part, filter_of, part_of, start_of
from shared.web.pages.words import Tone
from shared.web.queries import one_of

_ORDER = {group: number for number, group in enumerate(Group)}
_COPIED = frozenset(Status) - {Status.DETECTED, Status.IMPORTING}
_LONG_AGO = 1e12


class Filter(msgspec.Struct, frozen=True):
    """What the list is asked for by; empty or ``None`` for everything."""

    text: str = ""
    team: str = ""
    group: Group | None = None
    status: Standing | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query that asks for the same."""
        group, status = self.group.value if self.group else "", self.status.value if self.status else ""
        return {"text": self.text, "team": self.team, "group": group, "status": status}


class Stage(msgspec.Struct, frozen=True):
    """One stage of the way of a tag's newest digest: its name, how it went, and how that is meant."""

    name: str
    word: str
    tone: Tone


class Row(msgspec.Struct, frozen=True):
    """One tag, with the way of what its source bears."""

    line: Line
    way: tuple[Stage, ...]


class ImagesView(msgspec.Struct, frozen=True):
    """What the page shows."""

    part: Part[Row]
    asked: Filter
    teams: tuple[str, ...]
    groups: tuple[Group, ...]
    statuses: tuple[Standing, ...]
    unreadable: str


class ImageView(msgspec.Struct, frozen=True):
    """What the page of one entry shows."""

    image: Image
    rows: Part[Row]
    troubles: tuple[Noted, ...]
    deferred: int
    unreadable: str


def read_filter(request: func.HttpRequest) -> Filter:
    """Return what the list is asked for by.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    text, team = filter_of(request, "text"), filter_of(request, "team")
    return Filter(text, team, one_of(request, "group", Group), one_of(request, "status", Standing))


def images_view(board: Board, request: func.HttpRequest) -> ImagesView:
    """Return what the page shows of a board: what needs people first, then what has lasted longest."""
    asked = read_filter(request)
    found = sorted((one for one in board.lines if _is_asked_for(one, asked)), key=_by_need)
    part = _with_ways(part_of(found, start_of(request), asked.parameters))
    teams = tuple(sorted({one.owner for one in board.lines if one.owner}))
    return ImagesView(part, asked, teams, tuple(Group), tuple(Standing), board.unreadable)


def image_view(board: Board, watch_list: WatchList, name: str, request: func.HttpRequest) -> ImageView:
    """Return what the page of one entry shows.

    Raises:
        MalformedRequest: 404, the watch list has no such entry.
    """
    image = watch_list.named(name)
    if image is None:
        raise MalformedRequest(f"the watch list has no entry named {name!r}", status=404)
    found = sorted((one for one in board.lines if one.image == name), key=_by_need)
    troubles = tuple(one for one in board.troubles if name in one.trouble.images)
    part = _with_ways(part_of(found, start_of(request), {}))
    return ImageView(image, part, troubles, board.deferred.get(image.repository.registry, 0), board.unreadable)


def _with_ways(part: Part[Line]) -> Part[Row]:
    rows = tuple(Row(one, way_of(one)) for one in part.rows)
    return Part(rows, part.total, part.first, part.last, part.previous, part.next)


def way_of(one: Line) -> tuple[Stage, ...]:
    """Return the stages between upstream and the base registry, of what is not there yet; none for what is."""
    if not one.candidate or one.status is Standing.CURRENT:
        return ()
    staging, gate = _staging(one), _gate(one)
    return tuple(stage for stage in (staging, gate) if stage is not None)


def _staging(one: Line) -> Stage:
    status = one.candidate_status
    if status is None:  # it ended long ago, and did so by a verdict or a failure
        return Stage("staging", "copied" if one.status is Standing.REJECTED else "ended", Tone.CALM)
    if status in _COPIED:
        return Stage("staging", "copied", Tone.GOOD)
    return Stage("staging", status.value, Tone.BUSY)


def _gate(one: Line) -> Stage | None:
    told: dict[Enum | None, Stage] = {
        Status.STAGED: Stage("gate", "to be tested", Tone.WAIT),
        Status.VALIDATING: Stage("gate", "is tested", Tone.BUSY),
        Status.REJECTED: Stage("gate", "rejected", Tone.BAD),
        Status.FAILED: Stage("gate", "failed", Tone.BAD),
        Status.HELD: Stage("gate", f"held: {_waits(one)}", Tone.WAIT),
        Status.PROMOTING: Stage("gate", "passed", Tone.GOOD),
        Status.PROMOTED: Stage("gate", "passed", Tone.GOOD),
        Status.OBSERVED: Stage("gate", "observed", Tone.CALM),
        Status.SUPERSEDED: Stage("gate", "superseded", Tone.CALM),
        Status.CANCELLING: Stage("gate", "ends", Tone.CALM),
    }
    if one.candidate_status is None and one.status in {Standing.REJECTED, Standing.FAILED}:
        return Stage("gate", one.status.value, Tone.BAD)
    return told.get(one.candidate_status)


def _waits(one: Line) -> str:
    return one.waits_for.value if one.waits_for is not None else one.reason


def _is_asked_for(one: Line, asked: Filter) -> bool:
    text = asked.text.lower()
    names = (one.place, one.image, f"{one.source}:{one.tag}", one.upstream, one.base)
    return (
        (not text or any(text in name.lower() for name in names))
        and (not asked.team or asked.team == one.owner)
        and asked.group in {None, group_of(one)}
        and asked.status in {None, one.status}
    )


def _by_need(one: Line) -> tuple[int, float, str]:
    return _ORDER[group_of(one)], one.since.timestamp() if one.since is not None else _LONG_AGO, one.place
