"""The page of what is asked of people, and of what they answered. A board in, a view out."""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller, Role
from shared.domain.promotion.board import Need, Wish
from shared.flows.board import Board, Decided
from shared.web.pages.listing import Part, filter_of, part_of, start_of


class Asked(msgspec.Struct, frozen=True):
    """Something that is asked of people, and whether its reader may answer; else why not."""

    wish: Wish
    yours: bool
    why_not: str


class ApprovalsView(msgspec.Struct, frozen=True):
    """What the page shows."""

    asked: Part[Asked]
    decided: Part[Decided]
    teams: tuple[str, ...]
    team: str
    mine: bool
    unreadable: str


def approvals_view(board: Board, caller: Caller, request: func.HttpRequest) -> ApprovalsView:
    """Return what the page shows of a board to its reader."""
    team, mine = filter_of(request, "team"), filter_of(request, "mine") == "yes"
    filters = {"team": team, "mine": "yes" if mine else ""}
    found = [_asked(one, caller) for one in board.wishes if team in {"", one.owner}]
    found = [one for one in found if one.yours or not mine]
    return ApprovalsView(
        asked=part_of(found, start_of(request), filters),
        decided=part_of(board.decided, start_of(request, "decided"), filters, at="decided"),
        teams=tuple(sorted({one.owner for one in board.wishes if one.owner})),
        team=team,
        mine=mine,
        unreadable=board.unreadable,
    )


def _asked(wish: Wish, caller: Caller) -> Asked:
    """Whether an answer counts is decided when it is given; this is for the eye."""
    wanted = {Role.APPROVER, Role.OPERATOR} if wish.need is Need.OVERRIDE else {Role.APPROVER}
    if not caller.roles & wanted:
        return Asked(wish, False, f"the role {' or '.join(sorted(one.value for one in wanted))} answers this")
    if wish.need is not Need.APPROVAL and wish.by == caller.said:
        return Asked(wish, False, "you asked for it; another one grants it")
    return Asked(wish, True, "")
