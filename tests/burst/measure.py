"""What a burst cost: time, requests, storage transactions, and what was lost or doubled."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.local.topology import STAGING
from tests.burst.applications import Rebuilt
from tests.burst.plan import Move

_LARGE = "team-large"
_PERCENTILE = 0.95
_REFUSED, _EARLY = "refused: ", "refused early: "
# Logs and uploads are in a storage account of ACR, which the emulator has behind the same front.
_BLOBS = frozenset({"GET log", "PUT source"})


@dataclass(frozen=True)
class Measured:
    """One burst.

    Attributes:
        updates: how many tags moved.
        drain: seconds from the beginning to the last promotion, or to the end of patience, over those of the oracle.
        refused: share of the requests to ARM that it refused.
        too_early: of these, requests that came before the time that ARM had told.
        arm: requests to ARM an update, refused ones too.
        storage: storage transactions an update, without polls that found nothing.
        slowest_small: 95th percentile of the times of small teams' updates over what their own imports and gate take.
        delay: median of the seconds that an update took beside its imports and its gate.
        beside: median of the seconds from staged to decided that were not spent in a test or a scan; ``None`` where
            nothing was scanned and promoted.
        lost: tags of the base registry that do not bear the release.
        doubled: runs in staging beyond one gate, and one scan if any, for each digest.
        rebuilt: what became of the applications that are built on some of the tags.
    """

    updates: int
    drain: float
    refused: float
    too_early: int
    arm: float
    storage: float
    slowest_small: float
    delay: float
    beside: float | None
    lost: int
    doubled: int
    rebuilt: Rebuilt = field(default_factory=Rebuilt)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost or doubled."""
        return not (self.lost or self.doubled or self.rebuilt.lost or self.rebuilt.doubled)

    @property
    def line(self) -> str:
        """The result in one line, without profile and seed."""
        return (
            f"{self.updates} updates, drain {self.drain:.2f} x the oracle, refused {self.refused:.1%}, "
            f"ARM {self.arm:.1f} an update, storage {self.storage:.1f} an update, "
            f"slowest small team {self.slowest_small:.2f} x alone{self.rebuilt.line}, "
            f"lost {self.lost + len(self.rebuilt.lost)}, doubled {self.doubled + len(self.rebuilt.doubled)}"
        )


def over_alone(ends: Mapping[Move, float], alone: Mapping[Move, float]) -> float:
    """Return the 95th percentile, over the small teams, of an update's time over what it takes at least."""
    ratios = sorted((ends[move] - move.at) / alone[move] for move in ends if move.team != _LARGE)
    return ratios[min(int(len(ratios) * _PERCENTILE), len(ratios) - 1)] if ratios else 0.0


def delay(ends: Mapping[Move, float], alone: Mapping[Move, float]) -> float:
    """Return the median of what updates took beside their own imports and gates, in seconds."""
    return statistics.median(ends[move] - move.at - alone[move] for move in ends) if ends else 0.0


def beside_runs(candidates: Iterable[Mapping[str, Any]], runs: Mapping[str, float]) -> float | None:
    """Return the median of the seconds from staged to decided that were not spent in a test or a scan, if any was.

    Args:
        candidates: with their histories, as the API shows them.
        runs: how long the slower of the two takes, by digest.
    """
    known = [one for one in candidates if one["digest"] in runs and one["status"] == "promoted"]
    spent = [_at(one, "promotion-started") - _at(one, "import-verified") - runs[one["digest"]] for one in known]
    return statistics.median(spent) if spent else None


def _at(candidate: Mapping[str, Any], reason: str) -> float:
    """Return when something last happened to a candidate, in seconds since 1970."""
    last = next(change for change in reversed(candidate["history"]) if change["reason"] == reason)
    return datetime.fromisoformat(str(last["at"])).timestamp()


@dataclass(frozen=True)
class Requests:
    """Requests to a front: all of them, those it refused, and those of these that came before they were to come."""

    all: int
    refused: int
    early: int


def requests_of(counts: Mapping[str, int]) -> Requests:
    """Return what ARM's front counted, but for what goes to blobs; what it refused is counted as kinds of its own."""
    counts = {kind: number for kind, number in counts.items() if kind not in _BLOBS}
    early = sum(number for kind, number in counts.items() if kind.startswith(_EARLY))
    refused = early + sum(number for kind, number in counts.items() if kind.startswith(_REFUSED))
    return Requests(sum(counts.values()), refused, early)


def doubled(runs: list[dict[str, Any]], wanted: int) -> int:
    """Return how many runs in staging there were beyond those that were wanted: each update is a digest of its own."""
    return max(0, len([run for run in runs if run["registry"] == STAGING]) - wanted)
