"""What an update costs on the twin: time from push to promoted, storage transactions, requests to ARM and ACR."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.twin.images import push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import caused_transactions
from infra.local.twin.twin import Twin
from tests.bench.table import Row

_TIMED_UPDATES = 7
_COUNTED_UPDATES = 5
_TOGETHER = 10
# After the base tag is there: the last look's writes, and the rebuild's search for tasks.
_SETTLED = 5.0
_TIMERS = ("CHECK_DOCKER_HUB", "CHECK_MCR", "CHECK_OTHER_REGISTRIES", "LOOK_AT_BASE", "SWEEP")
# No timer runs, so that what is counted is that of what was asked for and nobody else's.
NO_TIMERS = dict.fromkeys([f"{timer}_SCHEDULE" for timer in _TIMERS], "0 0 0 1 1 *")
_REPOSITORY, _TARGET = "library/node", "base/node"
_TAGS = [f"{number}-alpine" for number in range(10, 10 + _TOGETHER)]
_WATCH_LIST = (
    "images:\n"
    "  - name: node\n"
    "    source: docker.io/library/node\n"
    f"    tags: [{', '.join(_TAGS)}]\n"
    "    target: base/node\n"
    "    gate: release\n"
)


@dataclass(frozen=True)
class Cost:
    """What one of something cost: storage transactions by kind, and requests by front and kind."""

    storage: dict[str, float]
    requests: dict[str, dict[str, float]]


class Ground:
    """A twin with a watch list of ten tags, all of them promoted once.

    Args:
        twin: up, with its host.
    """

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.watcher = Watcher(twin.topology)
        StageSet(twin.topology, self.watcher).configure(_WATCH_LIST)
        self._release = 0
        self.update(_TAGS)

    def update(self, tags: list[str]) -> float:
        """Release some tags anew, wait until they are promoted, and return the seconds from push to promoted."""
        self._release += 1
        hub = self.twin.topology.http("backing_docker_hub")
        wanted = {tag: push_image(hub, _REPOSITORY, tag, f"{tag} {self._release}").digest for tag in tags}
        began = time.time()
        self.watcher.api("POST", "check")
        eventually("the update is promoted", lambda: self._are(wanted), seconds=180, pause=0.02)
        return time.time() - began

    def quiet(self) -> None:
        """Wait until no work is left."""
        queues = ("imports", "validations")
        eventually("all is quiet", lambda: self.watcher.waiting(*queues) == 0, seconds=180)

    def inside(self, since: int) -> float:
        """Return the seconds that were spent inside imports and runs since an operation's number."""
        eventually("every operation has ended", lambda: all(one["finished"] for one in self.watcher.operations()))
        return sum(one["finished"] - one["started"] for one in self.watcher.operations()[since:])

    def _are(self, wanted: dict[str, str]) -> bool:
        return all(self.watcher.digest("base", _TARGET, tag) == digest for tag, digest in wanted.items())


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the twins' state."""
    return [*_time_rows(folder / "timed"), *_cost_rows(folder / "counted")]


def _time_rows(folder: Path) -> list[Row]:
    with Twin(new_topology(folder, free_base_port())) as twin:
        twin.start_host()
        ground = Ground(twin)
        timed = [_timed(ground) for _ in range(_TIMED_UPDATES)]
    whole, own = (statistics.median(values) for values in zip(*timed, strict=True))
    return [
        Row("from upstream push to promoted, 1 s schedule", f"{whole:.1f} s"),
        Row("  not inside an import or a run", f"{own:.1f} s", "5 s"),
    ]


def _timed(ground: Ground) -> tuple[float, float]:
    ground.quiet()
    since = len(ground.watcher.operations())
    whole = ground.update([_TAGS[0]])
    return whole, whole - ground.inside(since)


def _cost_rows(folder: Path) -> list[Row]:
    with Twin(new_topology(folder, free_base_port()), NO_TIMERS) as twin:
        twin.start_host()
        ground = Ground(twin)
        alone = [_counted(ground, _TAGS[:1]) for _ in range(_COUNTED_UPDATES)]
        together = _counted(ground, _TAGS)
    return [*_counted_rows("one update", alone), *_counted_rows(f"{_TOGETHER} updates at once, each", [together])]


def _counted(ground: Ground, tags: list[str]) -> Cost:
    ground.quiet()
    return cost_of(ground.twin, lambda: ground.update(tags), len(tags))


def cost_of(twin: Twin, act: Callable[[], object], by: int) -> Cost:
    """Do something while no timer runs, and count what it cost.

    Args:
        twin: up, with its host, and quiet.
        act: returns once what it asks for is done, but for the last writes.
        by: of how many things it is the cost; what is returned is that of each.
    """
    time.sleep(0.5)
    azurite, host = twin.log("azurite"), twin.log("host")
    starts = azurite.stat().st_size, host.stat().st_size
    watcher = Watcher(twin.topology)
    before = watcher.counts()
    act()
    time.sleep(_SETTLED)
    storage = caused_transactions(azurite, host, *starts)
    # Who waits for quiet asks for queues' properties; the product never does.
    del storage["queue QueueProperties"]
    requested = _since(before, watcher.counts())
    return Cost(_each(storage, by), {front: _each(kinds, by) for front, kinds in requested.items()})


def _since(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> dict[str, Counter[str]]:
    fronts = ("arm", "staging", "base", "docker_hub_auth", "docker_hub_registry", "docker_hub_api")
    return {front: Counter(after.get(front, {})) - Counter(before.get(front, {})) for front in fronts}


def _each(counted: Counter[str], by: int) -> dict[str, float]:
    return {kind: number / by for kind, number in counted.items() if number}


def _counted_rows(what: str, costs: list[Cost]) -> list[Row]:
    storage = statistics.median(sum(cost.storage.values()) for cost in costs)
    fronts = costs[0].requests
    middle = {front: statistics.median(sum(cost.requests[front].values()) for cost in costs) for front in fronts}
    return [
        Row(f"storage transactions a promotion, {what}", f"{storage:.1f}", "40"),
        *(Row(f"  {kind}", f"{number:.1f}") for kind, number in sorted(costs[0].storage.items())),
        *(Row(f"requests to {front}, {what}", f"{number:.1f}") for front, number in middle.items()),
    ]
