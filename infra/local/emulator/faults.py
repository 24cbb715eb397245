"""Faults on request: the failures of real services that nobody can order from the real services."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from werkzeug.wrappers import Response

ACTIONS = (
    "status",
    "slow",
    "drop",
    "lose-answer",
    "lost-webhook",
    "repeat-webhook",
    "retell-webhook",
    "fail-operation",
    "end-early",
    "end-late",
)


@dataclass
class Fault:
    """One failure to play.

    Attributes:
        front: the part it concerns, named as in the topology (``arm``, ``base``, ``docker_hub_registry``, ...).
        action: one of ``ACTIONS``.
        kind: the kind of request, as counted; empty for any. Webhooks are of kind ``webhook``, runs ``run``.
        path: a regular expression that must be found in the request's path; empty for any. That of a run is its
            registry, its id and, if it has one, its task: ``tidegateapps/ca7/shop``.
        status: the HTTP status of a ``status`` fault.
        headers: additional headers of a ``status`` fault, such as ``Retry-After``.
        body: the text answered by a ``status`` fault.
        seconds: how much later a ``slow`` fault lets the request through, and an ``end-late`` one a run end.
        code: the error code of a ``fail-operation`` fault; for a run its final status, and as what it ends early.
        message: the error message of a ``fail-operation`` fault.
        times: how often it still happens; ``None`` for until it is removed.
        lasts: seconds after which it is over, however often it happened; ``None`` for as long as ``times`` says.
    """

    front: str
    action: str
    kind: str = ""
    path: str = ""
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0
    code: str = "InternalError"
    message: str = "The operation failed because it was asked to."
    times: int | None = 1
    lasts: float | None = None

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        if self.action not in ACTIONS:
            raise ValueError(f"action: expected one of {', '.join(ACTIONS)}, not {self.action!r}")
        re.compile(self.path)

    @property
    def is_over(self) -> bool:
        """Whether its time is up."""
        return self.lasts is not None and time.monotonic() - self._began > self.lasts

    def concerns(self, front: str, kind: str, path: str) -> bool:
        """Tell whether this fault is meant for such a request."""
        return self.front == front and self.kind in ("", kind) and re.search(self.path, path) is not None

    def response(self) -> Response:
        """Return the answer of a ``status`` fault."""
        response = Response(self.body, self.status, content_type="application/json")
        response.headers.update(self.headers)
        return response


class Faults:
    """The faults still to be played, thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, record: dict[str, Any]) -> None:
        """Add a fault from its JSON object; ``TypeError`` or ``ValueError`` says what is wrong with it."""
        fault = Fault(**record)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._faults.clear()

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the faults still to be played, as JSON objects."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if not fault.is_over]

    def take(self, front: str, kind: str, path: str, actions: tuple[str, ...]) -> Fault | None:
        """Return the first fault of these actions that concerns the request, and count it as played."""
        with self._lock:
            self._faults = [fault for fault in self._faults if not fault.is_over]
            for fault in self._faults:
                if fault.action in actions and fault.concerns(front, kind, path):
                    self._spend(fault)
                    return fault
        return None

    def _spend(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
