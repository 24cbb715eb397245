"""What becomes of the companions of a digest as they go on: pure. Each returns the record as it is to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from shared.domain.promotion.schedule import FIRST_RETRY, LEASE
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.following import FIRST_PAUSE, next_listing
from shared.domain.travel.merging import merged
from shared.domain.travel.next_step import carried, scheduled
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import Carry, Listing, Referrer, ReferrerState
from shared.domain.travel.tries import NO_TRIES, failed
from shared.errors import NotFound, NotThereYet, OperationFailed, TidegateError

# A list that cannot be read whole may say much; so much is kept for people.
_MOST_UNREAD = 5
_UNREAD_KEPT = 200
# A tag of the list's longest pattern may want the same digest; a record is one row.
_MOST_WANTS = 100


def wanted(companions: Companions, want: Want, now: datetime) -> Companions:
    """Return a record that knows of a decision of a tag for the digest; an older one of the same tag is replaced.

    What was ready for the tag stays so.
    """
    known = companions.want(want.tag)
    if known is not None and known.number > want.number:
        return companions
    if known is not None:
        want = _still(known, want)
    if want == known:
        return companions
    others = tuple(one for one in companions.wants if one.tag != want.tag)
    wants = (*others, want)[-_MOST_WANTS:]
    listing = companions.next_listing
    if listing is None and companions.listed_at is not None:
        listing = now + FIRST_PAUSE  # it was followed to its end, and is wanted again
    kept = tuple(msgspec.structs.replace(one, released_at=None) for one in companions.unique)
    after = msgspec.structs.replace(_stepped(companions), wants=wants, unique=kept, next_listing=listing)
    return scheduled(_said_at_last(after) if want.asked.record else after, now)


def _said_at_last(companions: Companions) -> Companions:
    """Of what no tag was decided to point at, when its record was to be made, nothing was to be said until now."""
    record = companions.record
    return _opened(companions) if record is not None and record.state is RecordState.NONE else companions


def _still(known: Want, want: Want) -> Want:
    """What was ready for the tag stays so; what its target was told of the same decision it is not told once more."""
    same, ready = known.number == want.number, known.ready_at is not None
    return msgspec.structs.replace(
        want,
        since=known.since if same or ready else want.since,
        ready_at=known.ready_at if ready else want.ready_at,
        borne_at=known.borne_at if same or not known.left else None,
        left=known.left and same,
        told=known.told if same else want.told,
        said=known.said if same else want.said,
    )


def unwanted(companions: Companions, tag: Tag, number: int, now: datetime) -> Companions:
    """Return a record of a digest that a tag is not to be moved to any more; its name stays."""
    left = tuple(one for one in companions.wants if (one.tag, one.number) != (tag, number))
    if left == companions.wants:
        return companions
    after = msgspec.structs.replace(_stepped(companions), wants=left)
    if not left:
        after = msgspec.structs.replace(after, next_listing=None)
    return scheduled(after, now)


def told(companions: Companions, tag: Tag, number: int, now: datetime) -> Companions:
    """Return a record that knows that a target was told that its tag may be moved, or that it waits for a reason."""
    wants = tuple(
        msgspec.structs.replace(one, told=one.ready_at is not None, said=True)
        if (one.tag, one.number) == (tag, number)
        else one
        for one in companions.wants
    )
    return scheduled(msgspec.structs.replace(companions, wants=wants), now)


# Listings.


def listed(companions: Companions, manifests: Sequence[Digest], listing: Listing, now: datetime) -> Companions:
    """Take note of what the upstream lists beside the image and its platforms."""
    number = companions.listed + 1
    referrers = merged(companions.referrers, listing, manifests, now)
    after = msgspec.structs.replace(
        _reopened(_stepped(companions), referrers),
        manifests=tuple(manifests),
        referrers=referrers,
        listed_at=now,
        listed=number,
        unread=_kept(listing.unread),
        remarks=_kept(listing.remarks),
        source_gone=listing.gone,
        listing_tries=NO_TRIES,
    )
    again = next_listing(companions.digest, number, now)
    follows = companions.follow_until is not None and again <= companions.follow_until
    # A tag that waits for the rest is not left alone after a while.
    goes_on = follows or any(want.ready_at is None for want in scheduled(after, now).wants)
    return scheduled(msgspec.structs.replace(after, next_listing=again if goes_on else None), now)


def _kept(told: Sequence[str]) -> tuple[str, ...]:
    return tuple(one[:_UNREAD_KEPT] for one in told[:_MOST_UNREAD])


def _reopened(companions: Companions, referrers: Sequence[Referrer]) -> Companions:
    """Where others wrote what ours was made of, ours is made anew."""
    before, after = (sum(one.ours for one in found) for found in (companions.referrers, referrers))
    return companions if after == before else _opened(companions)


def unlisted(companions: Companions, error: TidegateError, now: datetime) -> Companions:
    """Take note that the upstream did not tell; what is known stays as it is."""
    tries = failed(companions.listing_tries, error, now)
    return scheduled(msgspec.structs.replace(_stepped(companions), listing_tries=tries), now)


# Names and the image.


def named(companions: Companions, unique: Unique, now: datetime) -> Companions:
    """Write down a name that the digest keeps, before anything is imported under it."""
    others = tuple(one for one in companions.unique if one.tag != unique.tag)
    return scheduled(msgspec.structs.replace(_stepped(companions), unique=(*others, unique)), now)


def image_begun(companions: Companions, tag: Tag, now: datetime) -> Companions:
    """Claim the import of the image, under a name or under none."""
    return msgspec.structs.replace(_stepped(companions), carry=Carry(now, tag), look_at=now + LEASE)


def image_landed(companions: Companions, tag: Tag, now: datetime) -> Companions:
    """Take note that the image was read back from the base registry, under a name or by its digest."""
    unique = tuple(
        msgspec.structs.replace(one, landed_at=now) if tag and one.name == tag else one for one in companions.unique
    )
    after = msgspec.structs.replace(_stepped(companions), carry=None, image_at=now, image_tries=NO_TRIES, unique=unique)
    return scheduled(after, now)


def image_fell(companions: Companions, error: TidegateError, now: datetime) -> Companions:
    """Take note that the image did not come."""
    tries = failed(companions.image_tries, error, now)
    return scheduled(msgspec.structs.replace(_stepped(companions), carry=None, image_tries=tries), now)


def part_landed(companions: Companions, part: Digest, now: datetime) -> Companions:
    """Take note that a platform was read back that the base registry was found without."""
    left = tuple(one for one in companions.parts_gone if one != part)
    after = msgspec.structs.replace(_stepped(companions), carry=None, parts_gone=left, image_tries=NO_TRIES)
    return scheduled(after, now)


def renamed(companions: Companions, taken: Tag, now: datetime) -> Companions:
    """Forget a name that another digest bears: the next number is chosen."""
    left = tuple(one for one in companions.unique if one.name != taken)
    return scheduled(msgspec.structs.replace(_stepped(companions), unique=left, carry=None), now)


# Referrers.


def begun(companions: Companions, one: Referrer, now: datetime) -> Companions:
    """Claim the next import of a referrer."""
    onward = {ReferrerState.THERE: ReferrerState.STAGING, ReferrerState.STAGED: ReferrerState.ARRIVING}
    going = msgspec.structs.replace(one, state=onward[one.state], carry=Carry(now, one.tag))
    return msgspec.structs.replace(_with(_stepped(companions), going), look_at=now + LEASE)


def staged(companions: Companions, one: Referrer, now: datetime) -> Companions:
    """Take note of a referrer that was read back from staging: it goes on, or is refused for what it is.

    Args:
        companions: the record.
        one: as ``manifests.checked`` returned it.
        now: UTC.
    """
    return scheduled(_with(_stepped(companions), msgspec.structs.replace(one, carry=None, tries=NO_TRIES)), now)


def arrived(companions: Companions, one: Referrer, now: datetime, *, unlinked: bool = False) -> Companions:
    """Take note of a referrer that was read back from the base registry.

    Args:
        companions: the record.
        one: the referrer.
        now: UTC.
        unlinked: whether the registry does not list it as a referrer.
    """
    at = one.arrived_at or now
    there = msgspec.structs.replace(
        one, state=ReferrerState.ARRIVED, carry=None, tries=NO_TRIES, arrived_at=at, unlinked=unlinked
    )
    return scheduled(_with(_stepped(companions), there), now)


def fell(companions: Companions, one: Referrer, error: TidegateError, now: datetime) -> Companions:
    """Take note that a referrer did not come: it is tried again from where it can be had.

    What its upstream denies having is gone; what staging denies having is fetched once more.
    """
    cause = error.cause if isinstance(error, OperationFailed) else error
    denied = isinstance(cause, NotFound)
    back = {ReferrerState.STAGING: ReferrerState.THERE, ReferrerState.ARRIVING: ReferrerState.STAGED}
    state = back.get(one.state, one.state)
    if denied and state is ReferrerState.STAGED:
        error = NotThereYet(f"the staging registry does not have it any more, so that it is fetched again: {error}")
    if denied and not one.ours:
        state = ReferrerState.GONE if state is ReferrerState.THERE else ReferrerState.THERE
    pushed_again = denied and one.ours
    tries = failed(one.tries, NotThereYet(str(error)) if pushed_again else error, now)
    after = _with(_stepped(companions), msgspec.structs.replace(one, state=state, carry=None, tries=tries))
    return scheduled(_opened(after) if pushed_again else after, now)


def reopened(companions: Companions, now: datetime) -> Companions:
    """Return a record whose record of the decision is looked at anew: it may say what is not so any more."""
    after = _opened(companions)
    return companions if after == companions else scheduled(_stepped(after), now)


def _opened(companions: Companions) -> Companions:
    """What we say ourselves of an image is pushed into staging by nobody else."""
    record = companions.record
    if record is None:
        return companions
    again = msgspec.structs.replace(record, state=RecordState.OPEN, look_at=None)
    return msgspec.structs.replace(companions, record=again)


def lost(companions: Companions, digests: frozenset[Digest], names: frozenset[Tag], now: datetime) -> Companions:
    """Take note of what was there and is not any more, so that it is brought again.

    Args:
        companions: the record.
        digests: what the base registry was listed without; where that is the image, nothing beside it is there; where
            it is one of its platforms, the image is imported once more, which brings that.
        names: unique tags that were listed without the digest.
        now: UTC.
    """
    gone = companions.digest in digests
    referrers = tuple(
        msgspec.structs.replace(one, state=ReferrerState.STAGED, tries=NO_TRIES)
        if one.state is ReferrerState.ARRIVED and (gone or one.digest in digests)
        else one
        for one in companions.referrers
    )
    unique = tuple(
        msgspec.structs.replace(one, landed_at=None) if gone or one.name in names else one for one in companions.unique
    )
    image_at = None if gone else companions.image_at
    locks = tuple(one for one in companions.locks if not gone and one.of not in {*digests, *names})
    after = msgspec.structs.replace(companions, referrers=referrers, unique=unique, image_at=image_at, locks=locks)
    after = msgspec.structs.replace(after, parts_gone=() if gone else _parts_gone(companions, digests))
    after = _recorded_anew(after) if gone else after
    return companions if after == companions else scheduled(_stepped(after), now)


def _recorded_anew(companions: Companions) -> Companions:
    """What could not be recorded as the image was not there is tried again as soon as it is."""
    record = companions.record
    if record is None or record.state is not RecordState.OPEN:
        return companions
    return msgspec.structs.replace(companions, record=msgspec.structs.replace(record, tries=NO_TRIES, look_at=None))


def _parts_gone(companions: Companions, digests: frozenset[Digest]) -> tuple[Digest, ...]:
    parts = (one for one in companions.manifests if one in digests and one != companions.digest)
    return tuple(dict.fromkeys((*companions.parts_gone, *parts)))


# The record of the decision.


def recorded(
    companions: Companions, record: Recorded | None, now: datetime, ours: Sequence[Referrer] | None = None
) -> Companions:
    """Take note of how far the record of the decision has come.

    Args:
        companions: the record of the companions.
        record: the record of the decision; ``None`` to begin anew.
        now: UTC.
        ours: what is to lie beside the digest for it, each as it was pushed into staging; from there it is brought into
            the base registry as all referrers are, and what was brought stays as it is. ``None`` leaves what there is.
    """
    referrers = companions.referrers
    if ours is not None:
        keys = {one.key for one in ours}
        there = {one.digest: one for one in referrers if one.ours}
        mine = (there.get(one.digest, one) for one in ours)
        referrers = (*(one for one in referrers if not one.ours and one.key not in keys), *mine)
    return scheduled(msgspec.structs.replace(_stepped(companions), record=record, referrers=referrers), now)


# What is under way.


def differs(companions: Companions, now: datetime) -> Companions:
    """Take note that an import ended and nothing of it is read back, which may be a replica that lags."""

    def lags(carry: Carry) -> Carry:
        return msgspec.structs.replace(carry, differs_since=now, operation="")

    after = _with_carry(_stepped(companions), lags)
    return msgspec.structs.replace(after, look_at=now + FIRST_RETRY)


def looked_at(companions: Companions, look_at: datetime, operation: str, now: datetime) -> Companions:
    """Say when the import under way is to be looked at again, and by which token."""
    after = _with_carry(companions, lambda carry: msgspec.structs.replace(carry, operation=operation))
    return scheduled(msgspec.structs.replace(after, look_at=look_at), now)


def _with_carry(companions: Companions, change: Callable[[Carry], Carry]) -> Companions:
    if companions.carry is not None:
        return msgspec.structs.replace(companions, carry=change(companions.carry))
    one = carried(companions)
    if one is None or one.carry is None:
        return companions
    return _with(companions, msgspec.structs.replace(one, carry=change(one.carry)))


def _with(companions: Companions, changed: Referrer) -> Companions:
    referrers = tuple(changed if one.key == changed.key else one for one in companions.referrers)
    return msgspec.structs.replace(companions, referrers=referrers)


def _stepped(companions: Companions) -> Companions:
    return msgspec.structs.replace(companions, step=companions.step + 1)
