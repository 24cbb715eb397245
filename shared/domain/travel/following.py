"""When what refers to an image is listed again: what is signed an hour after it was pushed follows it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.domain.references import Digest

# So long after a decision what comes later follows by itself.
FOLLOWED_FOR = timedelta(days=14)
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(days=2)
# Digests that were decided together are not listed together for ever.
_SPREAD = 0.2


def next_listing(digest: Digest, listed: int, now: datetime) -> datetime:
    """Return when an image's referrers are listed again: ten minutes after the first, then ever more rarely.

    Args:
        digest: of the image.
        listed: how often they were listed, from 1.
        now: when they were last, UTC.
    """
    doubled: timedelta = FIRST_PAUSE * (1 << min(max(listed - 1, 0), 12))
    part = int(digest.rpartition(":")[2][:8] or "0", 16) / 0xFFFFFFFF
    return now + min(doubled, LONGEST_PAUSE) * (1 - _SPREAD * part)
