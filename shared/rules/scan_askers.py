"""Who asks for a scan: candidates, which are told when it ends, and which may not need it any more before that."""

from __future__ import annotations

import logging

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.scanning import WATCHER, still_asks, watcher_asks
from shared.domain.scan.scan import Scan
from shared.errors import TidegateError
from shared.rules.progress import Progress

log = logging.getLogger("tidegate.scan")


class Askers:
    """The candidates that ask for scans.

    Args:
        progress: where candidates are kept and how they go on.
    """

    def __init__(self, progress: Progress[Candidate]) -> None:
        self._progress = progress

    def any_left(self, scan: Scan) -> bool:
        """Whether anybody still asks for a scan. One transaction for each who asked, until the first who does.

        Raises:
            ServiceError: a candidate could not be read.
        """
        return any(self._asks(asker, scan) for asker in reversed(scan.askers))

    def _asks(self, asker: str, scan: Scan) -> bool:
        """What nobody can read is taken to ask."""
        if asker == WATCHER:
            return watcher_asks(scan, self._progress.clock())
        try:
            stored = self._progress.records.get(asker)
        except TidegateError as error:
            if error.temporary:
                raise
            return True
        return still_asks(scan, stored.record if stored else None, self._progress.clock())
