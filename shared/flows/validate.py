"""Run a candidate's gate on its staged digest, keep the log, and let the test's own words decide."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.gate.steps_verdict import judge_steps
from shared.domain.gate.verdict import Finding, RunStatus, Verdict, judge
from shared.domain.promotion.candidate import Candidate, run_name, run_words
from shared.domain.promotion.lifecycle import advance, end_by, not_begun, put_off
from shared.domain.promotion.run_ends import (
    agent_awaited,
    awaits_agent,
    contents_of,
    ended_in_line,
    judged,
    observed,
    told_repeated,
    told_strange,
    without_agent,
)
from shared.domain.promotion.schedule import (
    LEASE,
    MOST_RUNS,
    pause_before_look,
    pause_before_retry,
    pause_before_turn,
)
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.usual_times import gate_kind
from shared.errors import MalformedInput, Paced, ServiceError
from shared.ports import Evidence, Stored
from shared.rules.gate_room import GateRoom
from shared.rules.progress import Progress
from shared.rules.run_looks import RunLooks, Sought
from shared.rules.timekeeping import Timekeeper
from shared.run_ports import GateRun, Run, Runs

log = logging.getLogger("tidegate.validate")

_SECRET_BYTES = 16
# A candidate whose run was scheduled before there were words: that run's test could not have said any.
_BY_AN_EARLIER_VERSION = Run("", RunStatus.ERROR)
_NO_WORDS = "its run was begun by an earlier version, whose tests said no words"
_TRUSTS = "it has steps of its own (task.yaml), so it trusts the image: both share workspace, socket and login"
_PROPOSED = frozenset({Reason.GATE_PASSED, Reason.GATE_OBSERVED})
_REASONS = {Finding.PASSED: Reason.GATE_PASSED, Finding.REJECTED: Reason.GATE_REJECTED}


class Validator:
    """Takes candidates through their gates.

    Args:
        progress: where candidates are kept and how they go on.
        gate_run: prepares the run of a candidate's gate, or refuses the gate.
        runs: ACR Tasks of the staging registry.
        evidence: where the log is kept.
        times: knows how long gates usually take.
        room: says whether another run may begin.
        observes: whether a tag that asked for a candidate only observes its test.
        then: begins the promotion of a candidate that passed; given the record as read, and as it is to be written.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        gate_run: Callable[[Candidate], GateRun],
        runs: Runs,
        evidence: Evidence,
        times: Timekeeper,
        room: GateRoom,
        observes: Callable[[Candidate], bool],
        then: Callable[[Stored[Candidate], Candidate], None],
    ) -> None:
        self._progress = progress
        self._gate_run = gate_run
        self._runs = runs
        self._looks = RunLooks(runs, runs.find_gate, evidence)
        self._times = times
        self._room = room
        self._observes = observes
        self._then = then

    def validate(self, stored: Stored[Candidate]) -> None:
        """Do the next thing about a candidate's functional test, given its record as it was read.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
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
        in_turn = candidate.step == stored.record.step
        try:
            with self._room.place(candidate.image, in_turn=in_turn) as keep:
                self._runs.take_gate_turn()
                claimed = self._claimed(stored, candidate)
                if claimed is not None:
                    keep()
        except Paced as error:
            if in_turn:
                raise
            # What led here is not written yet.
            look_at = self._progress.clock() + pause_before_turn(error)
            self._progress.save(stored, msgspec.structs.replace(candidate, look_at=look_at))
            return
        if claimed is not None:
            self._start(claimed[0], candidate, claimed[1], again=False)

    def _claimed(self, stored: Stored[Candidate], candidate: Candidate) -> tuple[Stored[Candidate], GateRun] | None:
        """Claim the next run of a staged candidate; ``None`` if it cannot be claimed."""
        now = self._progress.clock()
        number = candidate.runs + 1
        attempt = number - candidate.unanswered
        detail = f"gate {candidate.gate}, run {attempt} of at most {MOST_RUNS}"
        secret = candidate.secret or secrets.token_hex(_SECRET_BYTES)
        words = {"runs": number, "secret": secret, "live_run": "", "unnamed_run": ""}
        started = advance(candidate, Reason.GATE_STARTED, now, pause=LEASE, detail=detail, **words)
        try:
            gate = self._gate_run(started)
        except (ServiceError, MalformedInput) as error:
            self._progress.save(stored, put_off(candidate, error, now))
            return None
        claimed = self._progress.claim(stored, _noted(started, gate))
        return None if claimed is None else (claimed, gate)

    def _begin_again(self, stored: Stored[Candidate]) -> None:
        """Whoever claimed the run died before it was scheduled, or got no answer: it is claimed once more.

        Of two who find no run only one may schedule it: what is asked for anew after the run under its name failed is
        another run.
        """
        candidate, now = stored.record, self._progress.clock()
        try:
            self._runs.take_gate_turn()
            gate = self._gate_run(candidate)
        except Paced:
            raise
        except (ServiceError, MalformedInput) as error:
            self._progress.save(stored, put_off(candidate, error, now))
            return
        detail = f"gate {candidate.gate}, run {candidate.runs}: there was none under its name"
        again = advance(candidate, Reason.GATE_STARTED, now, pause=LEASE, detail=detail)
        claimed = self._progress.claim(stored, _noted(again, gate))
        if claimed is not None:
            self._start(claimed, candidate, gate, again=True)

    def _start(self, claimed: Stored[Candidate], before: Candidate, gate: GateRun, *, again: bool) -> None:
        try:
            run = self._runs.start_gate(run_name(claimed.record), gate, again=again)
        except Paced as error:
            undone = not_begun(claimed.record, before, self._progress.clock(), pause_before_turn(error))
            self._progress.take_back(claimed, undone)
            self._room.ended(before.image)
            return
        except ServiceError as error:
            self._progress.save(claimed, put_off(claimed.record, error, self._progress.clock()))
            return
        if run.strange:
            self._pass_by(claimed, run)
            return
        if not run.named and again:
            self._repeat(claimed, run)
            return
        self._again(claimed, run, self._times.pause(_kind(claimed.record)))

    def _again(self, stored: Stored[Candidate], run: Run, pause: timedelta) -> None:
        """Look at a run again, by its id from when it is known: so it is looked at with all others."""
        self._progress.again(stored, pause, live_run=run.run_id or _live_run(stored.record))

    def _look(self, stored: Stored[Candidate]) -> None:
        candidate = stored.record
        if not candidate.secret:
            self._conclude(stored, _BY_AN_EARLIER_VERSION, Verdict(Finding.UNDECIDED, _NO_WORDS))
            return
        try:
            run, log = self._looks.look(_sought(candidate), candidate.id, _log_name(candidate))
        except Paced:
            raise
        except (ServiceError, MalformedInput) as error:
            self._progress.save(stored, put_off(candidate, error, self._progress.clock()))
            return
        if run is None:
            self._begin_again(stored)
        elif run.strange:
            self._pass_by(stored, run)
        elif log is None:
            self._wait(stored, run)
        elif ended_in_line(run.status, log, run_words(candidate)):
            self._progress.save(stored, without_agent(candidate, run.run_id, self._progress.clock()))
            self._room.ended(candidate.image)
        else:
            decides = judge_steps if candidate.trusts_image else judge
            self._conclude(stored, run, decides(run.status, log, run_words(candidate)))

    def _wait(self, stored: Stored[Candidate], run: Run) -> None:
        candidate, now = stored.record, self._progress.clock()
        pause = self._times.pause(_kind(candidate), now - candidate.since)
        if awaits_agent(candidate, run.status, run.run_id, now):
            known = msgspec.structs.replace(candidate, live_run=run.run_id)
            self._progress.save(stored, agent_awaited(known, run.run_id, now, pause))
        else:
            self._again(stored, run, pause)

    def _repeat(self, stored: Stored[Candidate], run: Run) -> None:
        """Follow the later of two runs, of which the first may never have been."""
        told, pause, now = told_repeated(run.run_id), pause_before_look(timedelta(0)), self._progress.clock()
        candidate = msgspec.structs.replace(stored.record, live_run=run.run_id)
        self._progress.save(stored, advance(candidate, Reason.RUN_REPEATED, now, detail=told, pause=pause))

    def _pass_by(self, stored: Stored[Candidate], run: Run) -> None:
        """Take the next run's name. The strange run is left for people to look at: it decides nothing."""
        told, now = told_strange(run.strange), self._progress.clock()
        self._end(stored, lambda: _undecided(stored.record, Reason.STRANGE_RUN, told, now, self._observes))

    def _conclude(self, stored: Stored[Candidate], run: Run, verdict: Verdict) -> None:
        candidate = stored.record
        kept = (_log_name(candidate),) if run.run_id else ()
        evidence = tuple(dict.fromkeys((*candidate.evidence, *kept)))
        known = msgspec.structs.replace(candidate, run_id=run.run_id, evidence=evidence)
        detail = f"{verdict.detail} (run {run.run_id})" if run.run_id else verdict.detail
        now = self._progress.clock()
        ended = self._end(stored, lambda: _decided(known, verdict.finding, detail, now, self._observes))
        if run.run_id and ended:
            self._times.took(_kind(candidate), now - candidate.since)

    def _end(self, stored: Stored[Candidate], decided: Callable[[], Candidate]) -> bool:
        """Write what the end of a run means. While it is not known whether a tag observes the test, nothing ends."""
        candidate = stored.record
        try:
            known = decided()
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, self._progress.clock()))
            return False
        if known.last.reason in _PROPOSED:
            self._then(stored, known)
        else:
            self._progress.save(stored, known)
        self._room.ended(candidate.image)
        return True


