"""What we ask of ourselves, and whether a case met it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.check.cases import REPOSITORIES, Case
from tests.bench.check.ground import Result
from tests.bench.check.ways import WAYS, Way


@dataclass(frozen=True)
class Judged:
    """One goal in one case.

    Attributes:
        who: our way.
        goal: what was asked for, in words.
        reached: what was measured, in words.
        met: whether that is enough.
    """

    who: str
    goal: str
    reached: str
    met: bool


def judged(case: Case) -> list[Judged]:
    """Return every goal of every way of ours in one case."""
    return [one for ours in case.ours for one in _judged(WAYS[ours.who], ours, case)]


def _judged(way: Way, ours: Result, case: Case) -> list[Judged]:
    renovate, sync = (next(peer for peer in case.peers if name in peer.who) for name in ("Renovate", "sync"))
    found = [
        _faster(ours, renovate.who, renovate, way.renovate),
        _faster(ours, sync.who, sync, way.sync),
        _requests(way, ours),
        _fewest(ours, case.peers),
    ]
    return found if way.of_limit is None else [_of_limit(ours, case.limit, way.of_limit), *found]


def _of_limit(ours: Result, limit: Result, least: float) -> Judged:
    share = ours.rate / limit.rate
    return Judged(ours.who, f"at least {least} of the limit's rate", f"{share:.2f}", share >= least)


def _faster(ours: Result, name: str, peer: Result, least: float) -> Judged:
    times = peer.seconds / ours.seconds
    return Judged(ours.who, f"at least {least:g} × faster than {name}", f"{times:.1f} ×", times >= least)


def _requests(way: Way, ours: Result) -> Judged:
    each = ours.total / REPOSITORIES
    return Judged(ours.who, f"at most {way.requests} requests a repository", f"{each:.2f}", each <= way.requests)


def _fewest(ours: Result, peers: list[Result]) -> Judged:
    fewest = min(peers, key=lambda peer: peer.total)
    reached = f"{ours.total:,}; the fewest, {fewest.who}: {fewest.total:,}"
    return Judged(ours.who, "never more requests than any peer", reached, ours.total <= fewest.total)
