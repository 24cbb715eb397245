"""How a bucket is corrected by what Azure Resource Manager's answers say: how much is left, and when to come again."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.pacing.bucket import SIZES, Bucket, Lock, Measure, refilled

# Whatever an answer says, ARM is asked again after this long.
LONGEST_LOCK = timedelta(hours=1)
# Over less time than this nothing is measured: what others hold in their hands blurs it.
_MEASURED_OVER = timedelta(seconds=10)
# Refusals make a bucket slower, to what was measured but within these parts of what it was taken for; many at one time
# do it once.
_SLOWER, _SLOWEST = 0.75, 0.25
_ONCE_IN, _EMPTY_TWICE_IN = timedelta(seconds=3), timedelta(minutes=1)
# What others have under way, or hold in their hands, one instance is not told of: this part of a bucket is theirs.
_MARGIN = 0.05
# Nobody has seen a bucket that is slower than this part of the documented one.
_LEAST = 0.02


def learned(bucket: Bucket, left: float, most: float, told_at: datetime, now: datetime) -> Bucket:
    """Correct a bucket by what an answer said was left.

    Args:
        bucket: as it was read.
        left: requests left, less those that whoever was told this holds in its hands.
        most: the most that it was ever told was left.
        told_at: when it was told, UTC.
        now: UTC.

    Returns:
        The lower of two numbers is believed. A bucket holds the most that anybody was ever told was left; one that was
        taken for slower than it is shows it by filling.
    """
    fresh = _measured(_sized(refilled(bucket, now), most), left, told_at)
    come = max((now - told_at).total_seconds(), 0.0) * fresh.rate
    return msgspec.structs.replace(fresh, left=min(fresh.left, left + come - fresh.most * _MARGIN, fresh.most))


def refused(bucket: Bucket, operation: str, wait: timedelta, now: datetime, unused: int = 0) -> Bucket:
    """Take note of a 429: nobody asks before the time it says.

    Args:
        bucket: as it was read.
        operation: which operation of a resource provider; ``EVERYTHING`` where the bucket itself is empty, which then
            fills more slowly than it was taken for.
        wait: what ``Retry-After`` says.
        now: UTC.
        unused: how many tokens are given back because of it.
    """
    fresh = refilled(bucket, now)
    until = now + min(max(wait, timedelta(seconds=1)), LONGEST_LOCK)
    until = max([until, *(lock.until for lock in fresh.locks if lock.operation == operation)])
    others = tuple(lock for lock in fresh.locks if lock.operation != operation)
    locks = (*others, Lock(operation, until))
    locked = msgspec.structs.replace(fresh, locks=locks, handed=fresh.handed - unused)
    return locked if operation else _slower(locked, now)


def _sized(fresh: Bucket, most: float) -> Bucket:
    """Whoever was told had just taken one."""
    if most <= 0:
        return fresh
    holds = max(most + 1, fresh.holds)
    return msgspec.structs.replace(fresh, holds=min(holds, float(SIZES[fresh.kind].most)))


def _measured(fresh: Bucket, left: float, told_at: datetime) -> Bucket:
    measure = Measure(left, told_at, fresh.handed)
    if fresh.measured is None:
        return msgspec.structs.replace(fresh, measured=measure)
    if told_at - fresh.measured.at < _MEASURED_OVER:
        return fresh
    return _with_rate(fresh, max(_rate_since(fresh, fresh.measured, left, told_at), fresh.rate), measure)


def _slower(fresh: Bucket, now: datetime) -> Bucket:
    """A bucket that is empty twice within a minute was not filled as fast as it was taken to be."""
    empty = msgspec.structs.replace(fresh, left=min(fresh.left, 0.0))
    since, measure = fresh.measured, Measure(0.0, now, fresh.handed)
    if since is None or now - since.at > _EMPTY_TWICE_IN:
        return msgspec.structs.replace(empty, measured=measure)
    if now - since.at < (_ONCE_IN if since.left <= 0 else _MEASURED_OVER):
        return empty
    found = _rate_since(fresh, since, 0.0, now)
    return _with_rate(empty, min(max(found, fresh.rate * _SLOWEST), fresh.rate * _SLOWER), measure)


def _rate_since(fresh: Bucket, since: Measure, left: float, at: datetime) -> float:
    """How fast it was filled since it was measured, if all that was handed out was used."""
    return (left - since.left + fresh.handed - since.handed) / (at - since.at).total_seconds()


def _with_rate(fresh: Bucket, rate: float, measure: Measure) -> Bucket:
    documented = SIZES[fresh.kind].per_second
    known = min(max(rate, documented * _LEAST), documented)
    return msgspec.structs.replace(fresh, per_second=0.0 if known == documented else known, measured=measure)
