"""What people say of a digest or an entry, and not of one target: it holds for targets that do not exist yet, too."""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.domain.promotion import actions
from shared.domain.promotion.said import Blocked, Held, Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest


class Kind(Enum):
    """What is said."""

    BLOCK = "block"  # of a digest: no target takes it, wherever it comes from
    HOLD = "hold"  # of an entry of the watch list: nothing is decided for its targets


class Ruling(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was last said of a digest or an entry.

    Attributes:
        kind: what is said.
        subject: of which digest, or of the entry of which name.
        said: who says so, why and when; or who took it back.
        in_force: whether it is; ``False`` once it was taken back.
        open: whether targets that know of it may not have been told yet.
    """

    kind: Kind
    subject: str
    said: Said
    in_force: bool = True
    open: bool = True


# Documents of decisions hold them, too: docs/decisions/0016.
_RULINGS = msgspec.json.Decoder(Ruling)


def concerns(ruling: Ruling, target: Target) -> bool:
    """Whether a target is to be told of a ruling; one that does not know the digest is told when it decides on it."""
    if ruling.kind is Kind.HOLD:
        return ruling.subject == (target.origin.image if ruling.in_force else _held_as(target))
    digest = Digest(ruling.subject)
    borne, blocked = (one.digest for one in target.former), (one.digest for one in target.blocked)
    alive = (one.digest for one in target.unsettled)
    return target.knows(digest) or digest in {target.seen, *borne, *blocked, *alive}


def _held_as(target: Target) -> str:
    """The entry may have been given another name since."""
    return target.hold.image if target.hold is not None and target.hold.image else target.origin.image


def _held(ruling: Ruling) -> Held:
    return Held(ruling.said.by, ruling.said.why, ruling.said.at, ruling.subject)


def told(target: Target, ruling: Ruling) -> Target:
    """Return a target that obeys a ruling, or obeys it no more."""
    digest, said = Digest(ruling.subject), ruling.said
    if ruling.kind is Kind.HOLD:
        return _told_to_hold(target, ruling) if ruling.in_force else actions.resume(target, said)
    return actions.block(target, digest, said) if ruling.in_force else actions.release(target, digest, said)


def _told_to_hold(target: Target, ruling: Ruling) -> Target:
    """Who is held by an earlier name is held by the present one from then on."""
    if target.hold is not None and _held_as(target) != ruling.subject:
        return msgspec.structs.replace(target, hold=_held(ruling))
    return actions.hold(target, _held(ruling))


def informed(target: Target, deciding: Target, rulings: tuple[Ruling, ...]) -> Target:
    """Return a target as it is to be before it decides: with what is in force of all that was said.

    Args:
        target: the record, nothing decided yet.
        deciding: what it would become: its digests and its entry count.
        rulings: what was said of digests and entries.
    """
    known = {one.digest for one in target.blocked}
    meant = [one for one in rulings if one.in_force and concerns(one, deciding)]
    blocks = (Blocked(Digest(one.subject), one.said) for one in meant if one.kind is Kind.BLOCK)
    blocked = (*target.blocked, *(one for one in blocks if one.digest not in known))
    hold = target.hold or next((_held(one) for one in meant if one.kind is Kind.HOLD), None)
    return msgspec.structs.replace(target, blocked=blocked, hold=hold)


def begun_as(known: Target | None, first: Target) -> Target:
    """Return the first record of a tag, with what people said; a record that somebody else made meanwhile stays.

    Args:
        known: what is there; a record of which only blocks and a hold are known is none yet.
        first: what is to be there.
    """
    if known is None:
        return first
    nothing = Target(registry=first.registry, repository=first.repository, tag=first.tag, origin=first.origin)
    if msgspec.structs.replace(known, blocked=(), hold=None, notices=()) != nothing:
        return known
    blocked = {one.digest: one for one in (*first.blocked, *known.blocked)}
    hold = first.hold or known.hold
    return msgspec.structs.replace(first, blocked=tuple(blocked.values()), hold=hold, notices=known.notices)
