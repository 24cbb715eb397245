"""What may still be asked of an upstream: learned from its answers, shared by all instances, spread over its window.

Docker Hub: https://docs.docker.com/docker-hub/usage/ (``ratelimit-*``, ``X-RateLimit-*``, ``X-Retry-After``)
``Retry-After``: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.references import DOCKER_HUB

# Looking may use this much of what an upstream grants; the rest is for imports, which cannot be put off for ever.
LOOKING_SHARE = 0.8
# Docker Hub's limit is one of pulls, and a HEAD is none: looking is bound only by a 429.
LOOKS_ARE_FREE = frozenset({DOCKER_HUB})
# The window of an upstream that tells a limit and not for how long it is.
_UNTOLD_WINDOW = timedelta(minutes=1)
# Whatever an answer says, an upstream is asked again after this long: one that means nothing by it answers, and one
# that does says it again.
LONGEST_SILENCE = timedelta(hours=1)


class Purpose(Enum):
    """What a request is for; imports have priority."""

    LOOK = "look"  # to see what a tag points at
    READ = "read"  # to read a manifest, which is a pull where looking is none
    IMPORT = "import"  # to copy what was found


class Refusal(Enum):
    """Why a request is put off."""

    LOCKED_OUT = "locked-out"  # the upstream said 429, or that it is not available, and until when
    SPENT = "spent"  # what is left is kept for imports, or is nothing
    ENOUGH = "enough-for-now"  # one check has no time for more; the next one goes on with the rest


class Learned(msgspec.Struct, frozen=True):
    """What one answer said of the limit.

    Attributes:
        limit: requests a window; ``None`` if the answer did not say.
        remaining: requests left in it.
        window: its length.
        locked_for: how long to keep away, after a 429 or a 503 that says so.
    """

    limit: int | None = None
    remaining: int | None = None
    window: timedelta | None = None
    locked_for: timedelta | None = None


class Budget(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is left of one upstream's limit. An upstream that never told a limit has none.

    Attributes:
        upstream: such as ``docker.io`` or ``hub.docker.com``.
        limit: requests a window; 0 for none known.
        remaining: requests left, less those granted since the last answer.
        window: its length, as last told.
        resets_at: when the window is full again, UTC; ``None`` while nothing was taken from it.
        locked_until: when the upstream may be asked again, UTC.
        probed_at: while nothing is left, or it is locked: since when, or when it was last asked all the same, UTC.
    """

    upstream: str
    limit: int = 0
    remaining: int = 0
    window: timedelta | None = None
    resets_at: datetime | None = None
    locked_until: datetime | None = None
    probed_at: datetime | None = None


class Grant(msgspec.Struct, frozen=True):
    """How many requests may be made now.

    Attributes:
        requests: the number; the rest is put off.
        refusal: why there are not as many as were wanted.
        until: when to ask again, UTC.
    """

    requests: int
    refusal: Refusal | None = None
    until: datetime | None = None


def grant(budget: Budget, wanted: int, purpose: Purpose, now: datetime) -> tuple[Grant, Budget]:
    """Take requests from a budget.

    Args:
        budget: as it was read.
        wanted: how many requests somebody would like to make.
        purpose: what for.
        now: UTC.

    Returns:
        How many may be made, and the budget without them. Without a known limit: as many as wanted. A window begins
        with the first that is taken from it, so that it ends whether or not the upstream tells of limits again. Where
        nothing is left a look is granted one all the same, every ``LONGEST_SILENCE``.
    """
    if locked_for(budget, now):
        return Grant(0, Refusal.LOCKED_OUT, budget.locked_until), budget
    fresh = _renewed(budget, now)
    if not fresh.limit or (purpose is Purpose.LOOK and budget.upstream in LOOKS_ARE_FREE):
        return Grant(wanted), fresh
    kept = 0 if purpose is Purpose.IMPORT else fresh.limit - _looking_share(fresh)
    given = max(min(wanted, fresh.remaining - kept), 0)
    resets_at = fresh.resets_at or now + _window(fresh)
    if wanted and not given and purpose is Purpose.LOOK:
        return _probe(fresh, wanted, resets_at, now)
    spent = msgspec.structs.replace(fresh, remaining=fresh.remaining - given, resets_at=resets_at) if given else fresh
    if given == wanted:
        return Grant(given), spent
    return Grant(given, Refusal.SPENT, resets_at), spent


