"""Azure Resource Manager's token bucket, and instances that share it, in a time of their own: nothing really waits."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.budget_ports import Buckets
from shared.domain.pacing.asking import NOTHING, Answered, Asked
from shared.domain.pacing.bucket import SIZES, Kind, Work
from shared.errors import Paced
from shared.rules.arm_pace import ArmPace
from tests.doubles.storage import MIDDAY, SettableClock

_SUBSCRIPTION = "s"
_ANSWERS_AFTER = 0.2
# A request was on its way already if it comes so soon after another one's refusal.
_ON_ITS_WAY = 0.25


@dataclass
class Arm:
    """One bucket, as ARM keeps it: who asks before the time it was told is refused again.

    Attributes:
        most: how many tokens it holds.
        per_second: how many come back a second.
        sent: how many requests came.
        refused: how many of them were refused.
        early: how many of those came before the time that was told.
    """

    most: float = float(SIZES[Kind.WRITES].most)
    per_second: float = SIZES[Kind.WRITES].per_second
    sent: int = 0
    refused: int = 0
    early: int = 0
    _left: float | None = None
    _at: float = 0.0
    _told: float = -math.inf
    _until: float = -math.inf

    def ask(self, now: float) -> Answered:
        """Take a request at a time, in seconds."""
        left = self.most if self._left is None else self._left
        left = min(self.most, left + (now - self._at) * self.per_second)
        self._at, self._left = now, left
        self.sent += 1
        if now < self._until:
            self.early += now - self._told > _ON_ITS_WAY
            return self._refuse(self._until - now)
        if left < 1:
            wait = float(max(1, math.ceil((1 - left) / self.per_second)))
            self._told, self._until = now, now + wait
            return self._refuse(wait)
        self._left = left - 1
        return Answered(math.floor(self._left))

    def _refuse(self, wait: float) -> Answered:
        self.refused += 1
        return Answered(0, timedelta(seconds=math.ceil(wait)))


@dataclass(frozen=True)
class Job:
    """What is to be asked of ARM one after the other: for which work, and how many seconds the next one comes after."""

    steps: tuple[tuple[Work, float], ...]
    begins: float = 0.0


@dataclass
class Crowd:
    """Instances that take jobs from common queues, whichever is free; each has a clock and a memory of its own.

    Args:
        arm: what they ask.
        buckets: the rows that they share.
        count: how many there are.
        ahead: by how many seconds each clock is ahead of the first.
        seed: who takes what.
        dies: told the time and the instance before each request; whether it dies there.
    """

    arm: Arm
    buckets: Buckets
    count: int = 4
    ahead: Sequence[float] = ()
    seed: int = 1
    dies: Callable[[float, int], bool] = lambda _now, _instance: False
    ends: dict[Job, float] = field(default_factory=dict)
    tries: Counter[Work] = field(default_factory=Counter)
    ended_by: dict[Work, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311
        self._clocks = [SettableClock() for _ in range(self.count)]
        self._paces = [ArmPace(self.buckets, clock) for clock in self._clocks]
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []

    def work(self, jobs: Sequence[Job], longest: float = 3600.0) -> None:
        """Do all jobs, or as many as can be done in so many seconds."""
        for number, job in enumerate(jobs):
            self._later(job.begins, lambda now, job=job, number=number: self._step(now, job, number, 0))  # type: ignore[misc]
        while self._events:
            now, _, event = heapq.heappop(self._events)
            if now > longest:
                return
            event(now)

    def _step(self, now: float, job: Job, number: int, done: int) -> None:
        work, instance = job.steps[done][0], self._random.randrange(self.count)
        request = Asked(_SUBSCRIPTION, Kind.WRITES, work.value)
        self.tries[work] += 1
        try:
            self._pace(now, instance).take(work, request)
        except Paced as error:
            wait = max(1, math.ceil(error.retry_after or 0))
            self._later(now + wait, lambda at: self._step(at, job, number, done))
            return
        if self.dies(now, instance):
            self._paces[instance] = ArmPace(self.buckets, self._clocks[instance])
            self._later(now + 30, lambda at: self._step(at, job, number, done))
            return
        answer, pace = self.arm.ask(now), self._paces[instance]
        self._later(now + _ANSWERS_AFTER, lambda at: self._answered(at, job, number, done, instance, pace, answer))

    def _answered(
        self, now: float, job: Job, number: int, done: int, instance: int, pace: ArmPace, answer: Answered
    ) -> None:
        work, lasts = job.steps[done]
        self._pace(now, instance)
        pace.answered(Asked(_SUBSCRIPTION, Kind.WRITES, work.value), answer or NOTHING)
        if answer.wait is not None:
            self._later(now + answer.wait.total_seconds(), lambda at: self._step(at, job, number, done))
            return
        self.ended_by.setdefault(work, []).append(now)
        if done + 1 == len(job.steps):
            self.ends[job] = now
        else:
            self._later(now + math.ceil(lasts), lambda at: self._step(at, job, number, done + 1))

    def _pace(self, now: float, instance: int) -> ArmPace:
        ahead = self.ahead[instance] if instance < len(self.ahead) else 0.0
        self._clocks[instance].now = MIDDAY + timedelta(seconds=now + ahead)
        return self._paces[instance]

    def _later(self, at: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), event))
