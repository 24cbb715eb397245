"""What people say of a target: pins, holds, blocks, what is taken against its gate; and why it is what it is."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest


class Why(Enum):
    """Why a target should point at what it should."""

    NEWEST = "newest-that-passed"  # of the digests that passed, the one its source bore last
    PINNED = "pinned"  # somebody said: this one, whatever comes
    ROLLED_BACK = "rolled-back"  # somebody went back to it, or blocked what came after it
    AGAINST_GATE = "against-its-gate"  # somebody took it although it did not pass; said of it for ever
    KEPT = "kept"  # what was said of it is over, and nothing else has passed
    ADOPTED = "adopted"  # it stood there when its entry appeared, and its source has not moved since
    RESTORED = "restored"  # what is built on what came after it failed, so that the tag went back by itself
    WITHDRAWN = "withdrawn"  # what it bore is blocked and nothing else can be had; the tag is left as it is


class Said(msgspec.Struct, frozen=True):
    """Who said something of a target, why, and when, UTC."""

    by: str
    why: str
    at: datetime


# Targets and rulings are decoded by several modules, that may be imported by several threads.
_SAID = msgspec.json.Decoder(Said)


class Held(Said, frozen=True, omit_defaults=True):
    """Who said that nothing is to be decided, of the entry of which name; it may bear another one by now.

    Attributes:
        image: the name; empty in records of earlier versions.
    """

    image: str = ""


class Blocked(msgspec.Struct, frozen=True):
    """A digest that is refused, and who said so."""

    digest: Digest
    said: Said


class Pinned(msgspec.Struct, frozen=True, omit_defaults=True):
    """The digest that is wanted whatever comes, who said so, and until when, UTC; ``None`` for until further notice."""

    digest: Digest
    said: Said
    until: datetime | None = None


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest that somebody went back to, or took against its gate.

    Attributes:
        digest: which.
        above: it is in force until a digest passes that was sighted after this order.
        said: by whom.
        why: ``ROLLED_BACK``, ``AGAINST_GATE`` or ``RESTORED``.
        instead: what was gone back from; it comes back by its name, or once a digest passes that is sighted later.
    """

    digest: Digest
    above: int
    said: Said
    why: Why = Why.ROLLED_BACK
    instead: tuple[Digest, ...] = ()


class Forced(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest that somebody took although it had not passed its gate, and who; it is never forgotten.

    Attributes:
        digest: which.
        said: by whom it was granted, or simply done in records of earlier versions.
        asked: by whom it was asked for.
    """

    digest: Digest
    said: Said
    asked: Said | None = None


class Guilt(Enum):
    """What is known of a digest on which canaries failed."""

    REFUSED = "refused"  # the tag went back from it, and does not take it by itself; its control has not ended
    CONFIRMED = "confirmed"  # the canaries were built on the digest before: it was the base; refused here for good
    SUSPECTED = "suspected"  # they failed on the digest before, too: it may have been innocent; a person decides


class Canaried(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest on which canaries failed, so that the tag went back.

    Attributes:
        digest: which.
        number: the decision that had brought it.
        former: what the tag went back to.
        at: when, UTC.
        canaries: which rebuild targets failed.
        restored: the decision that took it back.
        guilt: what is known of it by now.
    """

    digest: Digest
    number: int
    former: Digest
    at: datetime
    canaries: tuple[str, ...] = ()
    restored: int = 0
    guilt: Guilt = Guilt.REFUSED


# A record is one row; what failed longest ago is forgotten first.
MOST_CANARIED = 60


class TakenBack(Said, frozen=True):
    """That something was said and is not any more, by whom and when: else what was said before would come back.

    Attributes:
        what: what it was, such as ``pin``.
    """

    what: str


PIN = "pin"
# A record is one row; what was taken back longest ago is forgotten first.
MOST_TAKEN_BACK = 60


def with_taken_back(known: tuple[TakenBack, ...], *more: TakenBack) -> tuple[TakenBack, ...]:
    """Return what was taken back, the latest last, each thing once."""
    latest: dict[str, TakenBack] = {}
    for one in sorted((*known, *more), key=lambda one: one.at):
        latest.pop(one.what, None)
        latest[one.what] = one
    return tuple(latest.values())[-MOST_TAKEN_BACK:]


# Documents of decisions hold them, too: docs/decisions/0016.
_SAYINGS = msgspec.json.Decoder(tuple[Held, Blocked, Pinned, Chosen, Forced, TakenBack, Canaried])