def _noted(claimed: Candidate, gate: GateRun) -> Candidate:
    """Say in the record which files the run is given, and what a gate with steps of its own trusts."""
    claimed = msgspec.structs.replace(claimed, contents=contents_of(gate.files), trusts_image=gate.task is not None)
    if gate.task is None:
        return claimed
    told = msgspec.structs.replace(claimed.last, detail=f"{claimed.last.detail}; {_TRUSTS}")
    return msgspec.structs.replace(claimed, history=(*claimed.history[:-1], told))


def _live_run(candidate: Candidate) -> str:
    return candidate.live_run or candidate.unnamed_run


def _sought(candidate: Candidate) -> Sought:
    return Sought(run_name(candidate), run_words(candidate), _live_run(candidate))


def _kind(candidate: Candidate) -> str:
    return gate_kind(candidate.gate or "")


def _log_name(candidate: Candidate) -> str:
    return f"gate-{candidate.generation}-{candidate.runs}.log"


def _decided(
    candidate: Candidate, finding: Finding, detail: str, now: datetime, observes: Callable[[Candidate], bool]
) -> Candidate:
    if reason := _REASONS.get(finding):
        known = judged(candidate, candidate.run_id, now, passed=finding is Finding.PASSED)
        if known.last.reason is Reason.GATE_DIFFERS:
            log.warning("%s: %s", candidate.id, known.last.detail)
        if reason is Reason.GATE_REJECTED and observes(candidate):
            return observed(known, now, decided=True, detail=detail)
        return advance(known, reason, now, detail=detail)
    return _undecided(candidate, Reason.GATE_UNDECIDED, detail, now, observes)


def _undecided(
    candidate: Candidate, reason: Reason, detail: str, now: datetime, observes: Callable[[Candidate], bool]
) -> Candidate:
    attempts = candidate.runs - candidate.unanswered
    if attempts < MOST_RUNS:
        return advance(candidate, reason, now, detail=detail, pause=pause_before_retry(attempts))
    told = f"{detail}; {MOST_RUNS} runs decided nothing"
    if observes(candidate):
        return observed(candidate, now, decided=False, detail=told)
    return advance(candidate, end_by(candidate, Reason.GAVE_UP), now, detail=told)
