"""What may become of a candidate, and what is to be done with it next: one table, and pure functions that obey it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from itertools import takewhile
from typing import Any

import msgspec

from shared.domain.promotion.candidate import Candidate, Change, remembered
from shared.domain.promotion.schedule import FIRST_RETRY, LEASE, most_attempts, pause_before_retry
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.transitions import TRANSITIONS
from shared.errors import NotPermitted, NotThereYet, OperationFailed, RateLimited, TidegateError, Unexplained

# Failures are counted until one of these: a loop of detected, importing and lost must come to an end too.
_HEADWAY = frozenset(
    {
        Reason.IMPORT_VERIFIED,
        Reason.NO_GATE,
        Reason.TOOL_MIRRORED,
        Reason.GATE_PASSED,
        Reason.GATE_OBSERVED,
        Reason.PROMOTION_VERIFIED,
        Reason.IN_FORCE_AGAIN,
        Reason.SEEN_AGAIN,
        Reason.DECIDED_AGAIN,
    }
)

# From these on it is proposed to its tags.
_PASSED = frozenset({Reason.NO_GATE, Reason.GATE_PASSED, Reason.GATE_OBSERVED})

# These are counted apart from other failures, each by itself: what was in the way before takes no patience from them.
_COUNTED_APART = frozenset(
    {Reason.ROLE_AWAITED, Reason.IMPORT_NOT_PERMITTED, Reason.IMPORT_UNEXPLAINED, Reason.STAGING_LAGS}
)


class Stage(Enum):
    """Whose turn it is. Which queue the messages of a stage wait in, ``shared.domain.events.messages`` says."""

    IMPORT = "import"  # copy into the staging registry
    MIRROR = "mirror"  # give runs the tool that is staged
    VALIDATE = "validate"  # run the gate
    CANCEL = "cancel"  # end the gate's run
    PROMOTE = "promote"  # propose to its targets, or ask again what its scan says


_STAGES = {
    Status.DETECTED: Stage.IMPORT,
    Status.IMPORTING: Stage.IMPORT,
    Status.STAGED: Stage.VALIDATE,
    Status.VALIDATING: Stage.VALIDATE,
    Status.CANCELLING: Stage.CANCEL,
    Status.PROMOTING: Stage.PROMOTE,
    Status.HELD: Stage.PROMOTE,
}


class ImpossibleChange(TidegateError):
    """A step asked for a transition that is not in the table: a fault of the program, told as such."""


def stage_of(status: Status) -> Stage | None:
    """Return the stage that does the next thing, or ``None`` at an end."""
    return _STAGES.get(status)


def turn_of(candidate: Candidate) -> Stage | None:
    """Return the stage that does the next thing about a candidate, or ``None`` if none does.

    None does at an end, and about records of versions that had a candidate for each tag. A tool is never tested, nor
    promoted.
    """
    if candidate.tool and candidate.status is Status.STAGED:
        return Stage.MIRROR
    return None if candidate.is_earlier else stage_of(candidate.status)


def detected(candidate: Candidate, reason: Reason, now: datetime, detail: str = "") -> Candidate:
    """Begin a candidate's way: give its first record a history of one line."""
    change = Change(now, candidate.status, reason, detail)
    return msgspec.structs.replace(candidate, history=(change,))


def advance(
    candidate: Candidate,
    reason: Reason,
    now: datetime,
    *,
    detail: str = "",
    pause: timedelta = timedelta(0),
    **fields: Any,
) -> Candidate:
    """Apply one transition of the table.

    Args:
        candidate: the record as it was read.
        reason: what happened; with the present status it names the transition.
        now: UTC.
        detail: for people.
        pause: how long from now it is to be looked at again.
        fields: other fields of the record that change with it.

    Returns:
        The record one step further.

    Raises:
        ImpossibleChange: the table has no such transition.
    """
    status = TRANSITIONS.get((candidate.status, reason))
    if status is None:
        raise ImpossibleChange(f"{candidate.id}: {reason.value} cannot happen to what is {candidate.status.value}")
    moved = status is not candidate.status
    changes: dict[str, Any] = {
        "status": status,
        "step": candidate.step + 1,
        "look_at": now + pause,
        "since": now if moved else candidate.since,
        "failures": 0 if reason in _HEADWAY else candidate.failures,
        "history": remembered(candidate, Change(now, status, reason, detail)),
        "passed_at": now if reason in _PASSED else candidate.passed_at,
        "operation": candidate.operation if status is candidate.status else "",
        "unwanted": candidate.unwanted if status is candidate.status else None,
    }
    return msgspec.structs.replace(candidate, **{**changes, **fields})


def begin_again(candidate: Candidate, now: datetime, *, detail: str, wanted: Candidate, seen: bool = True) -> Candidate:
    """Let a candidate whose way had ended go once more, as its next generation.

    Args:
        candidate: the record of the ended way.
        now: UTC.
        detail: for people.
        wanted: what a new candidate would be; its entry's name and trace are taken over.
        seen: whether its digest was seen or asked for, and not only looked after.

    Raises:
        ImpossibleChange: it has not ended.
    """
    return advance(
        candidate,
        Reason.SEEN_AGAIN,
        now,
        detail=detail,
        generation=candidate.generation + 1,
        detected_at=now,
        runs=0,
        unanswered=0,
        secret="",
        unwanted=None,
        passed_at=None,
        objection=None,
        retried=candidate.status is Status.FAILED and not seen,
        image=wanted.image,
        traceparent=wanted.traceparent,
    )


