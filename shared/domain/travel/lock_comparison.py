"""The locks of an image compared with what two listings of its repository tell of them: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions, Want
from shared.domain.travel.lock_changes import blocked, borne, left, undone
from shared.domain.travel.locked import Lock, LockState, Right, is_digest
from shared.domain.watching.travelling import Lockable


class Found(msgspec.Struct, frozen=True):
    """What was listed of a repository.

    Attributes:
        tags: what each tag points at.
        closed: what those tags are closed to that are not open to everything; ``None`` if that was not told.
        manifests: every manifest, and what each is closed to; ``None`` if they could not be listed.
        targets: the tags of the repository that are on the list.
        blocked: digests that are not to be pulled.
        in_use: all that the other images of the repository consist of; ``None`` if that is not known.
    """

    tags: Mapping[Tag, Digest]
    closed: Mapping[Tag, frozenset[Right]] | None
    manifests: Mapping[Digest, frozenset[Right]] | None
    targets: Collection[Target]
    blocked: Collection[Digest]
    in_use: Collection[Digest] | None = ()


def compared(companions: Companions, found: Found, now: datetime) -> Companions:
    """Return a record that knows what its tags have come to, and which of its locks others opened.

    Listings may lag: what was locked just now is not missed yet. Where nothing differs the record is the same.
    """
    reached = {one.tag: one.wanted for one in found.targets if one.reached == one.number}
    gone = [one.tag for one in companions.wants if _has_left(one, companions.digest, reached)]
    companions = left(companions, gone, now) if gone else companions
    for want in companions.wants:
        if _is_unlocked(companions, want) and _is_there(want, companions.digest, reached, found):
            companions = borne(companions, want.tag, want.number, now)
    if found.manifests is not None and companions.digest in found.manifests:
        is_blocked = companions.digest in found.blocked
        companions = blocked(companions, now, is_blocked=is_blocked, in_use=found.in_use)
    opened = [one.of for one in companions.locks if _is_undone(one, found, now)]
    return undone(companions, opened, now) if opened else companions


def _has_left(want: Want, digest: Digest, reached: Mapping[Tag, Digest]) -> bool:
    """A tag that is on its way is nowhere yet, and has left nothing."""
    return not want.left and bool(want.asked.locks) and reached.get(want.tag, digest) != digest


def _is_unlocked(companions: Companions, want: Want) -> bool:
    """Who died before it could say so, or a tag that stood there before anybody asked for its lock, or came back."""
    lock = companions.lock_of(want.tag)
    missed = lock is not None and lock.state is LockState.MISSING
    return Lockable.STABLE in want.asked.locks and (want.borne_at is None or want.left or missed)


def _is_there(want: Want, digest: Digest, reached: Mapping[Tag, Digest], found: Found) -> bool:
    return reached.get(want.tag) == digest == found.tags.get(want.tag)


def _is_undone(lock: Lock, found: Found, now: datetime) -> bool:
    if not lock.holds or now - lock.at < LAG_PATIENCE:
        return False
    listed = _listed(lock, found)
    return listed is not None and not listed >= set(lock.closed)


def _listed(lock: Lock, found: Found) -> frozenset[Right] | None:
    """What is not listed at all is missed by others; it has no lock that anybody could have opened."""
    if is_digest(lock.of):
        return found.manifests.get(Digest(lock.of)) if found.manifests is not None else None
    tag = Tag(lock.of)
    return found.closed.get(tag, frozenset()) if found.closed is not None and tag in found.tags else None
