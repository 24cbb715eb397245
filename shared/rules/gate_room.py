"""How many runs are under way at once in the staging registry, of gates and scans together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.scan.scan import Scan, ScanStatus
from shared.ports import Clock, Records
from shared.rules.turn_room import TurnRoom, images_under_way


class GateRoom(TurnRoom):
    """Room for runs.

    Args:
        candidates: tells which runs of gates are under way.
        clock: tells the time.
        most: how many runs there are at most.
        scans: tells which runs of scans are under way; ``None`` where there are none.
    """

    def __init__(
        self, candidates: Records[Candidate], clock: Clock, most: int, scans: Records[Scan] | None = None
    ) -> None:
        super().__init__(clock, most, f"{most} runs are under way, as many as GATES_AT_ONCE says")
        self._candidates = candidates
        self._scans = scans

    def _images(self, now: datetime) -> Iterator[str]:
        yield from images_under_way(self._candidates, Status.VALIDATING, now)
        if self._scans is not None:
            yield from images_under_way(self._scans, ScanStatus.SCANNING, now)
