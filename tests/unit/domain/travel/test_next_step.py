"""What is done next about what travels with an image, and when a tag may be moved: whatever happens, in any order."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.next_step import (
    BEST_EFFORT_FOR,
    Todo,
    is_ready,
    is_under_way,
    needs_image,
    next_step,
    scheduled,
    to_carry,
)
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import Listing, Referrer, ReferrerState, Refusal
from shared.domain.travel.telling import told_counts
from shared.domain.watching.travelling import ReferrerMode, Travelling
from shared.errors import Unavailable
from tests.doubles.registries import digest_of
from tests.unit.domain.travel.records import (
    BEST_EFFORT,
    IMAGE,
    LATEST,
    NAMED,
    NOW,
    REQUIRED,
    STABLE,
    TEMPLATE,
    anything,
    finish,
    list_some,
    new,
    step,
    take,
    want,
)

pytestmark = pytest.mark.unit

LATER = NOW + timedelta(seconds=1)


def ready(companions: Companions) -> bool:
    """Whether the tag may be moved."""
    given_want = companions.want(STABLE)
    assert given_want is not None
    return given_want.ready_at is not None


def test_first_it_is_listed_what_refers_to_an_image() -> None:
    assert next_step(new(), NOW) is Todo.LIST


def test_where_nothing_refers_to_an_image_and_it_needs_no_name_its_tag_may_be_moved() -> None:
    listed = list_some(new(), frozenset(), NOW)
    assert ready(listed)
    assert next_step(listed, NOW) is Todo.TELL
    assert next_step(changes.told(listed, STABLE, 1, NOW), NOW) is Todo.REST


def test_where_nothing_is_asked_for_a_tag_waits_for_nothing() -> None:
    assert ready(new(Travelling()))


def test_a_name_comes_before_the_image_and_the_image_before_its_referrers() -> None:
    found = list_some(new(NAMED), frozenset({"signature"}), NOW)
    order = []
    for what in ("name", "begin image", "land image", "begin", "land", "begin", "land"):
        order.append(next_step(found, NOW))
        found = step(found, what, NOW)
    assert order == [Todo.NAME, Todo.IMAGE, Todo.LAND, Todo.CARRY, Todo.LAND, Todo.CARRY, Todo.LAND]
    assert ready(found)


def test_what_is_about_a_referrer_comes_after_it() -> None:
    found = step(step(list_some(new(), frozenset({"sbom"}), NOW), "begin image", NOW), "land image", NOW)
    about = Referrer(digest=digest_of("its signature"), subject=digest_of("sbom"), depth=2)
    found = msgspec.structs.replace(found, referrers=(about, *found.referrers))
    for what in ("begin", "land", "begin", "land"):
        found = step(found, what, NOW)
    states = {one.digest: one.state for one in found.referrers}
    assert states == {digest_of("sbom"): ReferrerState.ARRIVED, digest_of("its signature"): ReferrerState.THERE}


@pytest.mark.parametrize(
    ("mode", "state", "may"),
    [
        *product([ReferrerMode.REQUIRED], [ReferrerState.THERE, ReferrerState.STAGED], [False]),
        *product([ReferrerMode.BEST_EFFORT], [ReferrerState.THERE, ReferrerState.STAGED], [False]),
        *product([ReferrerMode.OFF], ReferrerState, [True]),
        *product(
            [ReferrerMode.REQUIRED, ReferrerMode.BEST_EFFORT],
            [ReferrerState.ARRIVED, ReferrerState.INCLUDED, ReferrerState.GONE],
            [True],
        ),
        (ReferrerMode.BEST_EFFORT, ReferrerState.REFUSED, True),
        (ReferrerMode.REQUIRED, ReferrerState.REFUSED, False),
    ],
)
def test_a_tag_waits_for_a_referrer_by_its_state(mode: ReferrerMode, state: ReferrerState, may: bool) -> None:
    refusal = Refusal.TOO_LARGE if state is ReferrerState.REFUSED else None
    found = list_some(new(Travelling(mode)), frozenset(), NOW)
    one = Referrer(digest=digest_of("signature"), subject=IMAGE, state=state, refusal=refusal)
    found = msgspec.structs.replace(found, referrers=(one,), image_at=NOW)
    fresh = msgspec.structs.replace(found.wants[0], ready_at=None)
    assert is_ready(found, fresh, NOW) is may


@pytest.mark.parametrize(("refusal", "may"), [(one, one in {Refusal.FOREIGN_SUBJECT, Refusal.LOOP}) for one in Refusal])
def test_only_what_is_about_something_else_is_not_required(refusal: Refusal, may: bool) -> None:
    one = Referrer(digest=digest_of("one"), subject=IMAGE, state=ReferrerState.REFUSED, refusal=refusal)
    found = msgspec.structs.replace(list_some(new(REQUIRED), frozenset(), NOW), referrers=(one,))
    assert is_ready(found, msgspec.structs.replace(found.wants[0], ready_at=None), NOW) is may


def test_a_list_that_fails_keeps_a_tag_only_where_it_is_required() -> None:
    assert ready(changes.unlisted(new(), Unavailable("502"), NOW))
    assert not ready(changes.unlisted(new(REQUIRED), Unavailable("502"), NOW))


def test_a_list_that_is_not_whole_keeps_a_tag_only_where_it_is_required() -> None:
    assert ready(list_some(new(), frozenset(), NOW, whole=False))
    assert not ready(list_some(new(REQUIRED), frozenset(), NOW, whole=False))


def test_what_its_upstream_does_not_show_any_more_keeps_no_person_waiting() -> None:
    gone = Listing(unread=("gone",), gone=True)
    for by_person in (True, False):
        fresh = new(REQUIRED)
        known = msgspec.structs.replace(
            fresh, wants=tuple(msgspec.structs.replace(one, by_person=by_person) for one in fresh.wants)
        )
        assert ready(changes.listed(known, (IMAGE,), gone, NOW)) is by_person


def test_what_comes_if_it_can_keeps_a_tag_for_a_quarter_of_an_hour_at_most() -> None:
    found = step(list_some(new(), frozenset({"signature"}), NOW), "begin image", NOW)
    assert not ready(scheduled(found, NOW + BEST_EFFORT_FOR - timedelta(seconds=1)))
    assert ready(scheduled(found, NOW + BEST_EFFORT_FOR))
    assert scheduled(found, NOW).look_at is not None


def test_a_record_of_the_decision_comes_after_all_else_and_before_the_tag() -> None:
    asked = Travelling(ReferrerMode.REQUIRED, "", record=True)
    found = list_some(new(asked), frozenset({"signature"}), NOW)
    for what in ("begin image", "land image", "begin", "land", "begin", "land"):
        assert next_step(found, NOW) is not Todo.RECORD
        found = step(found, what, NOW)
    assert (next_step(found, NOW), ready(found)) == (Todo.RECORD, False)
    ours = Referrer(digest=digest_of("ours"), subject=IMAGE, state=ReferrerState.STAGED, ours=True)
    found = changes.recorded(found, Recorded(), NOW, [ours])
    assert next_step(found, NOW) is Todo.CARRY
    found = step(step(found, "begin", NOW), "land", NOW)
    assert (next_step(found, NOW), ready(found)) == (Todo.RECORD, False)
    assert ready(changes.recorded(found, Recorded(state=RecordState.DONE), NOW))
    assert ready(changes.recorded(found, Recorded(state=RecordState.NONE), NOW))


def test_what_was_ready_once_stays_so_whatever_is_lost() -> None:
    found, now = finish(new(NAMED), frozenset({"signature"}), NOW)
    assert ready(found)
    bare = changes.lost(found, frozenset({IMAGE}), frozenset(), now)
    assert ready(bare)
    assert next_step(changes.told(bare, STABLE, 1, now), now) is Todo.IMAGE


def test_a_platform_that_is_gone_is_told_and_comes_before_what_refers_to_it() -> None:
    part = digest_of("amd64")
    about = Referrer(digest=digest_of("its SBOM"), subject=part, state=ReferrerState.ARRIVED, found_at=NOW)
    known = msgspec.structs.replace(list_some(new(), frozenset(), NOW), manifests=(IMAGE, part), image_at=NOW)
    known = msgspec.structs.replace(known, referrers=(about,))
    gone = changes.lost(known, frozenset({part, about.digest}), frozenset(), NOW)
    assert f"of its platforms {part[:19]} cannot be pulled" in told_counts(gone)
    assert (gone.image_at, to_carry(gone, NOW), needs_image(gone)) == (NOW, None, True)
    back = changes.part_landed(gone, part, NOW)
    assert to_carry(back, NOW) is not None
    assert not needs_image(back)


def test_a_second_tag_waits_for_a_name_of_its_own() -> None:
    found, now = finish(new(NAMED), frozenset(), NOW)
    both = changes.wanted(found, want(NAMED, LATEST, at=now), now)
    later = both.want(LATEST)
    assert later is not None
    assert later.ready_at is None
    assert next_step(changes.told(both, STABLE, 1, now), now) is Todo.NAME


def test_a_digest_that_has_a_name_for_a_tag_keeps_it() -> None:
    found, now = finish(new(NAMED), frozenset(), NOW)
    again = changes.wanted(found, want(NAMED, number=7, at=now), now)
    assert again.unique == found.unique
    assert ready(again)


def test_asking_for_the_same_twice_changes_nothing() -> None:
    found = list_some(new(NAMED), frozenset({"signature"}), NOW)
    assert changes.wanted(found, want(NAMED), LATER) == found


def test_an_older_decision_changes_nothing() -> None:
    found = changes.wanted(new(), want(BEST_EFFORT, number=5), NOW)
    assert changes.wanted(found, want(NAMED, number=4), LATER) == found


def test_what_nobody_wants_any_more_is_left_alone() -> None:
    found = list_some(new(REQUIRED), frozenset({"signature"}), NOW)
    left = changes.unwanted(found, STABLE, 1, NOW)
    assert (left.wants, left.look_at, next_step(left, NOW)) == ((), None, Todo.REST)


@given(anything, st.sampled_from([BEST_EFFORT, REQUIRED, NAMED, Travelling(ReferrerMode.OFF, TEMPLATE)]))
def test_whatever_happened_it_ends_with_everything_there_and_the_tag_free(whats: list[str], asked: Travelling) -> None:
    found, now = new(asked), NOW
    for what in whats:
        now += timedelta(seconds=20)
        found = take(found, what, now)
    found, now = finish(found, frozenset({"signature", "sbom"}), now)
    assert ready(found)
    if asked.referrers is not ReferrerMode.OFF:
        assert {one.digest for one in found.referrers if one.state is ReferrerState.ARRIVED} == {
            digest_of("signature"),
            digest_of("sbom"),
        }
    assert all(one.landed_at is not None for one in found.unique)
    assert len(found.unique) == (1 if asked.unique_tag else 0)


@given(anything, st.sampled_from([BEST_EFFORT, REQUIRED, NAMED]))
def test_whatever_happens_a_record_is_looked_at_again_while_there_is_anything_to_do(
    whats: list[str], asked: Travelling
) -> None:
    found, now, free = new(asked), NOW, False
    for what in whats:
        now += timedelta(seconds=20)
        found = take(found, what, now)
        waits = not ready(found) or is_under_way(found) or next_step(found, now) is not Todo.REST
        assert found.look_at is not None or not waits, what
        assert sum([found.carry is not None, *(one.carry is not None for one in found.referrers)]) <= 1
        assert free <= ready(found), "a tag that may be moved may always be"
        free = ready(found)


@given(anything)
def test_a_tag_for_which_all_is_required_is_never_free_while_something_is_missing(whats: list[str]) -> None:
    found, now = new(REQUIRED), NOW
    for what in whats:
        now += timedelta(seconds=20)
        before, found = found, take(found, what, now)
        if ready(found) and not ready(before):
            assert found.listed > 0
            assert not found.unread
            assert not any(one.is_missing for one in found.referrers)
