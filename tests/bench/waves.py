"""What a wave of rebuilds costs: calls of ARM and of storage for each task, and how long it takes beside its runs.

The rules and the flows are the product's, over doubles that count what they are asked. A run lasts five minutes of the
world's time. Looks at runs of one registry that are made at one moment are one list, as the adapter makes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave
from tests.bench.table import Row
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import TWO
from tests.unit.flows.waving import APPS, CANARY, Waving, asking, task

_DEPENDANTS, _CAP = 400, 10
_RUN = timedelta(minutes=5)
# After so many quarters of an hour the host is started again.
_RESTARTED = 1
_ARM = ("task", "start_task", "find", "log", "forget", "tasks", "latest_runs", "ended_since", "cancel")
_TABLES = {
    "rebuilds": ("get", "insert", "replace", "current", "archived", "in_status"),
    "waves": ("get", "insert", "replace", "due", "every"),
    "targets": ("get", "read", "insert", "replace", "due", "of_repository", "every"),
    "listings": ("get", "built_on", "tasks", "replace", "keep"),
    "activity": ("append",),
    "evidence": ("keep", "read"),
    "outbox": ("send",),
}


class Cost(msgspec.Struct, frozen=True):
    """What a wave cost.

    Attributes:
        wave: at its end.
        arm: calls of ARM for each task.
        storage: transactions and messages for each task.
        by_kind: the same, all of them, by what was called.
        most: how many ran at once.
        twice: tasks that ran more than once.
        drained: how long it took, by what the cap allows.
        delay: from the end of the canary's run to the wave's next step.
    """

    wave: Wave
    arm: float
    storage: float
    by_kind: dict[str, int]
    most: int
    twice: tuple[str, ...]
    drained: float
    delay: timedelta


class TimedRuns(BuildingRuns):
    """Runs that last as long as they say, and count how many are under way."""

    def __init__(self, world: Waving) -> None:
        super().__init__(world.base, world._moment("application_runs"))
        self.lasts = timedelta(0)
        self.most = 0
        self.begun: dict[str, datetime] = {}
        self.ends: list[datetime] = []
        self.looked: set[datetime] = set()
        self._world = world

    def _start(self, name: str, key: str, *more: Any) -> Any:
        known = set(self._runs)
        run = super()._start(name, key, *more)
        if run.run_id not in known:
            self.begun[run.run_id] = self._world.clock()
            under_way = [one for one in self.begun.values() if self._world.clock() - one < self.lasts]
            self.most = max(self.most, len(under_way))
        return run

    def _seen(self, run_id: str) -> Any:
        over = self._world.clock() - self.begun[run_id] >= self.lasts
        self._runs[run_id].looks_left = 0 if over else 1
        self.looked.add(self._world.clock())
        return super()._seen(run_id)


class Counting(Waving):
    """A world that counts, once its first base was promoted."""

    def __init__(self, dependants: int, cap: int, wave: int) -> None:
        self.counted: Counter[str] = Counter()
        self._cap = cap
        names = [CANARY, *(f"task{number:03}" for number in range(dependants - 1))]
        super().__init__(asking(canary=f"[{APPS}/{CANARY}]", wave=wave), [])
        runs = TimedRuns(self)
        runs.application_tasks = tuple(task(name) for name in names)
        self.application_runs = runs
        self.most_rebuilds = cap
        self.start()
        self.run_for(timedelta(minutes=20))
        runs.lasts = _RUN
        for part, methods in _TABLES.items():
            self._count(part, getattr(self, part), methods)
        self._count("arm", runs, _ARM)

    def _count(self, part: str, double: Any, methods: Iterable[str]) -> None:
        for name in methods:
            if (method := getattr(double, name, None)) is not None:
                setattr(double, name, self._counted(f"{part}.{name}", method))

    def _counted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.counted[name] += 1
            return method(*given, **named)

        return call


def measure(dependants: int = _DEPENDANTS, cap: int = _CAP, wave: int = _CAP) -> Cost:
    """Play a wave to its end."""
    world = Counting(dependants, cap, wave)
    runs = world.application_runs
    assert isinstance(runs, TimedRuns)
    world.promote(TWO, timedelta(0))
    runs.looked.clear()
    for number in range(200):
        world.run_for(timedelta(minutes=15))
        if number == _RESTARTED:
            world.start()
        found = world.waves.get(f"{world.target().id}~2")
        if found is not None and found.record.state in {WaveState.DONE, WaveState.DONE_WITH_FAILURES}:
            break
    done = world.wave()
    looks = len(runs.looked)
    tables = sum(count for name, count in world.counted.items() if not name.startswith("arm."))
    arm = sum(count for name, count in world.counted.items() if name.startswith("arm.")) + looks
    rebuilt = {one.task: one for one in world.rebuilt() if one.base_digest == TWO}
    started = [one.asked_at for one in rebuilt.values() if one.asked_at is not None]
    ends = [one.ended.ended_at for member in done.members for one in member.results if one.ended.ended_at]
    canary = runs.begun[done.canaries[0].results[-1].ended.run] + _RUN
    others = [one.since for name, one in rebuilt.items() if name != CANARY]
    rounds = 1 + -(-(dependants - 1) // min(cap, wave))
    return Cost(
        wave=done,
        arm=arm / dependants,
        storage=tables / dependants,
        by_kind={**world.counted, "arm.look": looks},
        most=runs.most,
        twice=tuple(name for name, count in runs.started.items() if count > 1),
        drained=(max(ends) - min(started)) / (rounds * _RUN),
        delay=min(others) - canary,
    )


def rows() -> list[Row]:
    """Measure and return the table's rows."""
    cost = measure()
    return [
        Row(f"a wave of {_DEPENDANTS} with a cap of {_CAP}: calls of ARM for each task", f"{cost.arm:.1f}", "3"),
        Row("  transactions and messages for each task", f"{cost.storage:.1f}", "8"),
        Row("  most at once", f"{cost.most}", f"{_CAP}"),
        Row("  run twice", f"{len(cost.twice)}", "0"),
        Row("  its time by what the cap allows", f"{cost.drained:.2f}", "1.2"),
        Row("  from the canary's end to the wave's next step", f"{cost.delay.total_seconds():.0f} s", "10 s"),
    ]
