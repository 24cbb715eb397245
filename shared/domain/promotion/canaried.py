"""The tag goes back from a digest on which canaries failed, and what is known of that digest from then on. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.decision import decide, order_of, out_of_favour
from shared.domain.promotion.reconciling import scheduled
from shared.domain.promotion.said import MOST_CANARIED, Canaried, Chosen, Guilt, Said, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest


def canaried(target: Target, digest: Digest) -> Canaried | None:
    """Return what is known of a digest on which canaries failed here, as of last; ``None`` if none did."""
    return next((one for one in reversed(target.canaried) if one.digest == digest), None)


def gone_back(target: Target, failed: Canaried, said: Said, now: datetime) -> Target | None:
    """Return a record that goes back from a digest on which canaries failed.

    Args:
        target: the record as it is now.
        failed: which digest, judged on which decision, and what is to be wanted again.
        said: why, and by whom.
        now: UTC.

    Returns:
        The record with the next decision; ``None`` if another decision is in force than was judged on, if it went back
        already, or if a person keeps it from that.
    """
    spoken = target.hold is not None or target.pinned is not None or target.let_go is not None
    if spoken or target.number != failed.number or target.wanted != failed.digest:
        return None
    done = msgspec.structs.replace(failed, restored=target.number + 1)
    left = (out_of_favour(target) | {failed.digest}) - {failed.former}
    # What was seen after it is no worse for that: once it passes it goes on, unless somebody had gone back from it.
    above = order_of(target, failed.digest) or (target.newest.order if target.newest else 0)
    above = max(above, target.chosen.above if target.chosen else 0)
    chosen = Chosen(failed.former, above, said, Why.RESTORED, tuple(sorted(left)))
    known = (*target.canaried, done)[-MOST_CANARIED:]
    after = decide(msgspec.structs.replace(target, chosen=chosen, canaried=known, repairs=()), now)[0]
    return scheduled(after, now) if after.wanted == failed.former else None


def judged(target: Target, number: int, guilt: Guilt) -> Target:
    """Return a record that knows what the control said of a digest that failed.

    Args:
        target: the record.
        number: the decision that had brought the digest.
        guilt: what the control said.
    """
    known = tuple(
        msgspec.structs.replace(one, guilt=guilt) if one.number == number and one.guilt is Guilt.REFUSED else one
        for one in target.canaried
    )
    return msgspec.structs.replace(target, canaried=known) if known != target.canaried else target
