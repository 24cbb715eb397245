"""What people may do to a target: each action is a pure function of the record, to a record or to a named refusal.

What is so already is left as it is, without another decision: whoever asks twice gets the same answer twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.decision import decide, decided, is_pinned, out_of_favour
from shared.domain.promotion.reconciling import scheduled
from shared.domain.promotion.said import (
    PIN,
    Blocked,
    Chosen,
    Forced,
    Pinned,
    Said,
    TakenBack,
    Why,
    with_taken_back,
)
from shared.domain.promotion.target import Awaited, Target
from shared.domain.references import Digest

# A promotion against the gate is said for ever; whoever does it this often to one tag has no gate.
MOST_FORCED = 100


class Refusal(Enum):
    """Why an action is refused."""

    NOTHING_BEFORE = "nothing-before"  # there is no former digest to go back to
    NOTHING_WANTED = "nothing-wanted"  # nothing is in force that could be pinned
    NEVER_PROMOTED = "never-promoted-here"  # the tag never bore that digest, as far as is known
    NOT_PASSED = "not-passed"  # the digest has not passed the gate
    PASSED = "passed-its-gate"  # nothing needs to be done against the gate
    BLOCKED = "blocked"  # the digest is blocked
    PINNED = "pinned"  # another digest is wanted whatever comes
    LET_GO = "let-go"  # its tag has left the watch list
    HELD = "held"  # somebody said that nothing is to be decided
    DATE_PASSED = "date-passed"  # the date until when is over
    OBSERVED = "observed"  # its entry is only observed: nothing is written into the base registry
    TOO_MANY = "too-many-against-the-gate"  # more than can be said of one tag
    NOWHERE = "cannot-be-had"  # no registry has the digest any more
    SUPERSEDED = "superseded"  # a newer digest was seen for the tag, which closed what was asked or agreed
    NOT_WAITING = "not-waiting"  # the digest does not wait for people there
    DECIDED = "decided"  # it has been decided already
    OWN_REQUEST = "own-request"  # who asked cannot grant
    MAY_NOT_GRANT = "may-not-grant"  # another one asked, and this caller may grant nothing now
    MOVED_ON = "moved-on"  # another decision is in force than the one that the caller has seen
    WAVE_OVER = "wave-over"  # the wave has ended
    SAID_BEFORE = "said-before"  # another word was said of the wave, and the first one counts
    NOT_HELD = "not-held"  # the wave waits for nobody, so that there is nothing to continue
    CANNOT_RETURN = "cannot-go-back"  # the tag cannot go back to what the wave's members were built on before


class Declined(msgspec.Struct, frozen=True):
    """An action that is refused: why, by name, and for people."""

    reason: Refusal
    detail: str


def roll_back(target: Target, digest: Digest | None, said: Said) -> Target | Declined:
    """Go back to a digest that the tag bore before; a digest that is sighted later and passes takes its place.

    Args:
        target: the record.
        digest: which; ``None`` for the last one that is not blocked.
        said: who says so, why and when.
    """
    if _is_back(target, digest):
        return target
    to = digest or _previous(target)
    if to is None:
        return Declined(Refusal.NOTHING_BEFORE, f"{place(target)} bore no other digest before that is not blocked")
    if declined := _in_the_way(target, to) or _pinned_elsewhere(target, said.at):
        return declined
    if to not in borne(target):
        told = f"{place(target)} never bore {to}, as far as its last {len(target.former)} digests are known"
        return Declined(Refusal.NEVER_PROMOTED, told)
    left = out_of_favour(target) | {target.wanted}
    chosen = Chosen(to, _latest(target), said, instead=_but(left, to))
    return _acted(msgspec.structs.replace(target, chosen=chosen), said.at)


def pin(target: Target, digest: Digest | None, until: datetime | None, said: Said) -> Target | Declined:
    """Want one digest whatever comes, until a date or until it is unpinned.

    Args:
        target: the record.
        digest: which: one that passed, or that the tag bore before; ``None`` for the one in force.
        until: until when, UTC; ``None`` for until further notice.
        said: who says so, why and when.
    """
    to = digest or target.wanted
    if target.why is Why.PINNED and target.pinned and (target.pinned.digest, target.pinned.until) == (to, until):
        return target
    if not to:
        return Declined(Refusal.NOTHING_WANTED, f"nothing is in force at {place(target)} that could be pinned")
    if until is not None and until <= said.at:
        return Declined(Refusal.DATE_PASSED, f"{until.isoformat()} has passed; a pin needs a date that is to come")
    if declined := _in_the_way(target, to):
        return declined
    if to not in {target.wanted, *target.passed, *borne(target)}:
        told = f"{to} has not passed the gate of {place(target)}; 'promote' takes it against its gate"
        return Declined(Refusal.NOT_PASSED, told)
    chosen = target.chosen and msgspec.structs.replace(target.chosen, instead=_but(target.chosen.instead, to))
    return _acted(msgspec.structs.replace(target, pinned=Pinned(to, said, until), chosen=chosen), said.at)


def unpin(target: Target, said: Said) -> Target | Declined:
    """Let what is newest be wanted again; while the target is held, once it is resumed."""
    if target.pinned is None:
        return target
    taken_back = with_taken_back(target.taken_back, TakenBack(said.by, said.why, said.at, PIN))
    return _acted(msgspec.structs.replace(target, pinned=None, taken_back=taken_back), said.at)


def promote(target: Target, digest: Digest, said: Said) -> Target | Declined:
    """Take a digest that has not passed its gate, until one passes that is sighted later; it is said of it for ever."""
    if target.why is Why.AGAINST_GATE and target.wanted == digest:
        return target
    if declined := _in_the_way(target, digest) or _pinned_elsewhere(target, said.at):
        return declined
    if digest in target.passed:
        return Declined(Refusal.PASSED, f"{digest} has passed the gate of {place(target)}: pin it, or roll back to it")
    known = any(one.digest == digest for one in target.forced)
    if not known and len(target.forced) >= MOST_FORCED:
        told = f"{MOST_FORCED} digests were taken against the gate of {place(target)}; mend the gate"
        return Declined(Refusal.TOO_MANY, told)
    chosen = Chosen(digest, _latest(target), said, Why.AGAINST_GATE, _but(out_of_favour(target), digest))
    forced = target.forced if known else (*target.forced, Forced(digest, said))
    return _acted(msgspec.structs.replace(target, chosen=chosen, forced=forced), said.at)


def block(target: Target, digest: Digest, said: Said) -> Target:
    """Refuse a digest from now on; if it is in force, something else is decided, or it is withdrawn."""
    if any(one.digest == digest for one in target.blocked):
        return target
    return _acted(msgspec.structs.replace(target, blocked=(*target.blocked, Blocked(digest, said))), said.at)


def release(target: Target, digest: Digest, said: Said) -> Target:
    """Refuse a digest no more: where it was withdrawn and still stands, it is in force again.

    Where it is the newest and has not passed, its candidate is looked after anew: the block may have ended it.
    """
    blocked = tuple(one for one in target.blocked if one.digest != digest)
    if blocked == target.blocked:
        return target
    newest = target.newest
    waits = newest is not None and newest.digest == digest and digest not in target.passed
    awaited = Awaited(digest, said.at) if waits else target.awaited
    after = _acted(msgspec.structs.replace(target, blocked=blocked, awaited=awaited), said.at)
    withdrawn = after.why is Why.WITHDRAWN and after.seen == digest and not after.foreign and after.hold is None
    return scheduled(decided(after, said.at, wanted=digest, why=Why.KEPT), said.at) if withdrawn else after


def hold(target: Target, said: Said) -> Target:
    """Decide nothing from now on; what was decided before is finished, and its rebuilds too."""
    return target if target.hold is not None else _acted(msgspec.structs.replace(target, hold=said), said.at)


def resume(target: Target, said: Said) -> Target:
    """Decide again, on all that was seen and has passed meanwhile."""
    return target if target.hold is None else _acted(msgspec.structs.replace(target, hold=None), said.at)


def moved_on(target: Target, seen: int | None) -> Declined:
    """Refuse what is asked by a decision that is not in force any more."""
    told = f"{place(target)} has been decided on since: you saw decision {seen}, and {target.number} is in force"
    return Declined(Refusal.MOVED_ON, f"{told} ({target.wanted or 'nothing is wanted'}). Look at it, and ask again")


def borne(target: Target) -> tuple[Digest, ...]:
    """Return what the tag is known to have borne because its target wanted it, the present one first."""
    seen = (target.seen,) if target.seen and not target.foreign else ()
    return (*seen, *(one.digest for one in target.former if not one.foreign))


def place(target: Target) -> str:
    """Return a target's tag, for people."""
    return f"{target.repository}:{target.tag}"


