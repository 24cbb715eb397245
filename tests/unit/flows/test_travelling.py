"""What travels with an image: unique tags and referrers come into the base registry before its tag is moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.referrers import LARGEST_REFERRER, ReferrerState, Refusal
from shared.errors import Unavailable
from tests.doubles.referrers import INDEX, MANIFEST, SBOM, Made, content_of, index, kept, legacy_tag, referrer
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, WATCH_LIST, World

pytestmark = pytest.mark.unit

BEST_EFFORT = WATCH_LIST
REQUIRED = WATCH_LIST + b"    referrers: required\n"
OFF = WATCH_LIST + b"    referrers: 'off'\n"
NAMED = OFF + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"
FIRST, SECOND = Tag("22-alpine-20260101.1"), Tag("22-alpine-20260101.2")


def travelling_world(watch_list: bytes = BEST_EFFORT) -> World:
    """Return a world in which what its list wants beside images is brought."""
    return World(watch_list, travels=True)


def arrive(world: World, digest: Digest = ONE) -> None:
    """Let a digest appear upstream, and come as far as it gets in some minutes."""
    world.push(digest)
    world.check()
    world.run_for(timedelta(minutes=9))


def attach(world: World, *made: Made) -> tuple[Made, ...]:
    """Let referrers be listed upstream."""
    world.hub.attach(NODE, *made)
    return made


def beside(world: World, digest: Digest = ONE) -> Companions:
    """Return the companions of a digest."""
    stored = world.travelling.book.read(TARGET, digest)
    assert stored is not None
    return stored.record


def borne(world: World, tag: Tag = TAG) -> Digest | None:
    """Return what a tag of the base registry points at."""
    return world.base.tags.get((TARGET, tag))


def has(world: World, digest: Digest) -> bool:
    """Whether the base registry has a manifest."""
    return world.base._has(TARGET, digest)


def test_where_nothing_refers_to_an_image_it_is_imported_once_by_its_tag() -> None:
    world = travelling_world()
    arrive(world)
    assert (borne(world), world.status(ONE)) == (ONE, Status.PROMOTED)
    assert (len(world.base.imports), sum(world.base.untagged.values())) == (1, 0)
    assert world.hub.referred == {ONE: 1}


def test_a_signature_and_an_sbom_are_there_before_the_tag_is() -> None:
    world = travelling_world()
    made = attach(world, referrer(ONE), referrer(ONE, SBOM))
    seen = []
    world.hook = lambda moment: seen.append(moment == "base.before:start_import" and borne(world) is None)
    arrive(world)
    assert borne(world) == ONE
    assert all(has(world, one.digest) for one in made)
    assert {one.state for one in beside(world).referrers} == {ReferrerState.ARRIVED}
    assert sum(world.base.untagged.values()) == 3


# What is required, and what comes if it can.


def test_what_is_required_keeps_the_tag_while_the_upstream_does_not_answer() -> None:
    world = travelling_world(REQUIRED)
    world.hub.fail("referrers", *[Unavailable("502")] * 3)
    (signed,) = attach(world, referrer(ONE))
    world.push(ONE)
    world.check()
    world.run_for(timedelta(seconds=40))
    assert borne(world) is None
    last = world.candidate(ONE).last
    assert (last.status, last.reason) == (Status.HELD, Reason.COMPANIONS_AWAITED)
    assert "502" in last.detail
    bar = world.target().barred
    assert bar is not None
    assert bar.waiting is Waiting.COMPANIONS
    world.run_for(timedelta(minutes=10))
    assert borne(world) == ONE
    assert has(world, signed.digest)


def test_what_comes_if_it_can_follows_a_tag_that_did_not_wait_for_it() -> None:
    world = travelling_world()
    world.hub.fail("referrers", *[Unavailable("502")] * 4)
    (signed,) = attach(world, referrer(ONE))
    arrive(world)
    assert borne(world) == ONE
    want = beside(world).want(TAG)
    assert want is not None and want.ready_at is not None
    world.run_for(timedelta(minutes=20))
    assert has(world, signed.digest)
    assert world.rebuilt() == [] or len(world.rebuilt()) == 1


def test_a_page_that_cannot_be_read_leaves_nothing_absent() -> None:
    world = travelling_world(REQUIRED)
    attach(world, referrer(ONE))
    world.hub.unlisted = ("an entry of the list cannot be read",)
    arrive(world)
    assert borne(world) is None
    world.hub.unlisted = ()
    world.run_for(timedelta(minutes=20))
    assert borne(world) == ONE


def test_a_signature_that_comes_an_hour_later_follows_by_itself() -> None:
    world = travelling_world()
    arrive(world)
    number, rebuilt = world.target().number, len(world.rebuilt())
    world.run_for(timedelta(hours=1))
    (late,) = attach(world, referrer(ONE, note="late"))
    world.run_for(timedelta(hours=2))
    assert has(world, late.digest)
    assert (world.target().number, len(world.rebuilt())) == (number, rebuilt)
    assert [one.state for one in beside(world).referrers] == [ReferrerState.ARRIVED]


def test_what_comes_later_than_fourteen_days_does_not_follow() -> None:
    world = travelling_world()
    arrive(world)
    world.run_for(timedelta(days=15), sweeps=timedelta(hours=6))
    listed = world.hub.referred[ONE]
    attach(world, referrer(ONE))
    world.run_for(timedelta(days=5), sweeps=timedelta(hours=6))
    assert world.hub.referred[ONE] == listed
    assert listed < 20
    assert beside(world).look_at is None


def test_referrers_of_platforms_and_of_referrers_come_after_what_they_are_about() -> None:
    world = travelling_world()
    amd64 = digest_of("amd64")
    image = index(amd64)
    sbom = referrer(amd64, SBOM)
    attach(world, sbom, referrer(sbom.digest), referrer(image))
    order: list[str] = []
    arrive(world, image)
    assert borne(world) == image
    assert {one.state for one in beside(world, image).referrers} == {ReferrerState.ARRIVED}
    order += [one.digest for one in sorted(beside(world, image).referrers, key=lambda one: str(one.arrived_at))]
    assert order[-1] == referrer(sbom.digest).digest


def test_a_platform_that_is_its_own_attestation_comes_with_the_image() -> None:
    world = travelling_world()
    child = referrer(digest_of("amd64"), note="by BuildKit")
    image = index(digest_of("amd64"), child.digest)
    attach(world, child)
    arrive(world, image)
    assert borne(world) == image
    assert [one.state for one in beside(world, image).referrers] == [ReferrerState.INCLUDED]
    assert sum(world.base.untagged.values()) == 0


def test_what_names_another_subject_does_not_come_and_keeps_nobody_waiting() -> None:
    world = travelling_world(REQUIRED)
    (foreign,) = attach(world, referrer(ONE, about=TWO))
    arrive(world)
    assert borne(world) == ONE
    assert not has(world, foreign.digest)
    assert [one.refusal for one in beside(world).referrers] == [Refusal.FOREIGN_SUBJECT]


@pytest.mark.parametrize(("watch_list", "there"), [(REQUIRED, None), (BEST_EFFORT, ONE)])
def test_what_is_too_large_does_not_come(watch_list: bytes, there: Digest | None) -> None:
    world = travelling_world(watch_list)
    (large,) = attach(world, referrer(ONE, SBOM, layer=11 * 1024 * 1024))
    arrive(world)
    assert borne(world) == there
    assert not has(world, large.digest)
    assert [one.refusal for one in beside(world).referrers] == [Refusal.TOO_LARGE]


def test_of_more_than_fifty_the_rest_is_refused_by_name() -> None:
    world = travelling_world()
    attach(world, *(referrer(ONE, note=str(number)) for number in range(53)))
    world.push(ONE)
    world.check()
    world.run_for(timedelta(hours=2))
    states = [one.state for one in beside(world).referrers]
    assert (states.count(ReferrerState.ARRIVED), states.count(ReferrerState.REFUSED)) == (50, 3)


def test_a_tag_waits_at_most_a_quarter_of_an_hour_for_what_comes_if_it_can() -> None:
    world = travelling_world()
    attach(world, *(referrer(ONE, note=str(number)) for number in range(50)))
    world.push(ONE)
    world.check()
    while borne(world) is None:
        world.step()
    since = beside(world).wants[0].since
    assert world.clock() - since < timedelta(minutes=17)


def test_signatures_of_older_clients_come_under_their_tags() -> None:
    world = travelling_world()
    old, tag = referrer(ONE, note="old", about="-"), legacy_tag(ONE)
    world.hub.attach_by_tag(NODE, old, tag)
    arrive(world)
    assert (borne(world), borne(world, tag)) == (ONE, old.digest)
    newer = referrer(ONE, note="one more signature", about="-")
    world.hub.attach_by_tag(NODE, newer, tag)
    world.run_for(timedelta(hours=1))
    assert borne(world, tag) == newer.digest


def test_what_its_upstream_takes_back_before_it_came_is_gone_and_keeps_nobody_waiting() -> None:
    world = travelling_world(REQUIRED)
    (signed,) = attach(world, referrer(ONE))
    world.hub._manifests.discard((NODE, signed.digest))
    arrive(world)
    assert borne(world) == ONE
    assert [one.state for one in beside(world).referrers] == [ReferrerState.GONE]


def test_an_image_that_is_superseded_while_it_waits_is_left_alone() -> None:
    world = travelling_world(REQUIRED)
    world.hub.unlisted = ("an entry of the list cannot be read",)
    arrive(world)
    world.hub.unlisted = ()
    arrive(world, TWO)
    assert borne(world) == TWO
    world.run_for(timedelta(hours=3))
    assert beside(world).wants == ()
    assert beside(world).look_at is None


# Names.


def test_an_image_is_there_under_its_name_before_its_tag_is_moved() -> None:
    world = travelling_world(NAMED)
    moments: list[tuple[str, Digest | None, Digest | None]] = []
    world.hook = lambda moment: moments.append((moment, borne(world), borne(world, FIRST)))
    arrive(world)
    assert (borne(world), borne(world, FIRST)) == (ONE, ONE)
    first = next(moment for moment, stable, _ in moments if stable is not None)
    assert all(named == ONE for moment, stable, named in moments if stable is not None), first
    assert world.hub.referred == {}


def test_the_second_image_of_a_day_has_the_next_number_and_the_first_keeps_its_name() -> None:
    world = travelling_world(NAMED)
    arrive(world)
    arrive(world, TWO)
    assert (borne(world), borne(world, FIRST), borne(world, SECOND)) == (TWO, ONE, TWO)


def test_a_name_that_others_use_is_left_to_them() -> None:
    world = travelling_world(NAMED)
    world.base.push(TARGET, FIRST, TWO)
    arrive(world)
    assert (borne(world), borne(world, FIRST), borne(world, SECOND)) == (ONE, TWO, ONE)


def test_a_tag_that_an_entry_writes_is_nothings_name_before_it_is_there_as_well() -> None:
    template = b"    unique_tag: '{tag}.{n}'\n"
    other = (
        OFF.replace(b"images:\n", b"")
        .replace(b"name: node", b"name: dotted")
        .replace(b"[22-alpine]", b"['22-alpine.1']")
    )
    world = travelling_world(OFF + template + other + b"    mode: observe\n")
    world.hub.push(NODE, Tag("22-alpine.1"), TWO)
    arrive(world)
    assert (borne(world), borne(world, Tag("22-alpine.2"))) == (ONE, ONE)
    assert borne(world, Tag("22-alpine.1")) is None


def test_a_name_that_others_take_while_it_is_being_given_is_left_to_them() -> None:
    world = travelling_world(NAMED)

    def take(moment: str) -> None:
        if moment == "base.after:start_import" and FIRST not in {tag for _, tag in world.base.tags}:
            world.hook = None
            world.base.lose_operations()
            world.base.push(TARGET, FIRST, TWO)

    world.hook = take
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=40))
    assert (borne(world), borne(world, FIRST), borne(world, SECOND)) == (ONE, TWO, ONE)


def test_names_alone_take_no_request_upstream() -> None:
    world = travelling_world(NAMED)
    arrive(world)
    assert world.hub.referred == {}
    assert beside(world).listed == 0


@pytest.mark.parametrize("large", ["a part of it", "a part of its part", "too many parts"])
def test_an_index_that_refers_to_an_image_is_weighed_with_all_that_it_consists_of(large: str) -> None:
    world = travelling_world()
    heavy = referrer(ONE, SBOM, layer=LARGEST_REFERRER, about="-").digest
    inside = {
        "a part of it": [heavy],
        "a part of its part": [index(heavy)],
        "too many parts": [referrer(ONE, note=str(number), about="-").digest for number in range(51)],
    }[large]
    parts = [{"mediaType": MANIFEST, "digest": one, "size": 500} for one in inside]
    subject = {"mediaType": MANIFEST, "digest": ONE, "size": 1}
    digest = kept({"schemaVersion": 2, "mediaType": INDEX, "manifests": parts, "subject": subject})
    attach(world, Made(digest, ONE, SBOM, len(content_of(digest))))
    for one in (*inside, heavy):  # they come with the index
        world.staging._manifests.add((TARGET, one))
    arrive(world)
    assert not has(world, digest)
    assert [one.refusal for one in beside(world).referrers] == [Refusal.TOO_LARGE]
