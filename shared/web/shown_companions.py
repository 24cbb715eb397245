"""What lies beside the digest that a tag is to bear, as it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.references import Digest, Tag
from shared.web.shown_records import ShownRecord, shown_record

# What travels with images is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.promotion.target import Target
    from shared.domain.travel.companions import Companions
    from shared.domain.travel.locked import Lock


class ShownReferrers(msgspec.Struct, frozen=True):
    """Referrers of one type.

    Attributes:
        type: as people call it; the artifact type where they have no word for it.
        there: how many there are, as far as is known.
        arrived: how many of these the base registry has.
        missing: how many ought to be there and are not.
    """

    type: str
    there: int
    arrived: int
    missing: int


class ShownRefusal(msgspec.Struct, frozen=True):
    """A referrer that does not come, and why: ``too-many``, ``too-large``, ``foreign-subject``, ``loop``, …"""

    digest: Digest
    why: str


class ShownLock(msgspec.Struct, frozen=True):
    """The lock of one tag or manifest.

    Attributes:
        of: the tag, or the digest of the manifest.
        state: ``setting``, ``set``, ``theirs`` (all of it is others'), ``lifting``, ``undone`` or ``missing``.
        ours: what we closed of it: ``write``, ``delete``, ``read``. Nothing else of it is ever opened by us.
        closed: what was last found to be closed, by whomever.
        undone: how often others opened it within a day.
        trouble: why it is not as it is wanted; ``null`` if it is, or nobody knows yet.
    """

    of: str
    state: str
    ours: tuple[str, ...]
    closed: tuple[str, ...]
    undone: int
    trouble: str | None


class ShownCompanions(msgspec.Struct, frozen=True, kw_only=True):
    """What lies, or is to lie, beside a digest in the base registry.

    Attributes:
        digest: which.
        ready: whether the tag may be moved to it.
        waits_because: what is in the way of that; ``null`` if nothing is.
        unique_tag: the name that the digest keeps for this tag; ``null`` if it has none.
        unique_tag_there: whether that name was found to bear it.
        names: all names that the digest keeps, whatever tags they were made for.
        names_missing: those of them that are not there, yet or any more.
        known: whether the upstream has told what refers to the digest; then ``referrers`` says how many.
        told: the same in one line, for people.
        referrers: how many there are, by type.
        refused: those that do not come.
        unread: what could not be read of what the upstream told.
        remarks: what was odd about it.
        listed_at: when it last told, UTC.
        next_listing: when it is asked again, UTC; ``null`` if it is not.
        record: the signed record of the decision; ``null`` if nothing was done for one.
        locks: what is locked of the digest, or is to be.
        locks_told: the same in one line, for people; empty where nothing is.
    """

    digest: Digest
    ready: bool
    waits_because: str | None
    unique_tag: Tag | None
    unique_tag_there: bool
    names: tuple[Tag, ...]
    known: bool
    told: str
    referrers: tuple[ShownReferrers, ...]
    refused: tuple[ShownRefusal, ...]
    unread: tuple[str, ...]
    remarks: tuple[str, ...]
    listed_at: datetime | None
    next_listing: datetime | None
    record: ShownRecord | None
    locks: tuple[ShownLock, ...] = ()
    locks_told: str = ""
    names_missing: tuple[Tag, ...] = ()


def shown_companions(target: Target, companions: Companions) -> ShownCompanions:
    """Return what lies beside what a tag is to bear as it is shown."""
    from shared.domain.travel.telling import counts, told_counts, told_locks, waits_because  # noqa: PLC0415

    want, unique = companions.want(target.tag), companions.unique_of(target.tag)
    refused = ((one.digest, one.refusal) for one in companions.referrers)
    return ShownCompanions(
        digest=companions.digest,
        ready=want is not None and want.ready_at is not None,
        waits_because=(waits_because(companions, want) if want is not None else "") or None,
        unique_tag=unique.name if unique is not None else None,
        unique_tag_there=unique is not None and unique.landed_at is not None,
        names=tuple(one.name for one in companions.unique),
        names_missing=tuple(one.name for one in companions.unique if one.landed_at is None),
        known=companions.listed_at is not None,
        told=told_counts(companions),
        referrers=tuple(ShownReferrers(one.kind, one.there, one.arrived, one.missing) for one in counts(companions)),
        refused=tuple(ShownRefusal(digest, refusal.value) for digest, refusal in refused if refusal is not None),
        unread=companions.unread,
        remarks=companions.remarks,
        listed_at=companions.listed_at,
        next_listing=companions.next_listing,
        record=shown_record(companions.record) if companions.record is not None else None,
        locks=tuple(map(_shown_lock, companions.locks)),
        locks_told=told_locks(companions),
    )


def _shown_lock(one: Lock) -> ShownLock:
    return ShownLock(
        of=one.of,
        state=one.state.value,
        ours=tuple(right.value for right in one.ours),
        closed=tuple(right.value for right in one.closed),
        undone=len(one.undone),
        trouble=one.tries.trouble or None,
    )
