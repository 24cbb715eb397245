"""A candidate's way obeys one table: it never leaves it, and it always comes to an end."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise, product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.candidate import Candidate, Place, joined, rejoined, run_name, run_names
from shared.domain.promotion.due import CANDIDATES, Due, due_of
from shared.domain.promotion.lifecycle import (
    ImpossibleChange,
    Stage,
    advance,
    begin_again,
    decided_again,
    put_off,
    stage_of,
    turn_of,
)
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.transitions import ENDS, TRANSITIONS
from shared.domain.references import Digest, Repository, Tag, parse_tag
from shared.errors import (
    NotPermitted,
    NotThereYet,
    OperationFailed,
    RateLimited,
    Refused,
    ServiceError,
    Unavailable,
    Unexplained,
)
from tests.unit.examples import NOON, TAG, candidate
from tests.unit.strategies import digests, paths, tags

pytestmark = pytest.mark.unit

UNDER_WAY = [status for status in Status if status not in ENDS]
# What ends a count of failures: the step that failed has succeeded, or its way begins anew.
HEADWAY = {
    Reason.IMPORT_VERIFIED,
    Reason.NO_GATE,
    Reason.GATE_PASSED,
    Reason.PROMOTION_VERIFIED,
    Reason.IN_FORCE_AGAIN,
    Reason.SEEN_AGAIN,
    Reason.DECIDED_AGAIN,
}


def given_up(status: Status) -> Status:
    """Return how it ends if another system will not; a run that cannot be ended ends by itself."""
    return Status.SUPERSEDED if status is Status.CANCELLING else Status.FAILED


@st.composite
def walks(draw: st.DrawFn) -> list[Candidate]:
    """Walk from DETECTED along the table, with some failures already counted, as long as there is a way on."""
    way = [candidate(failures=draw(st.integers(0, 11)))]
    for _ in range(draw(st.integers(0, 40))):
        reasons = [reason for status, reason in TRANSITIONS if status is way[-1].status]
        if not reasons:
            break
        seconds = draw(st.integers(1, 5))
        way.append(advance(way[-1], draw(st.sampled_from(reasons)), way[-1].last.at + timedelta(seconds=seconds)))
    return way


def reachable(start: Status) -> set[Status]:
    """Return every status that the table leads to."""
    found, left = {start}, [start]
    while left:
        status = left.pop()
        following = {to for (origin, _), to in TRANSITIONS.items() if origin is status} - found
        found |= following
        left += following
    return found


@given(walks())
def test_every_step_of_a_way_is_in_the_table_and_counted(way: list[Candidate]) -> None:
    for before, after in pairwise(way):
        assert TRANSITIONS[before.status, after.last.reason] is after.status
        assert after.step == before.step + 1


@given(walks())
def test_an_end_is_left_only_by_being_seen_again_or_by_a_target_that_goes_back(way: list[Candidate]) -> None:
    for before, after in pairwise(way):
        again = {Reason.SEEN_AGAIN, Reason.IN_FORCE_AGAIN, Reason.DECIDED_AGAIN}
        assert before.status not in ENDS or after.last.reason in again


def test_what_was_rejected_never_comes_into_force_without_another_test() -> None:
    out = {reason for status, reason in TRANSITIONS if status is Status.REJECTED}
    assert out == {Reason.SEEN_AGAIN, Reason.DECIDED_AGAIN}
    with pytest.raises(ImpossibleChange, match="did not pass its test"):
        decided_again(candidate(status=Status.REJECTED), NOON, "a waiver")


def test_what_passed_its_test_and_was_rejected_by_its_scan_is_proposed_when_it_is_decided_again() -> None:
    again = decided_again(candidate(status=Status.REJECTED, passed_at=NOON), NOON, "a waiver")
    assert (again.status, again.last.reason, again.last.detail) == (Status.PROMOTING, Reason.DECIDED_AGAIN, "a waiver")


def test_a_history_that_tells_of_waiting_for_an_earlier_candidate_is_read() -> None:
    assert Reason("waits-for-earlier") is Reason.PROMOTION_STARTED
    with pytest.raises(ValueError, match="nonsense"):
        Reason("nonsense")


@given(walks())
def test_failures_are_forgotten_only_by_headway(way: list[Candidate]) -> None:
    for before, after in pairwise(way):
        assert after.failures == (0 if after.last.reason in HEADWAY else before.failures)


@given(walks())
def test_a_status_began_when_it_was_entered(way: list[Candidate]) -> None:
    for before, after in pairwise(way):
        assert after.since == (before.since if after.status is before.status else after.last.at)


@given(walks())
def test_a_candidate_keeps_its_id_and_tells_of_its_latest_changes(way: list[Candidate]) -> None:
    assert {record.id for record in way} == {way[0].id}
    for number, record in enumerate(way, 1):
        assert len(record.history) <= 30
        assert len(record.history) == 30 or sum(change.times for change in record.history) == number
        assert [change.at for change in record.history] == sorted(change.at for change in record.history)


def test_waiting_is_one_line_of_history_however_long_it_lasts() -> None:
    record = candidate()
    for minute in range(1, 101):
        now = NOON + timedelta(minutes=minute)
        record = put_off(record, RateLimited(f"429, try {minute}", retry_after=60), now)
    assert [(change.reason, change.times) for change in record.history] == [
        (Reason.FIRST_IMPORT, 1),
        (Reason.DEFERRED, 100),
    ]
    assert (record.last.at, record.last.detail) == (NOON + timedelta(minutes=100), "429, try 100")


def test_a_step_that_is_begun_and_falls_through_again_and_again_is_two_lines_of_history() -> None:
    record, now = candidate(), NOON
    for _ in range(40):
        now += timedelta(hours=1)
        record = put_off(advance(record, Reason.IMPORT_STARTED, now), RateLimited("429"), now, Reason.IMPORT_LOST)
    assert [(change.reason, change.times) for change in record.history] == [
        (Reason.FIRST_IMPORT, 1),
        (Reason.IMPORT_STARTED, 40),
        (Reason.IMPORT_DEFERRED, 40),
    ]
    assert record.latest(Reason.IMPORT_STARTED) == now


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
@pytest.mark.parametrize(
    "error", [RateLimited("429"), OperationFailed(RateLimited("toomanyrequests"))], ids=["", "import"]
)
def test_being_asked_to_wait_is_no_failure_and_is_never_given_up(status: Status, error: ServiceError) -> None:
    record = candidate(status=status, failures=11)
    for _ in range(50):
        record = put_off(record, error, record.look_at)
    assert (record.status, record.failures) == (status, 11)
    assert record.look_at - record.last.at == timedelta(hours=1), "and it is asked ever more rarely"


@pytest.mark.parametrize(
    ("seen", "reason"), [(True, Reason.REFUSED), (False, Reason.STILL_FAILING)], ids=["seen", "looked-after"]
)
def test_what_fails_day_after_day_while_a_tag_wants_it_is_told_once(seen: bool, reason: Reason) -> None:
    failed = put_off(candidate(), Refused("locked"), NOON)
    assert failed.last.reason is Reason.REFUSED
    again = begin_again(failed, NOON + timedelta(days=1), detail="", wanted=candidate(), seen=seen)
    once_more = put_off(again, Refused("locked"), NOON + timedelta(days=1))
    assert (once_more.status, once_more.last.reason) == (Status.FAILED, reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [pair for pair in product(Status, Reason) if pair not in TRANSITIONS],
    ids=lambda part: part.value,
)
def test_what_is_not_in_the_table_cannot_happen(status: Status, reason: Reason) -> None:
    with pytest.raises(ImpossibleChange, match=f"{reason.value} cannot happen to what is {status.value}"):
        advance(candidate(status=status), reason, NOON)


def test_every_status_can_be_reached_from_detected() -> None:
    assert reachable(Status.DETECTED) == set(Status)


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_every_end_can_be_reached_from_whatever_is_under_way(status: Status) -> None:
    assert reachable(status) >= ENDS


def test_the_base_registry_is_reached_only_by_a_passed_or_observed_gate_or_by_having_none() -> None:
    into = {(origin, reason) for (origin, reason), to in TRANSITIONS.items() if to is Status.PROMOTING is not origin}
    passed = {(Status.VALIDATING, Reason.GATE_PASSED), (Status.STAGED, Reason.NO_GATE)}
    # What passed, and waits for its scan or was rejected by it alone; see ``decided_again``.
    scanned = {(Status.HELD, Reason.PROMOTION_STARTED), (Status.REJECTED, Reason.DECIDED_AGAIN)}
    # What would have been promoted while its entry was only observed.
    scanned |= {(Status.OBSERVED, Reason.DECIDED_AGAIN)}
    # What did not pass, and is judged by each tag; one that enforces the test refuses it.
    observed = {(Status.VALIDATING, Reason.GATE_OBSERVED)}
    assert into == passed | scanned | observed


@pytest.mark.parametrize("status", Status, ids=lambda status: status.value)
def test_every_status_but_the_ends_has_a_stage_and_is_looked_at_when_it_is_due(status: Status) -> None:
    due = due_of(candidate(status=status))
    assert (stage_of(status) is None, due is None) == (status in ENDS, status in ENDS)
    assert due is None or status in CANDIDATES[due]


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_everything_under_way_can_be_in_trouble_be_given_up_and_be_refused(status: Status) -> None:
    assert TRANSITIONS[status, Reason.TROUBLE] is status
    for reason in (Reason.GAVE_UP, Reason.REFUSED):
        assert TRANSITIONS[status, reason] is given_up(status)


def test_every_stage_does_something() -> None:
    tool = msgspec.structs.replace(candidate(status=Status.STAGED), tool="trivy-db")
    assert {stage_of(status) for status in Status} - {None} | {turn_of(tool)} == set(Stage)


def test_a_tool_is_neither_tested_nor_promoted_wherever_it_is() -> None:
    turns = {turn_of(msgspec.structs.replace(candidate(status=status), tool="a")) for status in CANDIDATES[Due.STAGING]}
    assert turns == {Stage.IMPORT}
    staged = msgspec.structs.replace(candidate(status=Status.STAGED), tool="a")
    assert turn_of(staged) is Stage.MIRROR
    assert TRANSITIONS[Status.STAGED, Reason.TOOL_MIRRORED] is Status.MIRRORED
    assert turn_of(advance(staged, Reason.TOOL_MIRRORED, NOON)) is None
    assert due_of(staged) is Due.GATES


def test_a_step_is_looked_at_again_after_its_pause() -> None:
    after = advance(candidate(), Reason.IMPORT_STARTED, NOON, pause=timedelta(minutes=2), detail="from docker.io")
    assert after.look_at == NOON + timedelta(minutes=2)
    assert (after.last.at, after.last.detail) == (NOON, "from docker.io")


def test_a_detail_is_cut_to_what_a_record_should_hold() -> None:
    assert len(advance(candidate(), Reason.TROUBLE, NOON, detail="x" * 10_000).last.detail) == 600


# What an error means.


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_a_temporary_error_keeps_the_status_and_comes_back_after_a_growing_pause(status: Status) -> None:
    first = put_off(candidate(status=status), Unavailable("503"), NOON)
    second = put_off(first, Unavailable("503"), NOON)
    assert (first.status, first.failures, first.last.reason) == (status, 1, Reason.TROUBLE)
    assert (first.look_at, second.look_at) == (NOON + timedelta(seconds=15), NOON + timedelta(seconds=30))


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_an_error_that_stays_fails_the_candidate_at_once_with_what_was_said(status: Status) -> None:
    after = put_off(candidate(status=status), Refused("the app's identity may not import"), NOON)
    assert (after.status, after.last.reason) == (given_up(status), Reason.REFUSED)
    assert after.last.detail == "the app's identity may not import"


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_the_twelfth_failure_in_a_row_is_the_last(status: Status) -> None:
    after = candidate(status=status)
    for _ in range(11):
        after = put_off(after, Unavailable("503"), NOON)
    assert after.status is status
    after = put_off(after, Unavailable("503"), NOON)
    assert (after.status, after.last.reason) == (given_up(status), Reason.GAVE_UP)
    assert after.last.detail == "503 (tried 12 times)"


@given(st.floats(0, 86_400), st.integers(0, 10))
def test_a_service_that_asks_to_be_left_alone_is_left_alone(seconds: float, failures: int) -> None:
    after = put_off(candidate(failures=failures), RateLimited("429", retry_after=seconds), NOON)
    assert after.look_at >= NOON + timedelta(seconds=seconds)


def test_an_import_that_is_lost_again_and_again_comes_to_an_end() -> None:
    record = candidate()
    for _ in range(12):
        assert record.status is Status.DETECTED
        record = advance(record, Reason.IMPORT_STARTED, NOON)
        record = put_off(record, OperationFailed(Unavailable("503")), NOON, Reason.IMPORT_LOST)
    assert record.status is Status.FAILED


def repeated(error: ServiceError, status: Status = Status.PROMOTING) -> list[Candidate]:
    """Let a step end with an error until its candidate ends, by the clock; return what it was each time."""
    records, now = [candidate(status=status)], NOON
    while records[-1].status not in ENDS:
        records.append(put_off(records[-1], error, now))
        now = records[-1].look_at
    return records[1:]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotPermitted("the role is missing"), Reason.ROLE_AWAITED),
        (OperationFailed(NotPermitted("the role is missing")), Reason.ROLE_AWAITED),
        (NotThereYet("staging has no such manifest"), Reason.STAGING_LAGS),
    ],
)
def test_what_cures_itself_within_ten_minutes_is_given_fifteen(error: ServiceError, reason: Reason) -> None:
    records = repeated(error)
    assert {record.last.reason for record in records[:-1]} == {reason}
    assert timedelta(minutes=15) <= records[-1].last.at - NOON <= timedelta(minutes=20)
    assert records[-1].last.reason is Reason.GAVE_UP
    assert records[-1].last.detail == f"{error} (tried 7 times)"


def test_an_import_that_fails_for_a_reason_nobody_knows_is_tried_four_times() -> None:
    records = repeated(OperationFailed(Unexplained("the widget is wedged")))
    assert [record.last.reason for record in records] == [*[Reason.IMPORT_UNEXPLAINED] * 3, Reason.GAVE_UP]


def test_a_right_that_is_missing_for_an_import_lets_it_begin_again() -> None:
    after = put_off(candidate(status=Status.IMPORTING), NotPermitted("no"), NOON, Reason.IMPORT_LOST)
    assert (after.status, after.last.reason) == (Status.DETECTED, Reason.IMPORT_NOT_PERMITTED)


def test_earlier_failures_of_another_kind_take_no_patience_from_a_role_that_spreads() -> None:
    record = candidate(status=Status.PROMOTING)
    for _ in range(11):
        record = put_off(record, Unavailable("503"), NOON)
    record = put_off(record, NotPermitted("no"), NOON)
    assert (record.status, record.look_at) == (Status.PROMOTING, NOON + timedelta(seconds=15))


# Beginning again.


def test_a_candidate_that_begins_again_is_its_next_generation_by_the_rules_of_now() -> None:
    ended = candidate(
        status=Status.FAILED, failures=12, runs=3, run_id="cf7", evidence=("gate-1-3.log",), passed_at=NOON
    )
    wanted = candidate(image="renamed", traceparent="00-1-2-01")
    again = begin_again(ended, NOON, detail="the tag came back", wanted=wanted)
    assert (again.status, again.generation, again.runs, again.failures) == (Status.DETECTED, 2, 0, 0)
    assert (again.image, again.passed_at, again.traceparent) == ("renamed", None, "00-1-2-01")
    assert again.evidence == ("gate-1-3.log",)


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.value)
def test_what_has_not_ended_does_not_begin_again(status: Status) -> None:
    with pytest.raises(ImpossibleChange):
        begin_again(candidate(status=status), NOON, detail="", wanted=candidate())


@given(walks())
def test_a_verdict_is_remembered_until_the_way_begins_anew(way: list[Candidate]) -> None:
    for before, after in pairwise(way):
        if after.last.reason in {Reason.NO_GATE, Reason.GATE_PASSED}:
            assert after.passed_at == after.last.at
        else:
            assert after.passed_at == before.passed_at


# Targets that join.

HERE, THERE = Place("base/node", TAG), Place("base/other", Tag("1"))


def test_a_target_joins_once_and_changes_nothing_else() -> None:
    with_it = joined(candidate(), THERE)
    assert (with_it.targets, with_it.home, with_it.id) == ((HERE, THERE), HERE, candidate().id)
    assert joined(with_it, THERE) is with_it
    assert msgspec.structs.replace(with_it, targets=(HERE,)) == candidate()


def test_what_is_written_while_another_target_joins_keeps_it() -> None:
    later = advance(candidate(), Reason.IMPORT_STARTED, NOON)
    rebased = rejoined(candidate(), joined(candidate(), THERE), later)
    assert rebased == msgspec.structs.replace(later, targets=(HERE, THERE))


def test_what_others_did_meanwhile_is_not_overwritten() -> None:
    done = advance(candidate(), Reason.IMPORT_STARTED, NOON)
    assert rejoined(candidate(), joined(done, THERE), done) is None


def test_it_is_nobodys_turn_to_go_on_with_a_record_of_an_earlier_version() -> None:
    for status in UNDER_WAY:
        assert turn_of(candidate(status=status)) is stage_of(status)
        assert turn_of(candidate(status=status, target="base/node", tag=TAG, targets=())) is None


# Names.


@given(tags, digests)
def test_the_staging_tag_is_a_tag_that_tells_the_digest(tag: Tag, digest: Digest) -> None:
    staging_tag = candidate(targets=(Place("base/node", tag),), digest=digest).staging_tag
    assert parse_tag(staging_tag) == staging_tag
    assert staging_tag.endswith(digest.partition(":")[2][:32])


@given(paths, st.sampled_from(["node", "x-1"]), digests, st.integers(1, 1000), st.integers(0, 1000))
def test_a_run_name_is_valid_for_azure(path: str, gate: str, digest: Digest, generation: int, runs: int) -> None:
    record = candidate(source=Repository("docker.io", path), gate=gate, digest=digest, generation=generation, runs=runs)
    assert re.fullmatch(r"[A-Za-z0-9-]{5,50}", run_name(record))


def test_every_run_of_every_generation_has_a_name_of_its_own_and_always_the_same() -> None:
    first, second = candidate(generation=1, runs=3), candidate(generation=2, runs=3)
    names = run_names(first) + run_names(second)
    assert len(set(names)) == 6
    assert run_name(first) == run_names(first)[-1] == run_name(candidate(generation=1, runs=3))
