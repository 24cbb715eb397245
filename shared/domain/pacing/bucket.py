"""What Azure Resource Manager still grants: one token bucket for each subscription and kind of request.

ARM: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling

Instances take tokens in blocks. Those that are there are used at once; others are booked ahead of time and used as they
come, so that a block is worth its row even where the bucket is always empty. A part of the bucket is kept for later
stages: what is nearly done ends before anything new begins.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from enum import Enum

import msgspec

# Enough that the row costs little a request, and few enough that a death loses nothing that two seconds do not bring.
BLOCK = 20
# Nobody books what comes later than this: later stages wait no longer for what earlier ones have booked.
HORIZON = timedelta(seconds=4)
# What a block has left so long after its last token came is not used any more, and given back with the next one.
KEPT_FOR = timedelta(seconds=10)
# One that was taken for slower than documented, and of which ARM has said nothing for so long, is tried at twice that:
# a refusal, or an answer that says what is left, corrects it.
RECOVERS_IN = timedelta(minutes=1)
_MOST_DOUBLED = 10
# Everything of a bucket, not one operation of a resource provider.
EVERYTHING = ""
# Of what is kept for later stages one block takes this part.
_OF_FEW = 2


class Kind(Enum):
    """Which bucket a request counts against."""

    READS = "reads"  # GET and HEAD
    WRITES = "writes"  # whatever is neither a read nor a deletion, a POST that only asks included
    DELETES = "deletes"  # DELETE


class Work(Enum):
    """What a request is for."""

    IMPORT = "import"  # into the staging registry: something new begins
    GATE = "gate"  # a gate's run
    VERDICT = "verdict"  # the end of a gate's run
    PROMOTION = "promotion"  # into the base registry
    REBUILD = "rebuild"  # an application's task


class Wait(Enum):
    """Why a request is put off."""

    LOCKED_OUT = "locked-out"  # ARM said 429, and until when
    KEPT = "kept-for-later-stages"  # what is left is for what is nearly done
    SPENT = "spent"  # nothing is left


class Size(msgspec.Struct, frozen=True):
    """A bucket as it is documented: how much it holds, and how much comes back a second."""

    most: int
    per_second: float


SIZES = {Kind.READS: Size(250, 25.0), Kind.WRITES: Size(200, 10.0), Kind.DELETES: Size(200, 10.0)}
# The share of a full bucket that a stage leaves to those after it.
SHARE_KEPT = {Work.IMPORT: 0.2, Work.GATE: 0.1, Work.VERDICT: 0.0, Work.PROMOTION: 0.0, Work.REBUILD: 0.0}
_MOST_KEPT = max(SHARE_KEPT.values())


class Lock(msgspec.Struct, frozen=True):
    """Until when nobody asks, UTC: for anything, or for one operation of a resource provider."""

    operation: str
    until: datetime


class Measure(msgspec.Struct, frozen=True):
    """What ARM said was left at a moment, and how many tokens had been handed out by then."""

    left: float
    at: datetime
    handed: int


class Bucket(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One bucket, as all instances share it.

    Attributes:
        subscription: its id, in lower case.
        kind: of requests.
        left: tokens that are there and were handed to nobody; of no meaning while ``at`` is ``None``.
        booked: tokens that were handed out before they are there.
        at: when that was so, UTC; ``None`` for a bucket of which nothing is known, which is taken for full.
        holds: how many it holds, as learned; 0 for as many as documented.
        per_second: how many come back a second, as learned; 0 for as many as documented.
        handed: how many were ever handed out.
        measured: the latest measurement.
        locks: until when ARM is not to be asked.
    """

    subscription: str
    kind: Kind
    left: float = 0.0
    booked: float = 0.0
    at: datetime | None = None
    holds: float = 0.0
    per_second: float = 0.0
    handed: int = 0
    measured: Measure | None = None
    locks: tuple[Lock, ...] = ()

    @property
    def most(self) -> float:
        """How many tokens it holds."""
        return self.holds or float(SIZES[self.kind].most)

    @property
    def rate(self) -> float:
        """How many tokens come back a second."""
        return self.per_second or SIZES[self.kind].per_second


class Block(msgspec.Struct, frozen=True):
    """Tokens that one instance took.

    Attributes:
        at_once: how many are there.
        ahead: how many come after these.
        first: when the first of those comes, UTC.
        per_second: how many come a second.
        used: how many were used.
    """

    at_once: int
    ahead: int
    first: datetime
    per_second: float
    used: int = 0


class Refused(msgspec.Struct, frozen=True):
    """No token, why, and when there may be one, UTC."""

    wait: Wait
    until: datetime


