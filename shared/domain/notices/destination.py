"""A destination: what is being sent there, how it answers, and when it is looked at again. Pure functions of a record.

One message at a time is under way to a destination. Whoever sends it claims it first, by the record's ETag, and notes
the answer afterwards: who dies in between leaves a claim that ends, and the message is sent again and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.notices.delivery import State
from shared.domain.notices.folding import HOUR, MOST_AN_HOUR, Cause, Fold, told
from shared.domain.notices.identity import message_id
from shared.domain.notices.missed import GivenUp, Missed, once_more

# A sender's call ends within half a minute, and what is noted afterwards within a few seconds.
CLAIM = timedelta(minutes=3)
# What was surely not taken is tried again after these, and then once a day.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=12),
    timedelta(hours=24),
)
# Two and a half hours: then the others are told, and no more of its notices are tried on it.
BROKEN_AFTER = 4
# An answer that is not clear is worth one repetition, after a while.
PAUSE_UNCLEAR = timedelta(minutes=5)
MOST_UNCLEAR = 2
# Whoever sends it dies: then it is the message that kills.
MOST_DEATHS = 5
# The second try is of title and link alone.
_MOST_REFUSED = 2
# Keys of as many make a record of a tenth of what a row holds.
MOST_IN_ONE = 2000
FIRST_PROBE, _LAST_PROBE = timedelta(hours=1), timedelta(hours=24)
_WORDS = 600


class UnderWay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message on its way.

    Attributes:
        id: the message's.
        cause: what it is folded by.
        keys: of its deliveries.
        claimed_at: since when somebody sends it, UTC; ``None`` while nobody does.
        next_at: when it is tried again, UTC.
        tries: how often it was surely not taken.
        unclear: how often nobody knows whether it arrived, as no clear answer came.
        deaths: how often whoever sent it died.
        refused: how often the service refused it.
        became: what its deliveries come to; ``None`` until that is known. They are written after this.
        why: more of that.
    """

    id: str
    cause: str = ""
    keys: tuple[str, ...] = ()
    claimed_at: datetime | None = None
    next_at: datetime | None = None
    tries: int = 0
    unclear: int = 0
    deaths: int = 0
    refused: int = 0
    became: State | None = None
    why: str = ""

    @property
    def again(self) -> bool:
        """Whether it may have arrived before."""
        return self.unclear > 0 or self.deaths > 0


class Broken(msgspec.Struct, frozen=True):
    """That a destination does not take what is sent.

    Attributes:
        since: since when, UTC.
        why: its last words.
        next_at: when it is tried again, UTC.
        probes: how often it was.
    """

    since: datetime
    why: str
    next_at: datetime
    probes: int = 0


