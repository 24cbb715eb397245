"""Whose turn it is: which rebuilds wait for which others, and which have come too late. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.promotion.rebuilds import BUSY, REBUILD_ENDS, Rebuild, RebuildStatus
from shared.domain.promotion.schedule import SHORTEST_LOOK, next_of, pause_before_look
from shared.domain.promotion.target import Target

# How often a canary is looked at from when it usually has ended.
CANARY_LOOK = timedelta(seconds=8)
# How far apart the moments are at most at which the runs of a wave's others are looked at.
LONGEST_TOGETHER = timedelta(minutes=3)
# Or as large a part of what such runs usually take: half of it is lost with each.
_A_FIFTH = 5
# A run that fails long before it usually has ended keeps its place for so long, or as long again as it took.
_UNINTERRUPTED = timedelta(minutes=5)
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


def next_look(rebuild: Rebuild, now: datetime, running_for: timedelta, usual: timedelta | None) -> datetime:
    """Return when a run is looked at again, UTC.

    Nobody waits for the end of just one of those that follow a wave's canaries, so all of a registry are looked at at
    the same moments, and each from when such runs usually have ended: one look at many costs as much as one at one.

    Args:
        rebuild: whose run it is.
        now: UTC.
        running_for: since it began.
        usual: how long such runs usually take at least; ``None`` if nobody knows.
    """
    if usual is None or not rebuild.wave or rebuild.canary:
        return now + pause_of(rebuild, running_for, usual)
    left = min(usual - running_for, max(running_for, _UNINTERRUPTED))
    return next_of(now + max(left, timedelta(0)), _together(usual))


def _together(usual: timedelta) -> timedelta:
    """Return how far apart the moments are: each next shorter one has all of the longer one, should this change."""
    apart = LONGEST_TOGETHER
    while apart > usual / _A_FIFTH and apart > SHORTEST_LOOK:
        apart /= 2
    return apart


def is_overtaken(rebuild: Rebuild, target: Target | None) -> bool:
    """Whether the base has reached a later decision than the one a rebuild is for."""
    return target is not None and bool(rebuild.decision) and target.reached > rebuild.decision


def failed_alike(rebuild: Rebuild, others: Iterable[Rebuild]) -> Rebuild | None:
    """Return the rebuild of the same task whose run failed on the bases that a run for this one would build on.

    Its run was asked for after this rebuild was wanted, which is after the base was read to have moved.
    """
    ended = (one for one in others if one.status is RebuildStatus.FAILED and one.run_id and not one.failures)
    return next((one for one in ended if one.asked_at is not None and one.asked_at >= rebuild.since), None)


def built_since(rebuild: Rebuild, others: Iterable[Rebuild]) -> Rebuild | None:
    """Return the rebuild of the same task or place whose run was asked for after this one was wanted, and succeeded.

    What is asked for after the base had moved builds on what it moved to: another run would build nothing new.
    """
    ended = (one for one in others if one.status is RebuildStatus.SUCCEEDED)
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
