"""Tell what is wrong: its beginning once, that it lasts again and again, and its end once.

What is wrong is found by looking at all there is, not by following what happens: whatever was missed, lost or died, the
next survey finds it. Each trouble is marked first, then told, then noted as told; whoever dies in between tells it once
more, with the same time, which is the same line of the activity log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.domain.watching.troubles import (
    BEGUN_BY_OTHERS,
    ENDED_BY_OTHERS,
    Kind,
    Noted,
    Trouble,
    has_lasted,
    is_kept,
    noted,
)
from shared.errors import Conflict
from shared.ports import Activity, Clock, Event
from shared.rules.trouble_finding import TroubleFinder
from shared.trouble_ports import StoredTrouble, Troubles

# Loaded where somebody is told.
if TYPE_CHECKING:
    from shared.rules.trouble_notices import TroubleNotices

log = logging.getLogger("tidegate.troubles")

# An alert sees it within two of them. Each reads the tables of observations, targets and troubles once, a row for each
# application registry, and one rebuild for each task that is not built on what was decided.
SURVEY_EVERY = timedelta(minutes=15)
# Three transactions each; what is left begins or ends with the next survey.
MOST_CHANGES = 200

_Name = tuple[Kind, str]


class TroubleTeller:
    """Surveys what is wrong, whenever a quarter of an hour has passed in this process.

    Args:
        finder: finds it.
        troubles: where it is noted.
        activity: is told of beginnings and ends.
        clock: tells the time.
        tell: is given all that lasts, after each survey.
        people: tells people of what lasts, and of what is over.
    """

    def __init__(
        self,
        finder: TroubleFinder,
        troubles: Troubles,
        activity: Activity,
        clock: Clock,
        tell: Callable[[Iterable[Noted]], None],
        people: TroubleNotices | None = None,
    ) -> None:
        self._finder = finder
        self._troubles = troubles
        self._activity = activity
        self._clock = clock
        self._tell = tell
        self._people = people
        self._next_at: datetime | None = None

    def survey(self) -> None:
        """Tell what is wrong, if it is time to.

        Raises:
            ServiceError: the storage account did not answer; that is tried again with the next survey.
        """
        now = self._clock()
        if self._next_at is not None and now < self._next_at:
            return
        self._next_at = now + SURVEY_EVERY
        self._survey(now)

    def _survey(self, now: datetime) -> None:
        found = self._finder.find()
        known = {_name(stored.noted.trouble): stored for stored in self._troubles.every()}
        now_wrong = _by_name(found.troubles, known, now)
        beginning = [(known.get(name), one) for name, one in now_wrong.items()]
        self._in_turn(self._begin, sorted(beginning, key=_is_told), now)
        over = [stored for name, stored in known.items() if name not in now_wrong]
        if found.whole:
            self._in_turn(self._end, self._told_over(over, now), now)
        lasting = (*now_wrong.values(), *(() if found.whole else (stored.noted for stored in over)))
        self._tell([one for one in lasting if has_lasted(one, now)])
        if self._people is not None:
            self._people.last()

    def _told_over(self, over: list[StoredTrouble], now: datetime) -> list[tuple[StoredTrouble | None, Noted]]:
        """Their ends are noted, and put down to be told together, before each is told and forgotten."""
        marked = [one for stored in over[:MOST_CHANGES] if (one := self._marked(stored, now)) is not None]
        if self._people is not None:
            self._people.over([one.noted for one in marked])
        return [(one, one.noted) for one in marked]

    def _marked(self, stored: StoredTrouble, now: datetime) -> StoredTrouble | None:
        """What another worker changed at the same time is told by that one."""
        one = stored.noted
        if not one.told or one.ended_at is not None:
            return stored
        try:
            return self._troubles.put(stored, msgspec.structs.replace(one, ended_at=now))
        except Conflict as conflict:
            log.info("%s", conflict)
            return None

    def _in_turn(
        self,
        change: Callable[[StoredTrouble | None, Noted, datetime], bool],
        each: list[tuple[StoredTrouble | None, Noted]],
        now: datetime,
    ) -> None:
        """What another worker changed at the same time is told by that one."""
        changed = 0
        for stored, one in each:
            if changed == MOST_CHANGES:
                log.warning("more troubles begin or end at once than are told in one survey; the next goes on")
                return
            try:
                changed += change(stored, one, now)
            except Conflict as conflict:
                log.info("%s", conflict)

    def _begin(self, stored: StoredTrouble | None, one: Noted, now: datetime) -> bool:
        """What ended when this process died, and is back, ends first."""
        if stored is not None and stored.noted.ended_at is not None:
            if self._people is not None:
                self._people.over([stored.noted])
            self._end(stored, stored.noted, now)
            stored = None
        if stored is None or stored.noted != one:
            stored = self._troubles.put(stored, one)
        elif one.told or not has_lasted(one, now):
            return False
        if has_lasted(one, now) and not one.told:
            self._say(one, one.trouble.kind.value, one.since, one.trouble.detail, BEGUN_BY_OTHERS)
            self._troubles.put(stored, msgspec.structs.replace(one, told=True))
        return True

    def _end(self, stored: StoredTrouble | None, one: Noted, _: datetime) -> bool:
        """What was told is marked as over before."""
        if stored is None:
            return False
        if one.ended_at is not None:
            detail = f"over; it lasted since {one.since:%Y-%m-%d %H:%M} UTC: {one.trouble.detail}"
            self._say(one, f"{one.trouble.kind.value}-over", one.ended_at, detail, ENDED_BY_OTHERS)
        self._troubles.remove(stored)
        return True

    def _say(self, one: Noted, name: str, at: datetime, detail: str, others: frozenset[Kind]) -> None:
        if one.trouble.kind in others:
            return
        log.warning("%s: %s: %s", name, one.trouble.about, detail)
        self._activity.append(Event(one.trouble.about, name, at, detail))


def _is_told(one: tuple[StoredTrouble | None, Noted]) -> bool:
    """What is new goes first: words that change from survey to survey must not keep it waiting."""
    return one[1].told


def _name(trouble: Trouble) -> _Name:
    return trouble.kind, trouble.about


def _by_name(troubles: Iterable[Trouble], known: dict[_Name, StoredTrouble], now: datetime) -> dict[_Name, Noted]:
    """What has not lasted long enough is nothing yet, but for what only its record knows the time of."""
    found: dict[_Name, Noted] = {}
    for trouble in troubles:
        stored = known.get(_name(trouble))
        one = noted(stored.noted if stored else None, trouble, now)
        if is_kept(one, now):
            found.setdefault(_name(trouble), one)
    return found
