"""What is to be locked of an image, opened again, or left as it is, and why: pure, over the record and what is found.

A locked index exposes its platforms to whoever purges what has no tag, so that they are locked with it. A platform may
be that of another index as well, and then stays locked for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.locked import CHANGES, Attributes, Lock, LockState, Right, is_digest
from shared.domain.watching.travelling import Lockable

# An import that was refused for our locks is tried again within minutes; who dies meanwhile leaves them open so long.
OPEN_FOR = timedelta(hours=1)
# What was opened to be deleted is deleted at once; of what is there still after that, nobody knows that it is to go.
RELEASED_FOR = timedelta(minutes=10)
# Whoever opens what we lock may have to: we say so, close it again, and leave it after so many times a day.
MOST_UNDONE, UNDONE_WITHIN = 3, timedelta(days=1)
NOTHING = frozenset[Right]()
_CLOSED_HERE = frozenset({Lockable.UNIQUE, Lockable.STABLE})


# What is wanted.


def wanted_locks(companions: Companions, now: datetime) -> Mapping[str, frozenset[Right]]:
    """Return what is to be closed: names first, then the platforms, their index, and the tag that moves on at last.

    The index comes after its platforms: from when it is locked on they are spared by their own locks alone.
    """
    names = {str(one.name): CHANGES for one in companions.unique if _is_locked(one) and not is_released(one, now)}
    wanted, image = dict(names), NOTHING
    if (names or _locks_by_tag(companions)) and not is_open(companions, now):
        image = CHANGES
    things = (*_platforms(companions), companions.digest)
    wanted.update((digest, image | _unread(companions, digest)) for digest in things)
    wanted = {of: rights for of, rights in wanted.items() if rights}
    opened = _open_tag(companions, now)
    wanted.update((want.tag, CHANGES) for want in companions.wants if _is_borne(want) and want.tag != opened)
    return wanted


def _unread(companions: Companions, digest: Digest) -> frozenset[Right]:
    """What is blocked is not to be pulled, but for those of its platforms that others are pulled with."""
    pullable = companions.manifests if companions.pullable is None else companions.pullable
    spared = digest != companions.digest and digest in pullable
    return frozenset({Right.READ}) if companions.blocked and not spared else NOTHING


def _platforms(companions: Companions) -> tuple[Digest, ...]:
    return tuple(one for one in companions.manifests if one != companions.digest)


def _open_tag(companions: Companions, now: datetime) -> Tag | None:
    """Whoever bears a tag that is to be moved leaves it open as well."""
    opened = companions.opened
    return opened.tag if opened is not None and now - opened.at < OPEN_FOR else None


def asks_locks(want: Want) -> bool:
    """Whether a tag asks for locks of what it is moved to."""
    return bool(_CLOSED_HERE.intersection(want.asked.locks))


def wants_locks(companions: Companions) -> bool:
    """Whether the image is to be locked, for which it has to be in the base registry."""
    return _locks_image(companions)


def is_open(companions: Companions, now: datetime) -> bool:
    """Whether our locks are open for an import that was refused for them."""
    opened, tag = companions.opened, _open_tag(companions, now)
    want = companions.want(tag) if tag is not None else None
    return want is not None and opened is not None and want.number == opened.number and want.borne_at is None


def _locks_image(companions: Companions) -> bool:
    return any(map(_is_locked, companions.unique)) or _locks_by_tag(companions)


def _locks_by_tag(companions: Companions) -> bool:
    return any(Lockable.STABLE in want.asked.locks and not want.left for want in companions.wants)


def _is_locked(one: Unique) -> bool:
    return one.locked and one.landed_at is not None


def is_released(one: Unique, now: datetime) -> bool:
    """Whether a name is open for its deletion. What is not deleted within minutes is to be locked again."""
    return one.released_at is not None and now - one.released_at < RELEASED_FOR


def is_locking(companions: Companions) -> bool:
    """Whether anything is locked of an image, or is to be, by what is known of it."""
    return bool(companions.locks) or wants_locks(companions)


def _is_borne(want: Want) -> bool:
    return Lockable.STABLE in want.asked.locks and want.borne_at is not None and not want.left


# What is next.


def next_lock(companions: Companions, now: datetime) -> str | None:
    """Return the tag or digest whose lock is to be seen to next; what is opened is so in the order of closing."""
    wanted = wanted_locks(companions, now)
    return next((of for of in _in_order(companions, wanted) if _is_due(companions, of, of in wanted, now)), None)


def _in_order(companions: Companions, wanted: Mapping[str, frozenset[Right]]) -> Iterator[str]:
    """Children last, whatever becomes of them: a platform is never open below an index that is closed, but alone."""
    yield from wanted
    known = [one.of for one in companions.locks if one.of not in wanted]
    last = set(_platforms(companions))
    yield from sorted(known, key=lambda of: (of in last, is_digest(of)))


def _is_due(companions: Companions, of: str, is_wanted: bool, now: datetime) -> bool:
    lock = companions.lock_of(of)
    if lock is None:
        return is_wanted
    if lock.state is LockState.UNDONE and is_wanted:
        return now - lock.at >= UNDONE_WITHIN
    if not lock.tries.may(now):
        return False
    return not (lock.holds and _fits(companions, lock, now))


def _fits(companions: Companions, lock: Lock, now: datetime) -> bool:
    """A lock that holds may be asked for more, or for less, than when it was closed."""
    wanted = wanted_locks(companions, now).get(lock.of, NOTHING)
    return bool(wanted) and wanted <= set(lock.closed) and wanted >= set(lock.ours)


def lock_times(companions: Companions, now: datetime) -> Iterator[datetime]:
    """When what cannot be closed or opened now is tried again, and when our locks are closed again."""
    for lock in companions.locks:
        if lock.state is LockState.UNDONE:
            yield lock.at + UNDONE_WITHIN
        elif lock.tries.retry_at is not None and not (lock.holds and _fits(companions, lock, now)):
            yield lock.tries.retry_at
    if companions.opened is not None and _open_tag(companions, now) is not None:
        yield companions.opened.at + OPEN_FOR
    yield from (
        one.released_at + RELEASED_FOR for one in companions.unique if one.locked and one.released_at is not None
    )


def is_locked(companions: Companions, want: Want) -> bool:
    """Whether all is locked that is to be before a tag is moved: the name that it keeps, the index, its platforms.

    Where others open a lock again and again nobody waits for it.
    """
    if not asks_locks(want):
        return True
    things = [str(one.name) for one in companions.unique if one.tag == want.tag and _is_locked(one)]
    if _locks_image(companions):
        if not companions.manifests:
            return False
        things += [companions.digest, *_platforms(companions)]
    locks = (companions.lock_of(of) for of in things)
    return all(lock is not None and _is_enough(lock) for lock in locks)


def _is_enough(lock: Lock) -> bool:
    return lock.state is LockState.UNDONE or (lock.holds and set(lock.closed) >= CHANGES)


# What is to be done about one of them.


class Others(msgspec.Struct, frozen=True):
    """What the other images of a repository have to do with a tag or a manifest.

    Attributes:
        ours: what we closed for them.
        wanted: what is to be closed for them.
    """

    ours: frozenset[Right] = NOTHING
    wanted: frozenset[Right] = NOTHING


def others_of(records: Iterable[Companions], of: str, companions: str, now: datetime) -> Others:
    """Return what others have to do with a tag or a manifest.

    Args:
        records: those of the repository.
        of: the tag or the digest.
        companions: the id of the record that asks.
        now: UTC.
    """
    ours, wanted = NOTHING, NOTHING
    for one in records:
        if one.id != companions:
            lock = one.lock_of(of)
            ours |= frozenset(lock.ours) if lock is not None else NOTHING
            wanted |= wanted_locks(one, now).get(of, NOTHING)
    return Others(ours, wanted)


def ours_alone(records: Iterable[Companions]) -> frozenset[str]:
    """Return the tags and digests that nobody but us has locked, as far as was last found.

    All that keeps one from being deleted is ours then: whoever finds it locked knows by whom.

    Args:
        records: all of one repository; what one of them found closed may be what another one closed.
    """
    ours: dict[str, set[Right]] = {}
    closed: dict[str, set[Right]] = {}
    for lock in (lock for one in records for lock in one.locks):
        ours.setdefault(lock.of, set()).update(lock.ours)
        closed.setdefault(lock.of, set()).update(lock.closed)
    return frozenset(of for of, rights in ours.items() if rights >= CHANGES and closed[of] <= rights)


class Move(Enum):
    """What is to be done about a lock, now that it is known how it stands."""

    CLOSE = "close"  # something that is wanted is open: write that down, and close it
    OPEN = "open"  # something of ours is wanted by nobody: write that down, and open it
    KEEP = "keep"  # it is as wanted: note whose it is
    WAIT = "wait"  # another image wants it, and has not noted yet that it is ours
    FORGET = "forget"  # nothing of it is wanted, and nothing of it is ours
    MISSING = "missing"  # there is nothing of that name
    MOVED = "moved"  # the tag points at something else


class Judged(msgspec.Struct, frozen=True):
    """What is to be done about a lock.

    Attributes:
        move: what.
        rights: what is to be closed or opened.
        ours: what is ours of it then.
    """

    move: Move
    rights: frozenset[Right] = NOTHING
    ours: frozenset[Right] = NOTHING


def needs_others(companions: Companions, of: str, found: Attributes | None, now: datetime) -> bool:
    """Whether it matters what the other images of the repository have to do with it."""
    if found is None:
        return False
    wanted, mine = wanted_locks(companions, now).get(of, NOTHING), _mine(companions, of)
    return bool((wanted & found.closed) - mine) or bool((mine & found.closed) - wanted)


def judged(companions: Companions, of: str, found: Attributes | None, others: Others, now: datetime) -> Judged:
    """Return what is to be done about a lock.

    What was closed before it was written down that we close it is somebody else's, unless we closed it for another
    image of the repository.

    Args:
        companions: the record.
        of: the tag or the digest.
        found: what the registry tells of it; ``None`` if there is nothing of that name.
        others: what the other images of the repository have to do with it.
        now: UTC.
    """
    wanted, mine = wanted_locks(companions, now).get(of, NOTHING), _mine(companions, of)
    if found is None:
        return Judged(Move.MISSING if wanted else Move.FORGET)
    if wanted and not is_digest(of) and found.digest != companions.digest:
        return Judged(Move.MOVED)
    known = (mine | others.ours) & found.closed
    missing = wanted - found.closed
    if missing:
        return Judged(Move.CLOSE, missing, (mine & found.closed) | (known & wanted) | missing)
    extra = (mine & found.closed) - wanted
    if extra - others.wanted:
        return Judged(Move.OPEN, extra - others.wanted, mine)
    if extra - others.ours:
        return Judged(Move.WAIT)
    return Judged(Move.KEEP, ours=known & wanted) if wanted else Judged(Move.FORGET)


def _mine(companions: Companions, of: str) -> frozenset[Right]:
    lock = companions.lock_of(of)
    return frozenset(lock.ours) if lock is not None else NOTHING
