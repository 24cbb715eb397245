"""The ground on which all are measured, and what one measurement is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.check.content import TAGS, Known
from tests.bench.check.measure import PeerFailedError
from tests.bench.check.registry import Registry

LATENCY = 50


@dataclass(frozen=True)
class Ground:
    """What is asked, by whom it is answered, and what the asker knows.

    Attributes:
        registry: the upstream, running.
        folder: for the files of those who are measured.
        known: what every watched tag pointed at when last looked at.
        moved: those that point at something else now, with their repositories.
        latency: milliseconds by which every request arrives late; 0, or ``LATENCY``.
        wanted: the tags, or the rules for them, that our watch list has for each repository.
    """

    registry: Registry
    folder: Path
    known: Known
    moved: frozenset[tuple[str, str]] = frozenset()
    latency: int = 0
    wanted: Sequence[str | Mapping[str, str]] = TAGS

    @property
    def case(self) -> str:
        """The case's name, as the tables show it."""
        share = f"{len(self.moved) / self.watched:.0%} changed" if self.moved else "unchanged"
        return f"{share}, {self.latency} ms"

    @property
    def watched(self) -> int:
        """How many tags are watched."""
        return sum(len(tags) for tags in self.known.values())

    def address(self, kind: str = "tls") -> str:
        """Return ``127.0.0.1:<port>`` of the upstream in this case; see ``Registry.address``."""
        return self.registry.address(kind, far=self.latency > 0)

    def require_seen(self, who: str, changed: int, names: Collection[str] | None = None) -> None:
        """Raise ``PeerFailedError`` unless somebody saw exactly what has moved: a wrong answer is not measured.

        Args:
            who: for the message.
            changed: how many changes were seen.
            names: the repositories asked about; all when ``None``.
        """
        asked = self.known if names is None else names
        moved = sum(name in asked for name, _ in self.moved)
        if changed != moved:
            raise PeerFailedError(f"{who} saw {changed} changes where {moved} tags have moved ({self.case})")


@dataclass(frozen=True)
class Result:
    """What one of those measured took to look at everything.

    Attributes:
        who: the name in the tables.
        seconds: of the clock, from the start of its process to the end.
        requests: answered by the upstream, by kind.
        cpu: processor seconds of the asker, without the registry's.
        megabytes: largest resident set of the asker.
        part: the share of the watched tags that was really asked; the other figures are extrapolated from it.
        rate: tags a second while asking, without the start of the process.
    """

    who: str
    seconds: float
    requests: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0
    megabytes: float = 0.0
    part: float = 1.0
    rate: float = 0.0

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())


def whole(result: Result) -> Result:
    """Return what all tags would take, for a result of a part of them: time and requests are linear in tags there."""
    requests = Counter({kind: round(number / result.part) for kind, number in result.requests.items()})
    return Result(
        result.who, result.seconds / result.part, requests, result.cpu / result.part, result.megabytes, result.part
    )
