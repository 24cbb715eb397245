"""What every implementation of ``Records`` promises for scans, which are never archived; and what a scan costs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import EvidenceBlobs
from shared.adapters.storage.records_table import scans_table
from shared.domain.promotion.due import SCANS
from shared.domain.promotion.scanning import ScanWish, answered, first_scan, unanswered
from shared.domain.references import Digest
from shared.domain.scan.report import Trouble
from shared.domain.scan.scan import SCAN_ENDS, Scan, ScanReason, ScanStatus, Silence, advance_scan
from shared.errors import Conflict, InvalidReference
from shared.ports import Records, Stored
from tests.contract.examples import NOON, digest
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryRecords
from tests.doubles.world import TARGET, World

pytestmark = pytest.mark.contract

AMD64 = ("linux/amd64",)


def scan(number: int = 1) -> Scan:
    """Return a scan that was just asked for."""
    return first_scan(ScanWish(f"candidate-{number}", "node", digest(number), "base/node", AMD64), NOON)


def a_long_way(number: int = 1) -> Scan:
    """Return a scan that had no answer, and has one now, with everything that a record can hold."""
    begun = advance_scan(scan(number), ScanReason.STARTED, NOON, runs=1, secret="s" * 32, given=AMD64, database="d@1")
    silences = (Silence("linux/amd64", Trouble.CUT_OFF, "the log “ends” early"),)
    again = advance_scan(unanswered(begun, "cf1", silences, NOON), ScanReason.STARTED, NOON, runs=2)
    return answered(again, "cf2", NOON - timedelta(hours=6), NOON)


@pytest.fixture
def scans(account_or_none: StorageAccount | None) -> Records[Scan]:
    """The implementation under test."""
    return scans_table(account_or_none) if account_or_none else InMemoryRecords(Scan)


def stored(records: Records[Scan], record: Scan) -> Stored[Scan]:
    """Insert a record and read it."""
    assert records.insert(record)
    return found(records, record.digest)


def found(records: Records[Scan], of: Digest) -> Stored[Scan]:
    """Read a record that must be there."""
    read = records.get(of)
    assert read is not None
    return read


def later(record: Scan) -> Scan:
    """Return a record one step further."""
    return msgspec.structs.replace(record, step=record.step + 1)


@pytest.mark.parametrize("made", [scan(), a_long_way()], ids=["wanted", "answered"])
def test_a_scan_is_read_back_by_its_digest_as_it_was(scans: Records[Scan], made: Scan) -> None:
    assert scans.get(made.digest) is None
    assert stored(scans, made).record == made


def test_the_second_insertion_of_one_digest_changes_nothing(scans: Records[Scan]) -> None:
    assert scans.insert(scan())
    assert not scans.insert(later(scan()))
    assert found(scans, digest(1)).record == scan()


def test_a_scan_that_somebody_changed_cannot_be_replaced(scans: Records[Scan]) -> None:
    read = stored(scans, scan())
    replaced = scans.replace(read, later(scan()))
    with pytest.raises(Conflict):
        scans.replace(read, scan())
    assert found(scans, digest(1)) == replaced


def test_of_many_who_ask_at_once_exactly_one_inserts_the_scan(scans: Records[Scan]) -> None:
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda _: scans.insert(scan()), range(8)))
    assert wins.count(True) == 1


def test_what_is_due_is_listed_and_what_has_ended_is_not(scans: Records[Scan]) -> None:
    statuses = list(ScanStatus)
    for number, status in enumerate(statuses):
        assert scans.insert(msgspec.structs.replace(scan(number), status=status))
    assert scans.insert(msgspec.structs.replace(scan(99), look_at=NOON + timedelta(milliseconds=1)))
    due = {one.record.status for one in scans.in_status(SCANS, NOON)}
    assert due == set(statuses) - SCAN_ENDS
    assert {one.record.digest for one in scans.in_status(SCANS)} >= {digest(99)}


def test_a_scan_that_was_deleted_is_gone_and_may_be_asked_for_anew(scans: Records[Scan]) -> None:
    read = [stored(scans, scan(number)) for number in range(3)]
    assert scans.delete_all(read[:2]) == {}
    assert [scans.get(digest(number)) is None for number in range(3)] == [True, True, False]
    assert scans.insert(scan(0))


def test_a_scan_that_somebody_changed_is_not_deleted_and_keeps_no_other_from_it(scans: Records[Scan]) -> None:
    read = [stored(scans, scan(number)) for number in range(3)]
    scans.replace(read[1], later(scan(1)))
    problems = scans.delete_all(read)
    assert {record_id: type(problem) for record_id, problem in problems.items()} == {digest(1): Conflict}
    assert [scans.get(digest(number)) is None for number in range(3)] == [True, False, True]


def test_deleting_twice_or_nothing_does_no_harm(scans: Records[Scan]) -> None:
    read = stored(scans, scan())
    assert scans.delete_all([read]) == {}
    assert scans.delete_all([read]) == {}
    assert scans.delete_all([]) == {}


@pytest.mark.parametrize("text", ["", "nonsense", "sha256:abc", "base~node~22~" + 32 * "0"])
def test_what_is_no_digest_is_refused_with_a_clear_error(scans: Records[Scan], text: str) -> None:
    with pytest.raises(InvalidReference, match="digest"):
        scans.get(text)


@pytest.mark.parametrize(
    ("call", "transactions"),
    [
        pytest.param(lambda records, _: records.get(digest(1)), 1, id="get"),
        pytest.param(lambda records, _: records.get(digest(2)), 1, id="get none"),
        pytest.param(lambda records, _: records.insert(scan(2)), 1, id="insert"),
        pytest.param(lambda records, one: records.replace(one, later(scan())), 1, id="replace"),
        pytest.param(lambda records, _: list(records.in_status(SCANS, NOON)), 1, id="what is due"),
        pytest.param(lambda records, one: records.delete_all([one]), 1, id="delete"),
    ],
)
def test_each_call_costs_what_is_said_of_it(
    account: StorageAccount, call: Callable[[Records[Scan], Stored[Scan]], object], transactions: int
) -> None:
    records = scans_table(account)
    one = stored(records, scan())
    with counted() as sent:
        call(records, one)
    assert len(sent) == transactions, sent


def test_a_scan_costs_seven_writes_and_one_read_beside_what_looks_for_what_is_due(account: StorageAccount) -> None:
    """Asked for, claimed, its run's id, its log, its document, its answer, that it was told; and each look."""
    world = World()
    world.staging_runs.looks = 0
    world.push(digest(1))
    world.check()
    world.settle()
    scans, evidence = scans_table(account), EvidenceBlobs(account)
    assert scans.insert(scan(7))  # the table and the container are there from then on
    evidence.keep("some", "log", b"")
    world.scans, world.evidence = scans, evidence  # type: ignore[assignment]
    world.start()
    with counted() as sent:
        world.scan_book.want(ScanWish(world.candidate(digest(1)).id, "node", digest(1), TARGET, AMD64))
        world.settle()
    assert found(scans, digest(1)).record.status is ScanStatus.SCANNED
    one_by_one = [(method, path) for method, path in sent if "$filter" not in path]
    assert sum(method == "GET" for method, _ in one_by_one) == 1, sent
    assert sum(method != "GET" for method, _ in one_by_one) == 7, sent
