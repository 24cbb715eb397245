"""What the receivers got, and whether somebody would have seen it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One message.

    Attributes:
        front: whose it was: ``slack``, ``teams``, ``webhook`` or ``mail``.
        body: as it came, as text.
        shown: whether people would see it. What is refused is not shown, nor is what a workflow takes and cannot post.
        why: what the real service would say of one that is not shown.
        headers: of the request, by their names in lower case; of mail its envelope.
        calls: whom the text would call or link to, where the service's markup says so.
    """

    front: str
    body: str
    shown: bool
    why: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()


class Kept:
    """The messages in the order in which they came, thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[Received] = []

    def add(self, message: Received) -> None:
        """Keep one message."""
        with self._lock:
            self._messages.append(message)

    def of(self, front: str = "") -> list[Received]:
        """Return what came, to one front or to all."""
        with self._lock:
            return [message for message in self._messages if front in ("", message.front)]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._messages.clear()

    def snapshot(self, front: str = "") -> list[dict[str, Any]]:
        """Return what came as JSON objects."""
        return [asdict(message) for message in self.of(front)]
