"""What it costs to tell who would be rebuilt: time from a warm index, and requests to ARM where nothing is known yet.

The rules and the flow are the product's. What is kept of tasks is decoded anew for each telling, as rows of the table
are; calls of ARM are counted as the pages that its lists come in.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.kept_tasks import KeptTask
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.task_runs import Pushed, TaskRun, TaskRuns
from shared.flows.impact import ImpactTeller, ImpactTold
from shared.rules.impacts import Impacts
from tests.bench.table import Row
from tests.doubles.registries import InMemoryRuns
from tests.doubles.storage import InMemoryListings
from tests.doubles.world import BASE, BASE_SERVER, ONE, TAG, TARGET, World

_TASKS, _REGISTRIES, _TELLINGS = 1000, 3, 20
# Every tenth task is an image between, on which the nine after it are built.
_BETWEEN = 10
# As ARM gives them, of tasks and of runs; of the latter a thousand are looked through.
_PAGE, _PAGES_OF_RUNS = 100, 10
_TASKS_DECODED = msgspec.json.Decoder(tuple[KeptTask, ...])


class EncodedListings(InMemoryListings):
    """Decodes what it keeps whenever it is read, as a table's rows are."""

    def tasks(self, registry: str) -> Iterator[KeptTask]:
        """See ``Listings.tasks``."""
        yield from _TASKS_DECODED.decode(msgspec.json.encode(tuple(super().tasks(registry))))


def ground(tasks: int = _TASKS, registries: int = _REGISTRIES) -> World:
    """Return a world whose tag was promoted, with so many tasks of which nothing is listed yet."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    world.listings = EncodedListings()
    world.runs = {f"apps{number}": InMemoryRuns() for number in range(registries)}
    world.start()
    names = [*world.runs]
    for number in range(tasks):
        made = _task(names[number % registries], number)
        runs = world.runs[made.registry]
        runs.application_tasks += (made,)
        runs.task_runs[made.name] = TaskRuns(
            TaskRun(f"run{number}", RunStatus.FAILED if number % 7 == 0 else RunStatus.SUCCEEDED),
            (Pushed("apps.azurecr.io", f"image{number}", "1", ONE),),
        )
    return world


def _task(registry: str, number: int) -> ApplicationTask:
    between = number - number % _BETWEEN
    own = Dependency("apps.azurecr.io", f"image{between}", "1", ONE)
    base = Dependency(BASE_SERVER, TARGET, TAG, ONE)
    on = (base,) if number == between else (own,)
    return ApplicationTask(registry, f"task{number}", f"/tasks/task{number}", True, False, on)


def tell(world: World) -> ImpactTold:
    """Tell who would be rebuilt."""
    parts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force)
    teller = ImpactTeller(Impacts(*parts, BASE, BASE_SERVER, lambda name: f"{name}.azurecr.io"))
    return teller.of_entry(world.watch_lists.in_force(), "node")


def requests_of(world: World) -> int:
    """Return how many requests ARM was asked by: a page of each list, and single reads."""
    found = 0
    for runs in world.runs.values():
        pages = -(-len(runs.application_tasks) // _PAGE)
        found += runs.asked["tasks"] * pages + runs.asked["task"]
        found += (runs.asked["latest_runs"] + runs.asked["ended_since"]) * _PAGES_OF_RUNS
    return found


def cold_minute(world: World) -> tuple[int, ImpactTold]:
    """Ask again and again for a minute; return how many requests that were, and what was told last."""
    told = tell(world)
    for _ in range(11):
        world.settle()
        told = tell(world)
    return requests_of(world), told


def rows() -> list[Row]:
    """Measure and return the table's rows."""
    world = ground()
    asked, told = cold_minute(world)
    times = []
    for _ in range(_TELLINGS):
        begun = time.perf_counter()
        told = tell(world)
        times.append(time.perf_counter() - begun)
    bare = ground()
    for runs in bare.runs.values():
        runs.without_bases = True
    one_by_one, _ = cold_minute(bare)
    what = f"{_TASKS} tasks of {_REGISTRIES} registries"
    return [
        Row(
            f"who would be rebuilt, {what}, {len(told.dependants)} of them told, warm",
            f"{statistics.median(times):.2f} s",
            "2 s",
        ),
        Row("  requests to ARM in the first minute, lists with their bases", f"{asked}", "60"),
        Row("  the same until each is read by itself, where lists leave bases out", f"{one_by_one}"),
    ]
