"""What becomes of the locks of an image as they are closed and opened: pure. Each returns the record to be written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from shared.domain.references import Digest, Tag
from shared.domain.travel.changes import lost
from shared.domain.travel.companions import Companions, Unique
from shared.domain.travel.locked import Lock, LockState, Opened, Right
from shared.domain.travel.locks import MOST_UNDONE, OPEN_FOR, UNDONE_WITHIN
from shared.domain.travel.next_step import scheduled
from shared.domain.travel.tries import NO_TRIES, failed
from shared.errors import NotThereYet, TidegateError

# The other image is looked at within that.
WAITS_FOR = timedelta(minutes=10)


def known_parts(companions: Companions, manifests: Collection[Digest], now: datetime) -> Companions:
    """Take note of the platforms of the image, without which it cannot be locked as a whole."""
    return scheduled(msgspec.structs.replace(_stepped(companions), manifests=tuple(manifests)), now)


def claimed(companions: Companions, of: str, ours: Collection[Right], now: datetime) -> Companions:
    """Write down what of a tag or manifest we are about to close, and is ours from then on."""
    return _with(companions, of, LockState.SETTING, ours, now)


def releasing(companions: Companions, of: str, now: datetime) -> Companions:
    """Write down that we are about to open what is ours of a lock."""
    lock = companions.lock_of(of)
    return _with(companions, of, LockState.LIFTING, lock.ours if lock is not None else (), now)


def kept(
    companions: Companions, of: str, ours: Collection[Right], closed: Collection[Right], now: datetime
) -> Companions:
    """Take note of a lock that was read back as it is wanted."""
    return _with(companions, of, LockState.SET if ours else LockState.THEIRS, ours, now, closed)


def waits(companions: Companions, of: str, now: datetime) -> Companions:
    """Take note of a lock that another image wants, and has not noted yet that it is ours."""
    lock = companions.lock_of(of)
    if lock is None:
        return companions
    later = msgspec.structs.replace(lock, tries=msgspec.structs.replace(lock.tries, retry_at=now + WAITS_FOR))
    return scheduled(_replaced(companions, later), now)


def forgotten(companions: Companions, of: str, now: datetime) -> Companions:
    """Take note that nothing of a lock is ours any more, or that there is nothing left to lock."""
    left = tuple(one for one in companions.locks if one.of != of)
    return scheduled(msgspec.structs.replace(_stepped(companions), locks=left), now)


def missed(companions: Companions, of: str, now: datetime) -> Companions:
    """Take note that there is nothing of a name that is to be locked: it is looked for again, and then brought again.

    The first time it may be a replica that lags.
    """
    known = companions.lock_of(of)
    if known is not None and known.state is LockState.MISSING:
        bare = msgspec.structs.replace(known, ours=(), closed=())
        companions = _replaced(lost(companions, frozenset({Digest(of)}), frozenset({Tag(of)}), now), bare)
    return lock_fell(companions, of, NotThereYet(f"{of} is not there"), now, LockState.MISSING)


def lock_fell(
    companions: Companions, of: str, error: TidegateError, now: datetime, state: LockState | None = None
) -> Companions:
    """Take note that a lock could not be closed or opened; what is ours of it stays so."""
    lock = companions.lock_of(of) or Lock(of=of, state=LockState.SETTING, at=now)
    after = msgspec.structs.replace(lock, state=state or lock.state, tries=failed(lock.tries, error, now))
    return scheduled(_replaced(companions, after), now)


def moved_away(companions: Companions, of: str, now: datetime) -> Companions:
    """Take note that a tag points at something else: a name is brought back, or another is chosen."""
    unique = tuple(msgspec.structs.replace(one, landed_at=None) if one.name == of else one for one in companions.unique)
    wants = tuple(msgspec.structs.replace(one, borne_at=None) if one.tag == of else one for one in companions.wants)
    return scheduled(msgspec.structs.replace(_stepped(companions), unique=unique, wants=wants), now)


def undone(companions: Companions, things: Collection[str], now: datetime) -> Companions:
    """Take note that others opened what is ours: it is closed again, and after some times left so for a day."""
    locks = tuple(_undone(one, now) if one.of in things else one for one in companions.locks)
    return scheduled(msgspec.structs.replace(_stepped(companions), locks=locks), now)


def _undone(lock: Lock, now: datetime) -> Lock:
    times = (*(at for at in lock.undone if now - at < UNDONE_WITHIN), now)
    state = LockState.UNDONE if len(times) > MOST_UNDONE else LockState.SETTING
    return msgspec.structs.replace(lock, state=state, at=now, undone=times, tries=NO_TRIES)


# The tag that moves on.


def borne(companions: Companions, tag: Tag, number: int, now: datetime) -> Companions:
    """Take note that a tag bears the digest, so that it is locked, and what was opened for it is closed again.

    One that was not there when it was to be locked is, and is locked now.
    """
    wants = tuple(
        msgspec.structs.replace(one, borne_at=now, left=False)
        if one.tag == tag and one.number == number and (one.borne_at is None or one.left)
        else one
        for one in companions.wants
    )
    locks = tuple(one for one in companions.locks if one.of != tag or one.state is not LockState.MISSING)
    if (wants, locks) == (companions.wants, companions.locks):
        return companions
    return scheduled(msgspec.structs.replace(_stepped(companions), wants=wants, locks=locks, opened=None), now)


def left(companions: Companions, tags: Collection[Tag], now: datetime) -> Companions:
    """Take note that tags have moved on to something else."""
    wants = tuple(msgspec.structs.replace(one, left=True) if one.tag in tags else one for one in companions.wants)
    return scheduled(msgspec.structs.replace(_stepped(companions), wants=wants), now)


def opened(companions: Companions, tag: Tag, number: int, now: datetime) -> Companions:
    """Write down that our locks are opened for an import that was refused for them, before any is."""
    known = companions.opened
    if known is not None and (known.tag, known.number) == (tag, number) and now - known.at < OPEN_FOR / 2:
        return companions
    return scheduled(msgspec.structs.replace(_stepped(companions), opened=Opened(tag, number, now)), now)


def blocked(
    companions: Companions, now: datetime, *, is_blocked: bool, in_use: Collection[Digest] | None = ()
) -> Companions:
    """Take note whether the digest is not to be pulled.

    Args:
        companions: the record.
        now: UTC.
        is_blocked: whether it is blocked.
        in_use: all that images consist of that are not blocked; ``None`` if that is not known.
    """
    pullable = _pullable(companions, in_use) if is_blocked else ()
    if (companions.blocked, companions.pullable) == (is_blocked, pullable):
        return companions
    there = companions.image_at or now  # whoever says so found it
    noted = msgspec.structs.replace(_stepped(companions), blocked=is_blocked, pullable=pullable, image_at=there)
    return scheduled(noted, now)


def _pullable(companions: Companions, in_use: Collection[Digest] | None) -> tuple[Digest, ...] | None:
    if in_use is None or not companions.manifests:
        return None
    return tuple(one for one in companions.manifests if one != companions.digest and one in in_use)


def released(companions: Companions, name: Tag | None, now: datetime) -> Companions:
    """Write down that a name is to be locked no more, as it is about to be deleted; or all of the image, for none.

    Tags have left an image that is about to be deleted; one that stands there is found again.
    """

    def let_go(one: Unique) -> Unique:
        return msgspec.structs.replace(one, released_at=now) if name in {None, one.name} else one

    known = companions if name is not None else left(companions, [want.tag for want in companions.wants], now)
    unique = tuple(map(let_go, companions.unique))
    return scheduled(msgspec.structs.replace(_stepped(known), unique=unique), now)


def _with(
    companions: Companions,
    of: str,
    state: LockState,
    ours: Collection[Right],
    now: datetime,
    closed: Collection[Right] = (),
) -> Companions:
    known = companions.lock_of(of)
    undone_at = known.undone if known is not None else ()
    after = Lock(of=of, state=state, at=now, ours=_sorted(ours), closed=_sorted(closed), undone=undone_at)
    if state is not LockState.LIFTING:
        companions = _taken_back(companions, of)
    return scheduled(_replaced(companions, after), now)


def _taken_back(companions: Companions, of: str) -> Companions:
    """A name that is locked again was not deleted, and is not about to be any more."""
    if not any(one.name == of and one.released_at is not None for one in companions.unique):
        return companions
    unique = (msgspec.structs.replace(one, released_at=None) if one.name == of else one for one in companions.unique)
    return msgspec.structs.replace(companions, unique=tuple(unique))


def _sorted(rights: Collection[Right]) -> tuple[Right, ...]:
    return tuple(sorted(rights, key=lambda right: right.value))


def _replaced(companions: Companions, lock: Lock) -> Companions:
    others = tuple(one for one in companions.locks if one.of != lock.of)
    return msgspec.structs.replace(_stepped(companions), locks=(*others, lock))


def _stepped(companions: Companions) -> Companions:
    return msgspec.structs.replace(companions, step=companions.step + 1)
