"""Lets upstreams be listed again at a steady pace where nobody waits for it: thousands may be due at one sweep.

What is put off stays due, and is woken for a minute later; what has been due for longest goes first. Each process keeps
to the pace by itself and in memory: whoever dies forgets what was asked in the last minute, and nothing else.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.domain.promotion.due import Due
from shared.domain.travel.companions import Companions
from shared.domain.travel.following import MINUTE, lists_of, may_list
from shared.domain.travel.next_step import Todo, is_waited_for, next_step
from shared.errors import TidegateError
from shared.ports import Clock
from shared.rules.wake import Waker
from shared.travel_ports import StoredCompanions


class FollowPace:
    """Takes of what is due all that somebody waits for, and so much of the rest as an upstream is to be asked for now.

    Args:
        waker: wakes for what is put off.
        clock: tells the time.
    """

    def __init__(self, waker: Waker, clock: Clock) -> None:
        self._waker = waker
        self._clock = clock
        self._spent: defaultdict[str, deque[tuple[datetime, int]]] = defaultdict(deque)

    def of(self, due: Iterable[StoredCompanions]) -> Iterator[StoredCompanions]:
        """Return what is to be looked at now.

        Args:
            due: what is due.

        Raises:
            TidegateError: as ``due`` raises it, after what was read before.
        """
        followers, now, problem = list[StoredCompanions](), self._clock(), None
        try:
            for stored in due:
                if _only_follows(stored.record, now):
                    followers.append(stored)
                else:
                    yield stored
        except TidegateError as error:
            problem = error
        yield from self._in_turn(followers, now)
        if problem is not None:
            raise problem

    def _in_turn(self, followers: list[StoredCompanions], now: datetime) -> Iterator[StoredCompanions]:
        followers.sort(key=lambda one: one.record.look_at or now)
        taken = [one for one in followers if self._takes(one.record, now)]
        if len(taken) < len(followers):
            self._waker.at(Due.COMPANIONS, now + MINUTE)
        yield from taken

    def _takes(self, known: Companions, now: datetime) -> bool:
        spent = self._spent[known.source.registry]
        while spent and spent[0][0] <= now - MINUTE:
            spent.popleft()
        lists = lists_of(len(known.manifests), len(known.referrers))
        if not may_list(spent, lists, now):
            return False
        spent.append((now, lists))
        return True


def _only_follows(known: Companions, now: datetime) -> bool:
    return next_step(known, now) is Todo.LIST and not is_waited_for(known, now)
