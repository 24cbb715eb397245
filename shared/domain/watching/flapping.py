"""Whether a tag that bears again what it bore before has really gone back: upstreams are replicated, and lag.

A digest that is new to a tag is believed at once: it may mend something. One that the tag bore within a day may be a
copy that lags behind, and counts only when a second look some minutes later agrees. A tag that returns again and again
would have everything rebuilt each time: from the third return within a day on it must stay for an hour, then two, four,
eight, sixteen. So there are at most six returns within any day, and whatever stays is taken in the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.references import Digest
from shared.domain.watching.observation import Borne, Doubt, Doubted, Observation

REMEMBERED_FOR = timedelta(days=1)
# How many returns within a day are believed after a second look; how much longer than that the next must stay.
QUICK_RETURNS, LONGER, DOUBLED = 2, 20, 4
_KEPT = 16


def believed(
    known: Observation | None, digest: Digest | None, now: datetime, second_look: timedelta
) -> tuple[Digest | None, Doubted | None]:
    """Say which digest to go by after a look.

    Args:
        known: what is known of the tag.
        digest: what the upstream says it points at; ``None`` if it is not there.
        now: when the upstream was asked, UTC.
        second_look: how long after the first look one that agrees with it counts; zero believes everything at once.

    Returns:
        The digest to go by, and what is doubted, if that is another one.
    """
    if known is None or digest is None or not bore_lately(known, digest, now):
        return digest, None
    same = known.doubted is not None and known.doubted.digest == digest
    since = known.doubted.since if known.doubted is not None and same else now
    returns = sum(now - at < REMEMBERED_FOR for at in known.returns)
    due = since + patience(returns, second_look)
    if now >= due:
        return digest, None
    reason = Doubt.SECOND_LOOK if returns < QUICK_RETURNS else Doubt.FLAPPING
    return known.digest, Doubted(digest, reason, since, due)


def patience(returns: int, second_look: timedelta) -> timedelta:
    """How long a digest must stay before its return counts, after so many returns within a day."""
    if returns < QUICK_RETURNS:
        return second_look
    return second_look * LONGER * (1 << min(returns - QUICK_RETURNS, DOUBLED))


def bore_lately(known: Observation, digest: Digest, now: datetime) -> bool:
    """Whether a tag bore a digest within a day, and bears another one now."""
    if digest == known.digest:
        return False
    return any(one.digest == digest and now - one.until < REMEMBERED_FOR for one in known.recent)


def remembering(known: Observation | None, new: Observation, now: datetime) -> Observation:
    """Return a new digest's observation with what its tag bore before, and with its return if it is one."""
    if known is None or known.digest == new.digest:
        return new
    past = (one for one in known.recent if one.digest not in {known.digest, new.digest})
    lately = tuple(one for one in past if now - one.until < REMEMBERED_FOR)
    recent = (Borne(known.digest, now), *lately)[:_KEPT] if known.digest else lately
    returns = tuple(at for at in known.returns if now - at < REMEMBERED_FOR)
    returns = (*returns, now)[-_KEPT:] if bore_lately(known, new.digest, now) else returns
    return msgspec.structs.replace(new, recent=recent, returns=returns)
