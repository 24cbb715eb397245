"""How often something was tried in vain, and when it is tried again: one rule for each thing that travels. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.lifecycle import cause_of, reason_of
from shared.domain.promotion.schedule import (
    FAILED_LOOK,
    MOST_ATTEMPTS,
    most_attempts,
    pause_before_retry,
    pause_before_turn,
)
from shared.domain.promotion.statuses import Reason
from shared.errors import Locked, Paced, RateLimited, TidegateError

_DETAIL_KEPT = 400
# Enough for the longest pause, and too few to be given up for one more failure.
_WAITS_COUNTED = MOST_ATTEMPTS - 2


class Tries(msgspec.Struct, frozen=True, omit_defaults=True):
    """How something fared that is tried until it succeeds.

    Attributes:
        failures: how often in a row it failed for reasons of one kind.
        failed_by: of which kind.
        gave_up: whether that was as often as it is tried soon; it is tried daily from then on.
        trouble: why, for people.
        since: since when it has not succeeded, UTC.
        retry_at: not to be tried again before, UTC.
    """

    failures: int = 0
    failed_by: str = ""
    gave_up: bool = False
    trouble: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None

    def may(self, now: datetime) -> bool:
        """Whether it may be tried now."""
        return self.retry_at is None or self.retry_at <= now


NO_TRIES = Tries()


def failed(tries: Tries, error: TidegateError, now: datetime) -> Tries:
    """Return what is known after one more failure. Being asked to wait for our turn at ARM is none.

    Args:
        tries: before.
        error: what happened.
        now: UTC.
    """
    if isinstance(error, Paced):
        return msgspec.structs.replace(tries, retry_at=now + pause_before_turn(error))
    cause = cause_of(error)
    failed_by = reason_of(error, Reason.TROUBLE).value
    failures = 1 + (tries.failures if tries.failed_by == failed_by else 0)
    waits = isinstance(cause, (RateLimited, Locked))
    failures = min(failures, _WAITS_COUNTED) if waits else failures
    gave_up = tries.gave_up or not error.temporary or (failures >= most_attempts(cause) and not waits)
    pause = FAILED_LOOK if gave_up else pause_before_retry(failures, error.retry_after)
    return Tries(failures, failed_by, gave_up, str(error)[:_DETAIL_KEPT], tries.since or now, now + pause)
