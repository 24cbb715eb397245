"""What a gate's run that ended says beside its verdict: of the platform, and of the gate itself. Pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.gate.words import Words
from shared.domain.promotion.candidate import Candidate, GateVerdict, Objection
from shared.domain.promotion.lifecycle import advance
from shared.domain.promotion.schedule import AGENT_PATIENCE, pause_before_retry
from shared.domain.promotion.statuses import Reason

_OBJECTION_KEPT = 400


def contents_of(files: Mapping[str, bytes]) -> str:
    """Return the same text for a gate's files as long as they are the same."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return whole.hexdigest()


def ended_in_line(status: RunStatus, log: str, words: Words) -> bool:
    """Whether a run's time was used up before any of its steps began: no agent took it in time.

    Args:
        status: how the run ended.
        log: its log. The task engine names each step that it begins.
        words: of the run.
    """
    begun = (words.nonce, words.files_step, words.build_step, words.test_step, words.begin_step)
    return status is RunStatus.TIMEOUT and not any(mark in log for mark in begun)


def is_left_alone(status: RunStatus, since: datetime, now: datetime) -> bool:
    """Whether no agent has taken a run for so long that it is to be told."""
    return status is RunStatus.QUEUED and now - since >= AGENT_PATIENCE


def told_no_agent(run_id: str) -> str:
    """Return what is told of a run that no agent took in time."""
    return f"no agent took run {run_id} within its time; another one is asked for, and it counts as no attempt"


def told_agent_awaited(run_id: str, since: datetime) -> str:
    """Return what is told of a run that no agent has taken for long."""
    return f"no agent of ACR Tasks has taken run {run_id} since {since:%H:%M} UTC; it waits, nothing is lost"


def told_repeated(run_id: str) -> str:
    """Return what is told of the later of two runs, of which the first may never have been."""
    return f"run {run_id}: whether another one was begun before it is not known; two do no harm"


def told_strange(strange: str) -> str:
    """Return what is told of a run that bears the name of ours."""
    return f"{strange}; it is not believed, and not deleted"


def without_agent(candidate: Candidate, run_id: str, now: datetime) -> Candidate:
    """Return a candidate whose run found no agent in time: it is asked for again, however often, and none is counted.

    Args:
        candidate: the record.
        run_id: of the run.
        now: UTC.
    """
    number = candidate.unanswered + 1
    told, pause = told_no_agent(run_id), pause_before_retry(number)
    return advance(candidate, Reason.NO_AGENT, now, detail=told, pause=pause, unanswered=number, run_id=run_id)


def awaits_agent(candidate: Candidate, status: RunStatus, run_id: str, now: datetime) -> bool:
    """Whether it is to be told that no agent has taken a run for long: once, and not at every look."""
    return (
        is_left_alone(status, candidate.since, now)
        and bool(run_id)
        and candidate.last.reason is not Reason.AGENT_AWAITED
    )


def agent_awaited(candidate: Candidate, run_id: str, now: datetime, pause: timedelta) -> Candidate:
    """Return a candidate that tells that its run waits for an agent."""
    told = told_agent_awaited(run_id, candidate.since)
    return advance(candidate, Reason.AGENT_AWAITED, now, detail=told, pause=pause)


def judged(candidate: Candidate, run_id: str, now: datetime, *, passed: bool) -> Candidate:
    """Return a candidate that knows its gate's verdict, and tells where the same gate said otherwise before.

    Args:
        candidate: the record, with the contents of the gate that its run was given.
        run_id: of the run.
        now: UTC.
        passed: whether it passed; the verdict itself is a step of its own.
    """
    before, verdict = candidate.verdict, GateVerdict(candidate.contents, passed, run_id, now)
    known = msgspec.structs.replace(candidate, verdict=verdict)
    if before is None or not before.contents or before.contents != verdict.contents or before.passed is passed:
        return known
    said = {True: "passed", False: "rejected"}
    told = (
        f"the same files of gate {candidate.gate} {said[before.passed]} this digest in run {before.run_id} "
        f"({before.at:%Y-%m-%d %H:%M} UTC) and {said[passed]} it in run {run_id}: the test depends on something else "
        "than the image; the later verdict holds"
    )
    return advance(known, Reason.GATE_DIFFERS, now, detail=told)


def observed(candidate: Candidate, now: datetime, *, decided: bool, detail: str) -> Candidate:
    """Return a candidate that did not pass its test and is proposed all the same, as a tag only observes the test.

    Args:
        candidate: the record, whose run has ended.
        now: UTC.
        decided: whether the test rejected it; else its last run decided nothing either.
        detail: for people.
    """
    objection = Objection(decided, detail[:_OBJECTION_KEPT])
    return advance(candidate, Reason.GATE_OBSERVED, now, detail=detail, objection=objection)
