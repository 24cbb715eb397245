"""How many instances each scale group gets, and which are one too many: decisions alone, nothing is started here.

Follows ``QueueTargetScaler`` of the WebJobs SDK's queue extension (Azure/azure-sdk-for-net) and, for the groups,
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#per-function-scaling. How an app's groups share
``maximumInstanceCount`` is not published: here each gets one instance before any gets a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.local.host.metadata import Function

HTTP_GROUP = "http"


@dataclass(frozen=True)
class ScaleGroup:
    """Functions that share instances.

    Attributes:
        name: ``http``, or the name of the one function.
        kind: the kind of its functions' trigger.
        functions: what its instances run.
    """

    name: str
    kind: str
    functions: tuple[Function, ...]


@dataclass(frozen=True)
class Wish:
    """How many instances a group wants, and how many it has."""

    group: str
    wanted: int
    living: int


@dataclass(frozen=True)
class Seen:
    """An instance as the scaler sees it: its name, and for how long it has run nothing (0 while it runs something)."""

    name: str
    idle_seconds: float


def scale_groups(functions: Sequence[Function]) -> list[ScaleGroup]:
    """Return all HTTP functions as one group, where there are any, and every other function as one of its own."""
    http = tuple(function for function in functions if function.kind == "httpTrigger")
    alone = [ScaleGroup(one.name, one.kind, (one,)) for one in functions if one.kind != "httpTrigger"]
    return [*([ScaleGroup(HTTP_GROUP, "httpTrigger", http)] if http else []), *alone]


def wanted_for(work: int, each: int) -> int:
    """Return how many instances ``work`` wants where one takes ``each`` at once."""
    return -(-work // each)


def allot(wishes: Sequence[Wish], most: int) -> dict[str, int]:
    """Share an app's instances among its groups.

    Arguments:
        wishes: of every group.
        most: ``maximumInstanceCount``, for all groups together.

    Returns:
        What each group may have, never more than it wants; given one by one in turns, first to groups that have some.
    """
    granted = {wish.group: 0 for wish in wishes}
    waiting = sorted((wish for wish in wishes if wish.wanted), key=lambda wish: wish.living == 0)
    while waiting and most > 0:
        for wish in waiting[:most]:
            granted[wish.group] += 1
        most -= len(waiting[:most])
        waiting = [wish for wish in waiting if granted[wish.group] < wish.wanted]
    return granted


def to_drain(instances: Iterable[Seen], granted: int, over_seconds: float, after_seconds: float) -> list[str]:
    """Return which instances of a group are to go, the idlest first.

    Arguments:
        instances: of the group, without those that go already.
        granted: how many it may have.
        over_seconds: for how long it has had more.
        after_seconds: how long that must last; to go to none, each must have been idle for as long itself.
    """
    idlest = sorted(instances, key=lambda seen: -seen.idle_seconds)
    surplus = idlest[: max(0, len(idlest) - granted)]
    if granted == 0:
        return [seen.name for seen in surplus if seen.idle_seconds >= after_seconds]
    # Whoever is one too many goes although it is busy: that is how calls are aborted.
    return [seen.name for seen in surplus] if over_seconds >= after_seconds else []
