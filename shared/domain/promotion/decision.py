"""What a target should point at: a pure function of its record, never of the order in which gates end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from shared.domain.promotion.said import Chosen, Guilt, Why
from shared.domain.promotion.target import Sighting, Target
from shared.domain.references import Digest


class Outcome(Enum):
    """What deciding led to."""

    DECIDED = "decided"  # another digest is wanted than before
    SAME = "same"  # what is wanted is what should be
    LET_GO = "let-go"  # no entry of the watch list writes it any more
    HELD = "held"  # somebody said that nothing is to be decided
    NOTHING_PASSED = "nothing-passed"  # no digest has passed yet


def decide(target: Target, now: datetime) -> tuple[Target, Outcome]:
    """Decide what a target should point at.

    Among the sightings whose digest has passed and is not blocked the one of the highest order wins, unless somebody
    pinned, held or rolled back, or it was seen before what stands there was adopted. With none, what was wanted stays;
    if that is blocked, the former digest that is not comes back, and if there is none the target is withdrawn. What
    somebody went back from is not chosen while that is in force, also if the digest gone back to is blocked.

    Args:
        target: the record.
        now: UTC.

    Returns:
        The record, with the next number if another digest is wanted; and why, by name.
    """
    if target.let_go is not None:
        return target, Outcome.LET_GO
    if target.hold is not None:
        return target, Outcome.HELD
    choice = _choice(target, now)
    if choice is None:
        return target, Outcome.NOTHING_PASSED
    digest, why = choice
    if digest == target.wanted and target.number:
        return msgspec.structs.replace(target, why=why), Outcome.SAME
    chosen = _still_chosen(target, digest, why)
    trace = _trace(target, digest)
    return decided(target, now, wanted=digest, why=why, chosen=chosen, traceparent=trace), Outcome.DECIDED


def decided(target: Target, now: datetime, **fields: Any) -> Target:
    """Return a record with the next decision, which begins without failures."""
    fresh: dict[str, Any] = {"number": target.number + 1, "decided_at": now, "retry_at": None}
    return msgspec.structs.replace(without_trouble(target), **{**fresh, **fields})


def without_trouble(target: Target) -> Target:
    """Return a record that tells of no failures: what comes next is tried as if for the first time."""
    return msgspec.structs.replace(target, failures=0, failed_by="", gave_up=False, trouble="", retry_at=None)


def best(target: Target, without: frozenset[Digest] = frozenset()) -> Sighting | None:
    """Return the latest sighting whose digest has passed and is not refused, nor among others that are left out."""
    refused, passed = _blocked(target) | failed_here(target) | without, frozenset(target.passed)
    fit = (one for one in target.sightings if one.digest in passed and one.digest not in refused)
    return max(fit, key=lambda one: one.order, default=None)


def out_of_favour(target: Target) -> frozenset[Digest]:
    """Return what somebody went back from, and what its source has not been seen to return to since."""
    chosen = target.chosen
    if chosen is None:
        return frozenset()
    return frozenset(one for one in chosen.instead if order_of(target, one) <= chosen.above)


def _choice(target: Target, now: datetime) -> tuple[Digest, Why] | None:
    blocked, newest = _blocked(target), best(target, out_of_favour(target))
    said = (one for one in _before_the_newest(target, newest, now) if one[0] not in blocked)
    if (first := next(said, None)) is not None:
        return first
    if newest is not None:
        return newest.digest, Why.NEWEST
    if not target.wanted:
        return None
    if target.wanted in blocked:
        return _former(target, blocked | out_of_favour(target))
    return target.wanted, Why.KEPT if target.why is Why.PINNED else target.why


def is_pinned(target: Target, now: datetime) -> bool:
    """Whether a target is pinned, and its date has not passed."""
    return target.pinned is not None and (target.pinned.until is None or now < target.pinned.until)


def _before_the_newest(target: Target, newest: Sighting | None, now: datetime) -> Iterator[tuple[Digest, Why]]:
    """What somebody said, and what stood there before: the first that is not blocked goes before the newest."""
    pinned, chosen, adopted = target.pinned, target.chosen, target.adopted
    order = max(newest.order if newest else 0, _order_in_force(target))
    if pinned and is_pinned(target, now):
        yield pinned.digest, Why.PINNED
    if chosen and order <= chosen.above:
        yield chosen.digest, chosen.why
    if adopted and order <= adopted.above:
        yield adopted.digest, Why.ADOPTED


def _order_in_force(target: Target) -> int:
    """What was said before the newest came into force does not come back when that has to pass another gate."""
    if target.why is not Why.NEWEST or target.wanted in _blocked(target):
        return 0
    return order_of(target, target.wanted)


def order_of(target: Target, digest: Digest) -> int:
    """Return the order of the last sighting of a digest; 0 if it has none."""
    return next((one.order for one in target.sightings if one.digest == digest), 0)


def _still_chosen(target: Target, digest: Digest, why: Why) -> Chosen | None:
    """Once a digest passes that is sighted later, nothing is out of favour any more."""
    chosen = target.chosen
    if chosen is None or why is not Why.NEWEST or order_of(target, digest) <= chosen.above:
        return chosen
    return msgspec.structs.replace(chosen, instead=())


def _former(target: Target, refused: frozenset[Digest]) -> tuple[Digest, Why]:
    left = (one.digest for one in target.former if one.digest not in refused and not one.foreign)
    digest = next(left, Digest(""))
    return digest, Why.ROLLED_BACK if digest else Why.WITHDRAWN


def _blocked(target: Target) -> frozenset[Digest]:
    return frozenset(one.digest for one in target.blocked)


def failed_here(target: Target) -> frozenset[Digest]:
    """Return the digests that the tag takes no more by itself, as what is built on it failed on them.

    That is said of one tag: under another one they may stand, and a person who pins or takes one is obeyed.
    """
    return frozenset(one.digest for one in target.canaried if one.guilt in {Guilt.REFUSED, Guilt.CONFIRMED})


def _trace(target: Target, digest: Digest) -> str:
    return next((one.traceparent for one in target.sightings if one.digest == digest), target.traceparent)
