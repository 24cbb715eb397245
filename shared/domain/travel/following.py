"""When what refers to an image is listed again: what is signed an hour after it was pushed follows it. Pure.

Each digest has a plan of its own, and all of them together keep below half of what a registry grants: whoever decides
thousands within an hour has them listed again a little later than planned.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.references import Digest

# So long after a decision what comes later follows by itself.
FOLLOWED_FOR = timedelta(days=14)
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(days=2)
# Digests that were decided together are not listed together for ever.
_SPREAD = 0.2
# Of an Azure registry of the smaller tiers one identity gets 250 lists of referrers a minute: half of that.
# https://learn.microsoft.com/azure/container-registry/container-registry-skus
MOST_A_MINUTE = 125
MINUTE = timedelta(minutes=1)


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


def lists_of(manifests: int, referrers: int) -> int:
    """Return how many lists of referrers one listing asks for: each manifest and each referrer may have some.

    Args:
        manifests: the image and its platforms, as far as they are known.
        referrers: how many are known to refer to them.
    """
    return max(manifests, 1) + referrers


def may_list(spent: Iterable[tuple[datetime, int]], lists: int, now: datetime) -> bool:
    """Return whether a registry may be asked for a listing that nobody waits for.

    A listing that is larger than a minute's share is made where nothing else was within that minute.

    Args:
        spent: when it was asked for others, and for how many lists each.
        lists: how many this one asks for.
        now: UTC.
    """
    recent = sum(each for at, each in spent if at > now - MINUTE)
    return not recent or recent + lists <= MOST_A_MINUTE
