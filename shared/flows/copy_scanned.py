"""Copy back into staging, by digest, what is to be scanned and was purged there; and read back what is there."""

from __future__ import annotations

from shared.domain.promotion.scanning import put_off_scan, scan_not_begun
from shared.domain.promotion.schedule import FIRST_RETRY, LEASE, pause_before_turn
from shared.domain.promotion.usual_times import STAGING_IMPORT
from shared.domain.scan.scan import Scan, ScanReason, advance_scan
from shared.errors import DigestMismatch, OperationFailed, Paced, ServiceError, TidegateError
from shared.ports import Registry, Stored
from shared.rules.imports import Awaited, Differs, UnderWay, look
from shared.rules.progress import Progress
from shared.rules.scan_sources import ScanSources
from shared.rules.timekeeping import Timekeeper


class ScanCopier:
    """Has digests that are to be scanned copied back into staging.

    Args:
        progress: where scans are kept and how they go on.
        staging: the staging registry.
        sources: say from where.
        times: knows how long imports usually take.
    """

    def __init__(self, progress: Progress[Scan], staging: Registry, sources: ScanSources, times: Timekeeper) -> None:
        self._progress = progress
        self._staging = staging
        self._sources = sources
        self._times = times

    def begin(self, stored: Stored[Scan]) -> None:
        """Ask for the copy of a digest that staging does not hold.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        scan = stored.record
        self._staging.take_turn()
        try:
            source = self._sources.of(scan)
        except ServiceError as error:
            self._put_off(stored, error)
            return
        detail = f"{scan.repository} lacks it in staging; from {source.repository}"
        asked = advance_scan(scan, ScanReason.COPY_STARTED, self._progress.clock(), pause=LEASE, detail=detail)
        claimed = self._progress.claim(stored, asked)
        if claimed is None:
            return
        try:
            operation = self._staging.start_import(source, scan.repository, scan.staging_tag)
        except Paced as error:
            undone = scan_not_begun(claimed.record, scan, self._progress.clock(), pause_before_turn(error))
            self._progress.take_back(claimed, undone)
        except ServiceError as error:
            self._put_off(claimed, error, ScanReason.COPY_LOST)
        else:
            self._progress.again(claimed, self._times.pause(STAGING_IMPORT), operation=operation.token)

    def look(self, stored: Stored[Scan]) -> None:
        """Look at the copy that is under way.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        awaited = _awaited(stored.record)
        try:
            seen = look(self._staging, stored.record.operation, awaited, self._progress.clock())
        except (OperationFailed, DigestMismatch) as error:
            self._put_off(stored, error, ScanReason.COPY_LOST)
        except Paced:
            raise
        except ServiceError as error:
            self._put_off(stored, error)
        else:
            self._go_on(stored, seen)

    def _go_on(self, stored: Stored[Scan], seen: UnderWay | Differs | None) -> None:
        scan, now = stored.record, self._progress.clock()
        if isinstance(seen, UnderWay):
            self._progress.again(stored, seen.pause, operation=seen.token)
        elif isinstance(seen, Differs):
            fields = {"detail": seen.detail, "operation": ""}
            self._progress.save(stored, advance_scan(scan, ScanReason.COPY_LAGS, now, pause=FIRST_RETRY, **fields))
        else:
            told = f"as {scan.staging_tag}"
            self._progress.save(stored, advance_scan(scan, ScanReason.COPY_VERIFIED, now, detail=told))

    def _put_off(self, stored: Stored[Scan], error: TidegateError, reason: ScanReason = ScanReason.TROUBLE) -> None:
        self._progress.save(stored, put_off_scan(stored.record, error, self._progress.clock(), reason))


def _awaited(scan: Scan) -> Awaited:
    since, differs = scan.latest(ScanReason.COPY_STARTED) or scan.since, scan.latest(ScanReason.COPY_LAGS)
    since_this = differs if differs is not None and differs >= since else None
    return Awaited("staging", scan.repository, scan.staging_tag, scan.digest, since, since_this)
