"""What a wanted digest means for the candidate that bears it already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.meeting import Meeting, meet
from shared.domain.promotion.statuses import Status
from shared.domain.watching.observation import Look
from tests.unit.examples import NOON, candidate

pytestmark = pytest.mark.unit


UNDECIDED = [Status.IMPORTING, Status.STAGED, Status.VALIDATING]


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("status", UNDECIDED, ids=lambda status: status.value)
def test_a_candidate_on_its_way_is_left_alone(status: Status, look: Look) -> None:
    assert meet(candidate(status=status), look, NOON) is Meeting.LEAVE


@pytest.mark.parametrize("look", Look)
def test_a_candidate_that_was_only_just_detected_gets_its_message_again(look: Look) -> None:
    assert meet(candidate(), look, NOON) is Meeting.RESEND


@pytest.mark.parametrize("look", [look for look in Look if look is not Look.UNCHANGED])
def test_a_rejected_digest_stays_rejected_however_it_comes_back(look: Look) -> None:
    assert meet(candidate(status=Status.REJECTED), look, NOON) is Meeting.REFUSE


@pytest.mark.parametrize("look", [Look.MOVED, Look.FIRST_SEEN])
@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.FAILED])
def test_a_wanted_digest_that_was_never_promoted_begins_its_way_again(status: Status, look: Look) -> None:
    assert meet(candidate(status=status), look, NOON) is Meeting.BEGIN_AGAIN


PASSED = [
    candidate(status=Status.PROMOTING),
    candidate(status=Status.PROMOTED),
    candidate(status=Status.SUPERSEDED, passed_at=NOON),
    candidate(status=Status.FAILED, passed_at=NOON),
]


@pytest.mark.parametrize("look", [*Look, None])
@pytest.mark.parametrize("passed", PASSED, ids=lambda record: record.status.value)
def test_what_passed_is_proposed_to_every_target_that_does_not_know_it(passed: Candidate, look: Look | None) -> None:
    assert meet(passed, look, NOON) is Meeting.PROPOSE


@pytest.mark.parametrize("passed", [PASSED[1], PASSED[2]], ids=lambda record: record.status.value)
def test_what_passed_and_is_not_in_staging_any_more_begins_its_way_again_once(passed: Candidate) -> None:
    assert meet(passed, None, NOON, lost_at=NOON) is Meeting.BEGIN_AGAIN
    again = replace(passed, detected_at=NOON + timedelta(minutes=1))
    assert meet(again, None, NOON, lost_at=NOON) is Meeting.PROPOSE


@pytest.mark.parametrize("status", [Status.FAILED, Status.SUPERSEDED])
def test_a_tag_that_was_gone_and_is_back_has_what_never_arrived_tried_again(status: Status) -> None:
    assert meet(candidate(status=status), Look.RETURNED, NOON) is Meeting.BEGIN_AGAIN


@pytest.mark.parametrize(
    ("passed", "meeting"), [(timedelta(hours=23), Meeting.LEAVE), (timedelta(days=1), Meeting.BEGIN_AGAIN)]
)
def test_what_failed_is_tried_again_daily_while_its_target_wants_it(passed: timedelta, meeting: Meeting) -> None:
    assert meet(candidate(status=Status.FAILED), None, NOON + passed) is meeting


def test_a_candidate_that_waits_for_its_time_gets_no_message_before() -> None:
    assert meet(candidate(look_at=NOON + timedelta(minutes=1)), Look.MOVED, NOON) is Meeting.LEAVE


def test_a_candidate_whose_target_only_looks_after_it_gets_no_second_message() -> None:
    assert meet(candidate(), None, NOON) is Meeting.LEAVE


@pytest.mark.parametrize(
    ("status", "meeting"),
    [
        (Status.SUPERSEDED, Meeting.LEAVE),
        (Status.FAILED, Meeting.BEGIN_AGAIN),
        (Status.REJECTED, Meeting.BEGIN_AGAIN),
    ],
)
def test_somebody_who_asks_for_an_unchanged_tag_has_what_failed_or_was_rejected_tried_again(
    status: Status, meeting: Meeting
) -> None:
    assert meet(candidate(status=status), Look.UNCHANGED, NOON) is meeting


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
def test_what_began_after_somebody_asked_does_not_begin_again_by_the_same_message(status: Status) -> None:
    begun = candidate(status=status, detected_at=NOON)
    assert meet(begun, Look.UNCHANGED, NOON, asked_at=NOON + timedelta(seconds=1)) is Meeting.BEGIN_AGAIN
    assert meet(begun, Look.UNCHANGED, NOON, asked_at=NOON - timedelta(seconds=1)) is Meeting.LEAVE
