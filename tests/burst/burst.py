"""One burst on a twin of its own: prepared, played, and measured."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local.demo.watching import Watcher
from infra.local.topology import BASE
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import caused_transactions
from infra.local.twin.twin import Twin
from tests.burst import measure
from tests.burst.applications import REBUILD, REBUILDS_AT_ONCE, Applications, tasks_of
from tests.burst.oracle import STAGES, Limits, Oracle
from tests.burst.plan import Move, plan, rolling
from tests.burst.profiles import GATE_SECONDS, PROFILES, seconds_of, settings_of
from tests.burst.stage import Stage, ends_of, moved

_LOOK = 2.0
# After the last tag is there: the last writes, and the search for what is built on it.
_SETTLED = 10.0
_PRODUCT = {
    "CHECK_MCR_SCHEDULE": "*/10 * * * * *",
    "CHECK_DOCKER_HUB_SCHEDULE": "0 0 0 1 1 *",
    "CHECK_OTHER_REGISTRIES_SCHEDULE": "0 0 0 1 1 *",
    "LOOK_AT_BASE_SCHEDULE": "0 */5 * * * *",
    "SWEEP_SCHEDULE": "0 */5 * * * *",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
}
# Where agents are many, what is measured is what Azure grants.
_GATES_WITHOUT_END = 500


@dataclass(frozen=True)
class Asked:
    """Which burst is asked for.

    Attributes:
        profile: one of ``PROFILES``.
        updates: how many tags move.
        seed: of the plan and of all times.
        scale: ARM's buckets, agents and imports at once are multiplied by it.
        longest: seconds after which what is not promoted counts as lost.
        scans: whether each release is scanned beside its test; the oracle knows of no scans.
        run_seconds: how long a gate's or a scan's run takes; the median.
        waves: the share of the entries that ask for waves; the oracle knows of no applications.
    """

    profile: str
    updates: int
    seed: int
    scale: float
    longest: float
    scans: bool = False
    run_seconds: float = GATE_SECONDS
    waves: float = 0.0

    @property
    def limits(self) -> Limits:
        """What is granted."""
        whole = PROFILES[self.profile]
        return replace(
            whole,
            write_bucket=whole.write_bucket * self.scale,
            writes_a_second=whole.writes_a_second * self.scale,
            imports=whole.imports and max(1, round(whole.imports * self.scale)),
            agents=whole.agents and max(1, round(whole.agents * self.scale)),
        )

    def seconds_of(self, move: Move, stage: str) -> float:
        """Return how long a stage of an update takes on the twin."""
        return seconds_of(move, stage, self.seed, self.run_seconds)

    @property
    def gates_at_once(self) -> int:
        """How many runs the product has under way: a little above the number of agents, as is advised."""
        return self.limits.agents + self.limits.agents // 10 + 1 if self.limits.agents else _GATES_WITHOUT_END


def burst(asked: Asked, folder: Path, say: Callable[[str], None]) -> measure.Measured:
    """Play one burst and return what it took; ``folder`` is for the twin's state."""
    moves = plan(asked.updates, asked.seed)
    rolled = rolling(moves, asked.waves)
    fields = {move.repository: REBUILD for move in rolled}
    settings = {
        **_PRODUCT,
        "NEW_TAGS_A_CHECK": str(asked.updates),
        "GATES_AT_ONCE": str(asked.gates_at_once),
        "REBUILDS_AT_ONCE": str(REBUILDS_AT_ONCE),
        **({"IMPORTS_AT_ONCE": str(asked.limits.imports)} if asked.limits.imports else {}),
    }
    topology = new_topology(folder, free_base_port(), application_tasks=tuple(tasks_of(rolled)))
    with Twin(topology, settings) as twin:
        watcher = Watcher(twin.topology)
        stage = Stage(twin.topology, watcher, moves, scans=asked.scans, fields=fields)
        applications = Applications(twin.topology, watcher, rolled)
        stage.prepare()
        applications.prepare()
        twin.start_host()
        stage.adopted()
        say(f"{len(moves)} tags are adopted")
        watcher.set(**settings_of(asked.limits, asked.seed, asked.scale, asked.run_seconds))
        measured = _played(asked, twin, watcher, stage, moves, say)
        rebuilt = applications.rebuilt()
        for one in (*rebuilt.lost, *rebuilt.doubled):
            say("\n    ".join([f"{one.what}: {one.why}", *one.story]))
        return replace(measured, rebuilt=rebuilt)


def _played(
    asked: Asked, twin: Twin, watcher: Watcher, stage: Stage, moves: tuple[Move, ...], say: Callable[[str], None]
) -> measure.Measured:
    azurite, host = twin.log("azurite"), twin.log("host")
    starts, before, runs = (azurite.stat().st_size, host.stat().st_size), watcher.counts(), len(watcher.runs())
    began = time.time()
    mover = threading.Thread(target=_move_all, args=(stage, moves, began), daemon=True)
    mover.start()
    _wait(asked, watcher, moves, began, say)
    mover.join()
    time.sleep(_SETTLED)
    storage = caused_transactions(azurite, host, *starts)
    ends = {move: end - began for move, end in ends_of(watcher.operations(), moves, BASE).items()}
    arm = Counter(watcher.counts().get("arm", {})) - Counter(before.get("arm", {}))
    for kind, number in [*sorted(storage.items()), *sorted(arm.items())]:
        say(f"  {kind}: {number / len(moves):.2f} an update")
    alone = {move: sum(asked.seconds_of(move, part) for part in STAGES) for move in moves}
    best = Oracle(asked.limits, asked.seconds_of).ends(moves)
    requested = measure.requests_of(arm)
    drain = max(ends.values()) if len(ends) == len(moves) else asked.longest
    say(f"the oracle takes {max(best.values()):.0f} s, the product {drain:.0f} s, {len(moves) - len(ends)} are left")
    return measure.Measured(
        updates=len(moves),
        drain=drain / max(best.values()),
        refused=requested.refused / max(requested.all, 1),
        too_early=requested.early,
        arm=requested.all / len(moves),
        storage=storage.total() / len(moves),
        slowest_small=measure.over_alone(ends, alone),
        delay=measure.delay(ends, alone),
        beside=measure.beside_runs(watcher.candidates(), _runs_of(asked, moves)) if asked.scans else None,
        lost=len(stage.left()),
        doubled=measure.doubled(watcher.runs()[runs:], len(moves) * (2 if asked.scans else 1)),
    )


def _runs_of(asked: Asked, moves: tuple[Move, ...]) -> dict[str, float]:
    """Return how long the slower of its two runs takes, by the digest of each update."""
    return {moved(move).digest: max(asked.seconds_of(move, run) for run in ("gate", "scan")) for move in moves}


def _move_all(stage: Stage, moves: tuple[Move, ...], began: float) -> None:
    for move in moves:
        time.sleep(max(0.0, began + move.at - time.time()))
        stage.move(move)


def _wait(asked: Asked, watcher: Watcher, moves: tuple[Move, ...], began: float, say: Callable[[str], None]) -> None:
    """Wait until every tag was promoted, or for as long as is granted."""
    told = 0
    while time.time() - began < asked.longest:
        done = len(ends_of(watcher.operations(), moves, BASE))
        if done == len(moves):
            return
        if done - told >= len(moves) // 10:
            told = done
            say(f"  {time.time() - began:5.0f} s: {done} promoted")
        time.sleep(_LOOK)
