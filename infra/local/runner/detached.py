"""Containers that go on beside the steps until their run ends, as ``docker run --detach`` starts them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from infra.local.runner.errors import EngineError, Stopped
from infra.local.runner.limits import Limits

# Runs a container, calling back with each line it writes, to its end; returns its exit status.
Running = Callable[[Callable[[str], None], Limits], int]


@dataclass
class _Container:
    """One of them: whether it has started or ended, and how it ended."""

    marker: str
    settled: threading.Event = field(default_factory=threading.Event)
    status: int | None = None
    error: EngineError | None = None

    def heard(self, line: str) -> None:
        """Take what it writes, which is nowhere in the run's log; its first line says that it has started."""
        if line == self.marker:
            self.settled.set()


class Detached:
    """The detached containers of one run."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, marker: str, running: Running, limits: Limits, ended: Callable[[], None]) -> int:
        """Start one, and return 0 once it has started, or the exit status with which it ended before.

        Args:
            marker: the line that it writes first.
            running: runs it.
            limits: of the step that starts it, which it outlives.
            ended: called when it has ended.

        Raises:
            EngineError: it could not be made.
            Stopped: the limits were reached while it started.
        """
        container = _Container(marker)
        own = replace(limits, abandoned=self._over, deadline=self._deadline)
        thread = threading.Thread(target=_run, args=(container, running, own, ended), name="detached", daemon=True)
        self._threads.append(thread)
        thread.start()
        while not container.settled.wait(0.02):
            limits.check()
        if container.error:
            raise container.error
        return container.status or 0

    def stop(self) -> None:
        """Kill all of them."""
        self._over.set()
        for thread in self._threads:
            thread.join()


def _run(container: _Container, running: Running, limits: Limits, ended: Callable[[], None]) -> None:
    try:
        status = running(container.heard, limits)
        if not container.settled.is_set():
            container.status = status
    except EngineError as error:
        container.error = error
    except Stopped:
        container.status = 0  # nobody asks any more how it ended
    finally:
        ended()
        container.settled.set()


def new_marker() -> str:
    """Return a line that no container writes by itself: docker's id of it."""
    return secrets.token_hex(32)
