"""Run a candidate's gate on its staged digest, keep the log, and let the test's exit status decide."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.candidate import Candidate, Reason, Status, run_name
from shared.domain.lifecycle import Stage, advance, put_off, stage_of
from shared.domain.messages import LookAtCandidate
from shared.domain.schedule import LEASE, MOST_RUNS, pause_before_look, pause_before_retry
from shared.domain.verdict import UNDER_WAY, Finding, Verdict, judge
from shared.errors import NotFound, ServiceError
from shared.ports import Configuration, Evidence, GateRun, Run, Runs, Stored
from shared.progress import Progress

_REASONS = {Finding.PASSED: Reason.GATE_PASSED, Finding.REJECTED: Reason.GATE_REJECTED}


def validate(
    message: LookAtCandidate,
    *,
    progress: Progress[Candidate],
    configuration: Configuration,
    runs: Runs,
    evidence: Evidence,
) -> None:
    """Do the next thing about a candidate's functional test.

    Args:
        message: which candidate, at which step.
        progress: where candidates are kept and how they go on.
        configuration: holds the gates.
        runs: ACR Tasks of the staging registry.
        evidence: where the log is kept.
    """
    stored = progress.held(message.candidate, message.step)
    if stored is None or stage_of(stored.record.status) is not Stage.VALIDATE:
        return
    if stored.record.gate is None:
        progress.save(stored, advance(stored.record, Reason.NO_GATE, progress.clock()))
        return
    try:
        if stored.record.status is Status.STAGED:
            _start(stored, stored.record.gate, progress, configuration, runs)
        else:
            _look(stored, stored.record.gate, progress, configuration, runs, evidence)
    except ServiceError as error:
        _put_off(progress, message, error)


def _start(
    stored: Stored[Candidate], gate: str, progress: Progress[Candidate], configuration: Configuration, runs: Runs
) -> None:
    candidate = stored.record
    run = _gate_run(candidate, gate, configuration)
    number = candidate.runs + 1
    started = advance(
        candidate, Reason.GATE_STARTED, progress.clock(), pause=LEASE, runs=number, detail=f"gate {gate}, run {number}"
    )
    claimed = progress.claim(stored, started)
    if claimed is not None:
        runs.start_gate(run_name(started), run)
        progress.again(claimed, pause_before_look(timedelta(0)))


def _gate_run(candidate: Candidate, gate: str, configuration: Configuration) -> GateRun:
    files = configuration.gate(gate)
    if "Dockerfile" not in files:
        raise NotFound(
            f"{candidate.image}: there is no gates/{gate}/Dockerfile beside the watch list, so {candidate.target}:"
            f"{candidate.tag} cannot be tested and is not promoted; add the gate and check the image again"
        )
    return GateRun(candidate.target, candidate.digest, files)


def _look(
    stored: Stored[Candidate],
    gate: str,
    progress: Progress[Candidate],
    configuration: Configuration,
    runs: Runs,
    evidence: Evidence,
) -> None:
    candidate = stored.record
    name = run_name(candidate)
    run = runs.find(name) or runs.start_gate(name, _gate_run(candidate, gate, configuration))
    if run.status in UNDER_WAY:
        progress.again(stored, pause_before_look(progress.clock() - candidate.since))
    else:
        _conclude(stored, run, progress, runs, evidence)


def _conclude(
    stored: Stored[Candidate], run: Run, progress: Progress[Candidate], runs: Runs, evidence: Evidence
) -> None:
    candidate = stored.record
    log = runs.log(run.run_id)
    name = f"gate-{candidate.generation}-{candidate.runs}.log"
    evidence.keep(candidate.id, name, log.encode())
    kept = (*(known for known in candidate.evidence if known != name), name)
    progress.save(stored, _decided(candidate, run, judge(run.status, log), kept, progress))


def _decided(
    candidate: Candidate, run: Run, verdict: Verdict, kept: tuple[str, ...], progress: Progress[Candidate]
) -> Candidate:
    reason = _REASONS.get(verdict.finding, Reason.GATE_UNDECIDED)
    pause = timedelta(0)
    if reason is Reason.GATE_UNDECIDED:
        reason = Reason.GAVE_UP if candidate.runs >= MOST_RUNS else reason
        pause = pause_before_retry(candidate.runs)
    detail = f"{verdict.detail} (run {run.run_id}, {candidate.runs} of at most {MOST_RUNS})"
    return advance(candidate, reason, progress.clock(), detail=detail, pause=pause, run_id=run.run_id, evidence=kept)


def _put_off(progress: Progress[Candidate], message: LookAtCandidate, error: ServiceError) -> None:
    """Read the record again: the step that failed may have claimed it."""
    stored = progress.records.get(message.candidate)
    if stored is not None and stored.record.step in {message.step, message.step + 1}:
        progress.save(stored, put_off(stored.record, error, progress.clock()))
