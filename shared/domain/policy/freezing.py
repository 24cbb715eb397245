"""When nothing is promoted: freezes as policies say them, across changes of clocks and one over another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from shared.domain.policy.policy import span_of
from shared.domain.policy.promoting import Freeze

_FIELDS = 5
# Of freezes that go over into each other not more are joined: whoever waits looks again at the end that is found.
_MOST_JOINED = 400
# Within so many beginnings, or years, a freeze has to have ended once to be one that ends.
_MOST_TRIED, _TRIED_FOR = 1500, timedelta(days=30 * 366)
# Clocks are put back by less than that; what began before they were bears a later hour than what came after.
_FOLD = timedelta(hours=3)
_NEAR = timedelta(days=1)
# A freeze is tried out from there when it is read.
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def frozen_until(freezes: Iterable[Freeze], now: datetime) -> datetime | None:
    """Return until when nothing is promoted.

    Args:
        freezes: of a policy; those that overlap, or follow each other without a gap, are one.
        now: UTC.

    Returns:
        The end, UTC; ``None`` if there is no freeze now. Where freezes follow each other for very long, a moment at
        which there still is one: whoever waits looks again then.
    """
    known, end = tuple(freezes), now
    for _ in range(_MOST_JOINED):
        later = max((one for one in (_end(freeze, end) for freeze in known) if one is not None), default=None)
        if later is None:
            break
        end = later
    return end if end > now else None


@lru_cache(maxsize=64)
def freeze_problem(freeze: Freeze) -> tuple[str, str] | None:
    """Return which field of a freeze nobody can go by, and why; ``None`` if all is well."""
    try:
        zone = _zone(freeze.zone)
    except (KeyError, ValueError, OSError):
        return "zone", f"there is no time zone {freeze.zone!r}; write one such as Europe/Berlin, or UTC"
    try:
        starts = _starts(freeze, _SOME_DAY, zone, back=False)
        first = next(starts, None)
        ends = first is not None and _ends(first, starts, span_of(freeze.span))
    except CronSimError as error:
        told = str(error)
        return "cron", f"{told[0].lower() + told[1:]}; expected five fields as cron has them, such as 0 17 * * FRI"
    if first is None:
        return "cron", "no day is ever like that"
    again = f"it begins again before it ends ({freeze.cron}), and so on and on: nothing would ever be promoted"
    return None if ends else ("for", again)


def _ends(first: datetime, starts: Iterator[datetime], span: timedelta) -> bool:
    """Whether there is a moment between a freeze and the next."""
    for number, start in enumerate(starts):
        if start - first > span:
            return True
        if number >= _MOST_TRIED or start - _SOME_DAY >= _TRIED_FOR:
            return False
        first = start
    return True


def _end(freeze: Freeze, now: datetime) -> datetime | None:
    """Return when the freeze ends that is under way; it is the one that began last, as all of them are as long."""
    began = next((start for start in _starts(freeze, now, _zone(freeze.zone)) if start <= now), None)
    end = began + span_of(freeze.span) if began is not None else None
    return end if end is not None and end > now else None


def _starts(freeze: Freeze, now: datetime, zone: tzinfo, *, back: bool = True) -> Iterator[datetime]:
    """Yield when a freeze begins, UTC: from a little after a moment back, or from the moment on."""
    if len(freeze.cron.split()) != _FIELDS:
        raise CronSimError("Wrong number of fields")
    moved = (now - _NEAR).astimezone(zone).utcoffset() != (now + _NEAR).astimezone(zone).utcoffset()
    first = now + (_FOLD if moved else timedelta(0)) + timedelta(seconds=1) if back else now
    for start in CronSim(freeze.cron, first.astimezone(zone), reverse=back):
        yield start.astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
