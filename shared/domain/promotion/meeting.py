"""What a wanted digest means for the candidate that bears it already: pure, with a name for each answer."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.schedule import FAILED_LOOK
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.transitions import ENDS
from shared.domain.watching.observation import Look


class Meeting(Enum):
    """What to do when a target wants a digest whose candidate exists already."""

    LEAVE = "leave"  # it is on its way, or is not to be tried again yet: nothing to do
    RESEND = "resend"  # it is on its way and its message may be lost: send it again
    BEGIN_AGAIN = "begin-again"  # its way had ended and its verdict is wanted
    PROPOSE = "propose"  # it passed: the target is told so
    REFUSE = "refuse"  # it was rejected: the target waits for nothing any more


def meet(
    existing: Candidate,
    look: Look | None,
    now: datetime,
    *,
    lost_at: datetime | None = None,
    asked_at: datetime | None = None,
) -> Meeting:
    """Decide what a wanted digest, of which its target knows no verdict, means for the candidate that bears it.

    Args:
        existing: the candidate.
        look: how the digest came to be wanted; ``None`` if nothing happened, and its target only looks after it.
        now: UTC.
        lost_at: when the target found that the staging registry has it no more, UTC; ``None`` if it did not. What
            passed before then is fetched and tested once more.
        asked_at: when somebody asked for it by hand, UTC; what began since then was begun by that very message.

    Returns:
        Propose what passed. Resend if it has only just been detected, since the check that made it may have died
        before it sent the message. Begin again what failed: at once when it is seen or asked for, else after a day;
        and what was superseded, when a tag came back to it. What was rejected is tested again only when somebody asks
        for the unchanged tag by hand, having mended the gate. What was proposed with an objection is told to its tag
        until then, and is tested again as what failed or was rejected is. Else leave it.
    """
    if existing.has_passed and not _is_lost(existing, lost_at) and not _is_tested_again(existing, look, now):
        return Meeting.PROPOSE
    if existing.status not in ENDS:
        lost_message = existing.status is Status.DETECTED and existing.look_at <= now and look is not None
        return Meeting.RESEND if lost_message else Meeting.LEAVE
    if asked_at is not None and existing.detected_at >= asked_at:
        return Meeting.LEAVE
    if existing.status is Status.REJECTED and look is not Look.UNCHANGED:
        return Meeting.REFUSE
    again = {
        Status.FAILED: look is not None or now - existing.since >= FAILED_LOOK,
        Status.SUPERSEDED: look is not Look.UNCHANGED,
    }
    return Meeting.BEGIN_AGAIN if again.get(existing.status, True) else Meeting.LEAVE


def _is_tested_again(candidate: Candidate, look: Look | None, now: datetime) -> bool:
    """Whether the test of what was proposed with an objection is made again, as that of what failed or was rejected.

    Where it decided nothing a tag that enforces it waits still, whatever others took meanwhile.
    """
    if candidate.objection is None or candidate.status not in ENDS:
        return False
    if candidate.status is Status.REJECTED:
        return look is Look.UNCHANGED
    if candidate.objection.decided:
        return False
    rested = look is None and now - candidate.since >= FAILED_LOOK
    return rested or (candidate.status is Status.FAILED and look is not None)


def _is_lost(candidate: Candidate, lost_at: datetime | None) -> bool:
    return lost_at is not None and candidate.status in ENDS and candidate.detected_at <= lost_at
