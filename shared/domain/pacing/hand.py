"""What one instance knows and holds of a bucket between two looks at its row."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.pacing.bucket import SIZES, Block, Kind, Refused, next_of, there, used

# While more than this part of a bucket is left, nobody is counted: ARM itself says in every answer how much it is.
PLENTY = 0.5
# How long what was said last is believed.
BELIEVED_FOR = timedelta(minutes=5)
# The longest that somebody is told to wait for a turn; by then much may have changed.
LONGEST_PROMISE = timedelta(minutes=1)


class Said(msgspec.Struct, frozen=True):
    """What is left of a bucket, as its row or ARM said.

    Attributes:
        left: requests.
        at: when, UTC.
        by_arm: whether ARM itself said it.
    """

    left: float
    at: datetime
    by_arm: bool = True


class Hand(msgspec.Struct, frozen=True):
    """What one instance holds for one kind of work.

    Attributes:
        block: the tokens it took last.
        refused: what the row said instead.
        promised: until when those that wait have been promised a turn, UTC.
    """

    block: Block | None = None
    refused: Refused | None = None
    promised: datetime | None = None


def is_plenty(said: Said | None, under_way: int, kind: Kind, now: datetime) -> bool:
    """Whether so much is left that a request may be made without a token.

    Args:
        said: what was said last, if anything was.
        under_way: requests of this instance that were not answered yet, which are not in it; others have some, too.
        kind: of requests.
        now: UTC.
    """
    return said is not None and is_believed(said, now) and said.left - SIZES[kind].most * PLENTY > 2 * under_way


def is_believed(said: Said, now: datetime) -> bool:
    """Whether what was said is not too old."""
    return now - said.at < BELIEVED_FOR


def held(hand: Hand, now: datetime) -> int:
    """Return how many tokens may be used now."""
    return there(hand.block, now) if hand.block is not None else 0


def unused(hand: Hand) -> int:
    """Return how many tokens were not used, those that are to come among them."""
    return hand.block.at_once + hand.block.ahead - hand.block.used if hand.block is not None else 0


def spent(hand: Hand, now: datetime) -> Hand | None:
    """Return a hand without one of its tokens; ``None`` if it has none now."""
    if hand.block is None or held(hand, now) < 1:
        return None
    return msgspec.structs.replace(hand, block=used(hand.block))


def comes(hand: Hand, now: datetime) -> datetime | None:
    """Return when there may be a token, as far as is known without the row; ``None`` if the row is to be asked."""
    if hand.block is not None and (coming := next_of(hand.block, now)) is not None:
        return coming
    return hand.refused.until if hand.refused is not None and hand.refused.until > now else None


def promised(hand: Hand, soonest: datetime, per_second: float, now: datetime) -> tuple[datetime, Hand]:
    """Say when to come again, one after the other: who all came back at the first token would all but one be in vain.

    Args:
        hand: as it is.
        soonest: when there may be a token, UTC.
        per_second: how many come a second.
        now: UTC.
    """
    after = (hand.promised or now) + timedelta(seconds=1 / per_second)
    until = min(max(soonest, after), max(soonest, now + LONGEST_PROMISE))
    return until, msgspec.structs.replace(hand, promised=until)
