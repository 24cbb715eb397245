"""Run a candidate's gate on its staged digest, keep the log, and let the test's exit status decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec

from shared.domain.events.messages import LookAtCandidate
from shared.domain.gate.verdict import UNDER_WAY, Finding, Verdict, judge
from shared.domain.promotion.candidate import Candidate, Reason, Status, run_name
from shared.domain.promotion.lifecycle import Stage, advance, put_off, stage_of
from shared.domain.promotion.schedule import LEASE, MOST_RUNS, pause_before_look, pause_before_retry
from shared.errors import NotFound, ServiceError
from shared.ports import Configuration, Evidence, Stored
from shared.rules.progress import Progress
from shared.run_ports import GateRun, Run, Runs

_REASONS = {Finding.PASSED: Reason.GATE_PASSED, Finding.REJECTED: Reason.GATE_REJECTED}


class Validator:
    """Takes candidates through their gates.

    Args:
        progress: where candidates are kept and how they go on.
        configuration: holds the gates.
        runs: ACR Tasks of the staging registry.
        evidence: where the log is kept.
        then: begins the promotion of a candidate that passed; given the record as read, and as it is to be written.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        configuration: Configuration,
        runs: Runs,
        evidence: Evidence,
        then: Callable[[Stored[Candidate], Candidate], None],
    ) -> None:
        self._progress = progress
        self._configuration = configuration
        self._runs = runs
        self._evidence = evidence
        self._then = then

    def validate(self, message: LookAtCandidate) -> None:
        """Do the next thing about a candidate's functional test."""
        stored = self._progress.held(message.candidate, message.step)
        if stored is None or stage_of(stored.record.status) is not Stage.VALIDATE:
            return
        if stored.record.status is Status.STAGED:
            self.begin(stored, stored.record)
        else:
            self._look(stored)

    def begin(self, stored: Stored[Candidate], candidate: Candidate) -> None:
        """Schedule the gate of a staged candidate, or pass on one that has none.

        Args:
            stored: the record as it was read.
            candidate: the same, staged; not necessarily written yet.
        """
        now = self._progress.clock()
        if candidate.gate is None:
            self._then(stored, advance(candidate, Reason.NO_GATE, now))
            return
        number = candidate.runs + 1
        detail = f"gate {candidate.gate}, run {number} of at most {MOST_RUNS}"
        try:
            gate = self._gate(candidate)
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, now))
            return
        started = advance(candidate, Reason.GATE_STARTED, now, pause=LEASE, runs=number, detail=detail)
        claimed = self._progress.claim(stored, started)
        if claimed is not None:
            self._start(claimed, gate)

    def _start(self, claimed: Stored[Candidate], gate: GateRun) -> None:
        try:
            self._runs.start_gate(run_name(claimed.record), gate)
        except ServiceError as error:
            self._progress.save(claimed, put_off(claimed.record, error, self._progress.clock()))
        else:
            self._progress.again(claimed, pause_before_look(timedelta(0)))

    def _gate(self, candidate: Candidate) -> GateRun:
        files = self._configuration.gate(candidate.gate or "")
        if "Dockerfile" not in files:
            raise NotFound(
                f"{candidate.image}: there is no gates/{candidate.gate}/Dockerfile beside the watch list, so "
                f"{candidate.target}:{candidate.tag} cannot be tested and is not promoted; add the gate and check the "
                "image again"
            )
        return GateRun(candidate.target, candidate.digest, files)

    def _look(self, stored: Stored[Candidate]) -> None:
        candidate = stored.record
        try:
            run = self._run(candidate)
            log = None if run.status in UNDER_WAY else self._kept_log(candidate, run)
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, self._progress.clock()))
            return
        if log is None:
            self._progress.again(stored, pause_before_look(self._progress.clock() - candidate.since))
        else:
            self._conclude(stored, run, judge(run.status, log))

    def _run(self, candidate: Candidate) -> Run:
        """Whoever claimed the run may have died before scheduling it; under its name it is scheduled once."""
        name = run_name(candidate)
        return self._runs.find(name) or self._runs.start_gate(name, self._gate(candidate))

    def _kept_log(self, candidate: Candidate, run: Run) -> str:
        log = self._runs.log(run.run_id)
        self._evidence.keep(candidate.id, _log_name(candidate), log.encode())
        return log

    def _conclude(self, stored: Stored[Candidate], run: Run, verdict: Verdict) -> None:
        candidate = stored.record
        evidence = tuple(dict.fromkeys((*candidate.evidence, _log_name(candidate))))
        known = msgspec.structs.replace(candidate, run_id=run.run_id, evidence=evidence)
        detail = f"{verdict.detail} (run {run.run_id})"
        decided = _decided(known, verdict.finding, detail, self._progress)
        if decided.last.reason is Reason.GATE_PASSED:
            self._then(stored, decided)
        else:
            self._progress.save(stored, decided)


def _log_name(candidate: Candidate) -> str:
    return f"gate-{candidate.generation}-{candidate.runs}.log"


def _decided(candidate: Candidate, finding: Finding, detail: str, progress: Progress[Candidate]) -> Candidate:
    now = progress.clock()
    if reason := _REASONS.get(finding):
        return advance(candidate, reason, now, detail=detail)
    if candidate.runs >= MOST_RUNS:
        return advance(candidate, Reason.GAVE_UP, now, detail=f"{detail}; {MOST_RUNS} runs decided nothing")
    return advance(candidate, Reason.GATE_UNDECIDED, now, detail=detail, pause=pause_before_retry(candidate.runs))