class Muted(msgspec.Struct, frozen=True):
    """That somebody wants nothing to be sent for a time."""

    until: datetime
    by: str
    why: str


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a destination.

    Attributes:
        name: as settings and routes name it.
        arrived: counts what is put down to be sent, so that whoever has just looked sees that there is more.
        look_at: when it is to be looked at, UTC; ``None`` while nothing waits.
        under_way: the message on its way.
        broken: that it does not take what is sent; ``None`` while it does.
        muted: that somebody wants nothing to be sent.
        last_sent_at: when it last took something, UTC.
        last_error: what it last said instead; kept when it takes something again.
        last_error_at: when, UTC.
        causes: what was told lately.
        recent: when messages were sent lately, UTC.
        kinds: when each kind of notice was last sent, UTC.
        missed: when it last took nothing; ``None`` if it always did.
        given_up: that notices were given up.
    """

    name: str
    arrived: int = 0
    look_at: datetime | None = None
    under_way: UnderWay | None = None
    broken: Broken | None = None
    muted: Muted | None = None
    last_sent_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    causes: dict[str, Cause] = {}
    recent: tuple[datetime, ...] = ()
    kinds: dict[str, datetime] = {}
    missed: Missed | None = None
    given_up: GivenUp | None = None


class Todo(Enum):
    """What is to be done about a destination now."""

    FINISH = "finish"  # what became of a message is to be written to its deliveries
    SEND = "send"  # the message under way is to be sent
    PROBE = "probe"  # it is broken, and is to be tried
    PICK = "pick"  # the next message is to be found
    REST = "rest"  # nothing, until later


def todo(destination: Destination, now: datetime) -> Todo:
    """Return what is to be done about a destination now."""
    under_way, broken = destination.under_way, destination.broken
    if under_way is not None and under_way.became is not None:
        return Todo.FINISH
    if is_claimed(destination, now) or is_muted(destination, now):
        return Todo.REST
    if broken is not None:
        return Todo.PROBE if broken.next_at <= now else Todo.REST
    if under_way is None:
        waits = destination.look_at is not None and destination.look_at <= now
        return Todo.PICK if waits else Todo.REST
    return Todo.SEND if under_way.next_at is None or under_way.next_at <= now else Todo.REST


def rests_until(destination: Destination, now: datetime) -> datetime | None:
    """Return until when nothing is to be done about a destination that rests, UTC; ``None`` if nothing waits."""
    under_way, broken, muted = destination.under_way, destination.broken, destination.muted
    if under_way is not None and under_way.claimed_at is not None and is_claimed(destination, now):
        return under_way.claimed_at + CLAIM
    moments = [
        muted.until if muted is not None else None,
        broken.next_at if broken is not None else under_way.next_at if under_way is not None else None,
    ]
    return max((one for one in moments if one is not None), default=destination.look_at)


def is_muted(destination: Destination, now: datetime) -> bool:
    """Whether somebody wants nothing to be sent now."""
    return destination.muted is not None and now < destination.muted.until


def arrived(destination: Destination, due: datetime) -> Destination:
    """Return a destination for which something was put down that is due at a moment."""
    look_at = min(due, destination.look_at) if destination.look_at is not None else due
    return msgspec.structs.replace(destination, arrived=destination.arrived + 1, look_at=look_at)


def picked(destination: Destination, fold: Fold, now: datetime) -> Destination:
    """Return a destination to which somebody begins to send a message."""
    keys = tuple(one.key for one in fold.deliveries[:MOST_IN_ONE])
    began = UnderWay(id=message_id(destination.name, keys, now), cause=fold.cause, keys=keys)
    return claimed(msgspec.structs.replace(destination, under_way=began), now)


def claimed(destination: Destination, now: datetime) -> Destination:
    """Return a destination whose message under way somebody sends now; whoever had claimed it before has died."""
    under_way = _under_way(destination)
    deaths = under_way.deaths + (under_way.claimed_at is not None)
    if deaths > MOST_DEATHS:
        told = f"whoever sends it dies: {MOST_DEATHS} times so far"
        return _broken(_ended(destination, State.UNCLEAR, told), now, told)
    under_way = msgspec.structs.replace(under_way, claimed_at=now, next_at=None, deaths=deaths)
    return msgspec.structs.replace(destination, under_way=under_way, look_at=now + CLAIM)


def taken(destination: Destination, kinds: frozenset[str], now: datetime) -> Destination:
    """Return a destination that took the message under way."""
    done = _ended(destination, State.SENT, "")
    recent = tuple(one for one in destination.recent if now - one < HOUR)[-MOST_AN_HOUR:]
    return works(
        msgspec.structs.replace(
            done,
            causes=told(destination.causes, _under_way(destination).cause, now),
            recent=(*recent, now),
            kinds={**destination.kinds, **dict.fromkeys(sorted(kinds), now)},
            given_up=destination.given_up and msgspec.structs.replace(destination.given_up, is_over=True),
        ),
        now,
    )


def works(destination: Destination, now: datetime) -> Destination:
    """Return a destination that took something."""
    broken = destination.broken
    missed = Missed(broken.since, now) if broken is not None else destination.missed
    return msgspec.structs.replace(destination, last_sent_at=now, broken=None, missed=missed)


def nothing_left(destination: Destination) -> Destination:
    """Return a destination whose message under way has nothing to tell any more; that says nothing about it."""
    return _ended(destination, State.OVER, "")


def not_taken(destination: Destination, why: str, pause: timedelta, now: datetime, *, counts: bool) -> Destination:
    """Return a destination that surely did not take the message under way, and may later.

    Args:
        destination: the record.
        why: its words.
        pause: until the next try.
        now: UTC.
        counts: whether it is broken once that was so often enough; who says when to come again is not.
    """
    under_way = _under_way(destination)
    later = msgspec.structs.replace(under_way, tries=under_way.tries + 1, claimed_at=None, next_at=now + pause)
    after = _said(msgspec.structs.replace(destination, under_way=later, look_at=now + pause), why, now)
    return _broken(after, now, why) if counts and later.tries >= BROKEN_AFTER else after


def unclear(destination: Destination, why: str, now: datetime, *, takes_ids: bool) -> Destination:
    """Return a destination of which nobody knows whether it took the message under way.

    Args:
        destination: the record.
        why: what came instead of an answer.
        now: UTC.
        takes_ids: whether it knows by its id what it had before: then a repetition does no harm.
    """
    under_way = _under_way(destination)
    times = under_way.unclear + 1
    pause = PAUSES[min(times, len(PAUSES) - 1)] if takes_ids else PAUSE_UNCLEAR
    later = msgspec.structs.replace(under_way, unclear=times, claimed_at=None, next_at=now + pause)
    after = _said(msgspec.structs.replace(destination, under_way=later, look_at=now + pause), why, now)
    if times < (BROKEN_AFTER if takes_ids else MOST_UNCLEAR):
        return after
    return _broken(after if takes_ids else _ended(after, State.UNCLEAR, why), now, why)


def refused(destination: Destination, why: str, now: datetime) -> Destination:
    """Return a destination that refused the message under way: once it is tried without all that may be too much."""
    under_way = _under_way(destination)
    pause = PAUSES[0]
    later = msgspec.structs.replace(under_way, refused=under_way.refused + 1, claimed_at=None, next_at=now + pause)
    after = _said(msgspec.structs.replace(destination, under_way=later, look_at=now + pause), why, now)
    if later.refused > _MOST_REFUSED:  # it has taken another message since: it is this one that it does not take
        given_up = once_more(destination.given_up, now)
        refused_here = f"it is refused, though others are taken: {why}"
        return msgspec.structs.replace(_ended(after, State.GIVEN_UP, refused_here), given_up=given_up, look_at=now)
    return _broken(after, now, why) if later.refused == _MOST_REFUSED else after


def probed(destination: Destination, now: datetime) -> Destination:
    """Return a broken destination that somebody tries now; written first, so that nobody else does."""
    broken = destination.broken
    if broken is None:
        return destination
    pause = min(FIRST_PROBE * (1 << min(broken.probes + 1, 8)), _LAST_PROBE)
    later = msgspec.structs.replace(broken, probes=broken.probes + 1, next_at=now + pause)
    return msgspec.structs.replace(destination, broken=later, look_at=now + pause)


def still_broken(destination: Destination, why: str, now: datetime) -> Destination:
    """Return a broken destination that did not take what it was tried by."""
    broken = destination.broken and msgspec.structs.replace(destination.broken, why=why[:_WORDS])
    return _said(msgspec.structs.replace(destination, broken=broken), why, now)


def finished(destination: Destination, look_at: datetime | None) -> Destination:
    """Return a destination whose message is done with."""
    return msgspec.structs.replace(destination, under_way=None, look_at=look_at)


def pause_after(tries: int, retry_after: float | None, spread: float) -> timedelta:
    """Return the pause until the next try.

    Args:
        tries: how often it was not taken before.
        retry_after: seconds that the service asks for; counts before everything else, for a day at most.
        spread: from 0 to 1, so that not all come at the same moment.
    """
    if retry_after is not None:
        return min(timedelta(seconds=max(retry_after, 1)), PAUSES[-1])
    return PAUSES[min(tries, len(PAUSES) - 1)] * (1 + spread / 5)


def last_sent(destination: Destination) -> Mapping[str, datetime]:
    """Return when each kind of notice was last sent, the latest first."""
    return dict(sorted(destination.kinds.items(), key=lambda one: one[1], reverse=True))


def is_claimed(destination: Destination, now: datetime) -> bool:
    """Whether somebody sends to it now."""
    under_way = destination.under_way
    return under_way is not None and under_way.claimed_at is not None and now < under_way.claimed_at + CLAIM


def _under_way(destination: Destination) -> UnderWay:
    if destination.under_way is None:
        raise ValueError(f"nothing is under way to {destination.name}")
    return destination.under_way


def _ended(destination: Destination, became: State, why: str) -> Destination:
    done = msgspec.structs.replace(_under_way(destination), became=became, why=why[:_WORDS], claimed_at=None)
    return msgspec.structs.replace(destination, under_way=done)


def _said(destination: Destination, why: str, now: datetime) -> Destination:
    return msgspec.structs.replace(destination, last_error=why[:_WORDS], last_error_at=now)


def _broken(destination: Destination, now: datetime, why: str) -> Destination:
    """What ended is written to its deliveries at once; only then it rests."""
    broken = destination.broken or Broken(now, why[:_WORDS], now + FIRST_PROBE)
    under_way = destination.under_way
    ends = under_way is not None and under_way.became is not None
    return _said(msgspec.structs.replace(destination, broken=broken, look_at=now if ends else broken.next_at), why, now)
