"""What may not be written into the base registry now, although it is wanted: pure, with a name for each reason.

What has passed is decided on whenever people act, a pin ends or an import is tried again. So what a freeze stops is
asked for again right before an import, and not only when a digest is judged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.admission import Waiting, is_held_back, is_refused
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Barred, Target
from shared.domain.references import Digest

# A list may thaw, or enforce, what it kept back; nothing else would wake the tag.
BARRED_LOOK = timedelta(hours=1)
_DETAIL_KEPT = 600


def is_promotion(target: Target) -> bool:
    """Whether what is wanted is new to the tag, by nobody's word but that of tests and scans.

    What people say goes through whatever is frozen. What is put back where others took it away is none.
    """
    return target.why is Why.NEWEST and target.wanted != _arrived(target)


def _arrived(target: Target) -> Digest:
    """Records of earlier versions tell it by what the tag bore last that nobody else put there."""
    seen = (target.seen,) if target.seen and not target.foreign else ()
    former = (one.digest for one in target.former if not one.foreign)
    return target.arrived or next((one for one in (*seen, *former)), Digest(""))


def is_taken_back(target: Target) -> bool:
    """Whether what is wanted lost what let it in before the tag came to it; with nothing else to want it stays wanted.

    It comes to the tag once it is let in again, or once people say so.
    """
    kept_out = is_held_back(target, target.wanted) or is_refused(target, target.wanted)
    return kept_out and target.reached != target.number and is_promotion(target)


class Bar(msgspec.Struct, frozen=True):
    """What keeps a tag from what is wanted.

    Attributes:
        waiting: what it waits for.
        until: when that ends by itself, UTC; ``None`` if it does not.
        detail: what is in the way, for people; empty if there is no more to say.
    """

    waiting: Waiting
    until: datetime | None = None
    detail: str = ""


def barred(target: Target, bar: Bar, now: datetime) -> Target:
    """Return a record whose tag is not brought to what is wanted now; that is no failure.

    Args:
        target: the record.
        bar: what keeps it.
        now: UTC.
    """
    again = now + BARRED_LOOK
    at = again if bar.until is None else min(bar.until, again)
    known = bar_of(target)
    since = known.since if known is not None and known.waiting is bar.waiting else now
    noted = Barred(bar.waiting, target.number, bar.until, bar.detail[:_DETAIL_KEPT], since)
    return msgspec.structs.replace(target, barred=noted, retry_at=at)


def bar_of(target: Target) -> Barred | None:
    """Return what keeps a tag from what is wanted, as long as that is the decision in force and is not reached."""
    bar = target.barred
    return bar if bar is not None and bar.number == target.number != target.reached else None


def is_soon_over(target: Target) -> bool:
    """Whether a tag waits for what comes within minutes, with nothing in the way: that is part of being promoted."""
    bar = bar_of(target)
    return bar is not None and bar.waiting is Waiting.COMPANIONS and not bar.detail


def told_of_bar(bar: Barred) -> str:
    """Say for people why a tag does not become what is wanted."""
    if bar.waiting is Waiting.FROZEN:
        until = f" until {bar.until:%Y-%m-%d %H:%M} UTC" if bar.until is not None else ""
        return f"nothing is promoted{until}, as its policy freezes that"
    if bar.waiting is Waiting.COMPANIONS:
        why = f": {bar.detail}" if bar.detail else ""
        return f"it is moved once what its entry wants beside the image is in the base registry{why}"
    if bar.waiting is Waiting.LOCKED:
        return f"it stays as it is until whoever locked it opens it: {bar.detail}"
    if bar.waiting is Waiting.DECISIONS:
        return "nothing is promoted until it is known here what people decided, which another account keeps"
    return "its entry is only observed, so that nothing is written into the base registry"
