"""Who asks for a scan, until when, and what an error means for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.scanning import (
    ScanWish,
    asked_for,
    first_scan,
    nobody_asks,
    put_off_scan,
    scan_not_begun,
    silences_of,
    still_asks,
    unanswered,
)
from shared.domain.promotion.schedule import SCAN_WANTED_FOR, pause_before_scan, pause_before_step
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest, Repository, Tag
from shared.domain.scan.report import Trouble
from shared.domain.scan.scan import Scan, ScanReason, ScanStatus, Silence, Taken, advance_scan
from shared.errors import NotFound, OperationFailed, RateLimited, Refused, Unavailable

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DIGEST = Digest("sha256:" + 64 * "1")
AMD64 = ("linux/amd64",)
WISH = ScanWish("one", "node", DIGEST, "base/node", AMD64)


def wish(**fields: object) -> ScanWish:
    return msgspec.structs.replace(WISH, **fields)


def ended(database_at: datetime | None = NOON, **fields: object) -> Scan:
    taken = Taken(1, 1, "cf1", NOON, database_at, "", AMD64)
    whole = {"status": ScanStatus.SCANNED, "askers": (), "taken": taken, **fields}
    return msgspec.structs.replace(first_scan(WISH, NOON), **whole)


def candidate(status: Status, *, passed: bool = False) -> Candidate:
    return Candidate(
        image="node",
        source=Repository("docker.io", "library/node"),
        source_tag=Tag("22"),
        digest=DIGEST,
        status=status,
        look_at=NOON,
        since=NOON,
        detected_at=NOON,
        passed_at=NOON if passed else None,
    )


@given(
    status=st.sampled_from(ScanStatus),
    newer=st.sampled_from([None, NOON - DAY, NOON + DAY]),
    asker=st.sampled_from(["one", "two"]),
    platforms=st.sampled_from([AMD64, ("linux/arm64",)]),
    taken=st.booleans(),
    hours=st.integers(0, 60),
)
def test_whoever_asks_is_told_later_or_has_an_answer_that_will_do(
    status: ScanStatus, newer: datetime | None, asker: str, platforms: tuple[str, ...], taken: bool, hours: int
) -> None:
    at = NOON + HOUR * hours
    before = ended(status=status, askers=("one",) if status is not ScanStatus.SCANNED else ())
    before = before if taken else msgspec.structs.replace(before, taken=None)
    after = asked_for(before, wish(asker=asker, newer_than=newer, platforms=platforms), at)
    new_enough = newer is None or (after.database_at is not None and after.database_at >= newer)
    rests = after.status is status and at - before.since < HOUR
    assert asker in after.askers or (after.has_answer and (new_enough or rests))
    assert set(platforms) <= set(after.platforms)
    if after.status in {ScanStatus.SCANNED, ScanStatus.UNWANTED}:
        assert after.has_answer


@given(status=st.sampled_from(ScanStatus), newer=st.sampled_from([None, NOON + DAY]), hours=st.integers(0, 60))
def test_asking_twice_is_asking_once(status: ScanStatus, newer: datetime | None, hours: int) -> None:
    at = NOON + HOUR * hours
    once = asked_for(ended(status=status), wish(newer_than=newer), at)
    assert asked_for(once, wish(newer_than=newer), at) == once


def test_a_scan_that_begins_anew_counts_its_runs_and_its_attempts_apart() -> None:
    again = asked_for(ended(runs=3, attempts=2, unanswered=1), wish(newer_than=NOON + DAY), NOON + 2 * HOUR)
    assert (again.generation, again.runs, again.attempts, again.unanswered) == (2, 3, 0, 0)


def test_who_asks_anew_says_where_the_digest_is_now() -> None:
    again = asked_for(ended(), wish(newer_than=NOON + DAY, repository="base/other"), NOON + 2 * HOUR)
    assert again.repository == "base/other"


def test_what_waits_for_its_next_try_is_tried_at_once_for_a_newcomer_only() -> None:
    waits = msgspec.structs.replace(first_scan(WISH, NOON), look_at=NOON + DAY)
    assert asked_for(waits, wish(asker="two"), NOON + HOUR).look_at == NOON + HOUR
    assert asked_for(waits, WISH, NOON + HOUR).look_at == NOON + DAY


@pytest.mark.parametrize("status", Status)
def test_a_candidate_asks_until_it_has_nothing_to_learn_from_a_scan(status: Status) -> None:
    gone = {Status.CANCELLING, Status.SUPERSEDED, Status.FAILED}
    over = {Status.PROMOTED, Status.REJECTED, Status.OBSERVED}
    record = first_scan(WISH, NOON)
    assert still_asks(record, candidate(status, passed=True), NOON) is (status not in gone)
    late = NOON + SCAN_WANTED_FOR
    assert still_asks(record, candidate(status, passed=True), late) is (status not in gone | over)


def test_what_its_gate_rejected_and_what_is_no_candidate_asks_for_nothing() -> None:
    record = first_scan(WISH, NOON)
    assert not still_asks(record, candidate(Status.REJECTED), NOON)
    assert not still_asks(record, None, NOON)


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_answers_only_if_it_succeeded_and_every_platform_has_its_report(status: RunStatus) -> None:
    missing = (Silence("linux/amd64", Trouble.CUT_OFF, "…"),)
    assert silences_of(status, missing, AMD64) == missing
    assert (silences_of(status, (), AMD64) == ()) is (status is RunStatus.SUCCEEDED)


def test_pauses_between_runs_without_an_answer_grow_from_seconds_to_a_day_and_no_further() -> None:
    pauses = [pause_before_scan(attempt) for attempt in range(1, 60)]
    assert all(first <= second for first, second in pairwise(pauses))
    assert (pauses[0], pauses[2], pauses[25], pauses[26], pauses[-1]) == (timedelta(seconds=15), HOUR, HOUR, DAY, DAY)


@pytest.mark.parametrize("asked", [None, 90.0, 200_000.0])
def test_pauses_after_failures_grow_to_a_day_and_are_never_shorter_than_was_asked(asked: float | None) -> None:
    pauses = [pause_before_step(failure, asked) for failure in range(1, 60)]
    assert all(first <= second for first, second in pairwise(pauses))
    assert pauses[-1] == max(DAY, timedelta(seconds=asked or 0))
    assert all(pause >= timedelta(seconds=asked or 0) for pause in pauses)


@pytest.mark.parametrize("status", sorted(set(ScanStatus) - {ScanStatus.SCANNED, ScanStatus.UNWANTED}, key=str))
@pytest.mark.parametrize(
    "error",
    [Unavailable("503"), Refused("400"), RateLimited("429"), OperationFailed(NotFound("gone")), NotFound("gone")],
    ids=lambda error: type(error).__name__,
)
def test_no_error_ends_a_scan_or_is_silent(status: ScanStatus, error: Unavailable) -> None:
    record = ended(status=status)
    for number in range(1, 60):
        later = put_off_scan(record, error, NOON)
        assert later.status is status
        assert later.look_at > NOON
        assert str(error) in later.last.detail
        assert number == 1 or later.look_at >= record.look_at
        record = later
    assert record.look_at == NOON + DAY


def test_being_asked_to_wait_is_no_failure() -> None:
    later = put_off_scan(first_scan(WISH, NOON), RateLimited("429", retry_after=90), NOON)
    assert (later.failures, later.last.reason, later.look_at) == (0, ScanReason.DEFERRED, NOON + timedelta(seconds=90))


def test_what_was_not_begun_after_all_is_as_it_was_but_for_who_asked_meanwhile() -> None:
    before = first_scan(WISH, NOON)
    claimed = advance_scan(before, ScanReason.STARTED, NOON, runs=1, askers=("one", "two"), secret="s")
    undone = scan_not_begun(claimed, before, NOON, timedelta(seconds=7))
    assert (undone.status, undone.runs, undone.history) == (ScanStatus.WANTED, 0, before.history)
    assert (undone.askers, undone.step) == (("one", "two"), 3)


def test_a_run_that_nobody_needs_is_ended_once_whoever_claimed_it_must_have_asked_for_it() -> None:
    begun = advance_scan(first_scan(WISH, NOON), ScanReason.STARTED, NOON, pause=timedelta(minutes=2))
    unknown, known = nobody_asks(begun, NOON), nobody_asks(msgspec.structs.replace(begun, live_run="cf1"), NOON)
    assert (unknown.status, unknown.look_at) == (ScanStatus.CANCELLING, NOON + timedelta(minutes=2))
    assert known.look_at == NOON


def test_a_run_without_an_answer_is_told_platform_by_platform() -> None:
    begun = advance_scan(first_scan(WISH, NOON), ScanReason.STARTED, NOON, runs=1, given=AMD64)
    silences = (Silence("linux/amd64", Trouble.SCANNER_FAILED, "no space left"),)
    missed = unanswered(begun, "cf1", silences, NOON)
    assert missed.last.detail == "linux/amd64: no space left (scanner-failed) (run cf1)"
    assert missed.missed is not None
    assert (missed.missed.run_id, missed.attempts) == ("cf1", 1)
