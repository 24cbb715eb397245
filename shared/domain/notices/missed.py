"""What a destination was not told: while it took nothing, and what was given up."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Missed(msgspec.Struct, frozen=True):
    """A time in which a destination took nothing, and that is over.

    Attributes:
        since: when it began, UTC.
        until: when it took something again, UTC. What was due by then is one message.
    """

    since: datetime
    until: datetime


class GivenUp(msgspec.Struct, frozen=True, omit_defaults=True):
    """That notices were given up, which the destination did not take. How many, their rows say.

    Attributes:
        since: since when that was done, UTC.
        last_at: when it was last done, UTC.
        told: whether the other destinations were told.
        is_over: whether a notice was taken since then: the next to be given up are another story.
    """

    since: datetime
    last_at: datetime
    told: bool = False
    is_over: bool = False


def once_more(known: GivenUp | None, now: datetime) -> GivenUp:
    """Return that notices are given up now, maybe as others before them."""
    if known is None or known.is_over:
        return GivenUp(now, now)
    return msgspec.structs.replace(known, last_at=now)
