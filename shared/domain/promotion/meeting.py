"""What a wanted digest means for the candidate that bears it already: pure, with a name for each answer."""

from __future__ import annotations

from enum import Enum

from shared.domain.promotion.candidate import Candidate, Status
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.watching.observation import Look


class Meeting(Enum):
    """What to do when a digest is wanted whose candidate exists already."""

    LEAVE = "leave"  # it is on its way, or was rejected: nothing to do
    RESEND = "resend"  # it is on its way and its message may be lost: send it again
    BEGIN_AGAIN = "begin-again"  # its way had ended and the tag came back to it


def meet(existing: Candidate, look: Look, previous: Candidate | None) -> Meeting:
    """Decide what a wanted digest means for the candidate that already bears it.

    Args:
        existing: the candidate.
        look: how the digest came to be wanted.
        previous: the candidate of the digest that was last recorded for the tag, if there is one.

    Returns:
        Resend if it has only just been detected, since the check that made it may have died before it sent the
        message. Begin again if it failed or was superseded, or if it was promoted and another digest of the tag was
        detected since; if it was rejected, only when somebody asks for the unchanged tag by hand, having mended the
        gate. Else leave it: it is on its way, or is what the base tag already points at.
    """
    if existing.status not in ENDS:
        return Meeting.RESEND if existing.status is Status.DETECTED else Meeting.LEAVE
    again = {
        Status.FAILED: True,
        Status.SUPERSEDED: look is not Look.UNCHANGED,
        Status.PROMOTED: look is Look.MOVED and (previous is None or previous.detected_at > existing.detected_at),
        Status.REJECTED: look is Look.UNCHANGED,
    }
    return Meeting.BEGIN_AGAIN if again[existing.status] else Meeting.LEAVE
