"""The page of what is so now: what needs people, what waits and until when, what is wrong. A board in, a view out."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median, quantiles

import msgspec

from shared.domain.links import Links
from shared.domain.promotion.board import Group, Line, Promoted, Wish, group_of
from shared.domain.promotion.exposure import Standing as Exposed
from shared.domain.watching.troubles import Kind, Noted
from shared.flows.board import Board

_SHOWN = 12
_CHART_DAYS = 30
# One cause is one line, with how many it concerns.
_MOST_CAUSES = 20


class Count(msgspec.Struct, frozen=True):
    """How many there are of something, and where they are listed."""

    name: str
    number: int
    link: str
    more: str = ""


class Cause(msgspec.Struct, frozen=True):
    """Something that is wrong, told once for all that it concerns."""

    kind: str
    detail: str
    since: datetime
    number: int
    link: str


class Day(msgspec.Struct, frozen=True):
    """How many promotions a day had, and how long they took from the first look; ``None`` where no record says."""

    day: date
    promoted: int
    median_hours: float | None
    p90_hours: float | None


class NowView(msgspec.Struct, frozen=True):
    """What the page shows."""

    counts: tuple[Count, ...]
    causes: tuple[Cause, ...]
    more_causes: int
    wishes: tuple[Wish, ...]
    more_wishes: int
    waiting: tuple[Line, ...]
    more_waiting: int
    days: tuple[Day, ...]
    unreadable: str


def now_view(board: Board) -> NowView:
    """Return what the page shows of a board."""
    causes = (*_of_upstreams(board), *_of_troubles(board))
    waiting = sorted((one for one in board.lines if group_of(one) is Group.WAITING), key=_soonest)
    return NowView(
        counts=_counts(board),
        causes=causes[:_MOST_CAUSES],
        more_causes=max(0, len(causes) - _MOST_CAUSES),
        wishes=board.wishes[:_SHOWN],
        more_wishes=max(0, len(board.wishes) - _SHOWN),
        waiting=tuple(waiting[:_SHOWN]),
        more_waiting=max(0, len(waiting) - _SHOWN),
        days=days_of(board.promoted, board.at),
        unreadable=board.unreadable,
    )


def _counts(board: Board) -> tuple[Count, ...]:
    groups, links = Counter(group_of(one) for one in board.lines), Links()
    today = sum(one.at > board.at - timedelta(days=1) for one in board.promoted)
    exposed = [one for one in board.exposures if one.standing is Exposed.EXPOSED or one.exploited]
    exploited = sum(bool(one.exploited) for one in exposed)

    def listed(group: Group) -> str:
        return f"{links.images()}?group={group.value}"

    return (
        Count("Needs you", len(board.wishes), links.approvals()),
        Count("Stopped", groups[Group.STOPPED], listed(Group.STOPPED)),
        Count("Waiting", groups[Group.WAITING], listed(Group.WAITING)),
        Count("Under way", groups[Group.UNDER_WAY], listed(Group.UNDER_WAY)),
        Count("Current", groups[Group.CURRENT], listed(Group.CURRENT)),
        Count("Promoted in a day", today, links.activity()),
        Count("Exposed", len(exposed), links.exposure(), f"{exploited} exploited" if exploited else ""),
        Count("Troubles", len(board.troubles), "#wrong"),
    )


def _of_upstreams(board: Board) -> tuple[Cause, ...]:
    found = []
    for one in board.budgets:
        if one.locked_until is not None and one.locked_until > board.at:
            waits = board.deferred.get(one.upstream, 0)
            told = f"{one.upstream} lets us look again at {one.locked_until:%Y-%m-%d %H:%M} UTC"
            since = one.probed_at or board.at
            found.append(Cause("upstream-locked-out", told, since, waits, Links().system()))
    return tuple(found)


def _of_troubles(board: Board) -> tuple[Cause, ...]:
    """What each of hundreds of things has alike is one line with their number."""
    kinds: dict[Kind, list[Noted]] = {}
    for one in board.troubles:
        kinds.setdefault(one.trouble.kind, []).append(one)
    found = [_cause(kind, alike) for kind, alike in kinds.items()]
    return tuple(sorted(found, key=lambda one: one.since))


def _cause(kind: Kind, alike: list[Noted]) -> Cause:
    first = alike[0]
    return Cause(kind.value, first.trouble.detail, first.since, len(alike), link_of(first.trouble.about))


def link_of(about: str) -> str:
    """Return the page of what a trouble, or a line of the activity log, is about; empty if it has none."""
    kind, _, name = about.partition(":")
    links = Links()
    pages = {"target": links.target, "candidate": links.candidate, "image": links.image, "wave": links.wave}
    return pages[kind](name) if kind in pages and name else ""


def _soonest(one: Line) -> tuple[bool, float, str]:
    """What has an end comes first, by that; then what waits longest."""
    ends = one.until is not None
    at = one.until or one.since
    return not ends, at.timestamp() if at is not None else 0.0, one.place


def days_of(promoted: tuple[Promoted, ...], now: datetime) -> tuple[Day, ...]:
    """Return every day of the last ``_CHART_DAYS``, the earliest first, with its promotions."""
    of_day: dict[date, list[Promoted]] = {}
    for one in promoted:
        of_day.setdefault(one.at.date(), []).append(one)
    days = [(now - timedelta(days=back)).date() for back in reversed(range(_CHART_DAYS))]
    return tuple(_day(day, of_day.get(day, [])) for day in days)


def _day(day: date, promoted: list[Promoted]) -> Day:
    hours = [one.hours for one in promoted if one.hours is not None]
    p90 = quantiles(hours, n=10)[-1] if len(hours) > 1 else hours[0] if hours else None
    return Day(day, len(promoted), median(hours) if hours else None, p90)
