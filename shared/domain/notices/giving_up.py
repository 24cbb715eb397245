"""What is given up: notices that wait too long for a destination that does not take them. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.notices.delivery import Delivery
from shared.domain.notices.destination import FIRST_PROBE, Broken, Destination, is_muted
from shared.domain.notices.kinds import Told
from shared.domain.notices.missed import Missed, once_more
from shared.domain.notices.notice import Notice
from shared.domain.notices.of_troubles import DESTINATION

# From when it was to be sent, or from the end of a mute.
LONGEST_WAIT = timedelta(days=7)
# Who is muted again and again: as long as a mute lasts, and as a destination is tried.
LONGEST_MUTED = timedelta(days=37)
# It is tried once a day at least.
_TRIED_LATELY = timedelta(days=2)
# Nobody tries it while its notices are given up.
_PAUSE = timedelta(minutes=1)
_MOST_KINDS = 10


def may_wait_in_vain(destination: Destination, now: datetime, *, is_set: bool) -> bool:
    """Whether something may wait for a destination for ever.

    Args:
        destination: its record.
        now: UTC.
        is_set: whether a setting names it.
    """
    return not is_set or is_muted(destination, now) or _fails(destination, now)


def waits_in_vain(one: Delivery, destination: Destination, now: datetime) -> bool:
    """Whether a delivery is to be given up, to a destination for which something may wait in vain."""
    muted = destination.muted
    if muted is not None and is_muted(destination, now):
        return now - one.due_at >= LONGEST_MUTED
    tried_since = max(one.due_at, muted.until) if muted is not None else one.due_at
    return now - tried_since >= LONGEST_WAIT


def gives_up(destination: Destination, now: datetime, *, is_set: bool) -> Destination:
    """Return a destination to which notices are given up now; one that is tried in vain is broken."""
    given_up = once_more(destination.given_up, now)
    if not is_set or is_muted(destination, now):
        return msgspec.structs.replace(destination, given_up=given_up)
    broken = destination.broken or Broken(now, destination.last_error, now + FIRST_PROBE)
    later = msgspec.structs.replace(broken, next_at=max(broken.next_at, now + _PAUSE))
    return msgspec.structs.replace(destination, given_up=given_up, broken=later)


def why_given_up(destination: Destination, now: datetime, *, is_set: bool) -> str:
    """Return why notices to a destination are given up."""
    muted = destination.muted
    if not is_set:
        return f"no setting names this destination any more, and it waited for {LONGEST_WAIT.days} days"
    if muted is not None and is_muted(destination, now):
        return f"it was muted for {LONGEST_MUTED.days} days, at last by {muted.by}: {muted.why}"
    return f"it was not taken for {LONGEST_WAIT.days} days: {destination.last_error}"


def told_others(destination: Destination, since: datetime, given_up: Sequence[Delivery], now: datetime) -> Notice:
    """Return what the other destinations are told.

    Args:
        destination: its record.
        since: since when notices are given up; it is told once.
        given_up: what was.
        now: UTC.
    """
    name, why = destination.name, given_up[0].why if given_up else destination.last_error
    many = f"{len(given_up)} notices to {name} are given up ({_by_kind(given_up)})"
    rest = f"what waits there for {LONGEST_WAIT.days} days from now on is, too"
    return Notice(
        kind=Told.GIVEN_UP.value,
        about=f"{DESTINATION}{name}",
        mark=since.isoformat(),
        at=now,
        detail=f"{many}: {why[:300]}; {rest}. GET /api/notices lists them ({_asked(name)})",
        place=name,
        not_to=name,
    )


def missed_text(missed: Missed, name: str, given_up: Sequence[Delivery]) -> str:
    """Return what a destination is told that works again."""
    lasted = f"nothing was taken here from {missed.since:%Y-%m-%d %H:%M} to {missed.until:%Y-%m-%d %H:%M} UTC"
    return f"{lasted}; {given_up_text(name, given_up)}" if given_up else lasted


def given_up_text(name: str, given_up: Sequence[Delivery]) -> str:
    """Return what is told of notices that were given up; empty for none."""
    if not given_up:
        return ""
    waited = f"{len(given_up)} notices that waited too long were given up ({_by_kind(given_up)})"
    return f"{waited}: GET /api/notices lists them ({_asked(name)})"


def _asked(name: str) -> str:
    return f"destination={name}, state=given-up"


def _by_kind(given_up: Sequence[Delivery]) -> str:
    counted = Counter(one.notice.kind for one in given_up).most_common(_MOST_KINDS)
    return ", ".join(f"{count} {kind}" for kind, count in counted)


def _fails(destination: Destination, now: datetime) -> bool:
    return destination.last_error_at is not None and now - destination.last_error_at < _TRIED_LATELY
