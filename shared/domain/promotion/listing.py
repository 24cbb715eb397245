"""The kept listing of a registry's tasks: how long it may be believed, and who makes the next one. Pure.

Whoever finds it too old asks for the next; one that was asked for is taken up by one worker, and once. Both claims are
a step of this record, so that a second message, or a second worker, finds another step and leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.schedule import LEASE, pause_before_retry, pause_before_turn
from shared.errors import BeingListed, Paced, ServiceError, Unavailable

# How old a listing may be that a search is made from. A task that was made, or built for the first time, since then is
# not found; the next listing finds it.
KEPT_FOR = timedelta(minutes=1)
# Whoever waits for a listing comes again after as long as it has been made already, but after these at least and most.
SHORTEST_WAIT = timedelta(seconds=2)
WAIT = timedelta(seconds=10)
_TO_BE_LISTED = timedelta(seconds=5)
# How old what runs say of tasks may be where somebody asks who is built on whom. Nobody else has them read.
RUNS_KEPT = timedelta(minutes=15)
# Where lists leave out what tasks are built on, so many are read one by one in a round, and the next round is so much
# later: a fifth of what ARM gives one identity in that time.
MOST_READS = 25
ROUND = timedelta(seconds=5)
_TROUBLE_KEPT = 600


class Listing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a registry's tasks as a whole; changed under its ETag, which guards the tasks' rows too.

    Attributes:
        registry: the registry's name.
        step: counts who asked for a listing and who took one up.
        tasks: how many there are.
        unread: of how many it is not known what they are built on by now.
        listed_at: when the latest list was begun, UTC; ``None`` before the first.
        taken_until: until when nobody else asks, UTC: somebody lists or is about to, or it has just failed.
        failures: how often in a row it failed, or was broken off.
        trouble: why, the last time.
        compared_at: when the tasks were last compared with what the targets decided, UTC.
        runs_wanted: whether somebody asked for what the registry's runs say of its tasks.
        runs_at: when those were last read, UTC.
    """

    registry: str
    step: int = 0
    tasks: int = 0
    unread: int = 0
    listed_at: datetime | None = None
    taken_until: datetime | None = None
    failures: int = 0
    trouble: str = ""
    compared_at: datetime | None = None
    runs_wanted: bool = False
    runs_at: datetime | None = None


class KnownTasks(msgspec.Struct, frozen=True):
    """How much is known of a registry's tasks, for people.

    Attributes:
        registry: its name.
        tasks: how many it has.
        unread: of how many it is not known what they are built on.
        listed_at: when they were last listed, UTC; ``None`` if they never were.
        runs_at: when their runs were last read, UTC; ``None`` if they never were.
    """

    registry: str
    tasks: int
    unread: int
    listed_at: datetime | None
    runs_at: datetime | None


def known_tasks(listing: Listing) -> KnownTasks:
    """Return how much is known of a registry's tasks."""
    return KnownTasks(listing.registry, listing.tasks, listing.unread, listing.listed_at, listing.runs_at)


def is_fresh(listing: Listing, now: datetime, asked_at: datetime | None = None) -> bool:
    """Whether a search may be made from a listing.

    Args:
        listing: as it is kept.
        now: UTC.
        asked_at: when the search was first asked for, UTC: one that was begun later is good enough for it however long
            it took, or a registry that needs more than a minute would be listed for ever. Not so while some tasks are
            still to be read: whoever does that may have died.
    """
    if listing.listed_at is None:
        return False
    meant = asked_at is not None and listing.listed_at >= asked_at and not listing.unread
    return meant or now - listing.listed_at < KEPT_FOR


def next_after(listings: Iterable[Listing], moment: datetime) -> datetime | None:
    """Return when searches are made from listings that were all begun after a moment; ``None`` if these were.

    That is a little later than it could be: in a burst the next signal has asked by then, and hundreds need not wait.
    """
    older = [one.listed_at for one in listings if one.listed_at is not None and one.listed_at < moment]
    return max(older) + KEPT_FOR + _TO_BE_LISTED if older else None


def knows_runs(listing: Listing, now: datetime) -> bool:
    """Whether what is known of the tasks' runs is new enough for who asks who is built on whom."""
    return listing.runs_at is not None and now - listing.runs_at < RUNS_KEPT


def left_to_read(listings: Iterable[Listing]) -> timedelta | None:
    """Return in how long it is known what all tasks are built on; ``None`` if it is."""
    unread = max((one.unread for one in listings), default=0)
    return ROUND * (-(-unread // MOST_READS) + 1) if unread else None


def asked(listing: Listing, now: datetime) -> Listing:
    """Claim to ask for the next listing; who claimed it and died keeps the others waiting for a lease.

    Raises:
        BeingListed: somebody else claimed it.
        Unavailable: it has just failed, and is not to be tried again yet.
    """
    left = (listing.taken_until or now) - now
    if left > timedelta(0) and listing.trouble:
        raise Unavailable(listing.trouble, retry_after=left.total_seconds())
    if left > timedelta(0):
        raise being_listed(listing.registry, min(max(LEASE - left, SHORTEST_WAIT), WAIT))
    return taken_up(listing, now)


def taken_up(listing: Listing, now: datetime) -> Listing:
    """Claim one more step; nobody else asks for a lease."""
    return msgspec.structs.replace(listing, step=listing.step + 1, taken_until=now + LEASE, trouble="")


def being_listed(registry: str, wait: timedelta = SHORTEST_WAIT) -> BeingListed:
    """Return what tells a search to come again."""
    return BeingListed(f"the tasks of {registry} are being listed", retry_after=wait.total_seconds())


def listed(listing: Listing, *, tasks: int, unread: int, began: datetime | None) -> Listing:
    """Take note of what a round found.

    Args:
        listing: as it was taken up.
        tasks: how many there are.
        unread: of how many it is still not known what they are built on.
        began: when the list was begun, UTC; ``None`` if the round only read single tasks.
    """
    return msgspec.structs.replace(
        listing, tasks=tasks, unread=unread, listed_at=began or listing.listed_at, taken_until=None, failures=0
    )


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
