"""How many imports into the staging registry are under way at once.

Azure makes imports in the order in which they are asked for, so that behind five hundred of one team everybody else
waits. What stands in our own line takes turns by owners. Imports into the base registry, which are nearly done, are
never kept waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.ports import Clock, Records
from shared.rules.turn_room import TurnRoom, images_under_way


class ImportRoom(TurnRoom):
    """Room for imports into staging.

    Args:
        candidates: tells which imports are under way.
        clock: tells the time.
        most: how many there are at most.
    """

    def __init__(self, candidates: Records[Candidate], clock: Clock, most: int) -> None:
        super().__init__(clock, most, f"{most} imports are under way, as many as IMPORTS_AT_ONCE says")
        self._candidates = candidates

    def _images(self, now: datetime) -> Iterator[str]:
        yield from images_under_way(self._candidates, Status.IMPORTING, now)
