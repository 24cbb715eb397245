"""The builds of one builder, and what goes wrong with them on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Odd:
    """What goes wrong; a number says how many more times.

    Attributes:
        lost: an accepted request is answered 502.
        nameless: an accepted request is answered without naming the build.
        doubled: a request begins two builds.
        dropped: a request is accepted, and begins no build.
        limited: a request is refused by a secondary limit, for ``wait`` seconds.
        wait: see ``limited``.
        hidden: how many listings a new build is missing from.
        looks: after how many looks a build has ended.
        ends: how the next builds end, in the builder's own words.
        group: whether builds of one place are in a concurrency group: what waits is cancelled by what comes next.
        gone: every request is answered 410.
        tells: how often the end of each build is told to whoever asked for it, each time by another id; only a builder
            that takes events tells it.
        first: whether it is told before the request itself is answered.
    """

    lost: int = 0
    nameless: int = 0
    doubled: int = 0
    dropped: int = 0
    limited: int = 0
    wait: int = 7
    hidden: int = 0
    looks: int = 1
    ends: list[str] = field(default_factory=list)
    group: bool = False
    gone: bool = False
    tells: int = 0
    first: bool = False

    def plays(self, name: str) -> bool:
        """Tell whether something goes wrong now, and count it as played."""
        left = int(getattr(self, name))
        setattr(self, name, max(left - 1, 0))
        return left > 0


@dataclass
class Build:
    """One build.

    Attributes:
        number: its id.
        place: what is built, such as ``contoso/shop/build.yml``.
        ref: the branch.
        inputs: what it was given.
        made: epoch seconds.
        end: how it will end, in the builder's own words.
        looks: how many more looks find it under way.
        hidden: how many more listings it is missing from.
        event: by what it was begun.
    """

    number: int
    place: str
    ref: str
    inputs: Mapping[str, str]
    made: float
    end: str
    looks: int
    hidden: int
    event: str

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.looks <= 0


class Builds:
    """All builds of one builder, thread-safe.

    Args:
        well: the builder's own word for a build that succeeded.
        cancelled: and for one that was cancelled.
    """

    def __init__(self, well: str, cancelled: str) -> None:
        self.odd = Odd()
        self._well, self._cancelled = well, cancelled
        self._lock = threading.Lock()
        self._all: list[Build] = []

    def be(self, odd: Mapping[str, Any]) -> None:
        """Be odd in these ways, and in no others; ``ValueError`` for a way that there is not."""
        if unknown := odd.keys() - {one.name for one in fields(Odd)}:
            raise ValueError(f"expected one of {', '.join(one.name for one in fields(Odd))}, not {unknown}")
        self.odd = Odd(**odd)

    def forget(self) -> None:
        """Be as at the start."""
        with self._lock:
            self._all.clear()
            self.odd = Odd()

    def begin(self, place: str, ref: str, inputs: Mapping[str, str], event: str) -> Build | None:
        """Begin what a request asks for; return the build, the first of two, or ``None``."""
        with self._lock:
            if self.odd.plays("dropped"):
                return None
            begun = [self._new(place, ref, inputs, event) for _ in range(2 if self.odd.plays("doubled") else 1)]
            return begun[0]

    def _new(self, place: str, ref: str, inputs: Mapping[str, str], event: str) -> Build:
        if self.odd.group:
            for waiting in (one for one in self._all if one.place == place and not one.over):
                waiting.end, waiting.looks = self._cancelled, 0
        end = self.odd.ends.pop(0) if self.odd.ends else self._well
        number = 9_000_000_001 + len(self._all)
        build = Build(number, place, ref, inputs, time.time(), end, self.odd.looks, self.odd.hidden, event)
        self._all.append(build)
        return build

    def listed(self, place: str, event: str, since: float) -> list[Build]:
        """Return what a listing shows of a place and an event, the newest first; of all for an empty one."""
        with self._lock:
            found = [one for one in self._all if one.place.startswith(place) and one.made >= since - 1]
            found = [one for one in found if event in ("", one.event)]
            for one in found:
                one.hidden -= 1
            return [one for one in reversed(found) if one.hidden < 0]

    def look(self, number: int) -> Build | None:
        """Return a build as it is by now, or ``None``."""
        with self._lock:
            found = next((one for one in self._all if one.number == number), None)
            if found is not None:
                found.looks -= 1
            return found

    def snapshot(self) -> list[dict[str, Any]]:
        """Return every build, as JSON objects."""
        with self._lock:
            return [{**one.__dict__, "inputs": dict(one.inputs)} for one in self._all]
