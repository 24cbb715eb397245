"""What may become of a candidate: one table."""

from __future__ import annotations

from shared.domain.promotion.statuses import Reason, Status

ENDS = frozenset({Status.PROMOTED, Status.REJECTED, Status.OBSERVED, Status.SUPERSEDED, Status.MIRRORED, Status.FAILED})
# Why no tag wants a candidate any more that has not passed.
_UNWANTED = (Reason.NEWER_DIGEST, Reason.LEFT_THE_LIST, Reason.OVERRULED)
_PROPOSED = (Status.PROMOTING, Status.HELD)
_BEFORE_PROMOTION = (Status.DETECTED, Status.IMPORTING, Status.STAGED, Status.VALIDATING)
# What a target may come to bear again: what was rejected is none, nor is a tool.
_MAY_BE_IN_FORCE = (Status.PROMOTED, Status.OBSERVED, Status.SUPERSEDED, Status.FAILED)

# How a first way begins, and where.
BEGINNINGS: dict[Reason, tuple[Status, ...]] = {
    Reason.FIRST_IMPORT: (Status.DETECTED,),
    Reason.TAG_MOVED: (Status.DETECTED,),
    Reason.VERDICT_KNOWN: (Status.REJECTED, Status.PROMOTING, Status.PROMOTED),
}

# (from, reason) -> to. Drawn in docs/architecture.md from here; what is not in it cannot happen.
TRANSITIONS: dict[tuple[Status, Reason], Status] = {
    (Status.DETECTED, Reason.IMPORT_STARTED): Status.IMPORTING,
    (Status.IMPORTING, Reason.IMPORT_VERIFIED): Status.STAGED,
    (Status.IMPORTING, Reason.IMPORT_LOST): Status.DETECTED,
    (Status.IMPORTING, Reason.IMPORT_DEFERRED): Status.DETECTED,
    (Status.IMPORTING, Reason.REPLICA_LAGS): Status.IMPORTING,
    (Status.IMPORTING, Reason.IMPORT_UNEXPLAINED): Status.DETECTED,
    (Status.IMPORTING, Reason.IMPORT_NOT_PERMITTED): Status.DETECTED,
    (Status.STAGED, Reason.GATE_STARTED): Status.VALIDATING,
    (Status.STAGED, Reason.NO_GATE): Status.PROMOTING,
    (Status.STAGED, Reason.TOOL_MIRRORED): Status.MIRRORED,
    (Status.VALIDATING, Reason.GATE_STARTED): Status.VALIDATING,
    (Status.VALIDATING, Reason.GATE_PASSED): Status.PROMOTING,
    (Status.VALIDATING, Reason.GATE_REJECTED): Status.REJECTED,
    (Status.VALIDATING, Reason.GATE_OBSERVED): Status.PROMOTING,
    (Status.VALIDATING, Reason.GATE_UNDECIDED): Status.STAGED,
    (Status.VALIDATING, Reason.STRANGE_RUN): Status.STAGED,
    (Status.VALIDATING, Reason.NO_AGENT): Status.STAGED,
    (Status.VALIDATING, Reason.AGENT_AWAITED): Status.VALIDATING,
    (Status.VALIDATING, Reason.GATE_DIFFERS): Status.VALIDATING,
    (Status.VALIDATING, Reason.RUN_REPEATED): Status.VALIDATING,
    (Status.VALIDATING, Reason.RUN_UNWANTED): Status.CANCELLING,
    **{
        (Status.CANCELLING, reason): Status.SUPERSEDED  # whatever becomes of its run, which ends by itself
        for reason in (*_UNWANTED, Reason.GAVE_UP, Reason.REFUSED, Reason.STILL_FAILING)
    },
    **{
        (status, reason): to
        for status in _PROPOSED
        for reason, to in {
            Reason.PROMOTION_STARTED: Status.PROMOTING,
            Reason.SCAN_AWAITED: Status.HELD,
            Reason.SCAN_HELD: Status.HELD,
            Reason.SIGNATURE_HELD: Status.HELD,
            Reason.SOAKING: Status.HELD,
            Reason.FROZEN: Status.HELD,
            Reason.COMPANIONS_AWAITED: Status.HELD,
            Reason.LOCKED_BY_OTHERS: Status.HELD,
            Reason.AWAITING_APPROVAL: Status.HELD,
            Reason.SCAN_REJECTED: Status.REJECTED,
            Reason.SIGNATURE_REJECTED: Status.REJECTED,
            Reason.REJECTED_BY_PEOPLE: Status.REJECTED,
            Reason.GATE_REJECTED: Status.REJECTED,
            Reason.PROMOTION_VERIFIED: Status.PROMOTED,
            Reason.OBSERVED: Status.OBSERVED,
            Reason.OVERRULED: Status.SUPERSEDED,
        }.items()
    },
    (Status.REJECTED, Reason.DECIDED_AGAIN): Status.PROMOTING,
    (Status.OBSERVED, Reason.DECIDED_AGAIN): Status.PROMOTING,
    (Status.PROMOTING, Reason.REPLICA_LAGS): Status.PROMOTING,
    (Status.PROMOTING, Reason.IMPORT_UNEXPLAINED): Status.PROMOTING,
    (Status.PROMOTING, Reason.STAGING_LAGS): Status.PROMOTING,
    **{
        (status, reason): Status.SUPERSEDED
        for status in (*_BEFORE_PROMOTION, *_PROPOSED)
        for reason in (Reason.NEWER_DIGEST, Reason.LEFT_THE_LIST, Reason.CONTINUED)
    },
    **{(status, Reason.IN_FORCE_AGAIN): Status.PROMOTED for status in _MAY_BE_IN_FORCE},
    **{
        (status, reason): Status.FAILED
        for status in (*_BEFORE_PROMOTION, *_PROPOSED)
        for reason in (Reason.GAVE_UP, Reason.REFUSED, Reason.STILL_FAILING)
    },
    **{
        (status, reason): status
        for status in (*_BEFORE_PROMOTION, Status.CANCELLING, *_PROPOSED)
        for reason in (Reason.DEFERRED, Reason.TROUBLE, Reason.ROLE_AWAITED)
    },
    **{(status, Reason.SEEN_AGAIN): Status.DETECTED for status in Status if status in ENDS},
}