def _probe(budget: Budget, wanted: int, resets_at: datetime, now: datetime) -> tuple[Grant, Budget]:
    """What an upstream tells of its limit may be wrong, and is found to be so only by asking; a look costs little."""
    silent_since = budget.probed_at or now
    given = 1 if now - silent_since >= LONGEST_SILENCE else 0
    kept = msgspec.structs.replace(budget, probed_at=now if given else silent_since)
    if given == wanted:
        return Grant(given), kept
    again = (kept.probed_at or now) + LONGEST_SILENCE
    return Grant(given, Refusal.SPENT, min(resets_at, again)), kept


def turn(budget: Budget, before: int, now: datetime) -> timedelta:
    """Return how long a look waits for its turn, so that many of them are spread over the windows they will take.

    Args:
        budget: as it was read.
        before: how many requests others will have made by then.
        now: UTC.
    """
    fresh = _renewed(budget, now)
    locked = locked_for(fresh, now)
    if not fresh.limit or fresh.upstream in LOOKS_ARE_FREE:
        return locked
    share = _looking_share(fresh)
    beyond = before - (fresh.remaining - fresh.limit + share)
    if beyond < 0:
        return locked
    first = (fresh.resets_at or now + _window(fresh)) - now
    return max(locked, first + beyond // share * _window(fresh))


def learn(budget: Budget, learned: Learned, now: datetime) -> Budget:
    """Return a budget corrected by what an answer said.

    The lower of two numbers of requests left is believed, the earlier of two ends of the window, and the later of two
    times until which to keep away. Upstreams do not say when their window began: it is taken to be full again a whole
    window after the first answer.
    """
    known = _renewed(budget, now)
    if learned.locked_for is not None:
        until = now + min(max(learned.locked_for, timedelta(seconds=1)), LONGEST_SILENCE)
        until = max(until, known.locked_until or until)
        known = msgspec.structs.replace(known, locked_until=until, probed_at=known.probed_at or now)
    if learned.limit is None or learned.remaining is None:
        return known
    left = learned.remaining if not known.limit else min(known.remaining, learned.remaining)
    known = msgspec.structs.replace(known, window=learned.window or known.window)
    ends = now + _window(known)
    return msgspec.structs.replace(
        known, limit=learned.limit, remaining=max(left, 0), resets_at=min(ends, known.resets_at or ends)
    )


def locked_for(budget: Budget, now: datetime) -> timedelta:
    """Return for how long an upstream that locked us out is still to be left alone; no time if it may be asked."""
    return max((budget.locked_until or now) - now, timedelta(0))


def left(budget: Budget, now: datetime) -> int | None:
    """Return how many requests an upstream still lets us make in the window that runs.

    Args:
        budget: as it was read.
        now: UTC.

    Returns:
        ``None`` where no number can be told: it has no limit that is known, or nothing was asked of it since its
        window ended. 0 while it is to be left alone.
    """
    if not budget.limit:
        return None
    if locked_for(budget, now):
        return 0
    runs = budget.resets_at is not None and now < budget.resets_at
    return budget.remaining if runs else None


def _renewed(budget: Budget, now: datetime) -> Budget:
    if budget.resets_at is not None and now < budget.resets_at:
        return budget
    return msgspec.structs.replace(budget, remaining=budget.limit, resets_at=None, probed_at=None)


def _looking_share(budget: Budget) -> int:
    """How much of a full window looking may use: something of the smallest, too."""
    return max(round(budget.limit * LOOKING_SHARE), 1)


def _window(budget: Budget) -> timedelta:
    return budget.window or _UNTOLD_WINDOW
