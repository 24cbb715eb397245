"""A check reads ahead what is known, and goes by nothing that others wrote over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest

from shared.domain.references import Repository, parse_repository
from shared.domain.watching.questions import RepositoryState
from shared.ports import Known
from shared.rules.read_ahead import FRESH_FOR, ReadAhead
from tests.doubles.storage import InMemoryObservations, SettableClock

pytestmark = pytest.mark.unit

ONE, TWO, THREE = (parse_repository(f"docker.io/library/{name}") for name in ("a", "b", "c"))


class Counted(InMemoryObservations):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def of(self, repository: Repository) -> Known:
        """Take note, and read."""
        self.reads.append("of")
        return super().of(repository)

    def together(self, first: Repository, others: Collection[Repository]) -> Mapping[Repository, Known]:
        """Take note, and read."""
        self.reads.append("together")
        return super().together(first, others)


def read_ahead() -> tuple[Counted, SettableClock, ReadAhead]:
    """Return what is known, a clock, and what reads ahead for a check of three repositories."""
    observations, clock = Counted(), SettableClock()
    return observations, clock, ReadAhead(observations, clock, (ONE, TWO, THREE))


def test_two_neighbours_are_one_read_and_the_last_is_read_alone() -> None:
    observations, _, ahead = read_ahead()
    for one in (ONE, TWO, THREE):
        ahead.of(one)
    assert observations.reads == ["together", "of"]


def test_who_asks_again_because_others_wrote_is_told_what_they_wrote() -> None:
    observations, _, ahead = read_ahead()
    ahead.of(ONE)
    observations.save(TWO, observations.of(TWO), RepositoryState(failures=2), ())
    assert ahead.of(TWO).state.failures == 0
    assert ahead.of(TWO).state.failures == 2


def test_what_was_read_a_while_ago_is_read_once_more() -> None:
    observations, clock, ahead = read_ahead()
    ahead.of(ONE)
    observations.save(TWO, observations.of(TWO), RepositoryState(failures=2), ())
    clock.now += FRESH_FOR + timedelta(seconds=1)
    assert ahead.of(TWO).state.failures == 2


def test_a_repository_that_was_not_announced_is_read_alone() -> None:
    observations, clock, _ = read_ahead()
    ReadAhead(observations, clock, ()).of(ONE)
    assert observations.reads == ["of"]
