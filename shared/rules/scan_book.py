"""What scans say, and how one is asked for: by whoever needs one, as often as they like."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from shared.domain.gate.words import Words
from shared.domain.promotion.scanning import ScanWish, asked_for, first_scan
from shared.domain.references import Digest
from shared.domain.scan.report import NoAnswer, Trouble
from shared.domain.scan.scan import Scan
from shared.domain.scan.scan_runs import scan_log_name, scan_words
from shared.errors import Conflict
from shared.ports import Clock, Evidence
from shared.rules.dry_judging import DryScans
from shared.rules.progress import Progress

if TYPE_CHECKING:
    from shared.domain.scan.run_log import ScanAnswer

log = logging.getLogger("tidegate.scan")

LogReader = Callable[[str, Words, Digest, tuple[str, ...]], "ScanAnswer"]
_TRIES = 8


class ScanBook:
    """The scans, one for each digest.

    Args:
        progress: where scans are kept and how they go on.
        evidence: where the logs of their runs are kept.
        read: reads such a log; never raises.
        traceparent: gives the trace context of what is under way.
    """

    def __init__(
        self,
        progress: Progress[Scan],
        evidence: Evidence,
        read: LogReader,
        traceparent: Callable[[], str] = lambda: "",
    ) -> None:
        self._progress = progress
        self._evidence = evidence
        self._read = read
        self._traceparent = traceparent

    def want(self, wish: ScanWish) -> Scan:
        """Ask for a scan; asking again changes nothing. Whoever asks is told when it ends, unless the answer is there.

        Args:
            wish: what is asked for, and by whom.

        Returns:
            The scan as it is now.

        Raises:
            ServiceError: the storage account does not answer; nothing was asked for.
            Conflict: others changed the scan again and again.
        """
        traced = msgspec.structs.replace(wish, traceparent=self._traceparent())
        for _ in range(_TRIES):
            asked = self._asked(traced)
            if asked is not None:
                return asked
        raise Conflict(f"the scan of {wish.digest} was changed by others again and again; {wish.asker} asks again")

    def of(self, digest: Digest) -> Scan | None:
        """Return what is known of a digest's scan, or ``None``. One transaction.

        Raises:
            ServiceError: it could not be read.
        """
        stored = self._progress.records.get(digest)
        return stored.record if stored else None

    def answer(self, scan: Scan) -> ScanAnswer:
        """Read what a scan said from the kept log: its last usable answer, or else why its last run gave none.

        Args:
            scan: as it was read.

        Returns:
            Of each platform that is wanted its report, or why there is none.

        Raises:
            ServiceError: the log could not be read.
        """
        kept = scan.taken or scan.missed
        found = self._evidence.read(scan.id, scan_log_name(scan, kept)) if kept else None
        if kept is None or found is None:
            return _completed(scan, None, f"its log {scan_log_name(scan, kept)} is gone" if kept else "not scanned yet")
        said = self._read(found.decode("utf-8", "replace"), scan_words(scan, kept), scan.digest, kept.platforms)
        return _completed(scan, said, "not scanned yet")

    def dry(self, clock: Clock) -> DryScans:
        """Return these scans for judging of which nothing comes.

        Args:
            clock: tells the time.
        """
        return DryScans(self, clock)

    def _asked(self, wish: ScanWish) -> Scan | None:
        """Ask for a scan once; ``None`` if somebody else did something about it at the same time."""
        now = self._progress.clock()
        stored = self._progress.records.get(wish.digest)
        if stored is None:
            first = first_scan(wish, now)
            if not self._progress.insert(first):
                return None
            self._progress.wake(first)
            return first
        wanted = asked_for(stored.record, wish, now)
        if wanted == stored.record:
            return wanted
        written = self._progress.claim(stored, wanted)
        if written is None:
            return None
        if _is_news(stored.record, written.record):
            self._progress.wake(written.record)
        return written.record


def _completed(scan: Scan, said: ScanAnswer | None, why: str) -> ScanAnswer:
    """Return an answer with every platform that is wanted, whatever the run was given."""
    from shared.domain.scan.run_log import ScanAnswer  # noqa: PLC0415

    without = {platform: NoAnswer(Trouble.NO_REPORT, why) for platform in scan.platforms}
    return ScanAnswer({**without, **(said.reports if said else {})}, said.database if said else None)


def _is_news(before: Scan, after: Scan) -> bool:
    """Whether a scan is to be looked at sooner than was to be before."""
    return (after.status, after.look_at) != (before.status, before.look_at)
