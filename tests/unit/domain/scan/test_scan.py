"""What may become of a scan, what its runs are called, and what somebody else who asks does to a write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.references import Digest
from shared.domain.scan.scan import (
    SCAN_ENDS,
    SCAN_TRANSITIONS,
    ImpossibleScanChange,
    Scan,
    ScanChange,
    ScanReason,
    ScanStatus,
    Taken,
    advance_scan,
    rejoined_scan,
)
from shared.domain.scan.scan_runs import scan_log_name, scan_run_name, scan_run_names, scan_words

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
DIGEST = Digest("sha256:" + 64 * "1")
AMD64, ARM64 = "linux/amd64", "linux/arm64"


def scan(status: ScanStatus = ScanStatus.WANTED, **fields: object) -> Scan:
    record = Scan(
        digest=DIGEST,
        image="node",
        repository="base/node",
        platforms=(AMD64,),
        askers=("one",),
        asked_at=NOON,
        status=status,
        look_at=NOON,
        since=NOON,
        history=(ScanChange(NOON, status, ScanReason.ASKED),),
    )
    return msgspec.structs.replace(record, **fields)


def test_every_status_can_be_reached_and_every_one_but_an_end_goes_on() -> None:
    assert set(SCAN_TRANSITIONS.values()) == set(ScanStatus)
    moves = {(at, to) for (at, _), to in SCAN_TRANSITIONS.items() if at is not to}
    assert {at for at, _ in moves} == set(ScanStatus)
    assert {to for at, to in moves if at in SCAN_ENDS} == {ScanStatus.WANTED}


def test_every_reason_but_the_first_is_in_the_table() -> None:
    assert {reason for _, reason in SCAN_TRANSITIONS} == set(ScanReason) - {ScanReason.ASKED}


def test_an_answer_comes_from_a_run_or_from_the_kept_one_and_from_nothing_else() -> None:
    ways = {(at, reason) for (at, reason), to in SCAN_TRANSITIONS.items() if to is ScanStatus.ANSWERED and at is not to}
    assert ways == {(ScanStatus.SCANNING, ScanReason.ANSWERED), (ScanStatus.WANTED, ScanReason.SAME_DATABASE)}


@pytest.mark.parametrize("status", ScanStatus)
@pytest.mark.parametrize("reason", ScanReason)
def test_what_is_not_in_the_table_cannot_happen(status: ScanStatus, reason: ScanReason) -> None:
    if (status, reason) in SCAN_TRANSITIONS:
        assert advance_scan(scan(status), reason, LATER).status is SCAN_TRANSITIONS[status, reason]
        return
    with pytest.raises(ImpossibleScanChange, match=f"{reason.value} cannot happen to what is {status.value}"):
        advance_scan(scan(status), reason, LATER)


def test_a_change_is_one_step_and_one_line() -> None:
    changed = advance_scan(scan(), ScanReason.STARTED, LATER, detail="run 1", pause=timedelta(minutes=2), runs=1)
    assert (changed.step, changed.since, changed.look_at, changed.runs) == (2, LATER, LATER + timedelta(minutes=2), 1)
    assert changed.last == ScanChange(LATER, ScanStatus.SCANNING, ScanReason.STARTED, "run 1")


def test_what_happens_again_and_again_is_one_line() -> None:
    record = scan(ScanStatus.SCANNING)
    for _ in range(50):
        record = advance_scan(record, ScanReason.TROUBLE, LATER, detail="503")
    assert [(change.reason, change.times) for change in record.history] == [
        (ScanReason.ASKED, 1),
        (ScanReason.TROUBLE, 50),
    ]


def test_runs_that_fail_day_after_day_are_two_lines_and_wash_away_nothing() -> None:
    record = scan()
    for _ in range(50):
        record = advance_scan(advance_scan(record, ScanReason.STARTED, NOON), ScanReason.UNANSWERED, NOON)
    assert [(change.reason, change.times) for change in record.history] == [
        (ScanReason.ASKED, 1),
        (ScanReason.STARTED, 50),
        (ScanReason.UNANSWERED, 50),
    ]


def test_a_detail_is_never_too_long_for_a_record() -> None:
    assert len(advance_scan(scan(), ScanReason.TROUBLE, NOON, detail="x" * 10_000).last.detail) == 600


def test_names_of_runs_are_valid_for_arm_and_different_for_each_run_and_secret() -> None:
    names = [scan_run_name(scan(runs=runs, secret=secret)) for runs in (1, 2) for secret in ("a", "b")]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9-]{5,50}", name) for name in names)


def test_names_that_may_be_in_the_registry_are_those_since_they_were_last_deleted() -> None:
    record = scan(runs=4, named_from=3, secret="s")
    assert scan_run_names(record) == (scan_run_name(record, 3), scan_run_name(record, 4))
    assert scan_run_names(scan()) == ()


def test_words_and_log_are_those_of_the_run_that_is_meant() -> None:
    record = scan(secret="s", generation=2, runs=5)
    taken = Taken(1, 3, "cf1", NOON, NOON, "", (AMD64,))
    assert scan_words(record, taken) == scan_words(scan(secret="s", generation=1, runs=3))
    assert scan_words(record) != scan_words(record, taken)
    assert (scan_log_name(record), scan_log_name(record, taken)) == ("scan-2-5.log", "scan-1-3.log")


def test_an_answer_counts_if_it_is_of_every_platform_that_is_wanted() -> None:
    taken = Taken(1, 1, "cf1", NOON, NOON, "", (AMD64,))
    assert not scan().has_answer
    assert scan(taken=taken).has_answer
    assert not scan(taken=taken, platforms=(AMD64, ARM64)).has_answer


def test_a_write_takes_in_whoever_asked_meanwhile() -> None:
    read, written = scan(), advance_scan(scan(), ScanReason.STARTED, LATER)
    found = scan(askers=("one", "two"), platforms=(AMD64, ARM64), asked_at=LATER)
    rejoined = rejoined_scan(read, found, written)
    assert rejoined == msgspec.structs.replace(written, askers=("one", "two"), platforms=(AMD64, ARM64), asked_at=LATER)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (ScanStatus.ANSWERED, ScanReason.TOLD),
        (ScanStatus.WANTED, ScanReason.NOBODY_ASKS),
        (ScanStatus.SCANNING, ScanReason.NOBODY_ASKS),
        (ScanStatus.CANCELLING, ScanReason.CANCELED),
    ],
)
def test_nobody_who_asked_meanwhile_is_forgotten_by_an_end(at: ScanStatus, reason: ScanReason) -> None:
    read, written = scan(at), advance_scan(scan(at), reason, LATER, askers=())
    assert rejoined_scan(read, scan(at, askers=("one", "two")), written) is None
    assert rejoined_scan(read, scan(at, asked_at=LATER), written) is not None


def test_what_another_worker_did_meanwhile_is_not_overwritten() -> None:
    read, written = scan(), advance_scan(scan(), ScanReason.STARTED, LATER)
    assert rejoined_scan(read, advance_scan(read, ScanReason.STARTED, NOON), written) is None
    assert rejoined_scan(read, scan(live_run="cf1"), written) is None
