"""The containers of a run's steps, by their names: no two have the same at the same time, as with docker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from infra.local.runner.detached import Detached, new_marker
from infra.local.runner.engine import ContainerOptions, Engine
from infra.local.runner.errors import EngineError
from infra.local.runner.limits import Limits
from infra.local.runner.places import Place, Places
from infra.local.runner.task import Step


class Containers:
    """Runs the steps' containers.

    Args:
        engine: runs one.
        places: which network each is on.
        deadline: of the run, which no detached container outlives.
    """

    def __init__(self, engine: Engine, places: Places, deadline: float) -> None:
        self._engine = engine
        self._places = places
        self._detached = Detached(deadline)
        self._lock = threading.Lock()
        self._taken: set[str] = set()

    def run(
        self,
        step: Step,
        image: str,
        arguments: Sequence[str],
        options: ContainerOptions,
        output: Callable[[str], None],
        limits: Limits,
    ) -> int:
        """Run a step's container, or start it if the step is detached; return its exit status.

        Raises:
            EngineError: its network is not there, or its name is taken by a container that was kept or goes on.
        """
        placed = options if options.bare else replace(options, place=self._places.find(step), user=step.user)

        def running(write: Callable[[str], None], until: Limits) -> int:
            with self._known(placed.place):
                return self._engine.run(image, arguments, placed, write, until)

        self._take(step.id)
        if step.detach:
            placed = replace(placed, marker=new_marker())
            return self._start(step, placed.marker, running, output, limits)
        try:
            return running(output, limits)
        finally:
            self._leave(step)

    def stop(self) -> None:
        """Kill what was detached."""
        self._detached.stop()

    def _start(
        self,
        step: Step,
        marker: str,
        running: Callable[[Callable[[str], None], Limits], int],
        output: Callable[[str], None],
        limits: Limits,
    ) -> int:
        status = self._detached.start(marker, running, limits, lambda: self._leave(step))
        output(marker if status == 0 else "docker: Error response from daemon: its command cannot be started.")
        return status

    @staticmethod
    def _known(place: Place | str) -> AbstractContextManager[None]:
        return place.names.known(place.name, place.address) if isinstance(place, Place) else nullcontext()

    def _take(self, name: str) -> None:
        with self._lock:
            if name in self._taken:
                raise EngineError(
                    f'docker: Error response from daemon: Conflict. The container name "/{name}" is already in use.'
                )
            self._taken.add(name)

    def _leave(self, step: Step) -> None:
        if not step.keep:
            with self._lock:
                self._taken.discard(step.id)