def refilled(bucket: Bucket, now: datetime) -> Bucket:
    """Return a bucket as it is by now. What comes goes to those who booked it, then into the bucket.

    Where another clock wrote it later than now, nothing has come since.
    """
    if bucket.at is None:
        return msgspec.structs.replace(bucket, left=bucket.most, booked=0.0, at=now)
    come = max((now - bucket.at).total_seconds(), 0.0) * bucket.rate
    booked = max(bucket.booked - come, 0.0)
    left = min(bucket.most, bucket.left + come - (bucket.booked - booked))
    locks = tuple(lock for lock in bucket.locks if lock.until > now)
    return _recovered(msgspec.structs.replace(bucket, left=left, booked=booked, at=now, locks=locks), now)


def _recovered(fresh: Bucket, now: datetime) -> Bucket:
    if not fresh.per_second or fresh.measured is None or now - fresh.measured.at < RECOVERS_IN:
        return fresh
    doubled = 2 ** min((now - fresh.measured.at) // RECOVERS_IN, _MOST_DOUBLED)
    rate, documented = fresh.per_second * doubled, SIZES[fresh.kind].per_second
    known = rate if rate < documented else 0.0
    return msgspec.structs.replace(fresh, per_second=known, measured=Measure(fresh.left, now, fresh.handed))


def locked_until(bucket: Bucket, operation: str, now: datetime) -> datetime | None:
    """Return until when ARM is not to be asked for an operation; ``None`` if it may be."""
    locks = (lock.until for lock in bucket.locks if lock.operation in {EVERYTHING, operation} and lock.until > now)
    return max(locks, default=None)


def take(bucket: Bucket, work: Work, now: datetime) -> tuple[Block | Refused, Bucket]:
    """Take a block of tokens.

    Args:
        bucket: as it was read.
        work: what they are for.
        now: UTC.

    Returns:
        At most ``BLOCK`` tokens: those that are there, and if these are too few, those that come within ``HORIZON``.
        The bucket is that without them.
    """
    fresh = refilled(bucket, now)
    spare = fresh.left - fresh.most * SHARE_KEPT[work]
    at_once = _at_once(fresh, work, spare)
    before = fresh.booked - (spare - at_once)
    within = math.floor(HORIZON.total_seconds() * fresh.rate - before)
    ahead = max(min(BLOCK - at_once, within), 0) if at_once + 1 > spare else 0
    first = now + timedelta(seconds=max(before + 1, 0.0) / fresh.rate)
    if not at_once + ahead:
        return Refused(Wait.SPENT if fresh.left < 1 else Wait.KEPT, first), fresh
    without = msgspec.structs.replace(
        fresh, left=fresh.left - at_once, booked=fresh.booked + ahead, handed=fresh.handed + at_once + ahead
    )
    return Block(at_once, ahead, first, fresh.rate), without


def given_back(bucket: Bucket, tokens: int, now: datetime) -> Bucket:
    """Return a bucket with tokens that nobody used: one that is always nearly empty has none to lose.

    Args:
        bucket: as it was read.
        tokens: how many were handed out, came, and were not used in time.
        now: UTC.
    """
    fresh = refilled(bucket, now)
    return msgspec.structs.replace(fresh, left=min(fresh.left + tokens, fresh.most), handed=fresh.handed - tokens)


def _at_once(fresh: Bucket, work: Work, spare: float) -> int:
    """Of what is kept for later stages one instance does not take all."""
    whole = min(BLOCK, max(math.floor(spare), 0))
    reserve = fresh.most * _MOST_KEPT
    if SHARE_KEPT[work] == _MOST_KEPT or fresh.left - whole >= reserve:
        return whole
    return min(whole, max(math.ceil(spare / _OF_FEW), math.floor(fresh.left - reserve), 0))


def there(block: Block, now: datetime) -> int:
    """Return how many tokens of a block may be used now; none long after the last one came."""
    come = (now - block.first).total_seconds() * block.per_second + 1
    if come > block.ahead + 1 + KEPT_FOR.total_seconds() * block.per_second:
        return 0
    return block.at_once + min(max(math.floor(come), 0), block.ahead) - block.used


def next_of(block: Block, now: datetime) -> datetime | None:
    """Return when the next token of a block comes; ``None`` if it came, or none will."""
    missing = block.used - block.at_once
    comes = block.first + timedelta(seconds=missing / block.per_second)
    return comes if 0 <= missing < block.ahead and comes > now else None


def used(block: Block) -> Block:
    """Return a block with one more of its tokens used."""
    return msgspec.structs.replace(block, used=block.used + 1)
