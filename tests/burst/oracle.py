"""What nobody could do faster: a plain list scheduler with the same times and limits, that sees every end at once.

It knows of each push as it is made, asks ARM for two imports and a run an update and for nothing else, and lets what is
nearly done go first. What the product needs beside it is the product's own.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.burst.plan import Move

STAGES = ("import", "gate", "promotion")
_IMPORTS = ("import", "promotion")
# Floats: a token that is there but for a rounding is there.
_ALMOST = 1e-9


@dataclass(frozen=True)
class Limits:
    """What Azure grants.

    Attributes:
        write_bucket, writes_a_second: ARM's token bucket of writes.
        imports: how many are made at once; ``None`` for any number.
        agents: how many runs go on at once; ``None`` for any number.
    """

    write_bucket: float = 200.0
    writes_a_second: float = 10.0
    imports: int | None = None
    agents: int | None = None


class Oracle:
    """One simulation.

    Args:
        limits: what is granted.
        seconds: how long a stage of an update takes, once it is begun.
    """

    def __init__(self, limits: Limits, seconds: Callable[[Move, str], float]) -> None:
        self._limits, self._seconds = limits, seconds
        self._free = {"imports": limits.imports, "agents": limits.agents}
        self._tokens, self._filled = limits.write_bucket, 0.0
        self._waiting: dict[str, deque[Move]] = {stage: deque() for stage in STAGES}
        self._events: list[tuple[float, int, str, Move | None]] = []
        self._ends: dict[Move, float] = {}
        self._numbers = itertools.count()

    def ends(self, moves: tuple[Move, ...]) -> Mapping[Move, float]:
        """Return when each update is promoted, in seconds after the burst began."""
        for move in moves:
            self._later(move.at, "", move)
        while self._events:
            now, _, stage, ended = heapq.heappop(self._events)
            if ended is not None:
                self._ended(now, stage, ended)
            self._begin(now)
        return self._ends

    def _ended(self, now: float, stage: str, move: Move) -> None:
        self._give_back(stage)
        following = STAGES[STAGES.index(stage) + 1 :] if stage else STAGES
        if following:
            self._waiting[following[0]].append(move)
        else:
            self._ends[move] = now

    def _begin(self, now: float) -> None:
        """Begin whatever can be, the last stage first; where a token is missing, come back when there is one."""
        self._fill(now)
        for stage in reversed(STAGES):
            while self._waiting[stage] and self._has_room(stage):
                if self._tokens < 1 - _ALMOST:
                    self._later(now + (1 - self._tokens) / self._limits.writes_a_second, "", None)
                    return
                self._tokens -= 1
                self._take(stage)
                move = self._waiting[stage].popleft()
                self._later(now + self._seconds(move, stage), stage, move)

    def _fill(self, now: float) -> None:
        grown = self._tokens + (now - self._filled) * self._limits.writes_a_second
        self._tokens, self._filled = min(grown, self._limits.write_bucket), now

    def _has_room(self, stage: str) -> bool:
        return self._free[_kind(stage)] != 0

    def _take(self, stage: str) -> None:
        free = self._free[_kind(stage)]
        self._free[_kind(stage)] = None if free is None else free - 1

    def _give_back(self, stage: str) -> None:
        free = self._free[_kind(stage)] if stage else None
        if free is not None:
            self._free[_kind(stage)] = free + 1

    def _later(self, at: float, stage: str, move: Move | None) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), stage, move))


def _kind(stage: str) -> str:
    return "imports" if stage in _IMPORTS else "agents"
