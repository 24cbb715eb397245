"""Runs everybody on the same ground, case by case, and our own ways at growing sizes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from infra.local.twin.ports import free_base_port, new_topology
from tests.bench.check.content import TAGS, Publisher, builds, repositories
from tests.bench.check.ground import LATENCY, Ground, Result
from tests.bench.check.limit import limit
from tests.bench.check.measure import wait_for_calm
from tests.bench.check.peer_renovate import renovate
from tests.bench.check.peer_skopeo import inspect, sync
from tests.bench.check.registry import Registry
from tests.bench.check.ways import WAYS

REPOSITORIES = 200
_CHANGED_ONE_IN = 100
# 100, 1,000 and 10,000 watched tags: in so many repositories of ten tags, and as so many tags in ten repositories.
SIZES = (10, 100, 1000)
_FEW = 10
_ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """One case, measured.

    Attributes:
        name: the case's.
        limit: the C program.
        ours: our ways.
        peers: the others.
        moved: how many tags have changed.
        busy: share of the machine that other programs used just before.
    """

    name: str
    limit: Result
    ours: list[Result]
    peers: list[Result]
    moved: int
    busy: float


@dataclass(frozen=True)
class Size:
    """Our ways at one size."""

    repositories: int
    watched: int
    ours: list[Result]


@dataclass(frozen=True)
class Series:
    """Our ways at growing sizes.

    Attributes:
        grows: what does: ``repositories`` or ``tags``.
        sizes: the smallest first.
    """

    grows: str
    sizes: list[Size]


def measure(folder: Path) -> tuple[list[Case], list[Series]]:
    """Measure every case and every series; takes several minutes.

    Args:
        folder: for everything that is written.

    Raises:
        PeerFailedError: somebody failed, or saw something else than what has moved.
    """
    with Registry(new_topology(folder, free_base_port()), LATENCY) as registry:
        publisher = Publisher(f"https://{registry.address()}", registry.ca_bundle)
        _say(f"publishing {REPOSITORIES * len(TAGS)} tags")
        ground = Ground(registry, folder, publisher.publish(repositories(REPOSITORIES)))
        registry.snapshot()
        cases = [_case(ground), _case(replace(ground, latency=LATENCY))]
        moved = list(product(ground.known, TAGS))[::_CHANGED_ONE_IN]
        publisher.move(moved)
        changed = replace(ground, moved=frozenset(moved))
        cases += [_case(changed), _case(replace(changed, latency=LATENCY))]
        return cases, [_in_repositories(publisher, ground), _in_tags(publisher, ground)]


def _case(ground: Ground) -> Case:
    """Our ways and the limit take turns, and the middle of each counts, because they are over so soon."""
    _say(ground.case)
    busy = wait_for_calm()
    rounds = [[_told(ask, ground) for ask in (limit, *(way.look for way in WAYS.values()))] for _ in range(_ROUNDS)]
    at_limit, *ours = (_middle(list(results)) for results in zip(*rounds, strict=True))
    peers = [_told(ask, ground) for ask in (inspect, sync, renovate)]
    return Case(ground.case, at_limit, ours, peers, len(ground.moved), busy)


def _in_repositories(publisher: Publisher, ground: Ground) -> Series:
    _say(f"publishing {SIZES[-1] * len(TAGS)} tags")
    known = publisher.publish(repositories(SIZES[-1]))
    wait_for_calm()
    grounds = (replace(ground, known={name: known[name] for name in repositories(size)}) for size in SIZES)
    return Series("repositories", [_size(one) for one in grounds])


def _in_tags(publisher: Publisher, ground: Ground) -> Series:
    """Nobody writes a thousand tags into a list: a rule takes them all."""
    _say(f"publishing {_FEW * SIZES[-1]} tags")
    sizes = []
    for size in SIZES:
        known = publisher.publish(repositories(_FEW, f"builds-{size}"), builds(size))
        wait_for_calm()
        sizes.append(_size(replace(ground, known=known, wanted=[{"glob": "24-*"}])))
    return Series("tags", sizes)


def _size(ground: Ground) -> Size:
    rounds = [[_told(way.look, ground) for way in WAYS.values()] for _ in range(_ROUNDS)]
    return Size(len(ground.known), ground.watched, [_middle(list(results)) for results in zip(*rounds, strict=True)])


def _middle(results: list[Result]) -> Result:
    """Return the result whose time is the median."""
    median = statistics.median_low(result.seconds for result in results)
    return next(result for result in results if result.seconds == median)


def _told(ask: Callable[[Ground], Result], ground: Ground) -> Result:
    result = ask(ground)
    _say(f"  {result.who}: {result.seconds:.2f} s, {result.total} requests")
    return result


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
