"""What a listing of the base registry means for a target, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.promotion.astray import Astray
from shared.domain.promotion.concluding import conclusion
from shared.domain.promotion.decision import Outcome, decide
from shared.domain.promotion.drift import Answer, Deleted, Finding, Listed, answer, compared, ended, find, let_go
from shared.domain.promotion.importing import Importing, Unsettled
from shared.domain.promotion.reconciling import (
    Todo,
    has_passed,
    landed,
    scheduled,
    todo,
)
from shared.domain.promotion.said import Blocked, Said, Why
from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import Adopted, Awaited, Former, Origin, Sighting, Target
from shared.domain.references import Digest, Tag
from shared.domain.watching.remedies import Remedies, Remedy
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO

pytestmark = pytest.mark.unit

THREE, OTHER = digest_of("three"), Tag("21")
SAID = Said("ada", "it broke the shop", NOON)
LATER = NOON + LAG_PATIENCE
REPAIRED, TOLD = Remedies(), Remedies(Remedy.TELL, Remedy.TELL)
MENDED = Remedies(drift=Remedy.REPAIR)
MISSING: Mapping[Tag, Digest] = {OTHER: THREE}
EMPTY: Mapping[Tag, Digest] = {}


def target(**fields: Any) -> Target:
    """Return a target whose first decision was reached an hour before noon, but for the fields that are given."""
    record = Target(
        registry="base",
        repository="base/node",
        tag=TAG,
        origin=Origin("node", NODE, TAG),
        wanted=ONE,
        number=1,
        decided_at=NOON - timedelta(hours=2),
        reached=1,
        searched=1,
        seen=ONE,
        seen_at=NOON - timedelta(hours=1),
        passed=(ONE,),
    )
    return msgspec.structs.replace(record, **fields)


def listed(tags: Mapping[Tag, Digest], began: datetime = NOON) -> Listed:
    """Return a listing."""
    return Listed(tags, began)


def showing(digest: Digest, began: datetime = NOON) -> Listed:
    """Return a listing in which the tag points at a digest."""
    return listed({TAG: digest, OTHER: THREE}, began)


def after(record: Target, *listings: Listed, remedies: Remedies = REPAIRED, deleted: Deleted | None = None) -> Target:
    """Return a record after some listings."""
    for one in listings:
        record = compared(record, one, remedies, deleted, one.began)
    return record


def test_what_is_in_order_changes_nothing() -> None:
    assert find(target(), showing(ONE)) is Finding.IN_ORDER
    assert after(target(), showing(ONE)) == target()


@pytest.mark.parametrize(
    "fields",
    [
        {"importing": Importing(ONE, NOON)},
        {"reached": 0},
        {"wanted": Digest(""), "number": 2, "reached": 2},
    ],
    ids=["import under way", "not reached yet", "withdrawn"],
)
def test_a_target_that_is_being_brought_somewhere_or_wants_nothing_is_not_judged(fields: dict[str, Any]) -> None:
    record = target(**fields)
    for one in (showing(TWO), listed(MISSING), listed(EMPTY)):
        assert find(record, one) is Finding.NOT_JUDGED
        assert after(record, one) == record


@pytest.mark.parametrize("tags", [{TAG: TWO}, MISSING, EMPTY])
@pytest.mark.parametrize("before", [timedelta(0), timedelta(minutes=3), -timedelta(minutes=4)])
def test_a_listing_from_before_the_tag_was_read_or_soon_after_decides_nothing(
    tags: Mapping[Tag, Digest], before: timedelta
) -> None:
    record = target(seen_at=NOON + before)
    assert find(record, listed(tags)) is Finding.TOO_SOON
    assert after(record, listed(tags)) == record


def test_a_tag_that_is_missing_once_is_noted_and_neither_told_nor_put_back() -> None:
    noted = after(target(), listed(MISSING))
    assert noted.astray == Astray(Digest(""), NOON, NOON)
    assert (noted.reached, todo(noted, NOON)) == (1, Todo.REST)


@pytest.mark.parametrize("began", [NOON, LATER - timedelta(seconds=1)])
def test_a_second_listing_that_began_too_soon_after_the_first_does_not_count(began: datetime) -> None:
    noted = after(target(), listed(MISSING), listed(MISSING, began))
    assert noted == after(target(), listed(MISSING))


def test_a_tag_that_two_listings_some_minutes_apart_miss_is_put_back_under_the_same_decision() -> None:
    put = after(target(), listed(MISSING), listed(MISSING, LATER))
    assert put.astray is not None
    assert put.astray.told
    assert (put.number, put.wanted, todo(put, LATER)) == (1, ONE, Todo.PUT)


def test_what_was_put_back_asks_for_no_search_of_what_is_built_on_it() -> None:
    put = after(target(), listed(MISSING), listed(MISSING, LATER))
    again = landed(put, ONE, LATER)
    assert (again.reached, again.searched, again.search_at) == (1, 1, None)


def test_a_listing_without_any_tag_is_believed_the_third_time() -> None:
    moments = [NOON + LAG_PATIENCE * times for times in range(3)]
    twice = after(target(), *(listed(EMPTY, moment) for moment in moments[:2]))
    assert (twice.astray and twice.astray.told, todo(twice, LATER)) == (False, Todo.REST)
    assert todo(after(twice, listed(EMPTY, moments[2])), moments[2]) is Todo.PUT


def test_a_tag_that_is_listed_again_was_not_missing() -> None:
    record = after(target(), listed(MISSING), showing(ONE, LATER), listed(MISSING, LATER + LAG_PATIENCE))
    assert record.astray == Astray(Digest(""), LATER + LAG_PATIENCE, LATER + LAG_PATIENCE)


def test_who_deleted_it_is_noted_with_the_digest_that_was_wanted_alone() -> None:
    assert after(target(), listed(MISSING), deleted=Deleted(ONE, "ada")).astray == Astray(
        Digest(""), NOON, NOON, by="ada"
    )
    assert after(target(), listed(MISSING), deleted=Deleted(Digest(""), "ada")).astray == Astray(
        Digest(""), NOON, NOON, by="ada"
    )
    assert after(target(), listed(MISSING), deleted=Deleted(TWO, "ada")).astray == Astray(Digest(""), NOON, NOON)


@pytest.mark.parametrize(
    ("fields", "remedies", "expected"),
    [
        ({}, REPAIRED, Answer.REPAIR),
        ({}, TOLD, Answer.TELL),
        ({"blocked": (Blocked(ONE, SAID),)}, REPAIRED, Answer.BLOCKED),
        ({"hold": SAID}, REPAIRED, Answer.HELD),
    ],
)
def test_a_missing_tag_is_left_where_the_list_says_so_or_the_digest_is_blocked_or_the_tag_held(
    fields: dict[str, Any], remedies: Remedies, expected: Answer
) -> None:
    record = after(target(**fields), listed(MISSING), listed(MISSING, LATER), remedies=remedies)
    assert answer(record, Finding.MISSING, remedies) is expected
    assert record.astray is not None
    assert record.astray.told
    assert (todo(record, LATER) is Todo.PUT) is (expected is Answer.REPAIR)


def test_what_is_told_is_not_written_again_at_every_look() -> None:
    told = after(target(), listed(MISSING), listed(MISSING, LATER), remedies=TOLD)
    assert after(told, listed(MISSING, LATER + timedelta(hours=3)), remedies=TOLD) == told


def test_a_tag_that_was_left_missing_is_put_back_once_the_list_says_so() -> None:
    told = after(target(), listed(MISSING), listed(MISSING, LATER), remedies=TOLD)
    assert todo(after(told, listed(MISSING, LATER + timedelta(hours=3))), LATER) is Todo.PUT


def test_a_digest_that_the_tag_never_bore_is_told_at_once_and_left() -> None:
    record = after(target(), showing(TWO))
    assert record.astray == Astray(TWO, NOON, NOON, told=True, overwrote=1)
    assert (record.number, todo(record, NOON)) == (1, Todo.REST)


def test_a_digest_that_the_tag_bore_before_may_be_a_replica_that_lags() -> None:
    record = target(former=(Former(TWO, NOON),))
    once = after(record, showing(TWO))
    assert once.astray == Astray(TWO, NOON, NOON)
    twice = after(once, showing(TWO, LATER))
    assert twice.astray == Astray(TWO, NOON, LATER, 2, told=True, overwrote=1)


def test_an_overwritten_tag_is_put_right_under_a_new_number_where_the_list_says_so() -> None:
    record = after(target(), showing(TWO), remedies=MENDED)
    assert (record.number, record.wanted, todo(record, NOON)) == (2, ONE, Todo.PUT)


@pytest.mark.parametrize("fields", [{"blocked": (Blocked(ONE, SAID),)}, {"hold": SAID}])
def test_a_blocked_digest_is_put_over_nothing_and_a_held_tag_left(fields: dict[str, Any]) -> None:
    record = after(target(**fields), showing(TWO), remedies=MENDED)
    assert (record.number, todo(record, NOON)) == (1, Todo.REST)
    assert record.astray is not None


def test_an_import_of_our_own_that_ended_late_is_read_and_is_no_drift() -> None:
    record = after(target(unsettled=(Unsettled(TWO, NOON, NOON + timedelta(hours=2)),)), showing(TWO))
    assert record.astray is None
    assert todo(record, NOON) is Todo.SETTLE


def test_another_digest_that_others_put_there_is_told_anew() -> None:
    record = after(target(), showing(TWO), showing(THREE, LATER))
    assert record.astray == Astray(THREE, LATER, LATER, told=True, overwrote=1)


def test_what_was_put_back_and_is_missing_again_is_doubted_again() -> None:
    put = after(target(), listed(MISSING), listed(MISSING, LATER))
    back = landed(put, ONE, LATER + timedelta(minutes=1))
    assert ended(back)
    again = LATER + timedelta(hours=1)
    assert after(back, listed(MISSING, again)).astray == Astray(Digest(""), again, again)


def test_what_is_over_is_forgotten_by_the_next_listing() -> None:
    told = after(target(), showing(TWO))
    assert not ended(told)
    assert after(told, showing(ONE, LATER)).astray is None


def test_what_others_overwrote_and_put_right_is_built_on_once_more_under_a_new_number() -> None:
    right = after(target(), showing(TWO), showing(ONE, LATER))
    assert (right.number, right.wanted, todo(right, LATER)) == (2, ONE, Todo.PUT)
    assert after(target(), listed(MISSING), showing(ONE, LATER)) == target()
    doubted = after(target(former=(Former(TWO, NOON),)), showing(TWO), showing(ONE, LATER))
    assert (doubted.number, todo(doubted, LATER)) == (1, Todo.REST)


def test_what_others_overwrote_and_then_deleted_is_put_back_under_a_new_number() -> None:
    moments = [NOON + LAG_PATIENCE * times for times in range(3)]
    put = after(target(), showing(TWO), *(listed(MISSING, moment) for moment in moments[1:]))
    assert (put.number, put.wanted, todo(put, moments[2])) == (2, ONE, Todo.PUT)


def test_what_had_a_number_of_its_own_since_it_was_overwritten_takes_no_other() -> None:
    put = after(target(), showing(TWO), remedies=MENDED)
    back = landed(put, ONE, LATER)
    assert after(back, showing(ONE, LATER + timedelta(hours=1))).number == 2


def test_a_blocked_digest_that_others_put_back_is_not_built_on() -> None:
    record = target(blocked=(Blocked(ONE, SAID),), hold=SAID)
    assert after(record, showing(TWO), showing(ONE, LATER)).number == 1


def test_a_listing_older_than_the_last_that_counted_decides_nothing() -> None:
    told = after(target(), showing(TWO))
    assert after(told, showing(ONE, NOON - timedelta(seconds=1))) == told


# What leaves the watch list, and what returns to it.

RETURN = NOON + timedelta(days=1)


def test_what_is_let_go_is_not_judged_and_nothing_is_to_be_done_about_it() -> None:
    gone = let_go(target(reached=0, awaited=Awaited(TWO, NOON), search_at=NOON), "it left", NOON)
    for one in (showing(TWO), listed(MISSING), listed(EMPTY)):
        assert find(gone, one) is Finding.NOT_JUDGED
    assert todo(gone, RETURN) is Todo.REST
    assert scheduled(gone, NOON).look_at is None


def test_what_passes_after_a_tag_was_let_go_decides_nothing() -> None:
    gone = let_go(target(sightings=(Sighting(1, ONE), Sighting(2, TWO))), "it left", NOON)
    passed = has_passed(gone, TWO)
    assert decide(passed, NOON) == (passed, Outcome.LET_GO)
    assert conclusion(passed, TWO) is Reason.LEFT_THE_LIST


def test_an_import_that_is_under_way_when_its_tag_is_let_go_is_followed_to_its_end() -> None:
    gone = let_go(target(reached=0, importing=Importing(ONE, NOON)), "it left", NOON)
    assert todo(gone, NOON) is Todo.FOLLOW
    assert scheduled(gone, NOON).look_at is not None
    assert after(gone, showing(TWO, RETURN)) == gone


def test_what_returns_as_it_was_goes_on() -> None:
    back = after(let_go(target(), "it left", NOON), showing(ONE, RETURN))
    assert back == target(seen_at=RETURN, arrived=ONE)


def test_what_others_put_there_meanwhile_is_adopted_and_nothing_rebuilt() -> None:
    back = after(let_go(target(sightings=(Sighting(7, ONE),)), "it left", NOON), showing(TWO, RETURN))
    assert (back.wanted, back.why, back.adopted) == (TWO, Why.ADOPTED, Adopted(TWO, 7, NOON))
    assert (back.number, back.reached, back.searched, todo(back, RETURN)) == (2, 2, 2, Todo.REST)


def test_what_was_adopted_gives_way_to_what_the_source_bears_afterwards() -> None:
    back = after(let_go(target(sightings=(Sighting(7, ONE),)), "it left", NOON), showing(TWO, RETURN))
    newer = has_passed(msgspec.structs.replace(back, sightings=(*back.sightings, Sighting(8, THREE))), THREE)
    decision, _ = decide(newer, RETURN)
    assert (decision.wanted, decision.why) == (THREE, Why.NEWEST)


def test_what_was_deleted_meanwhile_is_missing_like_any_other_from_then_on() -> None:
    back = after(let_go(target(), "it left", NOON), listed(MISSING, RETURN))
    assert (back.let_go, back.wanted) == (None, ONE)
    assert find(back, listed(MISSING, RETURN)) is Finding.MISSING_ONCE
