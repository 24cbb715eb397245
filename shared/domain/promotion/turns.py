"""Whose turn it is: which rebuilds wait for which others, and which have come too late. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.promotion.rebuilds import BUSY, REBUILD_ENDS, Rebuild, RebuildStatus
from shared.domain.promotion.schedule import SHORTEST_LOOK, pause_before_look
from shared.domain.promotion.target import Target

# How often a canary is looked at from when it usually has ended.
CANARY_LOOK = timedelta(seconds=8)
WITHDRAWN = "its wave was over before it was begun"


def pause_of(rebuild: Rebuild, running_for: timedelta, usual: timedelta | None) -> timedelta:
    """Return how long to leave a run alone; a canary's end is seen soon, as a whole wave waits for it.

    Args:
        rebuild: whose run it is.
        running_for: since it began.
        usual: how long such runs usually take at least; ``None`` if nobody knows.
    """
    pause = pause_before_look(running_for, usual=usual)
    soon = usual is None or running_for >= usual - SHORTEST_LOOK
    return min(pause, CANARY_LOOK) if rebuild.canary and soon else pause


def is_overtaken(rebuild: Rebuild, target: Target | None) -> bool:
    """Whether the base has reached a later decision than the one a rebuild is for."""
    return target is not None and bool(rebuild.decision) and target.reached > rebuild.decision


def failed_alike(rebuild: Rebuild, others: Iterable[Rebuild]) -> Rebuild | None:
    """Return the rebuild of the same task whose run failed on the bases that a run for this one would build on.

    Its run was asked for after this rebuild was wanted, which is after the base was read to have moved.
    """
    ended = (one for one in others if one.status is RebuildStatus.FAILED and one.run_id and not one.failures)
    return next((one for one in ended if one.asked_at is not None and one.asked_at >= rebuild.since), None)


def ahead_of(rebuild: Rebuild, around: Iterable[Rebuild]) -> int:
    """Return how many rebuilds of a registry run, or have waited longer for their turn and could begin now.

    Args:
        rebuild: the one that wants to begin.
        around: the current rebuilds of its registry.
    """
    others = [one for one in around if one.id != rebuild.id]
    busy = {one.task.lower() for one in others if one.status in BUSY}
    older = [one for one in others if one.status is RebuildStatus.WANTED and _is_before(one, rebuild)]
    ready = [one for one in older if not one.failures and not one.waits and one.task.lower() not in busy]
    return sum(one.status in BUSY for one in others) + len(ready)


def _is_before(one: Rebuild, other: Rebuild) -> bool:
    return _turn(one) < _turn(other)


def _turn(one: Rebuild) -> tuple[bool, datetime, str]:
    """Others wait for canaries; then comes whose decision is oldest."""
    return (not one.canary, one.turn or one.since, one.id)


def waits_for_canary(rebuild: Rebuild, others: Iterable[Rebuild]) -> bool:
    """Whether a rebuild of a task waits for a canary's: else a failure would name neither of the two bases.

    Args:
        rebuild: it.
        others: the other rebuilds of its task.
    """
    return any(_goes_alone(one, rebuild) for one in others)


def _goes_alone(one: Rebuild, other: Rebuild) -> bool:
    live = one.canary and one.status not in REBUILD_ENDS
    return live and (one.wave, one.attempt) != (other.wave, other.attempt) and _is_before(one, other)
