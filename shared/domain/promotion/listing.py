"""The kept listing of a registry's tasks: how long it may be believed, and who makes the next one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.schedule import LEASE, pause_before_retry, pause_before_turn
from shared.errors import BeingListed, Paced, ServiceError, Unavailable

# How old a listing may be that a search is made from. A task that was made, or built for the first time, since then is
# not found; the comparison finds it later.
KEPT_FOR = timedelta(minutes=1)
# Whoever waits for another one's listing asks again after this.
WAIT = timedelta(seconds=10)
_TROUBLE_KEPT = 600


class Listing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a registry's tasks were when last listed; replaced as a whole, guarded by its ETag.

    Attributes:
        registry: the registry's name.
        tasks: all of them, with what they were last built on.
        listed_at: when that listing was begun, UTC; ``None`` before the first.
        taken_until: until when nobody else lists, UTC: somebody does, or it has just failed.
        failures: how often in a row it failed.
        trouble: why, the last time.
        compared_at: when the tasks were last compared with what the targets decided, UTC.
    """

    registry: str
    tasks: tuple[ApplicationTask, ...] = ()
    listed_at: datetime | None = None
    taken_until: datetime | None = None
    failures: int = 0
    trouble: str = ""
    compared_at: datetime | None = None


def is_fresh(listing: Listing, now: datetime) -> bool:
    """Whether a search may be made from a listing."""
    return listing.listed_at is not None and now - listing.listed_at < KEPT_FOR


def next_after(listings: Iterable[Listing], moment: datetime) -> datetime | None:
    """Return when searches are made from listings that were all begun after a moment; ``None`` if these were."""
    older = [one.listed_at for one in listings if one.listed_at is not None and one.listed_at < moment]
    return max(older) + KEPT_FOR if older else None


def taken(listing: Listing, now: datetime) -> Listing:
    """Claim the next listing; who claimed it and died keeps the others waiting for a lease.

    Raises:
        BeingListed: somebody else claimed it.
        Unavailable: it has just failed, and is not to be tried again yet.
    """
    left = (listing.taken_until or now) - now
    if left > timedelta(0) and listing.trouble:
        raise Unavailable(listing.trouble, retry_after=left.total_seconds())
    if left > timedelta(0):
        wait = min(left, WAIT)
        raise BeingListed(f"the tasks of {listing.registry} are being listed", retry_after=wait.total_seconds())
    return msgspec.structs.replace(listing, taken_until=now + LEASE, trouble="")


def listed(listing: Listing, tasks: tuple[ApplicationTask, ...], began: datetime) -> Listing:
    """Take note of the tasks that a listing found."""
    return msgspec.structs.replace(listing, tasks=tasks, listed_at=began, taken_until=None, failures=0)


def not_listed(listing: Listing, error: ServiceError, now: datetime) -> Listing:
    """Take note of a listing that failed: for ever longer nobody tries again, however many ask.

    One whose turn at ARM had not come is made when the next one was due, and whoever waits for it loses no patience.
    """
    if isinstance(error, Paced):
        later = now + max(pause_before_turn(error), KEPT_FOR)
        return msgspec.structs.replace(listing, taken_until=later)
    failures = listing.failures + 1
    until = now + pause_before_retry(failures, error.retry_after)
    return msgspec.structs.replace(listing, failures=failures, taken_until=until, trouble=str(error)[:_TROUBLE_KEPT])
