"""The way back of a tag whose canaries failed: a proposal that bears the decision it was judged on. Pure.

It is taken only while that decision is in force. Then the digest before is wanted again, the failed one is refused for
this tag, and the same canaries, rebuilt on the digest before, are the control: they say whose fault it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.canaried import canaried
from shared.domain.promotion.said import Guilt, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Says
from shared.domain.waves.states import ON_IT, MemberState
from shared.domain.waves.wave import Wave, Word

# So long after a tag went back by itself it does not do so again.
REST = timedelta(days=1)
_BY_PEOPLE = frozenset({Why.PINNED, Why.ROLLED_BACK, Why.AGAINST_GATE})


class Scanned(Enum):
    """What the scans of the digest before and of the failed one say of going back."""

    CLEAN = "clean"  # the digest before has nothing that blocks, and the failed one mends nothing that would
    HAS_FINDINGS = "has-findings"  # the digest before, scanned again, has what blocks
    FIXES_EXPLOITED = "fixes-exploited"  # the failed one mends what is known to be exploited
    AWAITED = "awaited"  # the digest before is being scanned again
    UNKNOWN = "unknown"  # there is no scan that can be used


class Grounds(msgspec.Struct, frozen=True):
    """What is known of the digest before, beside the tag's record; without an answer nothing goes back.

    Attributes:
        scanned: what its scan says.
        there: whether the base registry, or staging, still has it.
    """

    scanned: Scanned = Scanned.UNKNOWN
    there: bool = False


UNKNOWN = Grounds()


class Restore(msgspec.Struct, frozen=True):
    """A proposal to go back.

    Attributes:
        number: the decision that it was judged on.
        digest: what failed.
        former: what is to be wanted again.
        canaries: which failed.
    """

    number: int
    digest: Digest
    former: Digest
    canaries: tuple[str, ...]


class HoldBecause(msgspec.Struct, frozen=True):
    """Why the tag does not go back by itself."""

    reason: Reason


class Taken(Enum):
    """What became of a proposal."""

    OPEN = "open"  # it is still to be put to the tag's record
    TAKEN = "taken"  # the digest before is wanted again because of it
    VOID = "void"  # the record went on, by somebody else


def proposal(wave: Wave, target: Target, grounds: Grounds, now: datetime) -> Restore | HoldBecause:
    """Return the proposal to go back, or why there is none.

    Args:
        wave: whose canaries failed.
        target: the tag's record, at the wave's decision.
        grounds: what is known of the digest before.
        now: UTC.
    """
    known = _by_people(target) or _former(wave, target) or _history(wave, target, now)
    against = known or _told(wave) or _scans(grounds)
    if against is not None:
        return HoldBecause(against)
    return _proposed(wave)


def told(wave: Wave, target: Target, grounds: Grounds) -> Restore | HoldBecause:
    """Return the proposal of a person who says to go back: what cannot be brought about is held all the same."""
    against = _former(wave, target, by_person=True) or (None if grounds.there else Reason.FORMER_GONE)
    return HoldBecause(against) if against is not None else _proposed(wave)


def again(wave: Wave) -> Restore:
    """Return the proposal that a wave has made, for whoever goes on with it."""
    return _proposed(wave)


def kept_from(wave: Wave, target: Target) -> Reason | None:
    """Return what keeps a proposal that was made from being taken, said or found out since."""
    if target.hold is not None or target.pinned is not None:
        return Reason.SAID_BY_PERSON
    return _former(wave, target, by_person=True)


def _proposed(wave: Wave) -> Restore:
    failed = tuple(one.target for one in wave.canaries if one.state is MemberState.FAILED)
    return Restore(wave.number, wave.digest, wave.former, failed)


def _by_people(target: Target) -> Reason | None:
    said = target.hold is not None or target.pinned is not None or target.why in _BY_PEOPLE
    return Reason.SAID_BY_PERSON if said else None


def _former(wave: Wave, target: Target, *, by_person: bool = False) -> Reason | None:
    if not wave.former or wave.former == wave.digest:
        return Reason.NO_FORMER
    if target.blocks(wave.former) or canaried(target, wave.former) is not None:
        return Reason.FORMER_REFUSED
    foreign = any(one.digest == wave.former and one.foreign for one in target.former)
    adopted = target.adopted is not None and target.adopted.digest == wave.former and wave.former not in target.passed
    return Reason.FORMER_UNVERIFIED if (foreign or adopted) and not by_person else None


def _told(wave: Wave) -> Reason | None:
    """Whoever may tell of builds could take any tag back, were that enough."""
    failed = [one for one in wave.canaries if one.state is MemberState.FAILED]
    said = [result.ended for one in failed for result in one.results if result.says(wave.digest) is Says.FAILED]
    return Reason.TOLD_FROM_OUTSIDE if said and all(one.told for one in said) else None


def _history(wave: Wave, target: Target, now: datetime) -> Reason | None:
    if canaried(target, wave.digest) is not None:
        return Reason.RESTORED_BEFORE
    today = any(now - one.at < REST for one in target.canaried)
    return Reason.RESTORED_TODAY if today else None


def _scans(grounds: Grounds) -> Reason | None:
    if not grounds.there:
        return Reason.FORMER_GONE
    return {
        Scanned.CLEAN: None,
        Scanned.HAS_FINDINGS: Reason.FORMER_HAS_FINDINGS,
        Scanned.FIXES_EXPLOITED: Reason.FIXES_EXPLOITED,
        Scanned.AWAITED: Reason.NOT_SCANNED,
        Scanned.UNKNOWN: Reason.NOT_SCANNED,
    }[grounds.scanned]


def became(wave: Wave, target: Target) -> Taken:
    """Return what became of a wave's proposal, by the tag's record alone: whoever died in between sees the same."""
    done = next((one for one in target.canaried if one.number == wave.number and one.digest == wave.digest), None)
    if done is not None:
        return Taken.TAKEN
    return Taken.OPEN if target.number == wave.number else Taken.VOID


def restored_by(wave: Wave, target: Target) -> int:
    """Return the decision that took a wave's digest back; 0 if there is none."""
    return next((one.restored for one in target.canaried if one.number == wave.number), 0)


def by_person(wave: Wave) -> bool:
    """Whether a person said to go back."""
    return wave.spoken is not None and wave.spoken.word is Word.RESTORE


def control_says(wave: Wave) -> Guilt | None:
    """Return what the control of a digest that failed says of it; ``None`` while it has not ended, or is none."""
    if not wave.control_of or not wave.canaries:
        return None
    states = {one.state for one in wave.canaries}
    if MemberState.FAILED in states:
        return Guilt.SUSPECTED
    return Guilt.CONFIRMED if states & ON_IT and states <= ON_IT | {MemberState.EXCLUDED} else None
