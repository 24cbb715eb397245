"""A delivery: one notice for one destination, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.notices.when import When

# What has not ended by then is never told to be over.
LONGEST_LASTING = timedelta(days=365)


class State(Enum):
    """What became of a delivery."""

    PENDING = "pending"  # it is to be sent, or is being sent
    SENT = "sent"  # the destination took it
    UNCLEAR = "unclear"  # it was sent twice, and nobody knows whether it arrived
    GIVEN_UP = "given-up"  # it was not taken for so long that it is not tried any more
    OVER = "over"  # what it tells was over before it could be sent, or was never told there


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One notice for one destination.

    Attributes:
        destination: the destination's name.
        notice: what is told.
        when: when its route sends.
        due_at: when it is to be sent, UTC.
        state: what became of it.
        why: more of that, for people; may be empty.
        done_at: when, UTC; ``None`` while it is pending.
        message: the id of the message that it was sent in.
        again: whether that message was marked as one that may have arrived before.
        asked: whether somebody asked to have it sent once more.
    """

    destination: str
    notice: Notice
    when: When
    due_at: datetime
    state: State = State.PENDING
    why: str = ""
    done_at: datetime | None = None
    message: str = ""
    again: bool = False
    asked: bool = False

    @property
    def key(self) -> str:
        """Tells it from all others to its destination."""
        return self.notice.key


def ended(delivery: Delivery, state: State, now: datetime, why: str = "", **fields: object) -> Delivery:
    """Return what became of a delivery."""
    return msgspec.structs.replace(delivery, state=state, why=why, done_at=now, **fields)


def may_go(old: Iterable[Delivery], every: Iterable[Delivery], before: datetime) -> frozenset[str]:
    """Return the keys of those deliveries that nobody asks for any more.

    Who was told that something began is told of its end, however long it lasts; so that is kept until then.

    Args:
        old: what was done with before ``before``.
        every: all that is known of the destination, looked at only where something may last.
        before: UTC.
    """
    gone, lasting = set[str](), list[Delivery]()
    for one in old:
        if one.notice.is_ended_later and not one.notice.closes and one.notice.at > before - LONGEST_LASTING:
            lasting.append(one)
        else:
            gone.add(one.key)
    ended_since = {one.notice.episode for one in every if one.notice.closes} if lasting else set()
    return frozenset(gone | {one.key for one in lasting if one.notice.episode in ended_since})


def asked_again(delivery: Delivery, now: datetime) -> Delivery:
    """Return a delivery that somebody wants to be sent once more."""
    return msgspec.structs.replace(
        delivery, state=State.PENDING, why="", done_at=None, message="", again=False, asked=True, due_at=now
    )
