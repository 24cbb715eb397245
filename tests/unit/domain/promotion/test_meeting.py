"""What a wanted digest means for the candidate that bears it already."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.candidate import Status
from shared.domain.promotion.lifecycle import ENDS
from shared.domain.promotion.meeting import Meeting, meet
from shared.domain.watching.observation import Look
from tests.unit.examples import NOON, TWO, candidate

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize(
    "status", [s for s in Status if s not in ENDS | {Status.DETECTED}], ids=lambda status: status.value
)
def test_a_candidate_on_its_way_is_left_alone(status: Status, look: Look) -> None:
    assert meet(candidate(status=status), look, None) is Meeting.LEAVE


@pytest.mark.parametrize("look", Look)
def test_a_candidate_that_was_only_just_detected_gets_its_message_again(look: Look) -> None:
    assert meet(candidate(), look, None) is Meeting.RESEND


@pytest.mark.parametrize("look", [look for look in Look if look is not Look.UNCHANGED])
def test_a_rejected_digest_stays_rejected_however_it_comes_back(look: Look) -> None:
    assert meet(candidate(status=Status.REJECTED), look, None) is Meeting.LEAVE


@pytest.mark.parametrize("look", [Look.MOVED, Look.FIRST_SEEN])
@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.FAILED])
def test_a_wanted_digest_that_was_never_promoted_begins_its_way_again(status: Status, look: Look) -> None:
    assert meet(candidate(status=status), look, None) is Meeting.BEGIN_AGAIN


def test_a_promoted_digest_begins_its_way_again_if_another_one_was_detected_since() -> None:
    later = candidate(digest=TWO, detected_at=NOON + timedelta(hours=1))
    assert meet(candidate(status=Status.PROMOTED), Look.MOVED, later) is Meeting.BEGIN_AGAIN


@pytest.mark.parametrize("look", Look)
def test_a_promoted_digest_is_left_alone_if_the_check_that_found_it_was_only_repeated(look: Look) -> None:
    earlier = candidate(digest=TWO, detected_at=NOON - timedelta(hours=1))
    assert meet(candidate(status=Status.PROMOTED), look, earlier) is Meeting.LEAVE


@pytest.mark.parametrize(
    ("status", "meeting"),
    [
        (Status.PROMOTED, Meeting.LEAVE),
        (Status.SUPERSEDED, Meeting.LEAVE),
        (Status.FAILED, Meeting.BEGIN_AGAIN),
        (Status.REJECTED, Meeting.BEGIN_AGAIN),
    ],
)
def test_somebody_who_asks_for_an_unchanged_tag_has_what_failed_or_was_rejected_tried_again(
    status: Status, meeting: Meeting
) -> None:
    assert meet(candidate(status=status), Look.UNCHANGED, None) is meeting
