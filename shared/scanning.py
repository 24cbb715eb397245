"""Puts together how images are scanned, and what scans share with all other flows."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared.flows.look_at_scan import ScanLooker
from shared.flows.put_away_evidence import EvidenceKeeper
from shared.outside import Outside
from shared.rules.gate_room import GateRoom
from shared.rules.import_room import ImportRoom
from shared.rules.progress import Progress, candidate_progress, scan_progress
from shared.rules.scan_askers import Askers
from shared.rules.scan_book import ScanBook
from shared.rules.scan_documents import ScanDocuments
from shared.rules.scan_sources import ScanSources
from shared.rules.timekeeping import Timekeeper
from shared.rules.wake import Waker
from shared.telemetry.changes import candidate_changed, scan_changed
from shared.telemetry.spans import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain.gate.words import Words
    from shared.domain.promotion.candidate import Candidate
    from shared.domain.references import Digest
    from shared.domain.scan.run_log import ScanAnswer
    from shared.domain.scan.scan import Scan
    from shared.run_ports import ScannerInUse


def read_log(text: str, words: Words, digest: Digest, platforms: tuple[str, ...]) -> ScanAnswer:
    """Read the log of a scan's run; what reads reports is loaded when the first one is read."""
    from shared.domain.scan.run_log import read_scan_log  # noqa: PLC0415

    return read_scan_log(text, words, digest, platforms)


class Scanned(Outside):
    """The outside systems, and what scans are made by."""

    @cached_property
    def waker(self) -> Waker:
        """Wakes for what is due."""
        return Waker(self.outbox, self.clock)

    @cached_property
    def times(self) -> Timekeeper:
        """Knows how long imports, gates and scans usually take."""
        return Timekeeper(self.usual_times)

    @cached_property
    def candidate_progress(self) -> Progress[Candidate]:
        """How candidates go on."""
        return candidate_progress(self.candidates, self.waker, self.clock, tell=candidate_changed)

    @cached_property
    def scan_progress(self) -> Progress[Scan]:
        """How scans go on."""
        return scan_progress(self.scans, self.waker, self.clock, tell=scan_changed)

    @cached_property
    def gate_room(self) -> GateRoom:
        """Says whether another run may begin."""
        return GateRoom(self.candidates, self.clock, int(self.settings.gates_at_once), self.scans)

    @cached_property
    def import_room(self) -> ImportRoom:
        """Says whether another import into staging may begin."""
        return ImportRoom(self.candidates, self.clock, int(self.settings.imports_at_once))

    @cached_property
    def scan_book(self) -> ScanBook:
        """What scans say, and how one is asked for."""
        return ScanBook(self.scan_progress, self.evidence, read_log, current_traceparent)

    @cached_property
    def scan_documents(self) -> ScanDocuments:
        """Keeps what scans found to be in images."""
        return ScanDocuments(self.evidence)

    @cached_property
    def evidence_keeper(self) -> EvidenceKeeper:
        """Deletes evidence that no record names any more."""
        targets, base, stays = self.targets, self.settings.base.name.lower(), int(self.settings.evidence_days)
        every = lambda: (stored.record for stored in targets.every(base))  # noqa: E731
        return EvidenceKeeper(self.evidence, self.scans, every, self.clock, timedelta(days=stays))

    @cached_property
    def askers(self) -> Askers:
        """Who asks for scans."""
        return Askers(self.candidate_progress)

    def looker_of_scans(
        self, scanner_in_use: Callable[[], ScannerInUse], then: Callable[[Sequence[str]], None]
    ) -> ScanLooker:
        """Return what takes scans through their runs.

        Args:
            scanner_in_use: says what scans are made with.
            then: is told who asked for a scan that has ended.
        """
        from shared.flows.cancel_scan import ScanCanceller  # noqa: PLC0415
        from shared.flows.copy_scanned import ScanCopier  # noqa: PLC0415
        from shared.flows.scan import Scanning  # noqa: PLC0415

        sources = ScanSources(self.base, self.candidates, self.ledger, self.settings.accounts.keys())
        copier = ScanCopier(self.scan_progress, self.staging, sources, self.times)
        scanning = Scanning(
            self.scan_progress,
            self.staging,
            scanner_in_use,
            self.staging_runs,
            self.evidence,
            read_log,
            self.scan_documents,
            self.times,
            self.gate_room,
            asked=self.askers.any_left,
            copy=copier.begin,
            then=then,
        )
        return ScanLooker(
            begin=scanning.begin,
            copying=copier.look,
            scanning=scanning.look,
            cancel=ScanCanceller(self.scan_progress, self.staging_runs).cancel,
            tell=scanning.tell,
        )
