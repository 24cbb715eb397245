"""Take what people are to be told out of the targets' records, and put it down for its destinations.

It is put down first and taken out afterwards: whoever dies in between puts it down again, which is there already.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.domain.promotion.target import Target
from shared.rules.notice_book import NoticeBook
from shared.rules.targets import Change, TargetBook
from shared.target_ports import StoredTarget


class NoticeTaker:
    """Takes notices.

    Args:
        targets: where they are written, with what they tell.
        notices: where they are put down.
    """

    def __init__(self, targets: TargetBook, notices: NoticeBook) -> None:
        self._targets = targets
        self._notices = notices

    def take(self, targets: Sequence[StoredTarget]) -> None:
        """Take what is to be told of some targets, all at once.

        Raises:
            ServiceError: the storage account did not answer; what was not taken stays where it is.
        """
        self._notices.tell([notice for stored in targets for notice in stored.record.notices])
        for stored in targets:
            self._targets.change(stored.record.id, _without(stored.record), stored)


def _without(told: Target) -> Change:
    """What came to be told meanwhile stays."""
    keys = {notice.key for notice in told.notices}

    def without(known: Target | None) -> Target | None:
        left = tuple(one for one in known.notices if one.key not in keys) if known is not None else ()
        return msgspec.structs.replace(known, notices=left) if known is not None else None

    return without
