"""Since when a digest is known of a tag, and what follows while that is not as long ago as a policy asks: pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.domain.promotion.admission import AdmissionReason, in_use
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.fast_lane import LEAST_AGE
from shared.domain.promotion.parts import Part
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

# A scan that is older when everything else is waited for no more is made again before anything is promoted.
OLDEST_SCAN = timedelta(days=1)


def first_seen(target: Target, candidate: Candidate) -> datetime:
    """Return when a digest was first seen under a tag's source, as far as anybody here remembers.

    Neither a new generation of its candidate, nor a source that returns to it, makes it younger. What an image says
    of its own age is not asked: whoever publishes it writes that.
    """
    seen = next((one for one in target.sightings if one.digest == candidate.digest), None)
    return (seen.first_seen if seen is not None else None) or candidate.detected_at


def soaks(candidate: Candidate, target: Target, age: timedelta, now: datetime) -> Part | None:
    """Return what a digest's age means; ``None`` if it is old enough, or came to the tag already.

    Args:
        candidate: whose digest is judged.
        target: the tag's record.
        age: how long it has to have been seen.
        now: UTC.
    """
    since = first_seen(target, candidate)
    if is_let_in(target, candidate.digest) or now - since >= age:
        return None
    until = since + age
    told = f"first seen {since:%Y-%m-%d %H:%M} UTC, it is promoted from {until:%Y-%m-%d %H:%M} UTC on"
    return Part(Outcome.HOLD, (AdmissionReason.SOAKING.value,), told, until)


def first(part: Part, candidate: Candidate, target: Target, age: timedelta, mends: str, now: datetime) -> Part:
    """Return what the age of a digest means that mends something urgent: it soaks for some hours all the same.

    Args:
        part: what it means else.
        candidate: whose digest is judged.
        target: the tag's record.
        age: how long others have to have been seen.
        mends: what it mends, for people.
        now: UTC.
    """
    until = first_seen(target, candidate) + min(LEAST_AGE, age)
    told = f"it need not soak for as long as others, as it mends {mends}, of the base in use"
    reasons = (AdmissionReason.FAST_LANE.value,)
    if now >= until:
        return Part(Outcome.PASS, reasons, told)
    told = f"{told}; it is promoted from {until:%Y-%m-%d %H:%M} UTC on"
    return Part(Outcome.HOLD, (*part.reasons, *reasons), told, until)


def is_let_in(target: Target, digest: Digest) -> bool:
    """Whether the tag bears a digest by its own decision: time does not take back what has happened."""
    return digest != "" and digest == in_use(target)


def is_to_be_scanned_again(target: Target, digest: Digest, taken_at: datetime | None, now: datetime) -> bool:
    """Whether the answer of a scan is too old for what waited, and was not let in before."""
    waited = digest not in target.passed and not is_let_in(target, digest)
    return waited and (taken_at is None or now - taken_at > OLDEST_SCAN)
