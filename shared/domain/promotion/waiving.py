"""Waivers that one asks for and another grants, of a finding in one digest for one tag: pure.

What files say holds for every image (``shared.domain.scan.waivers``); these name their digest, and end with it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.actions import Declined, Refusal, place
from shared.domain.promotion.consents import By, Waived
from shared.domain.promotion.said import Said, TakenBack, with_taken_back
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.findings import Key
from shared.domain.scan.waivers import Waiver, end_of

# A record is one row; whoever waives more of one tag wants another policy.
MOST = 50


def ask(target: Target, wish: Waived) -> Target | Declined:
    """Ask that a finding is waived; what is granted already until then is left as it is.

    Args:
        target: the record.
        wish: what is asked, by whom and until when; not granted.
    """
    if declined := _in_the_way(target, wish):
        return declined
    same = [one for one in of(target, wish.digest, wish.key) if one.until == wish.until]
    if any(one.granted is not None or one.asked.same(wish.asked) for one in same):
        return target
    kept = tuple(one for one in target.waived if one.granted is not None or not _about(one, wish.digest, wish.key))
    if len(kept) >= MOST:
        return Declined(Refusal.TOO_MANY, f"{MOST} findings are waived at {place(target)}; revoke some, or mend policy")
    return msgspec.structs.replace(target, waived=(*kept, wish))


def grant(target: Target, digest: Digest, key: Key, by: By, at: datetime, may_not: str) -> Target | Declined:
    """Grant what another one asked; the decision over the digest counts it from now on.

    Args:
        target: the record.
        digest: of what.
        key: the finding's.
        by: who grants.
        at: when, UTC.
        may_not: why that caller may grant nothing now; empty if it may.
    """
    known = of(target, digest, key)
    asked = next((one for one in known if one.granted is None), None)
    if asked is None:
        given = any(one.granted is not None and one.granted.same(by) for one in known)
        told = (
            f"nobody asks to waive {key[0]} in {key[1]} of {digest} at {place(target)}, or a newer digest closed that"
        )
        return target if given else Declined(Refusal.NOT_WAITING, told)
    if asked.asked.same(by):
        return Declined(
            Refusal.OWN_REQUEST, f"you asked to waive {asked.id} yourself; another approver has to grant it"
        )
    if may_not:
        return Declined(Refusal.MAY_NOT_GRANT, may_not)
    if declined := _in_the_way(target, msgspec.structs.replace(asked, asked_at=at)):
        return declined
    done = msgspec.structs.replace(asked, granted=by, granted_at=at)
    others = tuple(one for one in target.waived if not _about(one, digest, key))
    return msgspec.structs.replace(target, waived=(*others, done))


def revoke(target: Target, digest: Digest, key: Key, said: Said) -> Target:
    """Take back what was asked and granted of a finding; what nobody waives is left as it is."""
    waived = tuple(one for one in target.waived if not _about(one, digest, key))
    if waived == target.waived:
        return target
    taken = TakenBack(said.by, said.why, said.at, waiver_named(digest, key))
    return msgspec.structs.replace(target, waived=waived, taken_back=with_taken_back(target.taken_back, taken))


def waiver_named(digest: Digest, key: Key) -> str:
    """Return how a waiver is named among what was taken back."""
    return f"waiver:{digest}:{key[0]}:{key[1]}"


def of(target: Target, digest: Digest, key: Key) -> tuple[Waived, ...]:
    """Return what was asked and granted of a finding."""
    return tuple(one for one in target.waived if _about(one, digest, key))


def in_force(target: Target, digest: Digest, at: datetime) -> tuple[Waiver, ...]:
    """Return what is granted of a digest and has not ended, as a verdict takes it."""
    return tuple(
        Waiver(one.id, one.package, f"{one.why} (asked by {one.asked.told})", one.granted.told, one.until)
        for one in target.waived
        if one.digest == digest and one.granted is not None and end_of(one.until) > at
    )


def ends(waived: Waived) -> bool:
    """Whether a waiver says when it ends, as everybody who asks whether it is over has to know."""
    try:
        end_of(waived.until)
    except ValueError:
        return False
    return True


def _about(one: Waived, digest: Digest, key: Key) -> bool:
    return one.digest == digest and one.key == key


def _in_the_way(target: Target, wish: Waived) -> Declined | None:
    digest, newest = wish.digest, target.newest
    if target.let_go is not None:
        return Declined(Refusal.LET_GO, f"{place(target)} has left the watch list; put its entry back first")
    if end_of(wish.until) <= wish.asked_at:
        return Declined(Refusal.DATE_PASSED, f"{wish.until} has passed; a waiver needs a date that is to come")
    if digest in {target.wanted, target.seen} or (newest is not None and newest.digest == digest):
        return None
    if any(one.digest == digest for one in target.sightings) and newest is not None:
        return Declined(Refusal.SUPERSEDED, f"{place(target)} was seen to be {newest.digest} since")
    return Declined(Refusal.NOT_WAITING, f"{digest} is neither in use at {place(target)} nor seen for it")