def _acted(target: Target, now: datetime) -> Target:
    """Who acts has looked: what was left because others fought over it may be put back again."""
    return scheduled(decide(msgspec.structs.replace(target, repairs=()), now)[0], now)


def _is_back(target: Target, digest: Digest | None) -> bool:
    """Going back twice is going back once: to go further back, the digest is named."""
    chosen, back = target.chosen, target.why is Why.ROLLED_BACK
    return back and chosen is not None and chosen.digest == target.wanted and digest in {None, target.wanted}


def _previous(target: Target) -> Digest | None:
    refused = {target.wanted, *(one.digest for one in target.blocked), *out_of_favour(target)}
    return next((one for one in borne(target) if one not in refused), None)


def _but(digests: Iterable[Digest], named: Digest) -> tuple[Digest, ...]:
    """What somebody names is in favour again."""
    return tuple(sorted(one for one in digests if one not in {"", named}))


def _latest(target: Target) -> int:
    return target.newest.order if target.newest else 0


def _in_the_way(target: Target, digest: Digest) -> Declined | None:
    if target.let_go is not None:
        return Declined(Refusal.LET_GO, f"{place(target)} has left the watch list; put its entry back first")
    if held := target.hold:
        told = f"{place(target)} is held since {held.at.isoformat()} by {held.by} ({held.why}); resume its entry first"
        return Declined(Refusal.HELD, told)
    by = next((one.said for one in target.blocked if one.digest == digest), None)
    if by is None:
        return None
    return Declined(Refusal.BLOCKED, f"{digest} is blocked by {by.by} ({by.why}); release it first")


def _pinned_elsewhere(target: Target, now: datetime) -> Declined | None:
    pinned = target.pinned
    if pinned is None or not is_pinned(target, now):
        return None
    told = f"{place(target)} is pinned to {pinned.digest} by {pinned.said.by} ({pinned.said.why}); unpin it first"
    return Declined(Refusal.PINNED, told)
