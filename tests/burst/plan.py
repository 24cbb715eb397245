"""Which tags move in a burst, when, and whose they are: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Within so many seconds all of them move.
SECONDS = 60.0
_TAGS_EACH = 10
# One team has all but these; each of these teams has one update.
SMALL_TEAMS = 39


@dataclass(frozen=True)
class Move:
    """One tag that moves.

    Attributes:
        at: seconds after the burst began.
        repository: path at the upstream.
        tag: the tag.
        team: who owns the watch list's entry.
    """

    at: float
    repository: str
    tag: str
    team: str

    @property
    def name(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"


def rolling(moves: tuple[Move, ...], share: float) -> tuple[Move, ...]:
    """Return one tag each of a share of the repositories: their entries ask for waves, and tasks are built on these."""
    first: dict[str, Move] = {}
    for move in sorted(moves, key=lambda one: (one.repository, one.tag)):
        first.setdefault(move.repository, move)
    every = tuple(first.values())
    number = round(len(every) * share)
    return tuple(every[place * len(every) // number] for place in range(number))


def plan(updates: int, seed: int) -> tuple[Move, ...]:
    """Return the moves of a burst.

    Args:
        updates: how many tags move; more than there are small teams.
        seed: the same seed is the same plan.

    Returns:
        The moves in the order of their time. Small teams have a repository with one tag each, the large one has
        repositories of ten.
    """
    draw = random.Random(f"burst {seed}")  # noqa: S311 - to be repeated, not to be secret
    small = [(f"small/t{number}", "1", f"team-{number}") for number in range(SMALL_TEAMS)]
    large = [
        (f"large/r{number // _TAGS_EACH}", str(number % _TAGS_EACH), "team-large")
        for number in range(updates - SMALL_TEAMS)
    ]
    moves = [Move(draw.uniform(0, SECONDS), *place) for place in (*small, *large)]
    return tuple(sorted(moves, key=lambda move: move.at))
