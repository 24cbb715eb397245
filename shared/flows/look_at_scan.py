"""Look at one scan: its record says what is to be done."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.scan.scan import Scan, ScanStatus
from shared.ports import Stored

Step = Callable[[Stored[Scan]], None]


class ScanLooker:
    """Hands a scan to whoever does the next thing about it, together with its record, which is read once.

    Args:
        begin: has it scanned.
        copying: looks at the copy of its digest back into staging.
        scanning: looks at its run.
        cancel: ends its run.
        tell: tells whoever asked.
    """

    def __init__(self, *, begin: Step, copying: Step, scanning: Step, cancel: Step, tell: Step) -> None:
        self._turns: dict[ScanStatus, Step] = {
            ScanStatus.WANTED: begin,
            ScanStatus.IMPORTING: copying,
            ScanStatus.SCANNING: scanning,
            ScanStatus.CANCELLING: cancel,
            ScanStatus.ANSWERED: tell,
        }

    def look(self, stored: Stored[Scan]) -> None:
        """Do the next thing about a scan; nothing at its end.

        Raises:
            Paced: its turn at ARM has not come, or there is no room for its run; nothing was written.
            ServiceError: what it depends on could not be read; nothing was written.
        """
        turn = self._turns.get(stored.record.status)
        if turn is not None:
            turn(stored)
