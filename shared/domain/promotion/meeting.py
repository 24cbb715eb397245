"""What a wanted digest means for the candidate that bears it already: pure, with a name for each answer."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from shared.domain.promotion.candidate import Candidate, Status
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.promotion.schedule import FAILED_LOOK
from shared.domain.watching.observation import Look


class Meeting(Enum):
    """What to do when a digest is wanted whose candidate exists already."""

    LEAVE = "leave"  # it is on its way, or was rejected: nothing to do
    RESEND = "resend"  # it is on its way and its message may be lost: send it again
    BEGIN_AGAIN = "begin-again"  # its way had ended and its verdict is wanted


def meet(existing: Candidate, look: Look | None, now: datetime, asked_at: datetime | None = None) -> Meeting:
    """Decide what a wanted digest, of which its target knows no verdict, means for the candidate that bears it.

    Args:
        existing: the candidate.
        look: how the digest came to be wanted; ``None`` if nothing happened, and its target only looks after it.
        now: UTC.
        asked_at: when somebody asked for it by hand, UTC; what began since then was begun by that very message.

    Returns:
        Resend if it has only just been detected, since the check that made it may have died before it sent the
        message. Begin again what failed: at once when it is seen or asked for, else after a day; and what was
        superseded, or promoted long ago, when its tag came back to it. What was rejected is tested again only when
        somebody asks for the unchanged tag by hand, having mended the gate. Else leave it.
    """
    if existing.status not in ENDS:
        return Meeting.RESEND if existing.status is Status.DETECTED and look is not None else Meeting.LEAVE
    if asked_at is not None and existing.detected_at >= asked_at:
        return Meeting.LEAVE
    again = {
        Status.FAILED: look is not None or now - existing.since >= FAILED_LOOK,
        Status.SUPERSEDED: look is not Look.UNCHANGED,
        Status.PROMOTED: look not in {Look.UNCHANGED, Look.RETURNED},
        Status.REJECTED: look is Look.UNCHANGED,
    }
    return Meeting.BEGIN_AGAIN if again[existing.status] else Meeting.LEAVE
