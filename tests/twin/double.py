"""A task runner that records what it was asked and answers what it was told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from infra.local.runner.model import RunRequest, RunResult


class DoubleRunner:
    """Stands in for ``execute``: the tests of the emulator are about requests and records, not about builds."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.sources: list[bytes] = []
        self.result = RunResult("Succeeded")
        self.hold = threading.Event()
        self.forget()

    def forget(self) -> None:
        """Answer success at once again, and forget what was asked."""
        self.requests.clear()
        self.sources.clear()
        self.result = RunResult("Succeeded")
        self.hold.set()

    def __call__(self, request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
        """Record the request, wait while held, and answer."""
        self.requests.append(request)
        self.sources.append(request.source.read_bytes() if request.source else b"")
        log(f"Executing run {request.run_id}")
        while not self.hold.wait(0.02):
            if cancelled.is_set():
                return RunResult("Canceled", error="canceled")
        return self.result
