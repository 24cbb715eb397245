"""What a candidate takes over from a record of a version that had a candidate for each tag: pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import detected
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.transitions import BEGINNINGS

_VERDICTS = BEGINNINGS[Reason.VERDICT_KNOWN]


def heir_of(earlier: Candidate, now: datetime) -> Candidate:
    """Return the candidate as which a record of an earlier version goes on, before it takes over what is known.

    Args:
        earlier: the record.
        now: UTC.
    """
    first = Candidate(
        image=earlier.image,
        source=earlier.source,
        source_tag=earlier.source_tag,
        digest=earlier.digest,
        gate=earlier.gate,
        targets=earlier.places,
        status=Status.DETECTED,
        look_at=now,
        since=now,
        detected_at=earlier.detected_at,
        traceparent=earlier.traceparent,
    )
    return detected(first, Reason.FIRST_IMPORT, now, f"goes on from {earlier.id}")


def inherited(wanted: Candidate, earlier: Candidate, now: datetime) -> Candidate:
    """Return a candidate that is to be made, with the verdict that an earlier record of its tag and digest has.

    Args:
        wanted: the candidate, just detected.
        earlier: the record of its first tag and its digest.
        now: UTC.

    Returns:
        The candidate as rejected, passed or promoted as the record is; unchanged if that had no verdict yet, or that of
        a gate of another name.
    """
    if earlier.gate != wanted.gate or earlier.status not in _VERDICTS:
        return wanted
    passed_at = None if earlier.status is Status.REJECTED else now
    decided = msgspec.structs.replace(wanted, status=earlier.status, passed_at=passed_at)
    return detected(decided, Reason.VERDICT_KNOWN, now, f"as {earlier.id} was decided: {earlier.last.detail}")


def stands_apart(own: Candidate, shared: Candidate) -> bool:
    """Whether an earlier version decided otherwise for one tag than the candidate says that all tags share.

    A digest was rejected for one tag and passed for another where a gate was mended, or failed by chance, in between.

    Args:
        own: what a candidate for the tag alone would be, by ``inherited``.
        shared: the candidate as it is, which the tag has not joined.
    """
    return own.status in _VERDICTS and _verdict(own) != _verdict(shared)


def _verdict(candidate: Candidate) -> tuple[bool, bool]:
    return candidate.has_passed, candidate.status is Status.REJECTED
