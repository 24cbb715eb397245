"""How often upstreams are asked what came later, with thousands of tags followed: the product's own plan, simulated.

Nothing is called and no time passes. Each digest is listed again as ``following`` plans it, by a sweep every five
minutes and within the share of a minute that ``following`` grants, and every listing takes as many requests as there
may be referrers to ask for.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.promotion.schedule import OVERDUE_GRACE
from shared.domain.references import Digest
from shared.domain.travel.following import FOLLOWED_FOR, MINUTE, MOST_A_MINUTE, lists_of, may_list, next_listing
from tests.bench.table import Row

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
_SWEEP = 5
_DAY, _FOLLOWED = 1440, FOLLOWED_FOR // MINUTE
_TAGS, _STEADY = 10_000, 500
# What is decided before the days that are looked at, so that as many are followed as ever are.
_WARM = 2 * _FOLLOWED


@dataclass(frozen=True)
class Followed:
    """What the listings of some days came to.

    Attributes:
        peak: lists asked for in the busiest minute.
        mean: lists a minute.
        each: listings of one digest.
        late: minutes that a listing was later than planned, the longest.
    """

    peak: int
    mean: float
    each: float
    late: float


def simulated(decided: Iterable[datetime], manifests: int, begins: int, ends: int) -> Followed:
    """Follow digests, each from its decision on.

    Args:
        decided: when each was decided.
        manifests: of which each consists.
        begins, ends: the minutes that are counted.
    """
    following = _Following(manifests)
    for number, at in enumerate(decided):
        following.decide(number, at)
    asked = following.run()
    counted = [asked[minute] for minute in range(begins, ends)]
    each = following.listings / max(following.decided, 1)
    return Followed(max(counted), sum(counted) / len(counted), each, following.late / MINUTE)


class _Following:
    def __init__(self, manifests: int) -> None:
        self._lists = lists_of(manifests, 0)
        self._due: list[tuple[datetime, int, int, datetime, Digest]] = []
        self.decided = self.listings = 0
        self.late = timedelta(0)

    def decide(self, number: int, at: datetime) -> None:
        self.decided += 1
        digest = Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}")
        self._plan(number, 1, at, at, digest)

    def run(self) -> Counter[int]:
        """Return the lists of each minute, until nobody is followed any more."""
        asked, spent, minute, put_off = Counter[int](), deque[tuple[datetime, int]](), 0, False
        while self._due:
            now = BEGINS + minute * MINUTE
            if put_off or minute % _SWEEP == 0:
                grace = timedelta(0) if put_off else OVERDUE_GRACE
                if put_off or self._due[0][0] <= now - grace:
                    put_off = self._round(now, spent)
            asked[minute] = sum(each for at, each in spent if at == now)
            minute += 1
        return asked

    def _round(self, now: datetime, spent: deque[tuple[datetime, int]]) -> bool:
        """List what is due, the oldest first; return whether something was put off."""
        while spent and spent[0][0] <= now - MINUTE:
            spent.popleft()
        while self._due and self._due[0][0] <= now:
            if not may_list(spent, self._lists, now):
                return True
            due, number, listed, at, digest = heapq.heappop(self._due)
            spent.append((now, self._lists))
            self.late = max(self.late, now - due)
            self.listings += 1
            self._plan(number, listed + 1, at, now, digest)
        return False

    def _plan(self, number: int, listed: int, at: datetime, now: datetime, digest: Digest) -> None:
        due = next_listing(digest, listed, now)
        if due <= at + FOLLOWED_FOR:
            heapq.heappush(self._due, (due, number, listed, at, digest))


def rows() -> list[Row]:
    """Simulate and return the table's rows."""
    return [row for manifests in (1, 16) for row in _rows(manifests)]


def _rows(manifests: int) -> Iterator[Row]:
    at_once = [BEGINS + number * (60 * MINUTE / _TAGS) for number in range(_TAGS)]
    each_day = _evenly(_STEADY, _WARM + _DAY)
    fortnight = _evenly(_TAGS * _DAY // _FOLLOWED, _WARM + _DAY)
    what = f"images of {manifests} manifest{'s' if manifests > 1 else ''}"
    for said, decided, begins in (
        (f"{_TAGS:,} decided within an hour, {what}", at_once, 0),
        (f"{_STEADY} a day, {what}", each_day, _WARM),
        (f"{_TAGS:,} in fourteen days, {what}", fortnight, _WARM),
    ):
        found = simulated(decided, manifests, begins, begins + _DAY)
        told = f"{found.peak} at most, {found.mean:.1f} in the mean; {found.late:.0f} min late at most"
        yield Row(f"lists of referrers a minute for what comes later, {said}", told, f"{MOST_A_MINUTE} at most")


def _evenly(a_day: int, minutes: int) -> list[datetime]:
    apart = _DAY * MINUTE / a_day
    return [BEGINS + number * apart for number in range(int(minutes * MINUTE / apart))]
