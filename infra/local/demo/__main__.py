"""``python -m infra.local.demo``: bring twins up, play the scenes, print timelines; the last line is the result."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from infra.local.demo.admission_scenes import AdmissionScenes, stage_settings
from infra.local.demo.builder_scenes import BuilderScenes, builder_settings
from infra.local.demo.record_scenes import RecordScenes, record_settings
from infra.local.demo.scan_scenes import ScanScenes
from infra.local.demo.scenes import Scenes
from infra.local.demo.stage_set import APPLICATION
from infra.local.demo.stages import DOCKER_HUB_ALONE, HOST_OPTIONS, NO_MCR, NO_OTHERS, SETTINGS, Stage, Together, tell
from infra.local.demo.stages import Scenes as OfStage
from infra.local.demo.travel_scenes import TravelScenes
from infra.local.demo.wave_scenes import APPLICATION_TASKS, WaveScenes
from infra.local.topology import Topology
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import free_base_ports, new_topology
from infra.local.twin.twin import Twin

_STATE = ROOT / ".twin" / "demo"
_STAGES: dict[str, Callable[[Twin], OfStage]] = {
    "updates": Scenes,
    "scans": ScanScenes,
    "admissions": AdmissionScenes,
    "travel": TravelScenes,
    # What is built elsewhere is seldom waited for: no twin more.
    "records": lambda twin: Together(RecordScenes(twin), BuilderScenes(twin)),
    "waves": WaveScenes,
}
_MORE_SETTINGS: dict[str, Callable[[Topology], dict[str, str]]] = {
    "updates": lambda _: NO_OTHERS,
    "admissions": lambda topology: {**NO_MCR, **stage_settings(topology)},
    "travel": lambda _: DOCKER_HUB_ALONE,
    "records": lambda topology: {**DOCKER_HUB_ALONE, **record_settings(topology), **builder_settings(topology)},
    "waves": lambda _: DOCKER_HUB_ALONE,
}

# Stages on which the app may lock images, as a deployment says by a parameter.
_LOCKS = frozenset({"travel"})
# The application tasks that the app may run on a stage.
_TASKS: dict[str, tuple[str, ...]] = {"waves": APPLICATION_TASKS}


def main() -> int:
    """Play the demo and return its exit status: 0 only if every scene passed."""
    abac = _parse().abac
    shutil.rmtree(_STATE, ignore_errors=True)
    began = time.monotonic()
    tell(f"bringing {len(_STAGES)} twins up, each of Azurite, six registries, the emulator and the Functions host")
    stages = _stages(abac=abac)
    # Whoever breaks off has the twins stopped first: the scenes that are being played then end.
    with ThreadPoolExecutor(len(stages)) as pool, ExitStack() as twins:
        for stage in stages:
            twins.callback(stage.twin.stop)
        list(pool.map(Stage.open, stages))
        tell(f"{time.monotonic() - began:6.1f} s  up; {', '.join(_STAGES)} are played side by side")
        played = list(pool.map(Stage.play, stages))
        for name, one in zip(_STAGES, played, strict=True):
            tell(f"\ntimeline of {name}\n" + "\n".join(one.timeline))
    passed = sum(one.passed for one in played)
    total = sum(len(stage.scenes.all()) for stage in stages)
    tell(f"\nthe demo took {time.monotonic() - began:.0f} s")
    tell(f"demo: {passed} of {total} scenes passed")
    return 0 if passed == total else 1


def _stages(*, abac: bool) -> list[Stage]:
    """Sets of scenes share nothing, and each waits most of its time: so each has a twin of its own."""
    stages = []
    for (name, scenes), port in zip(_STAGES.items(), free_base_ports(len(_STAGES)), strict=True):
        tasks = _TASKS.get(name, (APPLICATION,))
        topology = new_topology(_STATE / name, port, abac=abac, locks=name in _LOCKS, application_tasks=tasks)
        more = _MORE_SETTINGS.get(name, lambda _: {})(topology)
        twin = Twin(topology, {**SETTINGS, **more}, host_options=HOST_OPTIONS)
        stages.append(Stage(twin, scenes(twin)))
    return stages


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--abac", action="store_true", help="the staging registry gives rights by repository")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
