"""What every implementation of ``Observations`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.observations_table import ObservationsTable
from shared.adapters.storage.tables import Row, Table
from shared.domain.references import Repository, parse_repository
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from shared.errors import Conflict, ServiceError
from shared.ports import Known, Observations
from tests.contract.examples import NOON, observation
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryObservations

pytestmark = pytest.mark.contract

NODE = parse_repository("docker.io/library/node")
STATE = RepositoryState(checked_at=NOON, rules="abc")


@pytest.fixture
def observations(account_or_none: StorageAccount | None) -> Observations:
    """The implementation under test."""
    return ObservationsTable(account_or_none) if account_or_none else InMemoryObservations()


def save(
    observations: Observations,
    repository: Repository,
    state: RepositoryState,
    saved: tuple[Observation, ...],
) -> Known:
    """Save what is read and written at once."""
    return observations.save(repository, observations.of(repository), state, saved)


def test_a_repository_that_was_never_looked_at_has_no_observations(observations: Observations) -> None:
    assert observations.of(NODE).tags == {}


def test_saved_observations_are_read_back_by_their_tags(observations: Observations) -> None:
    saved = (observation("22", 1), observation("v1.0_x-Y", 2))
    save(observations, NODE, STATE, saved)
    assert observations.of(NODE).tags == {each.tag: each for each in saved}


def test_a_saved_observation_replaces_what_was_known_of_its_tag_and_nothing_else(observations: Observations) -> None:
    save(observations, NODE, STATE, (observation("20", 1), observation("22", 1)))
    save(observations, NODE, STATE, (observation("22", 2),))
    assert observations.of(NODE).tags == {"20": observation("20", 1), "22": observation("22", 2)}


def test_of_two_observations_of_one_tag_the_last_counts(observations: Observations) -> None:
    save(observations, NODE, STATE, (observation("22", 1), observation("22", 2)))
    assert observations.of(NODE).tags == {"22": observation("22", 2)}


def test_more_tags_than_one_batch_takes_are_all_saved(observations: Observations) -> None:
    saved = tuple(observation(f"tag{number}", number) for number in range(203))
    save(observations, NODE, STATE, saved)
    assert observations.of(NODE).tags == {each.tag: each for each in saved}


def test_a_repository_that_was_never_looked_at_has_a_state_of_its_own(observations: Observations) -> None:
    assert observations.of(NODE).state == RepositoryState()


def test_a_repositorys_state_is_saved_with_and_without_observations(observations: Observations) -> None:
    save(observations, NODE, STATE, ())
    assert observations.of(NODE).state == STATE
    assert observations.of(NODE).tags == {}


def test_an_observation_is_read_with_the_time_at_which_all_of_its_repository_were_seen(
    observations: Observations,
) -> None:
    later = NOON + timedelta(hours=1)
    left = msgspec.structs.replace(observation("20", 1), left=True)
    save(observations, NODE, STATE, (observation("22", 1), left))
    save(observations, NODE, msgspec.structs.replace(STATE, seen_at=later), ())
    dated = {"22": msgspec.structs.replace(observation("22", 1), last_checked=later), "20": left}
    assert observations.of(NODE).tags == dated
    assert [known.tags for _, known in observations.every()] == [dated]


def test_the_states_of_all_repositories_are_told_by_their_names(observations: Observations) -> None:
    other = parse_repository("[::1]:5000/a/b-c")
    save(observations, NODE, STATE, (observation("22", 1),))
    save(observations, other, RepositoryState(failures=2), ())
    assert observations.states() == {NODE: STATE, other: RepositoryState(failures=2)}


@pytest.mark.parametrize("text", ["docker.io/library/node-slim", "[::1]:5000/library/node", "registry.test:443/a/b/c"])
def test_each_repository_has_observations_of_its_own(observations: Observations, text: str) -> None:
    other: Repository = parse_repository(text)
    save(observations, NODE, STATE, (observation("22", 1),))
    save(observations, other, STATE, (observation("22", 2),))
    assert observations.of(NODE).tags == {"22": observation("22", 1)}
    assert observations.of(other).tags == {"22": observation("22", 2)}


# Whoever looked longer ago may not have the last word.


def test_what_somebody_wrote_since_it_was_read_is_not_overwritten(observations: Observations) -> None:
    old = observations.of(NODE)
    save(observations, NODE, STATE, (observation("22", 1),))
    with pytest.raises(Conflict):
        observations.save(NODE, old, RepositoryState(), (observation("22", 2),))
    assert observations.of(NODE).tags == {"22": observation("22", 1)}
    assert observations.of(NODE).state == STATE


def test_what_a_saving_returned_is_what_is_known_and_may_be_saved_upon(observations: Observations) -> None:
    known = save(observations, NODE, STATE, (observation("22", 1), observation("20", 1)))
    assert known == observations.of(NODE)
    later = observations.save(NODE, known, RepositoryState(order=7), (observation("22", 2),))
    assert later == observations.of(NODE)
    with pytest.raises(Conflict):
        observations.save(NODE, known, STATE, ())


def test_of_many_workers_that_save_at_once_exactly_one_wins(observations: Observations) -> None:
    known = save(observations, NODE, STATE, ())

    def write(number: int) -> bool:
        try:
            observations.save(NODE, known, STATE, (observation("22", number),))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(write, range(8)))
    assert wins.count(True) == 1
    assert observations.of(NODE).tags == {"22": observation("22", wins.index(True))}


def test_a_death_between_two_batches_leaves_the_state_as_it_was_but_for_the_orders_that_were_given(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    observations = ObservationsTable(account)
    known = save(observations, NODE, STATE, ())
    write, left = Table.write_together, [2]

    def dying(*arguments: Any) -> str:
        left[0] -= 1
        if not left[0]:
            raise Died
        return write(*arguments)

    monkeypatch.setattr(Table, "write_together", dying)
    later = RepositoryState(checked_at=NOON, order=150, rules="new")
    with pytest.raises(Died):
        observations.save(NODE, known, later, tuple(observation(f"tag{number}", 1) for number in range(150)))
    assert observations.of(NODE).state == RepositoryState(checked_at=NOON, order=150, rules="abc")
    assert len(observations.of(NODE).tags) == 99


class Died(BaseException):
    """The process is gone: nothing in it can catch that."""


def test_every_repository_is_read_with_all_that_is_known_of_it(observations: Observations) -> None:
    other = parse_repository("ghcr.io/a/b")
    known = {
        NODE: save(observations, NODE, STATE, (observation("20", 1), observation("22", 2))),
        other: save(observations, other, STATE, ()),
    }
    assert dict(observations.every()) == known


def test_a_repository_whose_rows_cannot_be_read_keeps_nobody_from_the_others(account: StorageAccount) -> None:
    observations = ObservationsTable(account)
    save(observations, NODE, STATE, (observation("22", 1),))
    Table(account, "observations").insert(Row("docker.io~library~junk", "22", '{"tag": 1}'))
    every = observations.every()
    assert next(every)[0] == NODE
    with pytest.raises(ServiceError, match="1 repositories cannot be read"):
        next(every)


def test_reading_every_repository_is_one_transaction_for_a_thousand_rows(account: StorageAccount) -> None:
    observations = ObservationsTable(account)
    save(observations, NODE, STATE, (observation("22", 1),))
    save(observations, parse_repository("ghcr.io/a/b"), STATE, (observation("22", 1),))
    with counted() as wire:
        assert len(list(observations.every())) == 2
    assert len(wire) == 1


# Many by one read.

REPOSITORIES = tuple(parse_repository(f"docker.io/library/r{number:02}") for number in range(12))


def test_one_of_many_is_read_with_all_that_is_known_of_it_and_so_are_those_that_come_with_it(
    observations: Observations,
) -> None:
    known = {one: save(observations, one, STATE, (observation("22", 1),)) for one in REPOSITORIES[1:]}
    for first in REPOSITORIES:
        found = observations.together(first, set(REPOSITORIES))
        assert first in found
        assert {one: known.get(one, observations.of(one)) for one in found} == found


def test_neighbours_come_by_one_transaction_and_nobody_who_was_not_asked_for(account: StorageAccount) -> None:
    table = ObservationsTable(account)
    known = {one: save(table, one, STATE, (observation("22", 1),)) for one in REPOSITORIES}
    asked = {*REPOSITORIES[2:9:2], parse_repository("quay.io/library/r03")}
    with counted() as wire:
        found = table.together(REPOSITORIES[2], asked)
    assert (len(wire), found) == (1, {one: known[one] for one in REPOSITORIES[2:9:2]})


def test_of_whom_perhaps_not_all_came_is_left_for_the_next_read(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ObservationsTable(account)
    tags = tuple(observation(f"t{number}", 1) for number in range(3))
    known = {one: save(table, one, STATE, tags) for one in REPOSITORIES}
    monkeypatch.setattr("shared.adapters.storage.observations_table._MOST_ROWS", 10)
    assert table.together(REPOSITORIES[0], REPOSITORIES) == {one: known[one] for one in REPOSITORIES[:2]}
    monkeypatch.setattr("shared.adapters.storage.observations_table._MOST_ROWS", 4)
    assert table.together(REPOSITORIES[0], REPOSITORIES) == {REPOSITORIES[0]: known[REPOSITORIES[0]]}


def test_a_neighbour_that_cannot_be_read_says_so_to_nobody_else(account: StorageAccount) -> None:
    table, junk = ObservationsTable(account), parse_repository("docker.io/library/junk")
    known = save(table, NODE, STATE, (observation("22", 1),))
    Table(account, "observations").insert(Row("docker.io~library~junk", "22", '{"tag": 1}'))
    with pytest.raises(ServiceError, match="cannot be read"):
        table.together(junk, {NODE})
    assert table.together(NODE, {junk}) == {NODE: known}
    assert table.together(parse_repository("docker.io/library/a"), {junk, NODE})[NODE] == known
