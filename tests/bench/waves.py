"""What a wave of rebuilds costs: calls of ARM and of storage for each task, and how long it takes beside its runs.

The rules and the flows are the product's, over doubles that count what they are asked, as it is billed: a message is
put, received and deleted, and what goes into one transaction of a table is one. What a rebuild costs later, once it is
put away, is counted, too. Looks at runs of one registry that are made at one moment are one list, as the adapter makes
them. Writes that threads happen to make at one moment share transactions, and are counted as if they did not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.promotion.rebuilds import REBUILD_ENDS
from shared.domain.promotion.schedule import KEPT_CURRENT
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave
from shared.flows.sweep import sweep_rebuilds
from tests.bench.table import Row
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import TWO, WATCH_LIST
from tests.unit.flows.waving import APPS, CANARY, Waving, asking, task

_DEPENDANTS, _CAP = 400, 10
_RUN = timedelta(minutes=5)
# Of runs that differ: each lasts as long as its turn in this row says.
_RUNS = tuple(timedelta(seconds=180 + 40 * (number * 7 % 13)) for number in range(13))
# After so many quarters of an hour the host is started again.
_RESTARTED = 1
_ARM = ("task", "start_task", "find", "log", "forget", "tasks", "latest_runs", "ended_since", "cancel")
_TABLES = {
    "rebuilds": (
        *("get", "insert", "insert_all", "replace", "replace_all"),
        *("current", "archived", "in_status", "archive_all"),
    ),
    "waves": ("get", "insert", "replace", "due", "every"),
    "targets": ("get", "read", "insert", "replace", "due", "of_repository", "every"),
    "listings": ("get", "built_on", "tasks", "replace", "keep"),
    "activity": ("append",),
    "evidence": ("keep", "read"),
    "outbox": ("send",),
    "usual_times": ("get", "replace"),
}
# Put, received, deleted.
_MESSAGE = 3
_MOST_TOGETHER = 100


class Cost(msgspec.Struct, frozen=True):
    """What a wave cost.

    Attributes:
        wave: at its end; ``None`` of those who are rebuilt at once.
        arm: calls of ARM for each task.
        storage: transactions and messages for each task.
        by_kind: the same, all of them, by what was called.
        most: how many ran at once.
        twice: tasks that ran more than once.
        drained: how long it took, by what the cap allows.
        delay: from the end of the canary's run to the wave's next step.
    """

    wave: Wave | None
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
        self.lasts: Sequence[timedelta] = (timedelta(0),)
        self.most = 0
        self.begun: dict[str, datetime] = {}
        self.keys: dict[str, str] = {}
        self.lengths: dict[str, timedelta] = {}
        self.looked: set[datetime] = set()
        self._world = world

    def _start(self, name: str, key: str, *more: Any) -> Any:
        known = set(self._runs)
        run = super()._start(name, key, *more)
        if run.run_id not in known:
            self.keys[run.run_id] = key
            self.lengths[run.run_id] = self.lasts[len(self.begun) % len(self.lasts)]
            self.begun[run.run_id] = self._world.clock()
            under_way = [one for one in self.begun if self.end(one) > self._world.clock()]
            self.most = max(self.most, len(under_way))
        return run

    def end(self, run_id: str) -> datetime:
        """Return when a run ends."""
        return self.begun[run_id] + self.lengths[run_id]

    def _seen(self, run_id: str) -> Any:
        self._runs[run_id].looks_left = 0 if self._world.clock() >= self.end(run_id) else 1
        self.looked.add(self._world.clock())
        return super()._seen(run_id)


class Counting(Waving):
    """A world that counts, once its first base was promoted."""

    def __init__(self, dependants: int, cap: int, wave: int, lasts: Sequence[timedelta]) -> None:
        self.counted: Counter[str] = Counter()
        names = [CANARY, *(f"task{number:03}" for number in range(dependants - 1))]
        super().__init__(asking(canary=f"[{APPS}/{CANARY}]", wave=wave) if wave else WATCH_LIST, [])
        runs = self.timed = TimedRuns(self)
        runs.application_tasks = tuple(task(name) for name in names)
        self.application_runs = runs
        self.most_rebuilds = cap
        self.start()
        self.run_for(timedelta(minutes=20))
        runs.lasts = lasts
        for part, methods in _TABLES.items():
            self._count(part, getattr(self, part), methods)
        self._count("arm", runs, _ARM)

    def _count(self, part: str, double: Any, methods: Iterable[str]) -> None:
        for name in methods:
            if (method := getattr(double, name, None)) is not None:
                setattr(double, name, self._counted(f"{part}.{name}", method))

    def _counted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.counted[name] += _billed(name, given, named)
            return method(*given, **named)

        return call


def _billed(name: str, given: Sequence[Any], named: Mapping[str, Any]) -> int:
    """As the adapters' docstrings say: the archive is asked before an insertion, and has a part for each task."""
    if name == "outbox.send":
        return _MESSAGE
    if name == "rebuilds.insert":
        return 1 if named.get("absent") else 2
    if name in {"rebuilds.insert_all", "rebuilds.replace_all"}:
        return -(-len(given[0]) // _MOST_TOGETHER)
    if name == "rebuilds.archive_all":
        return len({one.record.task for one in given[0]}) + -(-len(given[0]) // _MOST_TOGETHER)
    return 1


def measure(
    dependants: int = _DEPENDANTS, cap: int = _CAP, wave: int = _CAP, lasts: Sequence[timedelta] = (_RUN,)
) -> Cost:
    """Play a wave to its end; of size 0 for those who are rebuilt at once."""
    world = Counting(dependants, cap, wave, lasts)
    runs = world.timed
    world.promote(TWO, timedelta(0))
    runs.looked.clear()
    world.counted.clear()
    for number in range(300):
        world.run_for(timedelta(minutes=15))
        if number == _RESTARTED:
            world.start()
        if _is_over(world, dependants):
            break
    looks, by_kind = len(runs.looked), dict(world.counted)
    rebuilt = {one.task: one for one in world.rebuilt() if one.base_digest == TWO}
    by_kind["rebuilds.archive_all"] = _put_away(world)
    arm = sum(count for name, count in by_kind.items() if name.startswith("arm.")) + looks
    started = min(runs.begun.values())
    canary = next(run for run, key in runs.keys.items() if key == f"/tasks/{CANARY}")
    others = [one.since for name, one in rebuilt.items() if name != CANARY]
    rounds = sum(runs.lengths.values(), timedelta(0)) / min(cap, wave or cap)
    first = runs.lengths[canary] if wave else timedelta(0)
    return Cost(
        wave=world.wave() if wave else None,
        arm=arm / dependants,
        storage=sum(count for name, count in by_kind.items() if not name.startswith("arm.")) / dependants,
        by_kind={**by_kind, "arm.look": looks},
        most=runs.most,
        twice=tuple(name for name, count in runs.started.items() if count > 1),
        drained=(max(map(runs.end, runs.begun)) - started) / (rounds + first),
        delay=min(others) - runs.end(canary),
    )


def _is_over(world: Counting, dependants: int) -> bool:
    if world.waves.get(f"{world.target().id}~2") is not None:
        return world.wave().state in {WaveState.DONE, WaveState.DONE_WITH_FAILURES}
    ended = [one for one in world.rebuilt() if one.base_digest == TWO and one.status in REBUILD_ENDS]
    return len(ended) == dependants


def _put_away(world: Counting) -> int:
    """Return what it costs to put away what ended, once it is a day old."""
    world.counted.clear()
    world.pass_time(KEPT_CURRENT + timedelta(hours=1))
    before = -1
    while before != world.counted["rebuilds.archive_all"]:
        before = world.counted["rebuilds.archive_all"]
        sweep_rebuilds(world.rebuild_progress, {APPS: world.application_runs})
    return world.counted["rebuilds.archive_all"]


def rows() -> list[Row]:
    """Measure and return the table's rows."""
    cost, differ, at_once = measure(), measure(lasts=_RUNS), measure(wave=0)
    return [
        Row(f"a wave of {_DEPENDANTS} with a cap of {_CAP}: calls of ARM for each task", f"{cost.arm:.1f}", "3"),
        Row("  transactions of storage for each task", f"{cost.storage:.1f}", "8"),
        Row("  most at once", f"{cost.most}", f"{_CAP}"),
        Row("  run twice", f"{len(cost.twice)}", "0"),
        Row("  its time by what the cap allows", f"{cost.drained:.2f}", "1.2"),
        Row("  from the canary's end to the wave's next step", f"{cost.delay.total_seconds():.0f} s", "10 s"),
        Row("  where runs last 3 to 11 minutes: calls of ARM", f"{differ.arm:.1f}"),
        Row("  where runs last 3 to 11 minutes: transactions", f"{differ.storage:.1f}"),
        Row("  where runs last 3 to 11 minutes: its time", f"{differ.drained:.2f}", "1.2"),
        Row("  at once, without waves: calls of ARM", f"{at_once.arm:.1f}"),
        Row("  at once, without waves: transactions", f"{at_once.storage:.1f}"),
    ]
