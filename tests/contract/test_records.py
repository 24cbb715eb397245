"""What every implementation of ``Records`` promises, for candidates and for rebuilds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.records_table import candidates_table, rebuilds_table
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import group_of_source
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.statuses import Status
from shared.errors import Conflict, InvalidReference
from shared.ports import Records, Stored
from tests.contract.examples import candidate, digest, earlier_candidate, rebuild
from tests.doubles.storage import InMemoryRecords

pytestmark = pytest.mark.contract


@pytest.fixture
def candidates(account_or_none: StorageAccount | None) -> Records[Candidate]:
    """Candidates in the implementation under test."""
    return candidates_table(account_or_none) if account_or_none else InMemoryRecords(Candidate)


@pytest.fixture
def rebuilds(account_or_none: StorageAccount | None) -> Records[Rebuild]:
    """Rebuilds in the implementation under test."""
    return rebuilds_table(account_or_none) if account_or_none else InMemoryRecords(Rebuild)


@pytest.fixture(params=["candidates", "rebuilds"])
def kind(
    request: pytest.FixtureRequest, candidates: Records[Candidate], rebuilds: Records[Rebuild]
) -> tuple[Records[Any], Callable[..., Any]]:
    """Either kind of records, with how one is made."""
    return (candidates, candidate) if request.param == "candidates" else (rebuilds, rebuild)


Kind = tuple[Records[Any], Callable[..., Any]]


def stored(records: Records[Any], record: Any) -> Stored[Any]:
    """Insert a record and read it."""
    assert records.insert(record)
    return found(records, record)


def put_away(records: Records[Any], *read: Stored[Any]) -> None:
    """Archive records of which nothing is in the way of any, or raise what is."""
    for problem in records.archive_all(read).values():
        raise problem


def found(records: Records[Any], record: Any) -> Stored[Any]:
    """Read a record that must be there."""
    read = records.get(record.id)
    assert read is not None
    return read


def later(record: Any) -> Any:
    """Return a record one step further."""
    return msgspec.structs.replace(record, step=record.step + 1)


def test_a_record_that_was_never_inserted_is_not_there(kind: Kind) -> None:
    records, make = kind
    assert records.get(make().id) is None
    assert list(records.current()) == []


def test_an_inserted_record_is_read_back_as_it_was(kind: Kind) -> None:
    records, make = kind
    assert stored(records, make()).record == make()


def test_the_second_insertion_of_one_id_changes_nothing(kind: Kind) -> None:
    records, make = kind
    assert records.insert(make())
    assert not records.insert(later(make()))
    assert found(records, make()).record == make()


def test_an_archived_record_cannot_be_inserted_again(kind: Kind) -> None:
    records, make = kind
    put_away(records, stored(records, make()))
    assert not records.insert(make())
    assert list(records.current()) == []


def test_a_replaced_record_is_read_back_with_its_new_etag(kind: Kind) -> None:
    records, make = kind
    replaced = records.replace(stored(records, make()), later(make()))
    assert found(records, make()) == replaced
    assert replaced.record == later(make())


def test_a_record_that_somebody_changed_cannot_be_replaced(kind: Kind) -> None:
    records, make = kind
    read = stored(records, make())
    records.replace(read, later(make()))
    with pytest.raises(Conflict):
        records.replace(read, make())
    assert found(records, make()).record == later(make())


def test_a_record_can_be_replaced_again_by_what_the_replacement_returned(kind: Kind) -> None:
    records, make = kind
    replaced = records.replace(stored(records, make()), later(make()))
    assert records.replace(replaced, later(replaced.record)).record.step == 3


def test_of_many_that_are_replaced_at_once_what_is_in_the_way_of_one_keeps_no_other_from_it(kind: Kind) -> None:
    records, make = kind
    read = [stored(records, make(number)) for number in range(7)]
    records.replace(read[2], later(make(2)))
    put_away(records, read[4])
    written = records.replace_all([(one, later(one.record)) for one in read])
    assert [number for number, one in enumerate(written) if isinstance(one, Conflict)] == [2, 4]
    assert [found(records, make(number)) for number in (0, 1, 3, 5, 6)] == [
        one for one in written if isinstance(one, Stored)
    ]
    assert found(records, make(4)).record == make(4)
    assert list(records.replace_all([])) == []


def test_of_many_workers_that_replace_at_once_exactly_one_wins(kind: Kind) -> None:
    records, make = kind
    read = stored(records, make())

    def replace(worker: int) -> bool:
        try:
            records.replace(read, msgspec.structs.replace(make(), step=worker))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(replace, range(10, 18)))
    assert wins.count(True) == 1
    assert found(records, make()).record.step == 10 + wins.index(True)


def test_of_many_workers_that_insert_at_once_exactly_one_wins(kind: Kind) -> None:
    records, make = kind
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda _: records.insert(make()), range(8)))
    assert wins.count(True) == 1


def test_an_archived_record_is_found_but_is_not_current(kind: Kind) -> None:
    records, make = kind
    put_away(records, stored(records, make()))
    assert found(records, make()).record == make()
    assert list(records.current()) == []


def test_archiving_twice_does_no_harm(kind: Kind) -> None:
    records, make = kind
    read = stored(records, make())
    put_away(records, read)
    put_away(records, read)
    put_away(records, found(records, make()))
    assert found(records, make()).record == make()


def test_a_record_that_somebody_changed_cannot_be_archived(kind: Kind) -> None:
    records, make = kind
    read = stored(records, make())
    records.replace(read, later(make()))
    with pytest.raises(Conflict):
        put_away(records, read)
    assert [each.record for each in records.current()] == [later(make())]


def test_a_replaced_archived_record_is_current_again_and_not_archived(kind: Kind) -> None:
    records, make = kind
    put_away(records, stored(records, make()))
    replaced = records.replace(found(records, make()), later(make()))
    assert list(records.current()) == [replaced]
    assert list(records.archived(group_of(make()))) == []
    assert records.replace(replaced, later(replaced.record)).record.step == 3


def test_of_many_workers_that_replace_an_archived_record_exactly_one_wins(kind: Kind) -> None:
    records, make = kind
    put_away(records, stored(records, make()))
    read = found(records, make())

    def replace(_: int) -> bool:
        try:
            records.replace(read, later(make()))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(replace, range(8)))
    assert wins.count(True) == 1


def test_an_archived_record_that_was_current_meanwhile_cannot_be_replaced_by_what_was_read_before(kind: Kind) -> None:
    records, make = kind
    put_away(records, stored(records, make()))
    old = found(records, make())
    put_away(records, records.replace(old, later(make())))
    with pytest.raises(Conflict):
        records.replace(old, make())
    assert found(records, make()).record == later(make())


def test_of_many_that_are_archived_at_once_what_is_in_the_way_of_one_keeps_no_other_from_it(kind: Kind) -> None:
    records, make = kind
    read = [stored(records, make(number)) for number in range(7)]
    records.replace(read[2], later(make(2)))
    put_away(records, records.replace(read[4], later(make(4))))
    put_away(records, records.replace(found(records, make(5)), make(5)))
    problems = records.archive_all(read)
    assert {record_id: type(problem) for record_id, problem in problems.items()} == {
        make(2).id: Conflict,
        make(4).id: Conflict,
    }
    assert [each.record for each in records.current()] == [later(make(2))]
    archived = {each.record.id: each.record for each in records.archived(group_of(make()))}
    assert {number: archived[make(number).id].step for number in (0, 1, 3, 4, 5, 6)} == {4: 2} | dict.fromkeys(
        (0, 1, 3, 5, 6), 1
    )


def test_none_are_archived_without_harm(kind: Kind) -> None:
    records, make = kind
    records.insert(make())
    assert records.archive_all([]) == {}
    assert len(list(records.current())) == 1


def test_an_old_reading_is_never_archived_over_a_newer_record(kind: Kind) -> None:
    records, make = kind
    old = stored(records, make())
    put_away(records, records.replace(old, later(make())))
    with pytest.raises(Conflict):
        put_away(records, old)
    assert found(records, make()).record == later(make())


def test_current_records_are_counted_by_their_status_and_archived_ones_are_not(
    candidates: Records[Candidate],
) -> None:
    assert candidates.count({Status.DETECTED}) == 0
    first = stored(candidates, candidate(1))
    assert candidates.insert(candidate(2))
    assert candidates.archive_all([stored(candidates, candidate(3))]) == {}
    candidates.replace(first, msgspec.structs.replace(candidate(1), status=Status.IMPORTING))
    assert candidates.count({Status.DETECTED}) == 1
    assert candidates.count({Status.DETECTED, Status.IMPORTING}) == 2
    assert candidates.count({Status.PROMOTED}) == 0


def test_current_records_come_in_the_order_of_their_ids(kind: Kind) -> None:
    records, make = kind
    made = [make(number) for number in (3, 1, 2)]
    for record in made:
        records.insert(record)
    assert [each.record.id for each in records.current()] == sorted(record.id for record in made)


def test_only_what_is_of_a_status_and_is_to_be_looked_at_by_a_moment_is_due(candidates: Records[Candidate]) -> None:
    made = candidate()
    for number, (status, late) in enumerate(
        [
            (Status.DETECTED, timedelta(0)),
            (Status.IMPORTING, timedelta(hours=1)),
            (Status.DETECTED, timedelta(milliseconds=-1)),
            (Status.STAGED, timedelta(hours=1)),
            (Status.PROMOTED, timedelta(hours=1)),
        ]
    ):
        one = msgspec.structs.replace(made, digest=digest(number), status=status, look_at=made.look_at - late)
        assert candidates.insert(one)
    statuses = {Status.DETECTED, Status.IMPORTING}
    assert {one.record.digest for one in candidates.in_status(statuses, made.look_at)} == {digest(0), digest(1)}
    assert len(list(candidates.in_status(statuses))) == 3


def test_what_is_due_can_be_replaced_as_it_was_listed_and_what_is_put_away_is_not_due(kind: Kind) -> None:
    records, make = kind
    assert records.insert(make())
    (one,) = records.in_status({make().status}, make().look_at)
    changed = records.replace(one, later(make()))
    assert records.archive_all([changed]) == {}
    assert list(records.in_status({make().status}, make().look_at)) == []


def test_current_records_can_be_asked_for_by_the_beginning_of_their_ids(candidates: Records[Candidate]) -> None:
    for tag in ("22", "22-alpine", "22.1", "23"):
        candidates.insert(earlier_candidate(1, tag))
    candidates.insert(earlier_candidate(1, "22", target="base/node-slim"))
    assert [each.record.tag for each in candidates.current("base~node~22~")] == ["22"]
    assert len(list(candidates.current("base~node~22"))) == 3
    assert len(list(candidates.current("base~node~"))) == 4
    assert list(candidates.current("base~nodes~")) == []


def test_archived_candidates_are_listed_by_their_source(candidates: Records[Candidate]) -> None:
    slim = candidate(1, target="base/node/slim")
    for record in (candidate(1), candidate(2), slim):
        put_away(candidates, stored(candidates, record))
    candidates.insert(candidate(3))
    assert [each.record for each in candidates.archived(group_of(candidate()))] == [candidate(1), candidate(2)]
    assert [each.record for each in candidates.archived(group_of(slim))] == [slim]


def test_archived_candidates_of_earlier_versions_are_listed_by_their_target(candidates: Records[Candidate]) -> None:
    old = earlier_candidate(1)
    for record in (old, candidate(1)):
        put_away(candidates, stored(candidates, record))
    assert [each.record for each in candidates.archived("base~node")] == [old]
    assert found(candidates, old).record == old


def test_archived_rebuilds_are_listed_by_their_task(rebuilds: Records[Rebuild]) -> None:
    for record in (rebuild(1), rebuild(1, task="Api")):
        put_away(rebuilds, stored(rebuilds, record))
    assert [each.record for each in rebuilds.archived("apps01~web-app")] == [rebuild(1)]
    assert [each.record.task for each in rebuilds.archived("apps01~Api")] == ["Api"]


@pytest.mark.parametrize("text", ["", "nonsense", "base~node~22~xyz", "a/b#c~22~" + 32 * "0", "x" * 5000])
def test_what_is_no_id_is_refused_with_a_clear_error(candidates: Records[Candidate], text: str) -> None:
    with pytest.raises(InvalidReference, match="candidate"):
        candidates.get(text)


@pytest.mark.parametrize("text", ["", "nonsense", "only~one"])
def test_what_is_no_rebuild_is_refused_with_a_clear_error(rebuilds: Records[Rebuild], text: str) -> None:
    with pytest.raises(InvalidReference, match="rebuild"):
        rebuilds.get(text)


def group_of(record: Candidate | Rebuild) -> str:
    """Return what the archive files a record under."""
    return group_of_source(record.source) if isinstance(record, Candidate) else f"{record.registry}~{record.task}"
