"""One pace at Azure Resource Manager for all instances: tokens from the row that they share, corrected by answers.

While ARM itself says that more than half of a bucket is left, nobody is counted and nothing is stored. When it is less,
an instance takes tokens from the bucket's row in blocks. A row that cannot be read or written stops nothing: the
instance then goes on as if it were alone.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from shared.budget_ports import Buckets, StoredBucket
from shared.domain.pacing.asking import Answered, Asked
from shared.domain.pacing.bucket import (
    EVERYTHING,
    Block,
    Bucket,
    Kind,
    Refused,
    Wait,
    Work,
    given_back,
    locked_until,
    refilled,
    take,
)
from shared.domain.pacing.hand import Hand, Said, comes, held, is_believed, is_plenty, promised, spent, unused
from shared.domain.pacing.learning import learned, refused
from shared.errors import Conflict, Paced, TidegateError
from shared.ports import Clock

T = TypeVar("T")
log = logging.getLogger("tidegate.pace")

_TRIES = 8
# A row that could not be read or written is left alone for so long.
_BLIND_FOR = timedelta(seconds=10)
# A row is written over as it was read for so long, in the hope that nobody else has written it; who was wrong in that
# reads it first for as long.
_KNOWN_FOR = timedelta(seconds=10)
# What a thread reserved and did not use is given up.
_RESERVED_FOR = timedelta(seconds=30)
_WORDS = {
    Wait.LOCKED_OUT: "it refused a request, and is not asked before",
    Wait.KEPT: "what is left is kept for what is nearly done",
    Wait.SPENT: "what it grants is used up",
}


def _untold(kind: Kind, wait: Wait) -> None:
    """Nobody listens."""


class _Reserved(threading.local):
    """Until when a thread may use the tokens that it reserved, by what they are for."""

    def __init__(self) -> None:
        self.tokens: defaultdict[tuple[str, Kind, Work], list[datetime]] = defaultdict(list)


class _View:
    """What this instance knows of one bucket; used by one thread at a time, which has its turn."""

    def __init__(self, subscription: str, kind: Kind) -> None:
        self.turn = threading.RLock()
        self.stored = StoredBucket(Bucket(subscription=subscription, kind=kind), "")
        self.met = self.stored.bucket  # what this instance was refused, whether or not the row tells of it
        self.read_at: datetime | None = None
        self.alone_from: datetime | None = None
        self.blind_until: datetime | None = None
        self.said: Said | None = None
        self.most_said = 0.0
        self.under_way = 0
        self.hands: defaultdict[Work, Hand] = defaultdict(Hand)


class ArmPace:
    """The port ``Pace``.

    Args:
        buckets: the rows.
        clock: tells the time.
        tell: is told of every request that is put off, with its kind and why.
    """

    def __init__(self, buckets: Buckets, clock: Clock, tell: Callable[[Kind, Wait], None] = _untold) -> None:
        self._buckets = buckets
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._views: dict[tuple[str, Kind], _View] = {}
        self._reserved = _Reserved()

    def reserve(self, work: Work, *requests: Asked) -> None:
        """See ``Pace.reserve``."""
        had = {place: list(until) for place, until in self._reserved.tokens.items()}
        for request in requests:
            place = (request.subscription, request.kind, work)
            if not self._obtain(work, request, had.get(place, [])):
                self._reserved.tokens[place].append(self._clock() + _RESERVED_FOR)

    def take(self, work: Work, request: Asked) -> None:
        """See ``Pace.take``."""
        self._obtain(work, request, self._reserved.tokens[request.subscription, request.kind, work])
        view = self._view(request)
        with view.turn:
            view.under_way += 1

    def answered(self, request: Asked, answer: Answered) -> None:
        """See ``Pace.answered``. A transaction or two if it was a refusal, else none."""
        view, now = self._view(request), self._clock()
        with view.turn:
            view.under_way -= 1
            if answer.left is not None:
                view.said, view.most_said = Said(answer.left, now), max(view.most_said, answer.left)
            if answer.wait is not None:
                self._was_refused(view, request, answer, answer.wait)

    def _was_refused(self, view: _View, request: Asked, answer: Answered, wait: timedelta) -> None:
        """Whatever this instance holds of a bucket that is empty is worth nothing."""
        now, operation = self._clock(), EVERYTHING if answer.whole else request.operation
        told = f"{request.operation} ({request.kind.value}) is asked again in {wait.total_seconds():g} s"
        log.warning("Azure Resource Manager refused a request: %s", told)
        back = sum(unused(hand) for hand in view.hands.values()) if answer.whole else 0
        if answer.whole:
            view.hands.clear()
        view.met = refused(view.met, operation, wait, now)
        self._change(view, now, lambda bucket: (None, refused(bucket, operation, wait, now, back)))

    def _obtain(self, work: Work, request: Asked, reserved: list[datetime]) -> bool:
        """Take a token, and say whether it is one that was reserved.

        Raises:
            Paced: there is none, or ARM is not to be asked.
        """
        view, now = self._view(request), self._clock()
        with view.turn:
            self._hear(view, now)
            until = _locked_until(view, request, now)
            found = Refused(Wait.LOCKED_OUT, until) if until is not None else None
            had = found is None and _pop(reserved, now)
            if found is None and not had and not is_plenty(view.said, view.under_way, request.kind, now):
                found = self._without_token(view, work, now)
            if found is not None:
                self._put_off(view, work, request, found, now)
        return had

    def _hear(self, view: _View, now: datetime) -> None:
        """Who has not asked ARM for long hears from the row what others have found; a transaction."""
        if view.said is None or not is_believed(view.said, now):
            bucket = self._change(view, now, lambda bucket: (bucket, bucket), anew=True)
            view.said = Said(refilled(bucket, now).left, now, by_arm=False)

    def _without_token(self, view: _View, work: Work, now: datetime) -> Refused | None:
        """Return why there is no token; ``None`` if one was taken."""
        hand = view.hands[work]
        if spent(hand, now) is None and comes(hand, now) is None:
            hand = self._with_block(view, work, now)
        left = spent(hand, now)
        view.hands[work] = left or hand
        if left is not None:
            return None
        wait = hand.refused.wait if hand.refused is not None else Wait.SPENT
        return Refused(wait, comes(hand, now) or now)

    def _with_block(self, view: _View, work: Work, now: datetime) -> Hand:
        """Ask the row for a block; it is told what of the last one was not used in time, and what ARM said is left."""
        hand, said = view.hands[work], view.said
        ours = view.under_way + sum(held(other, now) for other in view.hands.values())

        def change(bucket: Bucket) -> tuple[Block | Refused, Bucket]:
            is_told = said is not None and said.by_arm
            known = given_back(bucket, unused(hand), now)
            known = learned(known, said.left - ours, view.most_said, said.at, now) if said and is_told else known
            taken, without = take(known, work, now)
            return taken, bucket if isinstance(taken, Refused) else without

        taken = self._change(view, now, change)
        if isinstance(taken, Refused):
            return msgspec.structs.replace(hand, refused=taken)
        return msgspec.structs.replace(hand, block=taken, refused=None)

    def _put_off(self, view: _View, work: Work, request: Asked, found: Refused, now: datetime) -> None:
        until, view.hands[work] = promised(view.hands[work], found.until, view.stored.bucket.rate, now)
        self._tell(request.kind, found.wait)
        raise Paced(
            f"Azure Resource Manager is asked for no more {request.kind.value} in subscription {request.subscription} "
            f"for this until {until:%H:%M:%S} UTC: {_WORDS[found.wait]}",
            code=found.wait.value,
            retry_after=(until - now).total_seconds(),
        )

    def _view(self, request: Asked) -> _View:
        place = (request.subscription, request.kind)
        with self._lock:
            if place not in self._views:
                self._views[place] = _View(*place)
            return self._views[place]

    def _change(
        self, view: _View, now: datetime, change: Callable[[Bucket], tuple[T, Bucket]], *, anew: bool = False
    ) -> T:
        """Change the row, or where that cannot be done, what this instance takes it for."""
        sighted = view.blind_until is None or view.blind_until <= now
        for number in range(_TRIES if sighted else 0):
            try:
                stored = self._read(view, now, anew=anew or bool(number))
                outcome, bucket = change(stored.bucket)
                view.stored = stored if bucket == stored.bucket else self._buckets.replace(stored, bucket)
            except Conflict:
                view.alone_from = now + _KNOWN_FOR
                continue
            except TidegateError as error:
                log.warning("what ARM grants is counted by this instance alone for a while: %s", error)
                break
            view.read_at = now
            return outcome
        outcome, bucket = change(view.stored.bucket)
        view.stored, view.read_at = StoredBucket(bucket, ""), None
        view.blind_until = now + _BLIND_FOR if sighted else view.blind_until
        return outcome

    def _read(self, view: _View, now: datetime, *, anew: bool) -> StoredBucket:
        alone = view.alone_from is None or view.alone_from <= now
        if not anew and alone and view.read_at is not None and now - view.read_at < _KNOWN_FOR:
            return view.stored
        return self._buckets.get(view.stored.bucket.subscription, view.stored.bucket.kind)


def _locked_until(view: _View, request: Asked, now: datetime) -> datetime | None:
    known = (locked_until(bucket, request.operation, now) for bucket in (view.met, view.stored.bucket))
    return max((until for until in known if until is not None), default=None)


def _pop(tokens: list[datetime], now: datetime) -> bool:
    """Take a token that was reserved and is still good."""
    while tokens:
        if tokens.pop() > now:
            return True
    return False