def unwanted(candidate: Candidate, reason: Reason, now: datetime, detail: str) -> Candidate:
    """Return a candidate that no tag wants any more: ended, or about to have its run end before that.

    A run whose id is not written down yet is looked for once whoever claimed it must have asked for it.

    Args:
        candidate: the record; it has not passed.
        reason: why nobody wants it.
        now: UTC.
        detail: for people.
    """
    if candidate.status is not Status.VALIDATING:
        return advance(candidate, reason, now, detail=detail)
    known = candidate.live_run or candidate.unnamed_run
    pause = timedelta(0) if known else max(candidate.look_at - now, timedelta(0))
    marks: dict[str, Any] = {"unwanted": reason, "failures": 0}
    return advance(candidate, Reason.RUN_UNWANTED, now, detail=detail, pause=pause, **marks)


def decided_again(candidate: Candidate, now: datetime, detail: str) -> Candidate:
    """Return a candidate, which its tags refused, to be proposed because it is judged otherwise now.

    Raises:
        ImpossibleChange: it was rejected by a test that no tag observed, and was proposed to none.
    """
    if candidate.passed_at is None:
        raise ImpossibleChange(f"{candidate.id} did not pass its test, and is not decided again")
    return advance(candidate, Reason.DECIDED_AGAIN, now, detail=detail, pause=LEASE)


def put_off(candidate: Candidate, error: TidegateError, now: datetime, reason: Reason = Reason.TROUBLE) -> Candidate:
    """Decide what an error means for the step it happened in.

    Args:
        candidate: the record as it was before the step.
        error: what happened; temporary or not decides.
        now: UTC.
        reason: the transition to take if it is worth another try; ``TROUBLE`` keeps the status.

    Returns:
        The record to be tried again after a growing pause, however often, if it was asked to wait; else after a
        growing pause, too, or failed: at once if trying again cannot help, else after
        as many failures in a row as ``most_attempts`` grants. A right that is missing, a reason that nobody knows and
        a registry that lags behind have names of their own, whatever ``reason`` is.
    """
    if isinstance(cause_of(error), RateLimited):
        return _defer(candidate, error, now, reason_of(error, reason))
    if not error.temporary:
        return advance(candidate, end_by(candidate, Reason.REFUSED), now, detail=str(error))
    cause, named, failures = cause_of(error), reason_of(error, reason), candidate.failures + 1
    tries = 1 + _count(candidate, named) if named in _COUNTED_APART else failures
    if tries >= most_attempts(cause):
        detail = f"{error} (tried {tries} times)"
        return advance(candidate, end_by(candidate, Reason.GAVE_UP), now, detail=detail, failures=failures)
    pause = pause_before_retry(tries, error.retry_after)
    return advance(candidate, named, now, detail=str(error), pause=pause, failures=failures)


def not_begun(claimed: Candidate, before: Candidate, now: datetime, pause: timedelta) -> Candidate:
    """Return a candidate as it was before it was claimed for what was not begun after all: that is no event.

    Args:
        claimed: as it was claimed.
        before: as it was before that.
        now: UTC.
        pause: how long from now it is to be looked at again.
    """
    return msgspec.structs.replace(before, step=claimed.step + 1, look_at=now + pause, targets=claimed.targets)


def _defer(candidate: Candidate, error: TidegateError, now: datetime, reason: Reason) -> Candidate:
    """Wait as long as another system asked, and longer each time if it did not say: that is no failure."""
    pause = pause_before_retry(1 + _count(candidate, reason), error.retry_after)
    return advance(candidate, reason, now, detail=str(error), pause=pause)


def end_by(candidate: Candidate, reason: Reason) -> Reason:
    """Return the reason by which a candidate fails: what fails day after day is told once."""
    return Reason.STILL_FAILING if candidate.retried else reason


def cause_of(error: TidegateError) -> TidegateError:
    """Return why an operation failed; any other error is its own cause."""
    return error.cause if isinstance(error, OperationFailed) else error


def reason_of(error: TidegateError, reason: Reason) -> Reason:
    """Return the name of the transition that an error leads to: its own, if it has one, else ``reason``."""
    cause = cause_of(error)
    if isinstance(cause, NotPermitted):
        return Reason.IMPORT_NOT_PERMITTED if reason is Reason.IMPORT_LOST else Reason.ROLE_AWAITED
    if isinstance(cause, RateLimited):
        return Reason.IMPORT_DEFERRED if reason is Reason.IMPORT_LOST else Reason.DEFERRED
    if isinstance(cause, NotThereYet):
        return Reason.STAGING_LAGS
    return Reason.IMPORT_UNEXPLAINED if isinstance(cause, Unexplained) else reason


def _count(candidate: Candidate, reason: Reason) -> int:
    """How often something happened since the candidate last made headway."""
    since = takewhile(lambda change: change.reason not in _HEADWAY, reversed(candidate.history))
    return sum(change.times for change in since if change.reason is reason)


def replica_lags(candidate: Candidate, now: datetime, detail: str) -> Candidate:
    """Note that an import ended and another digest was read back, which may be that of a replica that lags."""
    return advance(candidate, Reason.REPLICA_LAGS, now, detail=detail, pause=FIRST_RETRY, operation="")
