"""What every implementation of ``Observations`` promises."""

from __future__ import annotations

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.observations_table import ObservationsTable
from shared.domain.references import Repository, parse_repository
from shared.domain.watching.questions import RepositoryState
from shared.ports import Observations
from tests.contract.examples import NOON, observation
from tests.doubles.storage import InMemoryObservations

pytestmark = pytest.mark.contract

NODE = parse_repository("docker.io/library/node")
STATE = RepositoryState(checked_at=NOON, rules="abc")


@pytest.fixture
def observations(account_or_none: StorageAccount | None) -> Observations:
    """The implementation under test."""
    return ObservationsTable(account_or_none) if account_or_none else InMemoryObservations()


def test_a_repository_that_was_never_looked_at_has_no_observations(observations: Observations) -> None:
    assert observations.of(NODE).tags == {}


def test_saved_observations_are_read_back_by_their_tags(observations: Observations) -> None:
    saved = (observation("22", 1), observation("v1.0_x-Y", 2))
    observations.save(NODE, STATE, saved)
    assert observations.of(NODE).tags == {each.tag: each for each in saved}


def test_a_saved_observation_replaces_what_was_known_of_its_tag_and_nothing_else(observations: Observations) -> None:
    observations.save(NODE, STATE, (observation("20", 1), observation("22", 1)))
    observations.save(NODE, STATE, (observation("22", 2),))
    assert observations.of(NODE).tags == {"20": observation("20", 1), "22": observation("22", 2)}


def test_of_two_observations_of_one_tag_the_last_counts(observations: Observations) -> None:
    observations.save(NODE, STATE, (observation("22", 1), observation("22", 2)))
    assert observations.of(NODE).tags == {"22": observation("22", 2)}


def test_more_tags_than_one_batch_takes_are_all_saved(observations: Observations) -> None:
    saved = tuple(observation(f"tag{number}", number) for number in range(203))
    observations.save(NODE, STATE, saved)
    assert observations.of(NODE).tags == {each.tag: each for each in saved}


def test_a_repository_that_was_never_looked_at_has_a_state_of_its_own(observations: Observations) -> None:
    assert observations.of(NODE).state == RepositoryState()


def test_a_repositorys_state_is_saved_with_and_without_observations(observations: Observations) -> None:
    observations.save(NODE, STATE, ())
    assert observations.of(NODE).state == STATE
    assert observations.of(NODE).tags == {}


def test_the_states_of_all_repositories_are_told_by_their_names(observations: Observations) -> None:
    other = parse_repository("[::1]:5000/a/b-c")
    observations.save(NODE, STATE, (observation("22", 1),))
    observations.save(other, RepositoryState(failures=2), ())
    assert observations.states() == {NODE: STATE, other: RepositoryState(failures=2)}


@pytest.mark.parametrize("text", ["docker.io/library/node-slim", "[::1]:5000/library/node", "registry.test:443/a/b/c"])
def test_each_repository_has_observations_of_its_own(observations: Observations, text: str) -> None:
    other: Repository = parse_repository(text)
    observations.save(NODE, STATE, (observation("22", 1),))
    observations.save(other, STATE, (observation("22", 2),))
    assert observations.of(NODE).tags == {"22": observation("22", 1)}
    assert observations.of(other).tags == {"22": observation("22", 2)}
