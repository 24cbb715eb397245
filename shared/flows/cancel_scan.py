"""Ask for the end of a scan's run that nobody needs any more: an agent is for those who wait."""

from __future__ import annotations

import logging

from shared.domain.promotion.scanning import put_off_scan
from shared.domain.scan.scan import Scan, ScanReason, advance_scan
from shared.domain.scan.scan_runs import scan_run_name, scan_words
from shared.errors import Paced, ServiceError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.run_looks import ask_to_end
from shared.run_ports import Runs

log = logging.getLogger("tidegate.scan")


class ScanCanceller:
    """Ends scans whose runs were under way when the last who asked for them let go.

    Args:
        progress: where scans are kept and how they go on.
        runs: ACR Tasks of the staging registry.
    """

    def __init__(self, progress: Progress[Scan], runs: Runs) -> None:
        self._progress = progress
        self._runs = runs

    def cancel(self, stored: Stored[Scan]) -> None:
        """Ask for the end of a scan's run, once unless somebody dies in between; then the scan has ended.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        scan = stored.record
        try:
            told = ask_to_end(
                self._runs, scan.live_run, lambda: self._runs.find_scan(scan_run_name(scan), scan_words(scan))
            )
        except Paced:
            raise
        except ServiceError as error:
            self._progress.save(stored, put_off_scan(scan, error, self._progress.clock()))
            return
        log.info("scan of %s: %s", scan.digest, told)
        ended = advance_scan(scan, ScanReason.CANCELED, self._progress.clock(), detail=told, askers=(), live_run="")
        self._progress.save(stored, ended)
