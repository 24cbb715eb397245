"""What every implementation of ``Targets`` promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.adapters.storage.targets_table import TargetsTable
from shared.domain.promotion.astray import Astray, LetGo
from shared.domain.promotion.importing import Importing, Unsettled
from shared.domain.promotion.said import Blocked, Chosen, Forced, Held, Pinned, Said, Why
from shared.domain.promotion.target import Adopted, Awaited, Former, Sighting, Target
from shared.errors import Conflict, InvalidReference, ServiceError
from shared.target_ports import Targets
from tests.contract.examples import NOON, digest, target
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryTargets

pytestmark = pytest.mark.contract

SAID = Said("ada", "it broke the shop", NOON)
FULL = msgspec.structs.replace(
    target(),
    step=7,
    look_at=NOON,
    wanted=digest(1),
    why=Why.PINNED,
    number=3,
    decided_at=NOON,
    reached=2,
    seen=digest(2),
    seen_at=NOON,
    former=(Former(digest(3), NOON), Former(digest(7), NOON, foreign=True)),
    sightings=(Sighting(1772625600123, digest(1), "00-1-2-01"), Sighting(1772625600124, digest(2))),
    passed=(digest(1), digest(2)),
    awaited=Awaited(digest(4), NOON),
    importing=Importing(digest(1), NOON),
    unsettled=(Unsettled(digest(5), NOON, NOON),),
    failures=2,
    trouble="503",
    retry_at=NOON,
    blocked=(Blocked(digest(6), SAID),),
    pinned=Pinned(digest(1), SAID, NOON),
    chosen=Chosen(digest(2), 1772625600124, SAID, Why.AGAINST_GATE),
    forced=(Forced(digest(2), SAID),),
    hold=Held(SAID.by, SAID.why, SAID.at, "node"),
    astray=Astray(digest(7), NOON, NOON, 2, told=True, by="grace", overwrote=3),
    adopted=Adopted(digest(8), 7),
    let_go=LetGo(NOON, "it left", told=True),
    moved_from="formerbase",
    traceparent="00-1-2-01",
)


@pytest.fixture
def targets(account_or_none: StorageAccount | None) -> Targets:
    """The implementation under test."""
    return TargetsTable(account_or_none) if account_or_none else InMemoryTargets()


def due_at(moment_passed: timedelta | None, tag: str) -> Target:
    """Return a target that was to be looked at so long before noon; never, if ``None``."""
    look_at = None if moment_passed is None else NOON - moment_passed
    return msgspec.structs.replace(target(tag), look_at=look_at)


def test_a_target_that_was_never_inserted_is_not_there(targets: Targets) -> None:
    assert targets.get(target().id) is None
    assert list(targets.due(NOON)) == []


@pytest.mark.parametrize("record", [target(), FULL], ids=["new", "full"])
def test_a_target_is_read_back_as_it_was_written(targets: Targets, record: Target) -> None:
    inserted = targets.insert(record)
    assert targets.get(record.id) == inserted
    assert inserted.record == record


def test_the_second_insertion_meets_a_conflict_and_changes_nothing(targets: Targets) -> None:
    targets.insert(target())
    with pytest.raises(Conflict):
        targets.insert(FULL)
    stored = targets.get(target().id)
    assert stored is not None
    assert stored.record == target()


def test_a_target_can_be_replaced_again_by_what_the_replacement_returned(targets: Targets) -> None:
    replaced = targets.replace(targets.insert(target()), FULL)
    again = targets.replace(replaced, target())
    assert targets.get(target().id) == again


def test_a_target_that_somebody_changed_cannot_be_replaced(targets: Targets) -> None:
    read = targets.insert(target())
    targets.replace(read, FULL)
    with pytest.raises(Conflict):
        targets.replace(read, target())
    stored = targets.get(target().id)
    assert stored is not None
    assert stored.record == FULL


@pytest.mark.parametrize("method", ["insert", "replace"])
def test_of_many_workers_that_write_at_once_exactly_one_wins(targets: Targets, method: str) -> None:
    read = targets.insert(target()) if method == "replace" else None

    def write(worker: int) -> bool:
        record = msgspec.structs.replace(target(), step=worker)
        try:
            _ = targets.replace(read, record) if read else targets.insert(record)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(write, range(10, 18)))
    stored = targets.get(target().id)
    assert wins.count(True) == 1
    assert stored is not None
    assert stored.record.step == 10 + wins.index(True)


def test_only_what_is_to_be_looked_at_by_a_moment_is_due(targets: Targets) -> None:
    for passed, tag in ((timedelta(seconds=1), "1"), (timedelta(0), "2"), (timedelta(minutes=-1), "3"), (None, "4")):
        targets.insert(due_at(passed, tag))
    assert [stored.record.tag for stored in targets.due(NOON)] == ["1", "2"]


def test_a_target_that_is_done_with_is_due_no_more(targets: Targets) -> None:
    stored = targets.insert(due_at(timedelta(minutes=1), "22"))
    targets.replace(stored, due_at(None, "22"))
    assert list(targets.due(NOON)) == []


def test_a_due_target_can_be_replaced_as_it_was_listed(targets: Targets) -> None:
    targets.insert(due_at(timedelta(minutes=1), "22"))
    (stored,) = targets.due(NOON)
    assert targets.replace(stored, due_at(None, "22")).record.look_at is None


def test_the_targets_of_one_repository_are_listed_and_of_no_other(targets: Targets) -> None:
    others = [target("22", registry="otherbase"), target("22", repository="base/node/22")]
    for record in (target("23"), target("22"), *others):
        targets.insert(record)
    found = [stored.record for stored in targets.of_repository("TidegateBase", "base/node")]
    assert found == [target("22"), target("23")]


def test_tags_of_two_registries_and_of_repositories_below_each_other_are_targets_of_their_own(
    targets: Targets,
) -> None:
    records = [
        target("22"),
        target("22", registry="otherbase"),
        target("22", repository="base/node/22"),
        target("v1.0_x-Y"),
    ]
    for record in records:
        targets.insert(record)
    read = [targets.get(record.id) for record in records]
    assert [stored.record for stored in read if stored] == records


def test_the_targets_of_a_repository_are_those_of_its_tags_and_no_other(targets: Targets) -> None:
    inserted = [targets.insert(target(tag)) for tag in ("21", "22")]
    for other in (target("22", registry="otherbase"), target("22", repository="base/node/22"), target("22", "base")):
        targets.insert(other)
    assert list(targets.of_repository("tidegatebase", "base/node")) == inserted
    assert list(targets.of_repository("tidegatebase", "base/python")) == []


def test_every_repository_with_a_target_is_known_once(targets: Targets) -> None:
    assert targets.repositories() == frozenset()
    for record in (target("21"), target("22"), target("22", "base/node/lts"), target("22", registry="otherbase")):
        targets.insert(record)
    assert targets.repositories() == {
        ("tidegatebase", "base/node"),
        ("tidegatebase", "base/node/lts"),
        ("otherbase", "base/node"),
    }


def test_all_targets_of_a_registry_are_listed_by_repository_and_tag_from_any_of_them_on(targets: Targets) -> None:
    places = [("base/node", "20"), ("base/node", "22"), ("base/node/22", "1"), ("base/python", "3"), ("zebra", "a")]
    records = [target(tag, repository=repository) for repository, tag in places]
    for record in (*reversed(records), target("22", registry="otherbase"), target("22", registry="tidegatebase2")):
        targets.insert(record)
    assert [stored.record for stored in targets.every("TidegateBase")] == records
    for number, record in enumerate(records):
        assert [stored.record for stored in targets.every("tidegatebase", record.id)] == records[number + 1 :]


@pytest.mark.parametrize("text", ["", "nonsense", "only~one", "a/b~base~node~22", "base~~22", "x" * 5000])
def test_what_is_no_target_is_refused_with_a_clear_error(targets: Targets, text: str) -> None:
    with pytest.raises(InvalidReference, match="target"):
        targets.get(text)


def test_a_row_that_cannot_be_read_is_named_and_told_after_all_others(account: StorageAccount) -> None:
    targets = TargetsTable(account)
    for tag in ("1", "3"):
        targets.insert(due_at(timedelta(minutes=1), tag))
    columns = {"look_at": NOON - timedelta(minutes=1)}
    Table(account, "targets").insert(Row("tidegatebase~base~node", "2", '{"why": "frozen"}', columns))
    seen: list[str] = []
    with pytest.raises(ServiceError, match=r"'2'.*newer version"):
        seen.extend(stored.record.tag for stored in targets.due(NOON))
    assert seen == ["1", "3"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda targets, _: targets.get(target().id), id="get"),
        pytest.param(lambda targets, _: targets.insert(target("other")), id="insert"),
        pytest.param(lambda targets, stored: targets.replace(stored, FULL), id="replace"),
        pytest.param(lambda targets, _: list(targets.due(NOON)), id="due"),
        pytest.param(lambda targets, _: list(targets.of_repository("tidegatebase", "base/node")), id="of_repository"),
        pytest.param(lambda targets, _: targets.repositories(), id="repositories"),
        pytest.param(lambda targets, _: list(targets.every("tidegatebase")), id="every"),
    ],
)
def test_each_call_costs_one_transaction(account: StorageAccount, call: Callable[..., object]) -> None:
    targets = TargetsTable(account)
    stored = targets.insert(target())
    with counted() as wire:
        call(targets, stored)
    assert len(wire) == 1
