"""What the host and an instance of it say to each other; moments are of the monotonic clock, one for all processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.host.keys import Keys


@dataclass(frozen=True)
class Plan:
    """What an instance is: told once, when it is started.

    Attributes:
        name: of the instance.
        functions: the names of those it runs.
        app: ``module:variable``.
        host_json: the app's.
        keys: the app's.
        invisible_seconds: for how long it receives messages.
        timer_lease_seconds: how long a timer's lease lasts.
        ready_at: not before this moment does it serve.
    """

    name: str
    functions: frozenset[str]
    app: str
    host_json: Path
    keys: Keys
    invisible_seconds: float
    timer_lease_seconds: int
    ready_at: float


@dataclass(frozen=True)
class Ready:
    """The instance serves."""


@dataclass(frozen=True)
class Began:
    """A call of a function began."""

    function: str
    at: float


@dataclass(frozen=True)
class Ended:
    """A call of a function ended."""

    function: str
    failed: bool
    at: float


@dataclass(frozen=True)
class Called:
    """The instance made a storage request of the host's own."""

    subject: Literal["lease_calls", "timer_status_calls"]
    kind: str


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, to the request with this number."""

    number: int
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Ask:
    """An HTTP request for the instance: the texts of its WSGI environment, and its body."""

    number: int
    environ: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Drain:
    """The instance is to take no more work and to end once nothing runs."""


FromInstance = Ready | Began | Ended | Called | Answer
ToInstance = Ask | Drain
