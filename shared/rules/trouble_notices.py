"""What people are told of troubles: put down first, and noted with the trouble afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.domain.notices.of_troubles import begins_or_lasts, is_over, stage_of
from shared.domain.watching.troubles import Noted
from shared.errors import Conflict
from shared.rules.notice_book import NoticeBook
from shared.trouble_ports import StoredTrouble, Troubles


class TroubleNotices:
    """Tells people of troubles.

    Args:
        book: where notices are put down.
        troubles: where it is noted how often they were told.
    """

    def __init__(self, book: NoticeBook, troubles: Troubles) -> None:
        self._book = book
        self._troubles = troubles

    def last(self) -> None:
        """Tell that troubles began, or last: after an hour, a day, a week, and each week that follows.

        Raises:
            ServiceError: the storage account did not answer; the next survey goes on.
        """
        if not self._book.names:
            return
        now = self._book.clock()
        lasting = [stored for stored in self._troubles.every() if _lasts(stored.noted)]
        wanted = [(stored, stage_of(stored.noted, now)) for stored in lasting]
        new = [(stored, stage) for stored, stage in wanted if stage > stored.noted.notified]
        self._book.tell([begins_or_lasts(stored.noted, stage, now) for stored, stage in new])
        for stored, stage in new:
            first = stored.noted.notified_at or now
            told = msgspec.structs.replace(stored.noted, notified=stage, notified_at=first)
            self._note(stored, told)

    def over(self, ended: Sequence[Noted]) -> None:
        """Tell that troubles are over, of which people were told; those are not removed yet.

        Raises:
            ServiceError: the storage account did not answer; the next survey goes on.
        """
        if self._book.names:
            self._book.tell([is_over(one, one.ended_at) for one in ended if one.ended_at is not None])

    def _note(self, stored: StoredTrouble, told: Noted) -> None:
        """What another worker changed meanwhile is told by that one, by the same key."""
        try:
            self._troubles.put(stored, told)
        except Conflict:
            return


def _lasts(noted: Noted) -> bool:
    return noted.told and noted.ended_at is None
