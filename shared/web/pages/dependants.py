"""The page of what is built on each tag of the base registry, and on which of its digests. A board in, a view out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import azure.functions as func
import msgspec

from shared.domain.promotion.built import Dependant, Dependants
from shared.domain.promotion.rebuilds import Rebuild
from shared.flows.board import Board
from shared.web.pages.listing import Part, filter_of, part_of, start_of

_CHARTED = 20
# Of a tag on which more is built, the first ones are named.
_NAMED = 50
_TAGS = 50


class Task(msgspec.Struct, frozen=True):
    """One task that is built on a tag, whether on what is wanted, and its latest rebuild; ``None`` for none lately."""

    dependant: Dependant
    current: bool
    rebuild: Rebuild | None


class Base(msgspec.Struct, frozen=True):
    """One tag, and what is built on it."""

    dependants: Dependants
    tasks: tuple[Task, ...]
    left: int


class Bar(msgspec.Struct, frozen=True):
    """One tag of the chart."""

    place: str
    current: int
    behind: int


class DependantsView(msgspec.Struct, frozen=True):
    """What the page shows."""

    part: Part[Base]
    bars: tuple[Bar, ...]
    most: int
    text: str
    behind: bool
    unreadable: str


def dependants_view(board: Board, rebuilds: Iterable[Rebuild], request: func.HttpRequest) -> DependantsView:
    """Return what the page shows.

    Args:
        board: how everything stands.
        rebuilds: those under way, and those that ended not long ago.
        request: what is asked for.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    text, behind = filter_of(request, "text"), filter_of(request, "behind") == "yes"
    found = [one for one in board.dependants if _is_asked_for(one, text.lower()) and (one.behind or not behind)]
    latest = _latest(rebuilds)
    filters = {"text": text, "behind": "yes" if behind else ""}
    bars = sorted((_bar(one) for one in found), key=lambda one: (-(one.current + one.behind), one.place))[:_CHARTED]
    return DependantsView(
        part=part_of([_base(one, latest) for one in found], start_of(request), filters, most=_TAGS),
        bars=tuple(bars),
        most=max((one.current + one.behind for one in bars), default=0),
        text=text,
        behind=behind,
        unreadable=board.unreadable,
    )


def _base(one: Dependants, latest: Mapping[tuple[str, str], Rebuild]) -> Base:
    shown = sorted(one.tasks, key=lambda task: (task.digest == one.wanted, task.task))[:_NAMED]
    tasks = tuple(Task(task, task.digest == one.wanted, latest.get((one.place, task.task.lower()))) for task in shown)
    return Base(one, tasks, len(one.tasks) - len(tasks))


def _latest(rebuilds: Iterable[Rebuild]) -> Mapping[tuple[str, str], Rebuild]:
    found: dict[tuple[str, str], Rebuild] = {}
    for one in sorted(rebuilds, key=lambda one: one.since):
        found[f"{one.base_repository}:{one.base_tag}", f"{one.registry}/{one.task}".lower()] = one
    return found


def _bar(one: Dependants) -> Bar:
    return Bar(one.place, len(one.tasks) - one.behind, one.behind)


def _is_asked_for(one: Dependants, text: str) -> bool:
    return not text or text in one.place.lower() or any(text in task.task.lower() for task in one.tasks)
