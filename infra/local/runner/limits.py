"""How long work may go on: until it is cancelled, its time is used up, or another step has failed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from infra.local.runner.errors import Stopped

_POLL = 0.05  # seconds between looks at the events; short enough to feel immediate


@dataclass(frozen=True)
class Limits:
    """What ends a run or a step early.

    Attributes:
        cancelled: set by whoever asked for the run.
        abandoned: set by the run itself when a step has failed, for steps that run beside it.
        deadline: on the clock of ``time.monotonic``.
    """

    cancelled: threading.Event
    abandoned: threading.Event
    deadline: float

    def within(self, seconds: float) -> Limits:
        """Return the same limits with at most ``seconds`` from now."""
        return replace(self, deadline=min(self.deadline, time.monotonic() + seconds))

    def check(self) -> None:
        """Raise ``Stopped`` if work must end now, with the words Go's contexts use for it."""
        if self.cancelled.is_set():
            raise Stopped("Canceled", "context canceled")
        if self.abandoned.is_set():
            raise Stopped("Failed", "context canceled")
        if time.monotonic() >= self.deadline:
            raise Stopped("Timeout", "context deadline exceeded")

    def sleep(self, seconds: float) -> None:
        """Wait ``seconds``; raise ``Stopped`` as soon as work must end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(_POLL)
