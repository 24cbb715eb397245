"""Referrers: manifests that say that they are about an image, such as signatures, SBOMs and attestations. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest, Tag
from shared.domain.travel.tries import NO_TRIES, Tries

# An admission controller that finds more beside a digest refuses the image (Kyverno), and so it does with what is
# larger. Both are bounds of what one digest and its platforms may have in all, and of one referrer.
MOST_REFERRERS = 50
LARGEST_REFERRER = 10 * 1024 * 1024
# A manifest that is larger than this no registry takes.
LARGEST_MANIFEST = 4 * 1024 * 1024
# A signature of an attestation of an image is at the depth of two.
DEEPEST = 3


class ReferrerState(Enum):
    """How far a referrer has come."""

    THERE = "there"  # its upstream lists it
    STAGING = "staging"  # its copy into the staging registry was asked for
    STAGED = "staged"  # it was read back there, and its manifest names our subject
    ARRIVING = "arriving"  # its copy into the base registry was asked for
    ARRIVED = "arrived"  # it was read back there
    INCLUDED = "included"  # it is a part of the index itself, and comes with the image
    REFUSED = "refused"  # it does not come, for a named reason
    GONE = "gone"  # its upstream has it no more, and it had not come by then


class Refusal(Enum):
    """Why a referrer does not come."""

    TOO_MANY = "too-many"  # beyond the number that may lie beside one digest
    TOO_LARGE = "too-large"  # beyond the size that may
    FOREIGN_SUBJECT = "foreign-subject"  # its manifest is about something else, or about nothing
    LOOP = "loop"  # it is listed as a referrer of itself, or of what refers to it
    UNREADABLE = "unreadable"  # what was sent by its digest is no manifest


# What is listed beside an image and is not about it is none of its referrers: nobody waits for that.
_STRANGE = frozenset({Refusal.FOREIGN_SUBJECT, Refusal.LOOP})
# These come no farther by themselves.
_SETTLED = frozenset({ReferrerState.ARRIVED, ReferrerState.INCLUDED, ReferrerState.REFUSED, ReferrerState.GONE})


class Carry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A copy that was asked for, of an image or of a referrer.

    Attributes:
        since: when, UTC.
        tag: the tag that it gets; empty for none.
        operation: its continuation token; empty if nobody learnt it, or it is of no use any more.
        differs_since: since when it is known that it ended and nothing of it is read back, UTC; ``None`` if it is not.
    """

    since: datetime
    tag: Tag = Tag("")
    operation: str = ""
    differs_since: datetime | None = None


class Referrer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One referrer.

    Attributes:
        digest: of its manifest.
        subject: what it is about: the image, one of its platforms, or another referrer.
        depth: 1 if it is about the image or a platform, 2 if about such a referrer, and so on.
        media_type: of its manifest, as listed.
        artifact_type: what it is: as its manifest says once that was read, as listed before.
        size: bytes of all it consists of, once its manifest was read; of its manifest before.
        tag: the tag by which older clients find it, such as ``sha256-….sig``; empty for none.
        state: how far it has come.
        refusal: why it does not come; only where it is refused.
        carry: the copy that is under way.
        tries: how its copies fared.
        found_at: when it was first listed, UTC.
        arrived_at: when it was first read back from the base registry, UTC.
        unlinked: whether the base registry has it and does not list it as a referrer of its subject, so that few
            clients find it.
        ours: whether it is what we say ourselves of the image, which no upstream has.
        over: the upstream's manifest of the same tag that it was made of, if it is ours.
    """

    digest: Digest
    subject: Digest
    depth: int = 1
    media_type: str = ""
    artifact_type: str = ""
    size: int = 0
    tag: Tag = Tag("")
    state: ReferrerState = ReferrerState.THERE
    refusal: Refusal | None = None
    carry: Carry | None = None
    tries: Tries = NO_TRIES
    found_at: datetime | None = None
    arrived_at: datetime | None = None
    unlinked: bool = False
    ours: bool = False
    over: Digest = Digest("")

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: a tag of older clients bears one manifest after another."""
        return (self.subject, self.tag) if self.tag else (self.digest, "")

    @property
    def is_settled(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        return self.state in _SETTLED

    @property
    def is_missing(self) -> bool:
        """Whether it ought to be in the base registry, as far as is known, and is not."""
        if self.state is ReferrerState.REFUSED:
            return self.refusal not in _STRANGE
        return not self.is_settled


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A referrer as its registry lists it; nothing of it is believed but its digest.

    Attributes:
        digest, subject, depth, media_type, artifact_type, size, tag: see ``Referrer``.
    """

    digest: Digest
    subject: Digest
    depth: int = 1
    media_type: str = ""
    artifact_type: str = ""
    size: int = 0
    tag: Tag = Tag("")


class Listing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a registry lists beside an image and its platforms.

    Attributes:
        entries: the referrers.
        unread: what could not be read, was too much, or is no list of referrers, for people. Where there is any,
            nothing is taken to be absent.
        remarks: what is odd and leaves nothing unread, for people.
        gone: whether the registry does not show the repository any more; that is no list either.
    """

    entries: tuple[Listed, ...] = ()
    unread: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    gone: bool = False

    @property
    def whole(self) -> bool:
        """Whether all that there is was read."""
        return not self.unread
