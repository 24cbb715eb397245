"""What is to be done next about the companions of a digest, and when a tag may be moved to it: pure.

In this order: what its upstream lists beside it, the image under its unique tag or under none, what refers to it, the
record of the decision, its locks, and only then the tag. Where nothing has to be beside the image it is imported once,
by its tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.schedule import LEASE
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.following import FOLLOWED_FOR
from shared.domain.travel.locks import is_locked, lock_times, next_lock, wants_locks
from shared.domain.travel.recorded import RecordState
from shared.domain.travel.referrers import Referrer, ReferrerState
from shared.domain.travel.telling import waits_because
from shared.domain.watching.travelling import Lockable, ReferrerMode

# So long at most a tag waits for what comes if it can: two copies of each of a handful of referrers take minutes.
BEST_EFFORT_FOR = timedelta(minutes=15)
_RECORDED = frozenset({RecordState.DONE, RecordState.NONE})
# What still has a way to go.
_MOVING = frozenset({ReferrerState.THERE, ReferrerState.STAGED})


class Todo(Enum):
    """What is to be done next about the companions of a digest."""

    TELL = "tell"  # a tag may be moved, or waits for a reason, and its target does not know yet: wake it
    LAND = "land"  # an import is under way, of the image or of a referrer: look at it
    LIST = "list"  # what refers to the image is not known, or may have become more: ask its upstream
    NAME = "name"  # a name that it keeps is asked for, and not chosen yet: choose it
    IMAGE = "image"  # the image is not in the base registry, or not under its name: import it
    CARRY = "carry"  # a referrer has farther to go: import it into staging, or from there into the base registry
    RECORD = "record"  # the record of the decision is not there: do the next thing about it
    LOCK = "lock"  # a lock is not as it is wanted, or not known to be: close it, or open what is ours of it
    REST = "rest"  # nothing now


def next_step(companions: Companions, now: datetime) -> Todo:
    """Return what is to be done next about the companions of a digest."""
    if any(is_untold(companions, want) for want in companions.wants):
        return Todo.TELL
    if is_under_way(companions):
        return Todo.LAND
    return next(_to_do(companions, now), Todo.REST)


def _to_do(companions: Companions, now: datetime) -> Iterator[Todo]:
    if _is_unlisted(companions) and companions.listing_tries.may(now):
        yield Todo.LIST
    if companions.image_tries.may(now) and nameless(companions) is not None:
        yield Todo.NAME
    if companions.image_tries.may(now) and needs_image(companions):
        yield Todo.IMAGE
    if to_carry(companions, now) is not None:
        yield Todo.CARRY
    if _may_record(companions, now) and _is_due(companions, now):
        yield Todo.RECORD
    if _may_lock(companions, now) and next_lock(companions, now) is not None:
        yield Todo.LOCK
    if companions.next_listing is not None and companions.next_listing <= now and companions.listing_tries.may(now):
        yield Todo.LIST


def is_tried_again(companions: Companions, now: datetime) -> bool:
    """Whether what is next was done, or tried, before: then it may be that nobody wants it any more."""
    doing, one = next_step(companions, now), to_carry(companions, now)
    if doing is Todo.LIST:
        return companions.listed > 0 or companions.listing_tries.failures > 0
    if doing is Todo.CARRY and one is not None:
        return one.tries.failures > 0
    return doing in {Todo.NAME, Todo.IMAGE} and companions.image_tries.failures > 0


def is_untold(companions: Companions, want: Want) -> bool:
    """Whether a target does not know yet that its tag may be moved, or that something is in the way."""
    if want.ready_at is not None:
        return not want.told
    return not want.said and bool(waits_because(companions, want))


def is_waited_for(companions: Companions, now: datetime) -> bool:
    """Whether anybody waits for the next look; what only follows is looked at when the sweep comes by."""
    if any(want.ready_at is None or not want.told for want in companions.wants):
        return True
    incomplete = _is_unlisted(companions) or bool(_moving(companions)) or needs_image(companions)
    doing = next_step(companions, now) in {Todo.RECORD, Todo.LOCK} or any(lock_times(companions, now))
    return incomplete or is_under_way(companions) or doing


def is_under_way(companions: Companions) -> bool:
    """Whether an import is under way; one at a time."""
    return companions.carry is not None or carried(companions) is not None


def carried(companions: Companions) -> Referrer | None:
    """Return the referrer that is being imported."""
    return next((one for one in companions.referrers if one.carry is not None), None)


def nameless(companions: Companions) -> Want | None:
    """Return a tag whose name for the digest is still to be chosen; a digest that has one keeps it."""
    return next((one for one in companions.wants if one.is_named and companions.unique_of(one.tag) is None), None)


def unlanded(companions: Companions) -> Unique | None:
    """Return a name that does not bear the digest yet, or not any more."""
    return next((one for one in companions.unique if one.landed_at is None), None)


def needs_image(companions: Companions) -> bool:
    """Whether the image is to be imported: under a name, for its platforms, or to be there before its tag is moved."""
    if unlanded(companions) is not None or companions.parts_gone:
        return True
    beside = bool(_moving(companions)) or _wants_record(companions) or wants_locks(companions)
    return beside and companions.image_at is None


def to_carry(companions: Companions, now: datetime) -> Referrer | None:
    """Return the referrer that goes on next: what it is about is there before it."""
    if companions.image_at is None:
        return None
    there = {*companions.manifests, companions.digest} - {*companions.parts_gone}
    there |= {one.digest for one in companions.referrers if one.state is ReferrerState.ARRIVED}
    ready = (one for one in _moving(companions) if one.subject in there and one.tries.may(now))
    return next(ready, None)


def _moving(companions: Companions) -> tuple[Referrer, ...]:
    """What we say ourselves of an image goes on whatever becomes of what others say."""
    follows = companions.mode is not ReferrerMode.OFF
    return tuple(one for one in companions.referrers if one.state in _MOVING and (follows or one.ours))


def _is_unlisted(companions: Companions) -> bool:
    return companions.mode is not ReferrerMode.OFF and companions.listed_at is None


def _wants_record(companions: Companions) -> bool:
    """What was said of an image once is looked at anew whoever wants it still."""
    record = companions.record
    if record is None:
        return companions.records
    return record.state is RecordState.OPEN and (companions.records or record.record is not None)


def _may_record(companions: Companions, now: datetime) -> bool:
    """What refers to the image comes first, unless it keeps nobody waiting."""
    if not _wants_record(companions) or companions.image_at is None:
        return False
    asking = [want for want in companions.wants if want.asked.record]
    return not asking or any(_referrers_done(companions, want, now) for want in asking)


def _may_lock(companions: Companions, now: datetime) -> bool:
    """A manifest that is locked may refuse what is to refer to it, so that this comes before, if anybody waits.

    Of what was deleted with its image, a platform may be there still, for another one.
    """
    if companions.image_at is None:
        return not companions.wants and bool(companions.locks)
    waiting = [want for want in companions.wants if want.ready_at is None]
    return not waiting or companions.blocked or any(_is_complete(companions, want, now) for want in waiting)


def _is_due(companions: Companions, now: datetime) -> bool:
    record = companions.record
    return record is None or record.look_at is None or record.look_at <= now


# When a tag may be moved.


def is_ready(companions: Companions, want: Want, now: datetime) -> bool:
    """Whether all is beside the digest that a tag asks for. What once was so stays so, whatever is repaired later."""
    if want.ready_at is not None:
        return True
    return _is_complete(companions, want, now) and is_locked(companions, want)


def _is_complete(companions: Companions, want: Want, now: datetime) -> bool:
    """Whether all is beside the digest that a tag asks for, but for its locks."""
    unique, record = companions.unique_of(want.tag), companions.record
    named = not want.is_named or (unique is not None and unique.landed_at is not None)
    ours = any(one.ours and not one.is_settled for one in companions.referrers)
    recorded = not want.asked.record or (record is not None and record.state in _RECORDED and not ours)
    return named and recorded and _referrers_done(companions, want, now)


def _referrers_done(companions: Companions, want: Want, now: datetime) -> bool:
    """What is required waits for an answer that is whole; what is not, for one try of each thing, and not for long."""
    mode = want.asked.referrers
    if mode is ReferrerMode.OFF:
        return True
    if mode is ReferrerMode.REQUIRED:
        whole = not companions.unread or (want.by_person and companions.source_gone)
        whole = whole and companions.listed_at is not None
        return whole and not any(one.is_missing for one in companions.referrers if not one.ours)
    if now - want.since >= BEST_EFFORT_FOR:
        return True
    if companions.listed_at is None:
        return companions.listing_tries.failures > 0
    stuck = companions.image_tries.failures > 0 and companions.image_at is None
    return stuck or not any(_has_a_try_left(companions, one) for one in companions.referrers if not one.ours)


def _has_a_try_left(companions: Companions, one: Referrer) -> bool:
    """What is about a referrer that cannot come has none either."""
    if one.is_settled or (one.tries.failures > 0 and one.carry is None):
        return False
    about = next((each for each in companions.referrers if each.digest == one.subject and each is not one), None)
    if about is None or about.state is ReferrerState.ARRIVED:
        return True
    return _has_a_try_left(companions, about)


# When it is looked at.


def scheduled(companions: Companions, now: datetime) -> Companions:
    """Return a record that knows which tags may be moved, and says when it is to be looked at again."""
    companions = _with_locked_names(companions)
    ready = tuple(_with_readiness(companions, want, now) for want in companions.wants)
    known = msgspec.structs.replace(companions, wants=ready, follow_until=_followed_until(ready))
    return msgspec.structs.replace(known, look_at=_look_at(known, now))


def _with_locked_names(companions: Companions) -> Companions:
    """A name is to be locked for as long as it is kept, whoever still wants the digest."""
    asking = {want.tag for want in companions.wants if Lockable.UNIQUE in want.asked.locks}
    if all(one.locked or one.tag not in asking for one in companions.unique):
        return companions
    unique = (msgspec.structs.replace(one, locked=True) if one.tag in asking else one for one in companions.unique)
    return msgspec.structs.replace(companions, unique=tuple(unique))


def _with_readiness(companions: Companions, want: Want, now: datetime) -> Want:
    newly = want.ready_at is None and is_ready(companions, want, now)
    return msgspec.structs.replace(want, ready_at=now) if newly else want


def _followed_until(wants: tuple[Want, ...]) -> datetime | None:
    until = [want.at + FOLLOWED_FOR for want in wants if want.asked.referrers is not ReferrerMode.OFF]
    return max(until, default=None)


def _look_at(companions: Companions, now: datetime) -> datetime | None:
    step = next_step(companions, now)
    if step is Todo.LAND:
        # An import says itself when it is looked at; what else is learnt meanwhile must not put that off.
        return min([companions.look_at or now + LEASE, *_patience_ends(companions, now)])
    if step is not Todo.REST:
        return now
    return min([at for at in _times(companions, now) if at > now] + list(_patience_ends(companions, now)), default=None)


def _patience_ends(companions: Companions, now: datetime) -> Iterator[datetime]:
    """Where nothing else is waited for, the tag is told then that it may be moved."""
    for want in companions.wants:
        ends = want.since + BEST_EFFORT_FOR
        if want.ready_at is None and want.asked.referrers is ReferrerMode.BEST_EFFORT and ends > now:
            yield ends


def _times(companions: Companions, now: datetime) -> Iterator[datetime]:
    """When what cannot be tried now is tried again."""
    yield from lock_times(companions, now)
    times = [one.tries.retry_at for one in _moving(companions)]
    if nameless(companions) is not None or needs_image(companions):
        times.append(companions.image_tries.retry_at)
    if _is_unlisted(companions):
        times.append(companions.listing_tries.retry_at)
    if companions.next_listing is not None:
        times.append(max(companions.next_listing, companions.listing_tries.retry_at or companions.next_listing))
    if _wants_record(companions) and companions.record is not None:
        times.append(companions.record.look_at)
    yield from (at for at in times if at is not None)
