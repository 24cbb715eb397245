"""What becomes of each word of a document in a record that has words of its own: the later one counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.consents import Answer, Consent, Waived
from shared.domain.promotion.said import PIN, Pinned, TakenBack, Why
from shared.domain.promotion.target import Target
from shared.domain.promotion.waiving import waiver_named
from shared.domain.references import Digest


class Fate(Enum):
    """What becomes of something that a document says."""

    TAKEN = "taken"  # it holds from now on
    SAME = "same"  # it held already
    NEWER_HERE = "newer-here"  # people said otherwise here later, or took it back
    OVER = "over"  # its time has passed, or a newer digest closed it
    NOT_ALLOWED = "not-allowed"  # it lets something in, and the caller may not agree to that


class Word(msgspec.Struct, frozen=True):
    """One thing that a document says of a tag, a digest or an entry, and what becomes of it."""

    what: str
    detail: str
    fate: Fate


def is_bare(target: Target) -> bool:
    """Whether of a tag nothing is known but what is blocked and held there."""
    nothing = Target(registry=target.registry, repository=target.repository, tag=target.tag, origin=target.origin)
    return msgspec.structs.replace(target, blocked=(), hold=None) == nothing


def is_young(target: Target) -> bool:
    """Whether nothing that was decided here has been brought about, nor is about to be."""
    return target.reached == 0 and target.importing is None


def moment(said_at: datetime | None) -> float:
    """Return a moment as a number, before all others if it is none."""
    return said_at.timestamp() if said_at is not None else float("-inf")


def taken_back_at(known: Iterable[TakenBack], what: str) -> float:
    """Return when something was last taken back; before everything if it never was."""
    return max((moment(one.at) for one in known if one.what == what), default=moment(None))


def pin_of(mine: Target, theirs: Pinned, now: datetime) -> tuple[Pinned | None, Fate]:
    """Return the pin that holds of two; one that was taken back since it was said does not come back."""
    if mine.pinned == theirs:
        return mine.pinned, Fate.SAME
    at = moment(theirs.said.at)
    if theirs.until is not None and theirs.until <= now:
        return mine.pinned, Fate.OVER
    if at <= moment(mine.pinned.said.at if mine.pinned else None) or at <= taken_back_at(mine.taken_back, PIN):
        return mine.pinned, Fate.NEWER_HERE
    return theirs, Fate.TAKEN


def consents_of(mine: Iterable[Consent], theirs: Iterable[Consent]) -> tuple[Consent, ...]:
    """Return what was said of digests by both, as if it had been said in one place: a refusal voids what came before.

    Both are of any digests; each digest's stay together, in the order in which they were said.
    """
    by_digest: dict[Digest, list[Consent]] = {}
    for one in sorted({*mine, *theirs}, key=lambda one: (moment(one.at), one.by.id)):
        said = by_digest.setdefault(one.digest, [])
        if one.answer is Answer.REFUSED:
            said.clear()
        elif any(other.by.same(one.by) and other.answer is Answer.AGREED for other in said):
            continue
        said.append(one)
    return tuple(one for said in by_digest.values() for one in said)


def waiver_at(waived: Waived) -> float:
    """Return when something was last said of a waiver."""
    return max(moment(waived.asked_at), moment(waived.granted_at))


def waivers_of(mine: Target, theirs: Iterable[Waived]) -> tuple[Waived, ...]:
    """Return the waivers of both; of one finding in one digest the later word counts, also that it was revoked."""
    groups: dict[str, list[Waived]] = {}
    for one in theirs:
        groups.setdefault(waiver_named(one.digest, one.key), []).append(one)
    kept: dict[str, list[Waived]] = {}
    for one in mine.waived:
        kept.setdefault(waiver_named(one.digest, one.key), []).append(one)
    for name, group in groups.items():
        here = max((waiver_at(one) for one in kept.get(name, ())), default=moment(None))
        if max(map(waiver_at, group)) > max(here, taken_back_at(mine.taken_back, name)):
            kept[name] = group
    return tuple(one for group in kept.values() for one in group)


def lets_in(said: Consent | Waived | Why) -> bool:
    """Whether a word lets something in that would else be kept out: such words are for approvers to bring back."""
    if isinstance(said, Consent):
        return said.answer is Answer.AGREED
    return said is Why.AGAINST_GATE if isinstance(said, Why) else said.granted is not None
