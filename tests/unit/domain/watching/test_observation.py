"""What a look at an upstream tag amounts to, and what is remembered of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import Digest
from shared.domain.watching.observation import (
    Look,
    Observation,
    Presence,
    compare,
    is_news,
    next_order,
    noted,
    observed,
    order_at,
    troubled,
    worth_writing,
)
from tests.unit.examples import NOON, ONE, TAG, TWO

pytestmark = pytest.mark.unit

TARGET = "base/node"
LATER = NOON + timedelta(minutes=5)
KNOWN = Observation(tag=TAG, digest=ONE, targets=(TARGET,), first_seen=NOON, last_checked=NOON)
ORDERED = msgspec.structs.replace(KNOWN, order=7)
GONE = msgspec.structs.replace(KNOWN, presence=Presence.GONE)
NEVER_THERE = Observation(tag=TAG, presence=Presence.GONE, first_seen=NOON, last_checked=NOON)


@pytest.mark.parametrize(
    ("known", "digest", "look"),
    [
        (None, ONE, Look.FIRST_SEEN),
        (None, None, Look.STILL_GONE),
        (NEVER_THERE, ONE, Look.FIRST_SEEN),
        (NEVER_THERE, None, Look.STILL_GONE),
        (KNOWN, ONE, Look.MOVED),
        (ORDERED, ONE, Look.UNCHANGED),
        (KNOWN, TWO, Look.MOVED),
        (KNOWN, None, Look.VANISHED),
        (GONE, None, Look.STILL_GONE),
        (msgspec.structs.replace(GONE, order=7), ONE, Look.RETURNED),
        (GONE, TWO, Look.MOVED),
    ],
)
def test_a_look_is_compared_with_what_is_known(known: Observation | None, digest: Digest | None, look: Look) -> None:
    assert compare(known, digest, TARGET) is look


@pytest.mark.parametrize("known", [KNOWN, GONE])
@pytest.mark.parametrize("digest", [ONE, TWO])
def test_a_target_that_is_new_sees_every_digest_for_the_first_time(known: Observation, digest: Digest) -> None:
    assert compare(known, digest, "golden/node") is Look.FIRST_SEEN


def test_trouble_on_the_first_look_leaves_the_tag_to_be_seen_for_the_first_time() -> None:
    known = troubled(None, TAG, "429", NOON)
    assert compare(known, ONE, TARGET) is Look.FIRST_SEEN
    assert compare(known, None, TARGET) is Look.STILL_GONE


def test_a_digest_that_is_seen_is_remembered_with_its_time_and_its_targets() -> None:
    assert observed(None, TAG, ONE, (TARGET,), NOON) == KNOWN


def test_a_digest_that_stays_keeps_the_time_at_which_it_was_first_seen() -> None:
    new = observed(KNOWN, TAG, ONE, (TARGET,), LATER)
    assert (new.first_seen, new.last_checked) == (NOON, LATER)


def test_a_digest_that_is_new_was_first_seen_now() -> None:
    new = observed(KNOWN, TAG, TWO, (TARGET,), LATER)
    assert (new.digest, new.first_seen) == (TWO, LATER)


def test_a_tag_that_vanishes_keeps_its_digest_and_its_targets() -> None:
    new = observed(KNOWN, TAG, None, (TARGET, "golden/node"), LATER)
    assert (new.presence, new.digest, new.targets, new.first_seen) == (Presence.GONE, ONE, (TARGET,), NOON)


def test_a_tag_that_was_never_there_has_neither_digest_nor_targets() -> None:
    new = observed(None, TAG, None, (TARGET,), NOON)
    assert new == NEVER_THERE


def test_trouble_keeps_what_is_known_and_says_why() -> None:
    new = troubled(KNOWN, TAG, "429 from the registry", LATER)
    assert new == msgspec.structs.replace(KNOWN, trouble="429 from the registry")


def test_an_answer_ends_the_trouble() -> None:
    assert observed(troubled(KNOWN, TAG, "429", NOON), TAG, ONE, (TARGET,), LATER).trouble == ""


@pytest.mark.parametrize(
    ("known", "news"),
    [
        (None, True),
        (NEVER_THERE, True),
        (KNOWN, True),
        (ORDERED, False),
        (msgspec.structs.replace(ORDERED, presence=Presence.GONE), False),
        (msgspec.structs.replace(ORDERED, digest=TWO), True),
    ],
)
def test_a_digest_is_news_if_it_is_another_one_or_has_no_order_yet(known: Observation | None, news: bool) -> None:
    assert is_news(known, ONE) is news


def test_news_have_their_order_and_name_no_target_before_one_was_told() -> None:
    new = noted(ORDERED, TAG, TWO, 8, LATER)
    assert (new.digest, new.order, new.targets, new.first_seen) == (TWO, 8, (), LATER)
    assert observed(new, TAG, TWO, (TARGET,), LATER).order == 8


def test_what_a_version_without_targets_has_seen_is_told_to_its_target() -> None:
    new = noted(KNOWN, TAG, ONE, 8, LATER)
    assert (new.digest, new.order, new.targets, new.first_seen) == (ONE, 8, (), NOON)


@given(st.integers(0, 2**52), st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_an_order_is_more_than_the_last_and_than_what_another_repository_was_given_before(
    last: int, now: datetime
) -> None:
    order = next_order(last, now)
    assert order > last
    assert order >= order_at(now) > order_at(now - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("new", "worth"),
    [
        (KNOWN, False),
        (msgspec.structs.replace(KNOWN, last_checked=NOON + timedelta(minutes=15)), False),
        (msgspec.structs.replace(KNOWN, last_checked=NOON + timedelta(minutes=15, seconds=1)), True),
        (msgspec.structs.replace(KNOWN, digest=TWO), True),
        (msgspec.structs.replace(KNOWN, trouble="429"), True),
        (msgspec.structs.replace(KNOWN, targets=(TARGET, "golden/node")), True),
        (GONE, True),
    ],
)
def test_an_observation_is_written_if_it_says_something_new_or_a_quarter_of_an_hour_passed(
    new: Observation, worth: bool
) -> None:
    assert worth_writing(KNOWN, new) is worth


def test_the_first_observation_of_a_tag_is_written() -> None:
    assert worth_writing(None, NEVER_THERE)
