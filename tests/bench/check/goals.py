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
        _faster(ours, renovate, way.renovate, case.limit),
        _faster(ours, sync, way.sync, case.limit),
        _requests(way, ours, case.moved),
        _fewest(ours, case.peers),
    ]
    return found if way.of_limit is None else [_of_limit(ours, case.limit, way.of_limit), *found]


def _of_limit(ours: Result, limit: Result, least: float) -> Judged:
    share = ours.rate / limit.rate
    return Judged(ours.who, f"at least {least} of the limit's rate", f"{share:.2f}", share >= least)


def _faster(ours: Result, peer: Result, least: float, limit: Result) -> Judged:
    times, most = peer.seconds / ours.seconds, peer.seconds / limit.seconds
    reached = f"{times:.1f} ×" if times >= least else f"{times:.1f} ×, where {limit.who} itself is {most:.1f} × faster"
    return Judged(ours.who, f"at least {least:g} × faster than {peer.who}", reached, times >= least)


def _requests(way: Way, ours: Result, moved: int) -> Judged:
    """What an API says has changed is confirmed by HEAD before anything is imported."""
    confirming = moved if way.hints else 0
    each = (ours.total - confirming) / REPOSITORIES
    goal = "1 request" if way.requests == 1 else f"{way.requests} requests"
    besides = f", and {confirming} for the changes" if confirming else ""
    return Judged(ours.who, f"at most {goal} a repository{besides}", f"{each:.2f}", each <= way.requests)


def _fewest(ours: Result, peers: list[Result]) -> Judged:
    fewest = min(peers, key=lambda peer: peer.total)
    reached = f"{ours.total:,}; the fewest, {fewest.who}: {fewest.total:,}"
    return Judged(ours.who, "never more requests than any peer", reached, ours.total <= fewest.total)
