"""What lists and manifests say of referrers, and what is made of it whoever wrote them."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.travel.following import FOLLOWED_FOR, next_listing
from shared.domain.travel.manifests import checked, listed_in, parts_of, weight_of
from shared.domain.travel.merging import MOST_REFUSED_KEPT, merged
from shared.domain.travel.referrers import (
    LARGEST_REFERRER,
    MOST_REFERRERS,
    Listing,
    Referrer,
    ReferrerState,
    Refusal,
)
from shared.errors import MalformedInput
from tests.doubles.referrers import SBOM, content_of, index, legacy_tag, referrer
from tests.doubles.registries import digest_of
from tests.unit.domain.travel.records import AMD64, IMAGE, NOW, PARTS, entry

pytestmark = pytest.mark.unit


def found(*names: str) -> tuple[Referrer, ...]:
    """Return what is known after one listing."""
    return merged((), Listing(tuple(entry(name) for name in names)), PARTS, NOW)


def states(referrers: tuple[Referrer, ...]) -> set[ReferrerState]:
    """Return the states of referrers."""
    return {one.state for one in referrers}


def test_the_order_of_a_list_decides_nothing() -> None:
    entries = (entry("one"), entry("two", AMD64), entry("three", digest_of("one"), 2))
    merges = {merged((), Listing(tuple(some)), PARTS, NOW) for some in permutations(entries)}
    assert len(merges) == 1


def test_a_list_that_says_the_same_again_changes_nothing() -> None:
    known = found("one", "two")
    assert merged(known, Listing((entry("two"), entry("one"))), PARTS, NOW + timedelta(hours=1)) == known


def test_what_a_whole_list_names_no_more_is_gone_and_what_half_a_list_leaves_out_is_not() -> None:
    known = found("one")
    assert states(merged(known, Listing(), PARTS, NOW)) == {ReferrerState.GONE}
    assert merged(known, Listing(unread=("page 2",)), PARTS, NOW) == known
    back = merged(merged(known, Listing(), PARTS, NOW), Listing((entry("one"),)), PARTS, NOW)
    assert states(back) == {ReferrerState.THERE}


def test_a_platform_that_is_listed_is_a_part_of_the_image() -> None:
    listing = Listing((entry("amd64"),))
    assert states(merged((), listing, PARTS, NOW)) == {ReferrerState.INCLUDED}


def test_what_is_listed_as_its_own_referrer_is_a_loop() -> None:
    listing = Listing((entry("one", digest_of("one")),))
    assert [one.refusal for one in merged((), listing, PARTS, NOW)] == [Refusal.LOOP]


@pytest.mark.parametrize("size", [LARGEST_REFERRER + 1, 5 * 1024 * 1024, -1])
def test_what_claims_an_impossible_size_is_refused(size: int) -> None:
    listing = Listing((entry("one", size=size),))
    assert [one.refusal for one in merged((), listing, PARTS, NOW)] == [Refusal.TOO_LARGE]


def test_whoever_came_first_keeps_the_place_and_the_rest_is_refused_by_name() -> None:
    known = found(*(str(number) for number in range(MOST_REFERRERS)))
    more = Listing(tuple(entry(str(number)) for number in range(MOST_REFERRERS + 300)))
    after = merged(known, more, PARTS, NOW)
    assert set(known) <= set(after)
    refused = [one for one in after if one.state is ReferrerState.REFUSED]
    assert {one.refusal for one in refused} == {Refusal.TOO_MANY}
    assert len(refused) == MOST_REFUSED_KEPT


def test_what_was_refused_for_its_number_comes_once_there_is_room() -> None:
    names = [str(number) for number in range(MOST_REFERRERS + 1)]
    known = found(*names)
    (left,) = (one for one in known if one.refusal is not None)
    entries = tuple(entry(name) for name in names if digest_of(name) != known[0].digest)
    after = merged(known, Listing(entries), PARTS, NOW)
    again = merged(after, Listing(entries), PARTS, NOW)
    assert next(one for one in again if one.digest == left.digest).state is ReferrerState.THERE


def test_a_tag_of_older_clients_that_bears_something_else_is_another_referrer() -> None:
    tag = legacy_tag(IMAGE)
    known = merged((), Listing((entry("old", tag=tag),)), PARTS, NOW)
    after = merged(known, Listing((entry("new", tag=tag),)), PARTS, NOW)
    assert [(one.digest, one.state) for one in after] == [(digest_of("new"), ReferrerState.THERE)]


def test_what_we_say_ourselves_stays_until_what_it_was_made_of_changes() -> None:
    tag = legacy_tag(IMAGE)
    ours = Referrer(
        digest=digest_of("ours"), subject=IMAGE, tag=tag, ours=True, over=digest_of("old"), state=ReferrerState.ARRIVED
    )
    assert merged((ours,), Listing(), PARTS, NOW) == (ours,)
    assert merged((ours,), Listing((entry("old", tag=tag),)), PARTS, NOW) == (ours,)
    after = merged((ours,), Listing((entry("new", tag=tag),)), PARTS, NOW)
    assert [one.digest for one in after] == [digest_of("new")]


def test_a_manifest_that_names_its_subject_goes_on_with_what_it_is() -> None:
    made = referrer(IMAGE, SBOM)
    known = checked(Referrer(digest=made.digest, subject=IMAGE, state=ReferrerState.STAGING), content_of(made.digest))
    assert (known.state, known.artifact_type) == (ReferrerState.STAGED, SBOM)
    assert known.size > made.size


@pytest.mark.parametrize("about", [AMD64, "-"])
def test_a_manifest_that_names_something_else_or_nothing_is_refused(about: str) -> None:
    made = referrer(IMAGE, about=about)
    known = checked(Referrer(digest=made.digest, subject=IMAGE), content_of(made.digest))
    assert known.refusal is Refusal.FOREIGN_SUBJECT


def test_what_older_clients_find_by_a_tag_need_not_name_its_subject() -> None:
    made = referrer(IMAGE, about="-")
    known = checked(Referrer(digest=made.digest, subject=IMAGE, tag=legacy_tag(IMAGE)), content_of(made.digest))
    assert known.state is ReferrerState.STAGED


def test_what_is_too_large_is_refused_by_what_its_manifest_says() -> None:
    made = referrer(IMAGE, layer=LARGEST_REFERRER)
    assert checked(Referrer(digest=made.digest, subject=IMAGE), content_of(made.digest)).refusal is Refusal.TOO_LARGE
    assert checked(Referrer(digest=made.digest, subject=IMAGE), content_of(referrer(IMAGE, layer=-5).digest)).refusal


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda some: (
            st.lists(some, max_size=3)
            | st.dictionaries(
                st.sampled_from(["schemaVersion", "manifests", "subject", "layers", "config", "digest", "size"]),
                some,
                max_size=4,
            )
        ),
        max_leaves=8,
    ).map(lambda one: json.dumps(one).encode())
)
def test_whatever_is_sent_instead_of_a_manifest_is_refused_and_breaks_nothing(body: bytes) -> None:
    known = checked(Referrer(digest=digest_of("one"), subject=IMAGE), body)
    assert known.state is ReferrerState.REFUSED
    for read in (parts_of, lambda sent: listed_in(sent, IMAGE)):
        try:
            assert isinstance(read(body), tuple)
        except MalformedInput as error:
            assert str(error)


def test_an_index_is_made_of_its_platforms() -> None:
    assert parts_of(content_of(index(AMD64, IMAGE, AMD64))) == (AMD64, IMAGE)
    assert parts_of(content_of(digest_of("one platform"))) == ()


def test_what_comes_later_is_looked_for_ever_more_rarely_and_not_by_all_at_once() -> None:
    at, moments = NOW, []
    for listed in range(1, 40):
        at = next_listing(IMAGE, listed, at)
        moments.append(at - NOW)
    within = [moment for moment in moments if moment <= FOLLOWED_FOR]
    assert 10 <= len(within) <= 20
    assert sum(moment <= timedelta(hours=2) for moment in within) >= 3
    assert len({next_listing(digest_of(str(number)), 1, NOW) for number in range(50)}) > 40


def test_what_is_listed_beside_the_image_and_is_about_a_platform_of_it_is_about_ours() -> None:
    made = referrer(IMAGE, about=AMD64)
    known = checked(Referrer(digest=made.digest, subject=IMAGE), content_of(made.digest), beside=PARTS)
    assert (known.state, known.subject) == (ReferrerState.STAGED, AMD64)


def test_an_index_weighs_what_it_consists_of() -> None:
    body = content_of(index(AMD64))
    known = checked(Referrer(digest=index(AMD64), subject=IMAGE, tag=legacy_tag(IMAGE)), body, LARGEST_REFERRER)
    assert known.refusal is Refusal.TOO_LARGE


@pytest.mark.parametrize("size", [-1, -(2**63)])
def test_what_has_less_than_no_bytes_has_no_weight(size: int) -> None:
    made = referrer(IMAGE, layer=size)
    with pytest.raises(MalformedInput):
        weight_of(content_of(made.digest))
