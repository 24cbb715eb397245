"""``python -m infra.local.demo``: bring the twin up, play the scenes, print a timeline; the last line is the result."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.demo.scenes import Scenes
from infra.local.demo.timeline import timeline
from infra.local.demo.watching import SceneFailed
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin

_STATE = ROOT / ".twin" / "demo"
# A check each second, and seconds between two listings of the base registry: a demo is watched. A deployment checks
# every quarter of an hour and leaves five minutes.
_SETTINGS = {
    "SWEEP_SCHEDULE": "*/5 * * * * *",
    "BASE_LISTINGS_APART_SECONDS": "4",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
}
_TOLD_OF_LOG = 40


def main() -> int:
    """Play the demo and return its exit status: 0 only if every scene passed."""
    shutil.rmtree(_STATE, ignore_errors=True)
    began = time.monotonic()
    print("bringing the twin up: Azurite, six registries, the emulator, the Functions host", flush=True)
    with Twin(new_topology(_STATE, free_base_port(), abac=_parse().abac), _SETTINGS) as twin:
        scenes = Scenes(twin)
        scenes.prepare()
        twin.start_host()
        print(f"  up after {time.monotonic() - began:.1f} s", flush=True)
        passed = sum(_play(scene, twin) for scene in scenes.all())
        print("\ntimeline\n" + "\n".join(timeline(scenes.watcher.candidates())))
    total = len(scenes.all())
    print(f"\nthe demo took {time.monotonic() - began:.0f} s")
    print(f"demo: {passed} of {total} scenes passed", flush=True)
    return 0 if passed == total else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--abac", action="store_true", help="the staging registry gives rights by repository")
    return parser.parse_args()


def _play(scene: Callable[[], None], twin: Twin) -> bool:
    began = time.monotonic()
    print(f"{scene.__doc__}", flush=True)
    try:
        scene()
    except SceneFailed as error:
        print(f"  FAILED after {time.monotonic() - began:.1f} s: {error}\n{_end_of(twin.log('host'))}", flush=True)
        return False
    print(f"  passed in {time.monotonic() - began:.1f} s", flush=True)
    return True


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_TOLD_OF_LOG:]
    return "\n".join(f"    {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
