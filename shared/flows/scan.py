"""Scan a staged digest by a run of its own, keep the log, and tell whoever asked what came of it.

Like a gate's run it is claimed before it is scheduled, and found by its name by whoever comes after. What it says is
judged elsewhere, and as often as anybody likes, from the log that is kept.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.digest_ports import Holder
from shared.domain.promotion.run_ends import ended_in_line, told_agent_awaited, told_repeated
from shared.domain.promotion.scanning import (
    answered,
    answered_already,
    nobody_asks,
    passed_by,
    put_off_scan,
    scan_awaits_agent,
    scan_not_begun,
    scan_without_agent,
    silences_of,
    unanswered,
)
from shared.domain.promotion.schedule import LEASE, MOST_RUNS, pause_before_look, pause_before_turn
from shared.domain.promotion.usual_times import SCAN
from shared.domain.scan.report import NoAnswer
from shared.domain.scan.scan import Scan, ScanReason, ScanStatus, Silence, advance_scan
from shared.domain.scan.scan_runs import scan_log_name, scan_run_name, scan_run_names, scan_words
from shared.errors import Paced, ServiceError, TidegateError
from shared.ports import Evidence, Stored
from shared.rules.gate_room import GateRoom
from shared.rules.progress import Progress
from shared.rules.run_looks import RunLooks, Sought
from shared.rules.scan_book import LogReader
from shared.rules.scan_documents import Documents, ScanDocuments
from shared.rules.timekeeping import Timekeeper
from shared.run_ports import Run, Runs, ScannerInUse, ScanRun

if TYPE_CHECKING:
    from shared.domain.scan.run_log import ScanAnswer

log = logging.getLogger("tidegate.scan")

_SECRET_BYTES = 16


class Scanning:
    """Takes scans through their runs.

    Args:
        progress: where scans are kept and how they go on.
        staging: the staging registry, which has to hold what is scanned.
        tools: says what scans are made with; raises if that cannot be had now.
        runs: ACR Tasks of the staging registry.
        evidence: where the log is kept.
        read: reads a log; never raises.
        documents: keeps what is in an image.
        times: knows how long scans usually take.
        room: says whether another run may begin.
        asked: whether anybody still asks for a scan.
        copy: has a digest copied back that staging does not hold.
        then: tells whoever asked, by the ids of the candidates, that the scan has ended; may be told twice.
    """

    def __init__(
        self,
        progress: Progress[Scan],
        staging: Holder,
        tools: Callable[[], ScannerInUse],
        runs: Runs,
        evidence: Evidence,
        read: LogReader,
        documents: ScanDocuments,
        times: Timekeeper,
        room: GateRoom,
        *,
        asked: Callable[[Scan], bool],
        copy: Callable[[Stored[Scan]], None],
        then: Callable[[Sequence[str]], None],
    ) -> None:
        self._progress = progress
        self._staging = staging
        self._tools = tools
        self._runs = runs
        self._looks = RunLooks(runs, runs.find_scan, evidence)
        self._read = read
        self._documents = documents
        self._times = times
        self._room = room
        self._asked = asked
        self._copy = copy
        self._then = then

    def begin(self, stored: Stored[Scan]) -> None:
        """Schedule the run of a scan that is wanted, where there is room for one.

        Raises:
            Paced: there is no room, or its turn at ARM has not come; nothing was written.
            ServiceError: what is under way could not be read; nothing was written.
        """
        scan = stored.record
        if _waited(scan) and self._let_go(stored):
            return
        with self._room.place(scan.image, in_turn=True) as keep:
            tools = self._ready(stored)
            claimed = self._claimed(stored, tools) if tools else None
            if claimed is not None:
                keep()
        if claimed is not None and tools is not None:
            self._start(claimed, scan, tools, again=False)

    def look(self, stored: Stored[Scan]) -> None:
        """Look at the run of a scan that is under way.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
            ServiceError: whoever asked could not be read; nothing was written.
        """
        scan = stored.record
        try:
            run, kept = self._looks.look(_sought(scan), scan.id, scan_log_name(scan))
        except Paced:
            raise
        except ServiceError as error:
            self._put_off(stored, error)
            return
        if run is None:
            self._begin_again(stored)
        elif run.strange:
            self._pass_by(stored, run)
        elif kept is None:
            self._wait(stored, run)
        elif ended_in_line(run.status, kept, scan_words(scan)):
            self._progress.save(stored, scan_without_agent(scan, run.run_id, self._progress.clock()))
            self._room.ended(scan.image)
        else:
            self._conclude(stored, run, kept)

    def tell(self, stored: Stored[Scan]) -> None:
        """Tell whoever asked that there is an answer; whoever dies before that is noted tells once more."""
        scan = stored.record
        try:
            self._then(scan.askers)
        except TidegateError as error:
            self._put_off(stored, error)
            return
        told = f"{len(scan.askers)} that asked were told"
        self._progress.save(stored, advance_scan(scan, ScanReason.TOLD, self._progress.clock(), detail=told, askers=()))

    def _ready(self, stored: Stored[Scan]) -> ScannerInUse | None:
        """Return what to scan with; ``None`` if there is nothing to be scanned now, which is seen to."""
        scan = stored.record
        tools = self._tools_for(stored)
        if tools is None:
            return None
        if scan.has_answer and scan.taken is not None and scan.taken.database == tools.knowledge:
            self._answer(stored, answered_already(scan, tools.knowledge, self._progress.clock()))
            return None
        try:
            there = scan.bundle or self._staging.holds(scan.repository, scan.digest)
        except ServiceError as error:
            self._put_off(stored, error)
            return None
        if not there:
            self._copy(stored)
        return tools if there else None

    def _tools_for(self, stored: Stored[Scan]) -> ScannerInUse | None:
        try:
            return self._tools()
        except Paced:
            raise
        except TidegateError as error:
            log.warning("the scan of %s waits: %s", stored.record.digest, error)
            self._put_off(stored, error, ScanReason.TOOL_AWAITED)
            return None

    def _claimed(self, stored: Stored[Scan], tools: ScannerInUse) -> Stored[Scan] | None:
        """Claim the next run of a scan; ``None`` if somebody else did."""
        self._runs.take_task_turn()
        scan = stored.record
        claimed = advance_scan(
            scan,
            ScanReason.STARTED,
            self._progress.clock(),
            pause=LEASE,
            detail=f"run {scan.attempts + 1} of generation {scan.generation}, with {tools.knowledge}",
            runs=scan.runs + 1,
            secret=scan.secret or secrets.token_hex(_SECRET_BYTES),
            live_run="",
            given=scan.platforms,
            database=tools.knowledge,
            named_from=self._forgotten(scan),
        )
        return self._progress.claim(stored, claimed)

    def _forgotten(self, scan: Scan) -> int:
        """Delete the names of the runs of generations before; a name that stays is deleted with the scan's record."""
        if scan.attempts or scan.unanswered:
            return scan.named_from
        try:
            for name in scan_run_names(scan):
                self._runs.forget(name)
        except TidegateError as error:
            log.info("names of earlier runs of the scan of %s are left: %s", scan.digest, error)
            return scan.named_from
        return scan.runs + 1

    def _begin_again(self, stored: Stored[Scan]) -> None:
        """Whoever claimed the run died before it was scheduled, or got no answer: it is claimed once more.

        Which database its run has is not sure from then on, for the other one may turn up.
        """
        scan = stored.record
        self._runs.take_task_turn()
        tools = self._tools_for(stored)
        if tools is None:
            return
        detail, now = f"run {scan.attempts + 1}: there was none under its name", self._progress.clock()
        again = advance_scan(scan, ScanReason.STARTED, now, pause=LEASE, detail=detail, database="")
        claimed = self._progress.claim(stored, again)
        if claimed is not None:
            self._start(claimed, scan, tools, again=True)

    def _start(self, claimed: Stored[Scan], before: Scan, tools: ScannerInUse, *, again: bool) -> None:
        scan = claimed.record
        try:
            documents = self._documents.bundle(scan) if scan.bundle else {}
            asked = ScanRun(scan.repository, scan.digest, scan.given, scan_words(scan), tools, documents)
            run = self._runs.start_scan(scan_run_name(scan), asked, again=again)
        except Paced as error:
            undone = scan_not_begun(scan, before, self._progress.clock(), pause_before_turn(error))
            self._progress.take_back(claimed, undone)
            self._room.ended(scan.image)
            return
        except ServiceError as error:
            self._put_off(claimed, error)
            return
        if run.strange:
            self._pass_by(claimed, run)
        elif not run.named and again:
            self._repeat(claimed, run)
        else:
            self._again(claimed, run, self._times.pause(SCAN))

    def _again(self, stored: Stored[Scan], run: Run, pause: timedelta) -> None:
        """Look at a run again, by its id from when it is known: so it is looked at with all others."""
        self._progress.again(stored, pause, live_run=run.run_id or stored.record.live_run)

    def _wait(self, stored: Stored[Scan], run: Run) -> None:
        if self._let_go(stored):
            return
        scan, now = stored.record, self._progress.clock()
        pause = self._times.pause(SCAN, now - scan.since)
        if scan_awaits_agent(scan, run.status, now):
            told = told_agent_awaited(run.run_id, scan.since)
            waits = advance_scan(scan, ScanReason.AGENT_AWAITED, now, detail=told, pause=pause, live_run=run.run_id)
            self._progress.save(stored, waits)
        else:
            self._again(stored, run, pause)

    def _let_go(self, stored: Stored[Scan]) -> bool:
        """Let a scan go that nobody asks for any more; whether it was."""
        scan = stored.record
        if self._asked(scan):
            return False
        self._progress.save(stored, nobody_asks(scan, self._progress.clock()))
        if scan.status is ScanStatus.SCANNING:
            self._room.ended(scan.image)
        return True

    def _repeat(self, stored: Stored[Scan], run: Run) -> None:
        """Follow the later of two runs, of which the first may never have been."""
        told, pause, now = told_repeated(run.run_id), pause_before_look(timedelta(0)), self._progress.clock()
        repeated = advance_scan(
            stored.record, ScanReason.RUN_REPEATED, now, detail=told, pause=pause, live_run=run.run_id
        )
        self._progress.save(stored, repeated)

    def _pass_by(self, stored: Stored[Scan], run: Run) -> None:
        """Take the next run's name. The strange run is left for people to look at: it says nothing."""
        self._progress.save(stored, passed_by(stored.record, run.strange, self._progress.clock()))
        self._room.ended(stored.record.image)

    def _conclude(self, stored: Stored[Scan], run: Run, text: str) -> None:
        scan, now = stored.record, self._progress.clock()
        answer = self._read(text, scan_words(scan), scan.digest, scan.given)
        if run.run_id:
            self._times.took(SCAN, now - scan.since)
        if silences := silences_of(run.status, _missing(answer), scan.given):
            self._miss(stored, unanswered(scan, run.run_id, silences, now))
        else:
            database_at = answer.database.updated_at if answer.database else None
            try:
                kept = Documents() if scan.bundle else self._documents.keep(scan, text, now)
            except ServiceError as error:
                self._put_off(stored, error)
                return
            there, without = kept.platforms, kept.missing
            known = answered(scan, run.run_id, database_at, now, documents=there, without=without)
            self._answer(stored, known)
        self._room.ended(scan.image)

    def _answer(self, stored: Stored[Scan], scan: Scan) -> None:
        """Note the answer, then tell of it: who dies in between leaves a record that says whom to tell."""
        claimed = self._progress.claim(stored, scan)
        if claimed is not None:
            self.tell(claimed)

    def _miss(self, stored: Stored[Scan], scan: Scan) -> None:
        """Whoever asked hears of it when the first runs are used up; they ask again by themselves, too."""
        log.warning("the scan of %s gave no answer: %s", scan.digest, scan.last.detail)
        self._progress.save(stored, scan)
        if scan.attempts == MOST_RUNS:
            try:
                self._then(scan.askers)
            except TidegateError as error:
                log.warning("whoever asked for the scan of %s hears later that it fails: %s", scan.digest, error)

    def _put_off(self, stored: Stored[Scan], error: TidegateError, reason: ScanReason = ScanReason.TROUBLE) -> None:
        self._progress.save(stored, put_off_scan(stored.record, error, self._progress.clock(), reason))


def _waited(scan: Scan) -> bool:
    """Whether something has happened since it was asked for, so that who asked may be gone."""
    return scan.last.reason not in {ScanReason.ASKED, ScanReason.ASKED_AGAIN}


def _sought(scan: Scan) -> Sought:
    return Sought(scan_run_name(scan), scan_words(scan), scan.live_run)


def _missing(answer: ScanAnswer) -> tuple[Silence, ...]:
    return tuple(
        Silence(platform, report.trouble, report.detail)
        for platform, report in answer.reports.items()
        if isinstance(report, NoAnswer)
    )
