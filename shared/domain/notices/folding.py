"""Which of the deliveries that wait for one destination are its next message: one for each cause, and no flood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.notices.delivery import Delivery, State, ended
from shared.domain.notices.missed import Missed

# After a message, others of its cause wait for this long, and twice as long after each that follows.
SHORTEST_CALM = timedelta(minutes=5)
LONGEST_CALM = timedelta(hours=1)
# A cause of which nothing was sent for so long is a new one.
FORGOTTEN = 2 * LONGEST_CALM
# After so many messages in an hour, all that waits is one message, and the next is sent after some minutes.
MOST_AN_HOUR = 20
HOUR = timedelta(hours=1)
_NEVER_BEGAN = "nobody was told here that it began"
_ENDED_BEFORE = "it was over before it was sent"


class Cause(msgspec.Struct, frozen=True):
    """A cause that was told: when last, UTC, and how many messages of it followed each other."""

    at: datetime
    in_a_row: int = 1

    @property
    def calm_until(self) -> datetime:
        """When the next message of it may be sent, UTC."""
        doubled: timedelta = SHORTEST_CALM * (1 << min(self.in_a_row - 1, 8))
        return self.at + min(doubled, LONGEST_CALM)


class Fold(msgspec.Struct, frozen=True):
    """What is sent next.

    Attributes:
        cause: what it is folded by; empty for all that waits.
        deliveries: in the order in which they happened; none: nothing is to be sent yet.
        at: when the next may be, UTC; ``None`` if nothing waits.
    """

    cause: str = ""
    deliveries: tuple[Delivery, ...] = ()
    at: datetime | None = None


def next_fold(
    pending: Iterable[Delivery],
    causes: Mapping[str, Cause],
    recent: Sequence[datetime],
    now: datetime,
    missed: Missed | None = None,
) -> Fold:
    """Return the next message to a destination: that of which something waits longest.

    Args:
        pending: what waits.
        causes: what was told lately.
        recent: when messages were sent lately, UTC.
        now: UTC.
        missed: when the destination last took nothing: what was due then is one message.
    """
    pending = sorted(pending, key=_order)
    late = [one for one in pending if missed is not None and one.due_at <= missed.until]
    if late:
        return Fold("", tuple(late), now)
    groups: defaultdict[str, list[Delivery]] = defaultdict(list)
    for one in pending:
        groups[group_of(one)].append(one)
    may_be = {name: _moment(name, group, causes) for name, group in groups.items()}
    ready = [name for name, at in may_be.items() if at <= now]
    if not ready:
        return Fold(at=min(may_be.values(), default=None))
    if len([at for at in recent if now - at < HOUR]) >= MOST_AN_HOUR:
        calm = max(recent) + SHORTEST_CALM
        every = (one for name in ready for one in groups[name])
        return Fold("", tuple(sorted(every, key=_order)), now) if calm <= now else Fold(at=calm)
    first = min(ready, key=lambda name: _order(groups[name][0]))
    return Fold(first, tuple(groups[first]), now)


def _order(delivery: Delivery) -> tuple[datetime, str]:
    return delivery.notice.at, delivery.key


def group_of(delivery: Delivery) -> str:
    """Return what a delivery is one message with."""
    return delivery.when.group or delivery.notice.folded_by


def told(causes: Mapping[str, Cause], cause: str, now: datetime) -> dict[str, Cause]:
    """Return the causes that were told lately, once another message was sent."""
    kept = {name: one for name, one in causes.items() if now - one.at < FORGOTTEN}
    if cause:
        kept[cause] = Cause(now, kept[cause].in_a_row + 1 if cause in kept else 1)
    return kept


def over_unsent(pending: Iterable[Delivery], sent: Collection[str], now: datetime) -> tuple[Delivery, ...]:
    """Return the deliveries that need not be sent any more, with what became of them.

    What is over before it was told is not told, nor is its end; and of an end nobody is told who was not told of the
    beginning.

    Args:
        pending: what waits.
        sent: episodes of which the destination was told, or may have been.
        now: UTC.
    """
    every = tuple(pending)
    solved = {one.notice.episode for one in every if one.notice.closes}
    return tuple(
        ended(
            one,
            State.OVER,
            now,
            "nobody was told here that it began" if one.notice.closes else "over before it was sent",
        )
        for one in every
        if one.notice.episode in solved and not one.asked and (one.notice.episode not in sent or not one.notice.closes)
    )


def _moment(name: str, group: Sequence[Delivery], causes: Mapping[str, Cause]) -> datetime:
    due = min(one.due_at for one in group)
    return max(due, causes[name].calm_until) if name in causes and not group[0].when.group else due
