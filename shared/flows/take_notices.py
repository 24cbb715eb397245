"""Take what people are to be told out of the records of targets and waves, and put it down for its destinations.

It is put down first and taken out afterwards: whoever dies in between puts it down again, which is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.promotion.target import Target
from shared.rules.notice_book import NoticeBook
from shared.rules.targets import Change, TargetBook
from shared.target_ports import StoredTarget

# Loaded where an entry asks for waves.
if TYPE_CHECKING:
    from shared.domain.waves.wave import Wave
    from shared.rules.wave_book import WaveBook
    from shared.wave_ports import StoredWave


class NoticeTaker:
    """Takes notices.

    Args:
        targets: where they are written, with what they tell.
        notices: where they are put down.
        waves: gives where waves are; asked for where one tells something.
    """

    def __init__(self, targets: TargetBook, notices: NoticeBook, waves: Callable[[], WaveBook]) -> None:
        self._targets = targets
        self._notices = notices
        self._waves = waves

    def take(self, targets: Sequence[StoredTarget], waves: Sequence[StoredWave] = ()) -> None:
        """Take what is to be told of some targets and waves, all at once.

        Raises:
            ServiceError: the storage account did not answer; what was not taken stays where it is.
        """
        records: tuple[Target | Wave, ...] = (*(one.record for one in targets), *(one.record for one in waves))
        self._notices.tell([one for record in records for one in record.notices])
        for stored in targets:
            self._targets.change(stored.record.id, _without(stored.record), stored)
        for wave in waves:
            self._waves().change(wave.record.id, _wave_without(wave.record), wave)


def _without(told: Target) -> Change:
    def without(known: Target | None) -> Target | None:
        return msgspec.structs.replace(known, notices=_left(known.notices, told.notices)) if known is not None else None

    return without


def _wave_without(told: Wave) -> Callable[[Wave | None], Wave | None]:
    def without(known: Wave | None) -> Wave | None:
        return msgspec.structs.replace(known, notices=_left(known.notices, told.notices)) if known is not None else None

    return without


def _left(known: Iterable[Notice], told: Iterable[Notice]) -> tuple[Notice, ...]:
    """What came to be told meanwhile stays."""
    keys = {notice.key for notice in told}
    return tuple(one for one in known if one.key not in keys)
