"""Give up what a destination does not take for a week, tell the others once, and delete what was done with long ago.

That notices are given up is written to the destination's record first, then to the notices, then told, then noted as
told: whoever dies in between leaves what the next round goes on from.
"""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from shared.domain.notices.delivery import State, ended
from shared.domain.notices.destination import Destination, is_claimed
from shared.domain.notices.giving_up import gives_up, may_wait_in_vain, told_others, waits_in_vain, why_given_up
from shared.errors import Conflict, TidegateError
from shared.notice_ports import StoredDestination
from shared.rules.notice_book import NoticeBook

log = logging.getLogger("tidegate.notices")


class GivesUp:
    """Ends what waits in vain.

    Args:
        book: where notices are put down.
    """

    def __init__(self, book: NoticeBook) -> None:
        self._book = book

    def put_away(self) -> None:
        """Give up what waits in vain, and delete what is old, also of destinations that no setting names any more.

        Raises:
            ServiceError: the storage account did not answer for one of them; the others were looked at.
        """
        known = {stored.record.name: stored for stored in self._book.destinations.every()}
        problems: list[TidegateError] = []
        for name in sorted({*known, *self._book.names}):
            try:
                if name in known:
                    self._give_up(known[name])
                self._book.put_away(name)
            except Conflict as conflict:
                log.info("%s is looked at again: %s", name, conflict)
            except TidegateError as error:  # one destination keeps no other from its end
                problems.append(error)
        if problems:
            raise problems[0]

    def _give_up(self, stored: StoredDestination) -> None:
        now, is_set = self._book.clock(), stored.record.name in self._book.names
        if not is_claimed(stored.record, now) and may_wait_in_vain(stored.record, now, is_set=is_set):
            stored = self._end(stored, now, is_set=is_set)
        if stored.record.given_up is not None and not stored.record.given_up.told:
            self._tell(stored, now)

    def _end(self, stored: StoredDestination, now: datetime, *, is_set: bool) -> StoredDestination:
        waits = self._book.deliveries.pending(stored.record.name)
        vain = [one for one in waits if waits_in_vain(one.record, stored.record, now)]
        if not vain:
            return stored
        why = why_given_up(stored.record, now, is_set=is_set)
        stored = self._book.destinations.put(stored, gives_up(stored.record, now, is_set=is_set))
        self._book.mark([(one, ended(one.record, State.GIVEN_UP, now, why, asked=False)) for one in vain])
        log.error("%d notices to %s are given up: %s", len(vain), stored.record.name, why)
        return stored

    def _tell(self, stored: StoredDestination, now: datetime) -> None:
        """By its key it is put down once, whoever dies before that is noted."""
        since = stored.record.given_up.since if stored.record.given_up is not None else now
        given_up = self._book.given_up(stored.record, since)
        if not given_up:
            return
        self._book.tell([told_others(stored.record, since, given_up, now)])
        self._book.change(stored.record.name, _was_told, stored)


def _was_told(known: Destination) -> Destination:
    told = known.given_up and msgspec.structs.replace(known.given_up, told=True)
    return msgspec.structs.replace(known, given_up=told)
