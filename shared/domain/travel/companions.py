"""Companions: what must lie beside a digest in a repository of the base registry before a tag is moved to it.

One record for a digest and a repository, whatever tags want it. It says what is wanted, and how far that has come;
what is to be done next follows from it (``next_step``), so that whoever dies leaves what somebody else goes on with.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.base_ids import base_id, parts_of_base_id
from shared.domain.references import Digest, Repository, Tag, parse_digest
from shared.domain.travel.locked import Lock, Opened
from shared.domain.travel.recorded import Recorded
from shared.domain.travel.referrers import Carry, Referrer
from shared.domain.travel.tries import NO_TRIES, Tries
from shared.domain.watching.travelling import NOTHING_TRAVELS, ReferrerMode, Travelling
from shared.errors import InvalidReference


class Unique(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name that a digest keeps in its repository.

    Attributes:
        name: the unique tag. It is written here before anything is imported.
        tag: the tag that was to be moved to the digest.
        number: that decision's.
        made_at: when the name was chosen, UTC.
        landed_at: when it was last found to bear the digest, UTC; ``None`` while it does not.
        locked: whether it is to be locked.
        released_at: since when it is open, as it is about to be deleted, UTC; for minutes, see ``RELEASED_FOR``.
    """

    name: Tag
    tag: Tag
    number: int
    made_at: datetime
    landed_at: datetime | None = None
    locked: bool = False
    released_at: datetime | None = None


class Want(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A tag that is to be moved to the digest.

    Attributes:
        tag: which.
        number: the decision's.
        at: when that was decided, UTC.
        since: since when it waits for the companions, UTC.
        asked: what its entry asks to travel.
        names: whether the decision is one that a unique tag is made for.
        by_person: whether a person decided; then what its upstream has no more is not waited for.
        ready_at: since when the tag may be moved, UTC; it stays so, whatever is repaired later. ``None`` until then.
        told: whether the target was woken for it.
        said: whether the target was woken because something is in the way, so that it says for what it waits.
        borne_at: since when the tag is known to bear the digest by this decision, UTC; known where it is to be locked.
        left: whether the tag has moved on since.
    """

    tag: Tag
    number: int
    at: datetime
    since: datetime
    asked: Travelling = NOTHING_TRAVELS
    names: bool = False
    by_person: bool = False
    ready_at: datetime | None = None
    told: bool = False
    said: bool = False
    borne_at: datetime | None = None
    left: bool = False

    @property
    def is_named(self) -> bool:
        """Whether it asks for a unique tag."""
        return self.names and bool(self.asked.unique_tag)


class Companions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of what lies beside a digest; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        registry: the base registry's name, in small letters.
        repository: in the base registry.
        digest: the image, or its index.
        source: the upstream repository.
        staging: the repository of the staging registry in which the digest lies.
        step: counts the changes that others are told from.
        look_at: when it is to be looked at again, UTC; ``None`` while nothing is to be done.
        wants: the tags that are to be moved to the digest, each with its last decision.
        manifests: the image and its platforms; empty until its manifest was read.
        parts_gone: platforms that the base registry was found without, though it has their index.
        image_at: when the image was last read back from the base registry, by its digest, UTC.
        carry: the import of the image that is under way.
        image_tries: how its imports fared.
        unique: the names that it keeps.
        referrers: what refers to it and its platforms.
        listed_at: when its upstream last told that as a whole, or as far as it can be read, UTC.
        listed: how often it did.
        unread: what could not be read of that, for people; then nothing is taken to be absent.
        remarks: what was odd about that, for people.
        source_gone: whether the upstream does not show the repository any more.
        listing_tries: how listings fared since the last one that was answered.
        next_listing: when the upstream is asked again, UTC; ``None`` if it is not.
        follow_until: until when what comes later follows, UTC.
        record: the record of the decision.
        traceparent: W3C trace context of the sighting that was decided for.
        locks: what is locked of it, and by whom.
        opened: the import for which our locks are open.
        blocked: whether it is blocked, and is not to be pulled.
        pullable: of what is blocked those platforms that are pulled still, as an image has them that is not blocked;
            ``None`` for all of them, as it is not known which.
    """

    registry: str
    repository: str
    digest: Digest
    source: Repository
    staging: str
    step: int = 1
    look_at: datetime | None = None
    wants: tuple[Want, ...] = ()
    manifests: tuple[Digest, ...] = ()
    parts_gone: tuple[Digest, ...] = ()
    image_at: datetime | None = None
    carry: Carry | None = None
    image_tries: Tries = NO_TRIES
    unique: tuple[Unique, ...] = ()
    referrers: tuple[Referrer, ...] = ()
    listed_at: datetime | None = None
    listed: int = 0
    unread: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    source_gone: bool = False
    listing_tries: Tries = NO_TRIES
    next_listing: datetime | None = None
    follow_until: datetime | None = None
    record: Recorded | None = None
    traceparent: str = ""
    locks: tuple[Lock, ...] = ()
    opened: Opened | None = None
    blocked: bool = False
    pullable: tuple[Digest, ...] | None = ()

    @property
    def id(self) -> str:
        """The record's id; see ``companions_id``."""
        return companions_id(self.registry, self.repository, self.digest)

    @property
    def mode(self) -> ReferrerMode:
        """What becomes of its referrers: what the strictest of those who want it asks."""
        asked = {want.asked.referrers for want in self.wants}
        return next((mode for mode in ReferrerMode if mode in asked), ReferrerMode.OFF)

    @property
    def records(self) -> bool:
        """Whether a record of the decision is asked for."""
        return any(want.asked.record for want in self.wants)

    def want(self, tag: Tag) -> Want | None:
        """Return the last decision of a tag for the digest, if it ever was one."""
        return next((want for want in self.wants if want.tag == tag), None)

    def unique_of(self, tag: Tag) -> Unique | None:
        """Return the name that the digest keeps for a tag, if it has one."""
        return next((one for one in self.unique if one.tag == tag), None)

    def lock_of(self, of: str) -> Lock | None:
        """Return what is known of the lock of a tag, or of a manifest by its digest."""
        return next((one for one in self.locks if one.of == of), None)


def companions_id(registry: str, repository: str, digest: Digest) -> str:
    """Derive the id of the companions of a digest.

    Args:
        registry: the base registry's name.
        repository: in the base registry.
        digest: the digest.

    Returns:
        Such as ``tidegatebase~base~node~sha256:…``: ``~`` can stand in no registry's name, repository or digest.
    """
    return base_id(registry, repository, digest)


def parts_of_companions(companions: str) -> tuple[str, str, Digest]:
    """Take the registry's name, the repository and the digest out of an id.

    Raises:
        InvalidReference: it is no id of companions.
    """
    try:
        return parts_of_base_id(companions, parse_digest)
    except InvalidReference:
        raise InvalidReference(
            f"{companions[:300]!r} is not an id of companions, such as tidegatebase~base~node~sha256:…"
        ) from None
