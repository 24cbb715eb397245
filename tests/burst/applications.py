"""Application tasks of a burst, of which a share of the entries asks for waves: put there, waited for, and judged."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.demo.watching import Watcher, eventually
from infra.local.topology import APPLICATIONS, Topology
from infra.local.twin.settings import storage_connection_string
from tests.burst.plan import Move
from tests.burst.stage import moved, target_of
from tests.chaos.found import Found
from tests.chaos.judge_beside import Finding
from tests.chaos.judge_waves import Rebuild, Rolled, Run, Wave, doubled_in_waves, lost_in_waves, under_way

# So many of a registry are under way at once; the entries let all but one of theirs go together.
REBUILDS_AT_ONCE = 6
REBUILD = ", rebuild: {canary: 1, wave: 10, window: 1m}"
_EACH = 3
# Once every tag is there nothing is measured but that all of them are built: runs need not be long any more.
_SHORT_RUN = 2.0
_LONGEST_BUILD, _LONGEST_WAVE, _LOOK = 300.0, 900.0, 2.0


@dataclass(frozen=True)
class Rebuilt:
    """What became of the applications.

    Attributes:
        waves: how many there were.
        rebuilds: how many were asked for in them.
        at_once: how many were under way at most.
        lost: tasks that are not built on the release, waves that are not done, and what the judge of waves calls lost.
        doubled: what he calls doubled, more at once than may be among it.
    """

    waves: int = 0
    rebuilds: int = 0
    at_once: int = 0
    lost: tuple[Finding, ...] = ()
    doubled: tuple[Finding, ...] = ()

    @property
    def line(self) -> str:
        """What is told of it in the result; nothing where nobody asked for waves."""
        return f", {self.waves} waves of {self.rebuilds} rebuilds, {self.at_once} at once" if self.waves else ""


class Applications:
    """Tasks that are built on the tags whose entries ask for waves.

    Args:
        topology: of the twin.
        watcher: looks at it.
        moves: of these tags.
    """

    def __init__(self, topology: Topology, watcher: Watcher, moves: tuple[Move, ...]) -> None:
        self._topology, self._watcher = topology, watcher
        self._on = tasks_of(moves)
        self._found = Found(storage_connection_string(topology), 1.0)

    def prepare(self) -> None:
        """Have each built once on what its tag bears at first, by a run that is played."""
        if not self._on:
            return
        self._watcher.set(runs_played=True, run_seconds=0.1)
        for name, move in self._on.items():
            self._watcher.arm("PUT", APPLICATIONS, f"tasks/{name}", self._task(move))
            task_id = f"{self._topology.registry_id(APPLICATIONS)}/tasks/{name}"
            self._watcher.arm("POST", APPLICATIONS, "scheduleRun", {"type": "TaskRunRequest", "taskId": task_id})
        eventually("every task was built once", lambda: all(self._built_on().values()), seconds=_LONGEST_BUILD)

    def rebuilt(self) -> Rebuilt:
        """Let all runs be short, wait until every task is built on the release, and judge how that came about."""
        if not self._on:
            return Rebuilt()
        self._watcher.set(run_seconds=_SHORT_RUN)
        end = time.monotonic() + _LONGEST_WAVE
        while self._left() and time.monotonic() < end:
            time.sleep(_LOOK)
        rolled = Rolled(self._found.waves(), self._found.decided(), at_once=REBUILDS_AT_ONCE)
        return judged(rolled, self._found.rebuilds(), self._runs(), self._left())

    def _left(self) -> tuple[Finding, ...]:
        waves = {wave.tag: wave for wave in self._found.waves()}
        built = self._built_on()
        return tuple(
            Finding(name, f"it is not built on the release of {move.name}", _story(waves.get(_tag(move))))
            for name, move in self._on.items()
            if built.get(name, {}).get(_tag(move)) != moved(move).digest or not _is_done(waves.get(_tag(move)))
        )

    def _built_on(self) -> dict[str, dict[str, str]]:
        listed = self._watcher.arm("GET", APPLICATIONS, "tasks")["value"]
        return {
            task["name"]: {
                f"{base['repository']}:{base['tag']}": base["digest"]
                for base in task["properties"]["step"].get("baseImageDependencies") or []
            }
            for task in listed
        }

    def _task(self, move: Move) -> dict[str, Any]:
        """A step before the build leaves what that reads, as played runs do."""
        base = f"{self._topology.address('base')}/{_tag(move)}"
        steps = f"version: v1.1.0\nsteps:\n  - cmd: {base} true\n  - build: -t app --build-arg BASE_IMAGE={base} .\n"
        step = {"type": "EncodedTask", "encodedTaskContent": base64.b64encode(steps.encode()).decode()}
        platform = {"os": "Linux", "architecture": "amd64"}
        return {"location": "westeurope", "properties": {"platform": platform, "step": step, "timeout": 600}}

    def _runs(self) -> tuple[Run, ...]:
        prefix = f"{self._topology.address('base')}/"
        return tuple(run_of(one, prefix) for one in self._watcher.runs() if one["registry"] == APPLICATIONS)


def run_of(listed: Mapping[str, Any], prefix: str) -> Run:
    """Return a run as the emulator lists it; ``prefix`` is what the base registry's images begin with."""
    return Run(
        registry=listed["registry"],
        id=listed["run_id"],
        name=listed["name"],
        task=listed["task"] or "",
        status=listed["status"],
        bases={name.removeprefix(prefix): digest for name, digest in listed["bases"].items()},
        asked=listed["created"],
        started=listed["started"] or 0.0,
        finished=listed["finished"] or 0.0,
    )


def tasks_of(moves: Iterable[Move]) -> dict[str, Move]:
    """Return the tasks that are built on tags, by their names."""
    return {
        f"{move.repository.replace('/', '-')}-{move.tag}-{number}": move for move in moves for number in range(_EACH)
    }


def judged(rolled: Rolled, rebuilds: tuple[Rebuild, ...], runs: tuple[Run, ...], left: tuple[Finding, ...]) -> Rebuilt:
    """Return what is to be told of the waves of a burst."""
    return Rebuilt(
        waves=len(rolled.waves),
        rebuilds=sum(bool(one.wave) for one in rebuilds),
        at_once=max((len(beside) for _, beside in under_way(runs)), default=0),
        lost=(*left, *lost_in_waves(rolled, rebuilds, runs)),
        doubled=tuple(doubled_in_waves(rolled, rebuilds, runs)),
    )


def _tag(move: Move) -> str:
    return f"{target_of(move)}:{move.tag}"


def _is_done(wave: Wave | None) -> bool:
    return wave is not None and wave.state == "done"


def _story(wave: Wave | None) -> tuple[str, ...]:
    return wave.story if wave is not None else ("it has no wave",)
