"""The demo's stages: each has a twin of its own and its scenes in order, and they are played side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import requests

from infra.local.demo.timeline import timeline
from infra.local.demo.watching import SceneFailed, Watcher
from infra.local.twin.twin import Twin

# A check every other second, and two between listings of the base registry: a demo is watched, and its registries have
# no replicas that lag. A deployment checks every quarter of an hour and leaves five minutes.
_EVERY_OTHER_SECOND = "*/2 * * * * *"
SETTINGS = {
    "CHECK_DOCKER_HUB_SCHEDULE": _EVERY_OTHER_SECOND,
    "CHECK_MCR_SCHEDULE": _EVERY_OTHER_SECOND,
    "CHECK_OTHER_REGISTRIES_SCHEDULE": _EVERY_OTHER_SECOND,
    "SWEEP_SCHEDULE": "*/5 * * * * *",
    "LOOK_AT_BASE_SCHEDULE": "*/3 * * * * *",
    "BASE_LISTINGS_APART_SECONDS": "2",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
}
# For how long a message stays away that a killed host was working on: ten minutes in Azure.
HOST_OPTIONS = ("--invisible-seconds=15",)
_TOLD_OF_LOG = 40
# Of registries that no entry of a stage names: a check finds nothing to do, and takes of the processors all the same.
_SELDOM = "0 0 0 1 1 *"
NO_MCR = {"CHECK_MCR_SCHEDULE": _SELDOM}
NO_OTHERS = {"CHECK_OTHER_REGISTRIES_SCHEDULE": _SELDOM}
DOCKER_HUB_ALONE = {**NO_MCR, **NO_OTHERS}


class Scenes(Protocol):
    """What a stage plays."""

    @property
    def watcher(self) -> Watcher:
        """What looks at the twin."""

    def prepare(self) -> None:
        """Put everything on the stage before the host starts."""

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""


class Together:
    """Scenes that share a twin: those of each are played after those of the one before.

    Args:
        played: all of them; the first looks at the twin for all.
    """

    def __init__(self, *played: Scenes) -> None:
        self._played = played

    @property
    def watcher(self) -> Watcher:
        """What looks at the twin."""
        return self._played[0].watcher

    def prepare(self) -> None:
        """Put everything on the stage before the host starts."""
        for scenes in self._played:
            scenes.prepare()

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return tuple(scene for scenes in self._played for scene in scenes.all())


@dataclass(frozen=True)
class Played:
    """What became of a stage.

    Attributes:
        passed: how many of its scenes passed.
        timeline: what happened, a line each.
    """

    passed: int
    timeline: list[str]


@dataclass(frozen=True)
class Stage:
    """A twin, and the scenes that are played on it.

    Attributes:
        twin: nothing of it has been started yet.
        scenes: its scenes.
    """

    twin: Twin
    scenes: Scenes

    def open(self) -> None:
        """Start the twin, and the host once all is prepared."""
        self.twin.start()
        self.scenes.prepare()
        self.twin.start_host()

    def play(self) -> Played:
        """Play all scenes, and tell how each ended and in how many seconds.

        Then the twin is stopped: it would go on checking, and take from the stages that are still played.
        """
        passed = sum(self._play(scene) for scene in self.scenes.all())
        played = Played(passed, timeline(self.scenes.watcher.candidates()))
        self.twin.stop()
        return played

    def _play(self, scene: Callable[[], None]) -> bool:
        began = time.monotonic()
        try:
            scene()
        except (SceneFailed, requests.RequestException) as error:
            tell(f"{_seconds(began)}  FAILED  {scene.__doc__}\n{error}\n{_end_of(self.twin.log('host'))}")
            return False
        tell(f"{_seconds(began)}  passed  {scene.__doc__}")
        return True


def tell(text: str) -> None:
    """Print lines at once: others are printed meanwhile."""
    print(f"{text}\n", end="", flush=True)


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:6.1f} s"


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_TOLD_OF_LOG:]
    return "\n".join(f"    {line}" for line in lines)
