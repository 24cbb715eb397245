"""One instance as the host knows it: its process, what it runs, and what was asked of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from infra.local.host.billing import Meter
from infra.local.host.counts import Counts
from infra.local.host.instance_messages import Answer, Began, Called, Ended, FromInstance, Ready, ToInstance

NEVER = float("inf")


class InstanceGone(Exception):
    """The instance that had a request is no more; the message is its name."""


class ChildProcess(Protocol):
    """An instance's process."""

    @property
    def pid(self) -> int | None:
        """Its number."""

    def kill(self) -> None:
        """End it at once."""

    def join(self) -> None:
        """Wait for its end."""


class Line(Protocol):
    """A line to an instance, as ``multiprocessing`` has it."""

    def send(self, message: ToInstance, /) -> None:
        """Say something."""

    def recv(self) -> FromInstance:
        """Wait for what is said; ``EOFError`` once the other end is gone."""


@dataclass(eq=False)
class Member:
    """One instance.

    Attributes:
        name: such as ``import_image-3``.
        group: the scale group whose functions it runs.
        process, line: its process, and the line to it, on which one thread at a time is ``telling``.
        ready: whether it serves.
        idle_since: when it last became idle.
        killed_at: when it is killed, once it is to go.
        meter: its busy time.
        running: calls under way, by function.
        asked: HTTP requests under way.
    """

    name: str
    group: str
    process: ChildProcess
    line: Line
    telling: threading.Lock = field(default_factory=threading.Lock)
    ready: bool = False
    idle_since: float = NEVER
    killed_at: float = NEVER
    meter: Meter = field(default_factory=Meter)
    running: Counter[str] = field(default_factory=Counter)
    asked: dict[int, Future[Answer]] = field(default_factory=dict)

    @property
    def draining(self) -> bool:
        """Whether it is to go."""
        return self.killed_at != NEVER

    @property
    def state(self) -> str:
        """``starting``, ``ready`` or ``draining``."""
        return "draining" if self.draining else "ready" if self.ready else "starting"

    def idle_seconds(self, now: float) -> float:
        """For how long it has run nothing; 0 while it runs something or is not ready."""
        return 0.0 if self.meter.running or not self.ready else max(0.0, now - self.idle_since)

    def take(self, message: FromInstance, counts: Counts) -> None:
        """Take note of what the instance says."""
        match message:
            case Ready():
                self.ready, self.idle_since = True, time.monotonic()
            case Began(function, at):
                self.running[function] += 1
                self.meter.began(at)
            case Ended():
                self._ended(message, counts)
            case Called(subject, kind):
                counts.add(subject, kind)
            case Answer(number):
                self.asked.pop(number).set_result(message)

    def gone(self, now: float, counts: Counts) -> int:
        """Take note that the instance is no more, and return how many calls were aborted by that."""
        counts.add("drained" if self.draining else "lost", self.group)
        aborted = +self.running
        for function, number in aborted.items():
            counts.add("executions", function, number)
            counts.add("aborted", function, number)
        self.meter.cut(now)
        for answer in self.asked.values():
            answer.set_exception(InstanceGone(self.name))
        return aborted.total()

    def _ended(self, ended: Ended, counts: Counts) -> None:
        self.running[ended.function] -= 1
        self.meter.ended(ended.at)
        self.idle_since = ended.at
        counts.add("executions", ended.function)
        if ended.failed:
            counts.add("failed", ended.function)
