"""What an upstream tag pointed at when it was last looked at, and what a new look means: pure, with a named reason."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.references import Digest, Tag

LAST_CHECKED_KEPT_FOR = timedelta(minutes=15)
_LONGEST_TROUBLE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# That of 2020-01-01: no record is older, and what has a lower order was numbered by something else than a clock.
_FIRST_ORDER = 1_577_836_800_000


class Presence(Enum):
    """Whether the upstream still has the tag."""

    PRESENT = "present"  # it answered with a digest
    GONE = "gone"  # it said there is no such tag; what was promoted is kept


class Borne(msgspec.Struct, frozen=True):
    """A digest that the tag bore before, and until when, UTC."""

    digest: Digest
    until: datetime


class Doubt(Enum):
    """Why the digest that a tag was last seen to bear is not believed yet."""

    SECOND_LOOK = "second-look"  # it bore it within a day: a copy of the upstream may lag behind; a second look decides
    FLAPPING = "flapping"  # it has returned so often within a day that it must stay for longer


class Doubted(msgspec.Struct, frozen=True):
    """A digest that is not believed yet.

    Attributes:
        digest: what the tag was seen to bear.
        reason: why it is doubted.
        since: when it was first seen so, UTC; each look since then agreed.
        due: when a look that agrees counts, UTC.
    """

    digest: Digest
    reason: Doubt
    since: datetime
    due: datetime


class Observation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One watched tag, as last looked at.

    Attributes:
        tag: the upstream tag.
        digest: what it pointed at; empty if it has never been there.
        presence: whether it was there.
        first_seen: when this digest was first seen under the tag, UTC.
        last_checked: when the upstream last gave an answer, UTC.
        order: of two digests seen in a repository, whichever its tags, the later one has the higher order.
        other_until: when it was last seen to bear what it bore before this digest, UTC; ``None`` if that is not known.
        targets: places in the base registry, such as ``base/node:22``, that were told of this digest.
        formerly: places that were told of an earlier digest, while they are still to be told of this one.
        recent: what it bore within a day before this digest, the latest first.
        returns: when it returned to what it had borne within a day, UTC.
        doubted: another digest than this one, which it was last seen to bear and which is not believed yet.
        trouble: why the last look gave no answer; empty if it did.
        left: whether the last look at its repository was not about it, as nobody takes it any more.
    """

    tag: Tag
    digest: Digest = Digest("")
    order: int = 0
    targets: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    presence: Presence = Presence.PRESENT
    first_seen: datetime
    last_checked: datetime
    recent: tuple[Borne, ...] = ()
    returns: tuple[datetime, ...] = ()
    doubted: Doubted | None = None
    trouble: str = ""
    other_until: datetime | None = None
    left: bool = False


class Look(Enum):
    """What a look at a tag amounts to."""

    FIRST_SEEN = "first-seen"  # never seen before: import it
    UNCHANGED = "unchanged"  # the digest we know
    RETURNED = "returned"  # it was gone, and is back with the digest we know
    MOVED = "moved"  # another digest than the one we know: import it
    VANISHED = "vanished"  # it was there and is not any more: keep what we have
    STILL_GONE = "still-gone"  # not there, and was not before


def compare(known: Observation | None, digest: Digest | None, target: str) -> Look:
    """Compare what an upstream answered with what is known, for one target of the tag.

    Args:
        known: the last observation; ``None`` if the tag was never looked at.
        digest: what the tag points at now; ``None`` if the upstream says it is not there.
        target: the place in the base registry that the tag is wanted in, such as ``base/node:22``.

    Returns:
        What that amounts to. A tag that is wanted in a new target is first seen. What a version without targets saw
        last, whose observations have no order, is told to its targets as if it had moved.
    """
    had = known.digest if known else ""
    if digest is None:
        return Look.VANISHED if had and known and known.presence is Presence.PRESENT else Look.STILL_GONE
    if not known or not had or target not in {*known.targets, *known.formerly}:
        return Look.FIRST_SEEN
    if had != digest or target not in known.targets or not known.order:
        return Look.MOVED
    return Look.UNCHANGED if known.presence is Presence.PRESENT else Look.RETURNED


def is_news(known: Observation | None, digest: Digest) -> bool:
    """Whether a digest is another one than is known of the tag, so that it is to have an order of its own."""
    return known is None or known.digest != digest or not known.order


def next_order(last: int, now: datetime) -> int:
    """Return the order of the next digest that is seen in a repository.

    Args:
        last: the latest that was given in this repository.
        now: UTC.

    Returns:
        More than the last; and the time in milliseconds, unless clocks are behind, so that it also is more than what
        another repository gave long before: a target may change its source, and a table may be lost.
    """
    return max(last + 1, order_at(now))


