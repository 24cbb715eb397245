"""Which names of runs may go: each ``taskRun`` is a resource, of which a registry keeps as many as were ever made."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.housekeeping.reasons import Goes, Spared
from shared.domain.promotion.schedule import SCAN_KEPT

_OURS = re.compile(r"tidegate-[0-9a-f]{32}")
# Nobody else's record of a run lasts as long: another installation may have its runs in the same registry.
RUNS_STAY = SCAN_KEPT + timedelta(days=7)


class NamedRun(msgspec.Struct, frozen=True):
    """A run's name, as the registry lists it.

    Attributes:
        name: the name.
        ended_at: when its run ended, UTC; ``None`` if it has not, or nobody says so.
    """

    name: str
    ended_at: datetime | None = None


class JudgedRuns(msgspec.Struct, frozen=True):
    """What becomes of the names of a registry's runs, by name."""

    goes: Mapping[str, Goes]
    stays: Mapping[str, Spared]


def judge_runs(listed: Iterable[NamedRun], named: Container[str], now: datetime) -> JudgedRuns:
    """Say of every name whether it goes, and why.

    Args:
        listed: all that the registry lists.
        named: names that current records know.
        now: UTC.
    """
    goes: dict[str, Goes] = {}
    stays: dict[str, Spared] = {}
    for one in listed:
        if why := _spared(one, named, now):
            stays[one.name] = why
        else:
            goes[one.name] = Goes.RUN_ENDED
    return JudgedRuns(goes, stays)


def _spared(one: NamedRun, named: Container[str], now: datetime) -> Spared | None:
    if not _OURS.fullmatch(one.name):
        return Spared.OTHERS
    if one.name in named:
        return Spared.NAMED
    if one.ended_at is None:
        return Spared.UNDER_WAY
    return Spared.YOUNG if now - one.ended_at < RUNS_STAY else None