def order_at(moment: datetime) -> int:
    """Return the order of what was seen at a moment, in milliseconds."""
    return int(moment.timestamp() * 1000)


def time_of(order: int) -> datetime | None:
    """Return when something of an order was seen, UTC; ``None`` if it is an order that tells no time."""
    return _EPOCH + timedelta(milliseconds=order) if order >= _FIRST_ORDER else None


def noted(known: Observation | None, tag: Tag, digest: Digest, order: int, now: datetime) -> Observation:
    """Return the observation of a digest that is news: it has its order, and no target was told yet.

    What a version without targets has seen is news, too.
    """
    before = (*known.targets, *known.formerly) if known else ()
    fresh = observed(known, tag, digest, (), now)
    until = known.last_checked if known and known.digest else None
    return msgspec.structs.replace(fresh, order=order, formerly=tuple(dict.fromkeys(before)), other_until=until)


def observed(
    known: Observation | None,
    tag: Tag,
    digest: Digest | None,
    targets: tuple[str, ...],
    now: datetime,
    doubted: Doubted | None = None,
) -> Observation:
    """Return the observation to keep after the upstream gave an answer and ``targets`` were served with it."""
    had = known.digest if known else Digest("")
    same = digest is None or digest == had
    return Observation(
        tag=tag,
        digest=had if digest is None else digest,
        order=known.order if known and same else 0,
        targets=targets if digest is not None else (known.targets if known else ()),
        formerly=known.formerly if known and digest is None else (),
        presence=Presence.GONE if digest is None else Presence.PRESENT,
        first_seen=known.first_seen if known and same else now,
        last_checked=now,
        recent=_recent(known, doubted) if known and same else (),
        returns=known.returns if known and same else (),
        doubted=doubted,
        other_until=known.other_until if known and same else None,
    )


def _recent(known: Observation, doubted: Doubted | None) -> tuple[Borne, ...]:
    """What is doubted was seen just now, so that a tag which flips for days is not believed after one of them."""
    if doubted is None:
        return known.recent
    return tuple(Borne(one.digest, doubted.since) if one.digest == doubted.digest else one for one in known.recent)


def may_replace(known: Observation | None, new: Observation) -> bool:
    """Whether an observation may take the place of one that was written since: the same digest, and not longer ago."""
    if known is None:
        return not new.order
    return (known.digest, known.order) == (new.digest, new.order) and known.last_checked <= new.last_checked


def troubled(known: Observation | None, tag: Tag, problem: str, now: datetime) -> Observation:
    """Return the observation to keep after the upstream gave no answer: what is known stays.

    What is kept of the problem is as long as a row can hold, whatever it quotes.
    """
    problem = problem[:_LONGEST_TROUBLE]
    if known is None:
        return Observation(tag=tag, presence=Presence.GONE, first_seen=now, last_checked=now, trouble=problem)
    return msgspec.structs.replace(known, trouble=problem)


def dated(known: Observation, seen_at: datetime | None) -> Observation:
    """Return an observation with the time at which its repository was last seen as a whole, if it was seen with it.

    Args:
        known: as it is written.
        seen_at: when that was, UTC; ``None`` if it never was.
    """
    if seen_at is None or not _is_seen_with_all(known) or known.last_checked >= seen_at:
        return known
    return msgspec.structs.replace(known, last_checked=seen_at)


def left_out(known: Mapping[Tag, Observation], answered: Container[Tag]) -> Iterator[Observation]:
    """Return the observations to keep of tags that were seen with all others until now, and not by this look."""
    for tag, seen in known.items():
        if tag not in answered and _is_seen_with_all(seen):
            yield msgspec.structs.replace(seen, left=True)


def _is_seen_with_all(seen: Observation) -> bool:
    return seen.presence is Presence.PRESENT and not seen.trouble and not seen.left


def worth_writing(known: Observation | None, new: Observation, *, with_all: bool = False) -> bool:
    """Whether an observation says something new; that a tag was checked once more is written only now and then.

    Args:
        known: as it was read, with its date.
        new: as it would be written.
        with_all: whether all tags were seen, which the repository's state says for those that are there.
    """
    if known is None:
        return True
    same = msgspec.structs.replace(new, last_checked=known.last_checked) == known
    if not same or (with_all and _is_seen_with_all(new)):
        return not same
    return new.last_checked - known.last_checked > LAST_CHECKED_KEPT_FOR
