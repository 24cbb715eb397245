"""What travels with an image, told as what may happen to it: each also with deaths, late and twice, and stale."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.webhook import SECRET_HEADER, receive
from shared.domain.promotion.statuses import Status
from shared.domain.record.record import RecordState as Inside
from shared.domain.record.verifying import NotVerified, Verified, Wanted, verify
from shared.domain.record.verifying import Refusal as Refused
from shared.domain.references import Digest, Tag
from shared.domain.travel.recorded import RecordState
from shared.domain.travel.referrers import Listed, ReferrerState, Refusal
from shared.domain.travel.telling import counts, told_counts
from shared.domain.watching.travelling import ReferrerMode
from shared.errors import NotPermitted, RateLimited, Unavailable
from tests.doubles.referrers import SBOM, content_of, index, legacy_tag, referrer
from tests.doubles.registries import InMemoryRegistry, digest_of
from tests.doubles.world import BASE_SERVER, NODE, ONE, TARGET, TWO, WATCH_LIST, World
from tests.made_signatures.authorities import new_key
from tests.unit.flows.manners import Manner, Telling, in_every_manner, told
from tests.unit.flows.test_records import TESTED, beside, borne, found, record_of, referring

pytestmark = pytest.mark.unit

RECORDED = WATCH_LIST + b"    record: true\n"
REQUIRED = RECORDED + b"    referrers: required\n"
BEST_EFFORT = RECORDED + b"    referrers: best-effort\n"
ALL = REQUIRED + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n    lock: [unique, stable]\n"
IMAGE = index(digest_of("of amd64"), digest_of("of arm64"))
SIGNED, DESCRIBED = referrer(IMAGE), referrer(IMAGE, SBOM)
COUNTERSIGNED = referrer(DESCRIBED.digest)
OF_PLATFORM = referrer(digest_of("of arm64"), SBOM, note="of a platform")
REFERRERS = (SIGNED, DESCRIBED, COUNTERSIGNED, OF_PLATFORM)
HOURS = timedelta(hours=2)


def world_of(watch_list: bytes, *forms: str) -> Callable[[], World]:
    """Return what makes a world that has promoted an image already, which nothing refers to."""

    def make() -> World:
        world = World(watch_list, travels=True, record_forms=forms)
        world.says(TESTED)
        world.push(ONE)
        world.check()
        world.run_for(timedelta(minutes=31))
        assert borne(world) == ONE
        return world

    return make


def comes(telling: Telling, digest: Digest = IMAGE, span: timedelta = HOURS) -> None:
    """Let a digest appear upstream, and come as far as it gets in some time."""
    telling.world.push(digest)
    telling.do(telling.world.check)
    telling.world.run_for(span)


def is_in(registry: InMemoryRegistry) -> bool:
    """Whether the image is in one of our registries."""
    return (TARGET, IMAGE) in registry._manifests


def has(world: World, *digests: Digest) -> bool:
    """Whether the base registry has manifests."""
    return all((TARGET, digest) in world.base._manifests for digest in digests)


def bundles(world: World, digest: Digest = IMAGE) -> list[Digest]:
    """Return the records of the decision that lie beside a digest in the base registry."""
    known = {piece.digest for piece in record_of(world, digest).pieces}
    return [one for one in referring(world, digest) if one in known]


def is_promoted_once(world: World, digest: Digest = IMAGE) -> bool:
    """Whether the tag bears a digest by one decision more, one gate, and one record that verifies."""
    target = world.target()
    return (
        (borne(world), target.number, target.reached) == (digest, 2, 2)
        and (world.status(digest), world.candidate(digest).generation) == (Status.PROMOTED, 1)
        and len(bundles(world, digest)) == 1
        and any(isinstance(one, Verified) for one in found_of(world, digest))
    )


def found_of(world: World, digest: Digest) -> list[object]:
    """Return what whoever verifies finds in the record of a digest."""
    kept = world.base._manifests
    world.base._manifests = {(TARGET, one) for one in bundles(world, digest)}
    try:
        return list(found(world, digest))
    finally:
        world.base._manifests = kept


# 1


def arrives_before_its_tag(telling: Telling, *referrers: Digest) -> None:
    """From now on the tag is to stay where it was until these and a record lie beside the image."""
    world = telling.world

    def watch(moment: str) -> None:
        if borne(world) != ONE:
            assert has(world, IMAGE, *referrers), moment
            recorded = beside(world, IMAGE).record
            assert recorded is not None and recorded.state is RecordState.DONE, moment

    telling.watch = watch


@in_every_manner
def test_a_death_between_the_untagged_import_and_any_referrer_leaves_the_tag_where_it_was(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        telling.world.hub.attach(NODE, *REFERRERS)
        telling.begins(lambda: is_in(telling.world.base))
        arrives_before_its_tag(telling, *(one.digest for one in REFERRERS))
        comes(telling)

    for world in told(manner, world_of(REQUIRED), story):
        assert is_promoted_once(world)
        arrived = [one for one in beside(world, IMAGE).referrers if one.state is ReferrerState.ARRIVED]
        assert len(arrived) == len(REFERRERS) + 1
        assert has(world, *(one.digest for one in arrived))
        assert {count for (_, digest), count in world.base.untagged.items() if digest != IMAGE} == {1}


# 2


@pytest.mark.parametrize("mode", [ReferrerMode.REQUIRED, ReferrerMode.BEST_EFFORT], ids=lambda mode: mode.value)
@in_every_manner
def test_a_list_that_fails_says_nothing_is_absent_and_is_made_up_for(manner: Manner, mode: ReferrerMode) -> None:
    unknown: list[str] = []

    def story(telling: Telling) -> None:
        world = telling.world
        world.hub.attach(NODE, SIGNED)
        world.hub.fail("referrers", RateLimited("429", retry_after=30), *[Unavailable("502")] * 4)
        telling.begins(lambda: is_in(telling.world.staging))
        if mode is ReferrerMode.REQUIRED:
            arrives_before_its_tag(telling, SIGNED.digest)
        else:
            telling.watch = lambda _: unknown.extend(unlisted(world)) if borne(world) != ONE else None
        comes(telling)

    for world in told(manner, world_of(REQUIRED if mode is ReferrerMode.REQUIRED else BEST_EFFORT), story):
        assert is_promoted_once(world)
        assert has(world, SIGNED.digest)
        assert ReferrerState.GONE not in {one.state for one in beside(world, IMAGE).referrers}
    assert bool(unknown) is (mode is ReferrerMode.BEST_EFFORT)
    assert all(one.startswith("referrers unknown: ") for one in unknown)


def unlisted(world: World) -> list[str]:
    """Return what people are told of an image of which nobody knows yet what refers to it."""
    companions = beside(world, IMAGE)
    return [told_counts(companions)] if companions.listed_at is None else []


@in_every_manner
def test_a_list_whose_second_page_fails_leaves_the_tag_where_it_was_until_it_is_read_whole(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = telling.world
        world.hub.attach(NODE, SIGNED)
        world.hub.unlisted = ("page 2 cannot be read",)
        telling.begins(lambda: is_in(telling.world.staging))
        arrives_before_its_tag(telling, SIGNED.digest, DESCRIBED.digest)
        comes(telling)
        assert borne(world) == ONE
        world.hub.unlisted = ()
        world.hub.attach(NODE, DESCRIBED)
        world.run_for(HOURS)

    for world in told(manner, world_of(REQUIRED), story):
        assert is_promoted_once(world)
        assert has(world, SIGNED.digest, DESCRIBED.digest)


# 3


@in_every_manner
def test_a_signature_an_hour_after_promotion_arrives_by_itself_and_decides_and_builds_nothing(manner: Manner) -> None:
    late = referrer(IMAGE, note="an hour later")

    def story(telling: Telling) -> None:
        telling.world.hub.attach(NODE, SIGNED)
        comes(telling, span=timedelta(hours=1))
        telling.begins()
        telling.world.hub.attach(NODE, late)
        telling.world.run_for(timedelta(hours=4))

    for world in told(manner, world_of(REQUIRED), story):
        assert is_promoted_once(world)
        assert has(world, late.digest)
        (bundle,) = counts(beside(world, IMAGE))
        assert (bundle.there, bundle.arrived, bundle.missing) == (3, 3, 0)
        assert [one.base_digest for one in world.rebuilt()].count(IMAGE) <= 1
        assert world.base.untagged[TARGET, late.digest] == 1


# 4


@in_every_manner
def test_a_fallback_tag_that_is_the_subject_or_lists_a_foreign_one_makes_no_referrers_of_that(manner: Manner) -> None:
    foreign = referrer(IMAGE, SBOM, about=TWO)

    def story(telling: Telling) -> None:
        world = telling.world
        world.hub.attach(NODE, SIGNED, foreign)
        itself = [Listed(digest, IMAGE) for digest in (IMAGE, digest_of("of amd64"))]
        world.hub._attached[NODE, IMAGE].extend(itself)
        telling.begins(lambda: is_in(telling.world.staging))
        comes(telling)

    for world in told(manner, world_of(REQUIRED), story):
        assert is_promoted_once(world)
        assert not has(world, foreign.digest)
        states = {one.digest: (one.state, one.refusal) for one in beside(world, IMAGE).referrers if not one.ours}
        assert states == {
            SIGNED.digest: (ReferrerState.ARRIVED, None),
            foreign.digest: (ReferrerState.REFUSED, Refusal.FOREIGN_SUBJECT),
            IMAGE: (ReferrerState.REFUSED, Refusal.LOOP),
            digest_of("of amd64"): (ReferrerState.INCLUDED, None),
        }


# 5


@in_every_manner
def test_a_death_between_signing_and_attaching_leaves_one_record_of_one_digest(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling)

    for world in told(manner, world_of(RECORDED + b"    referrers: 'off'\n", "att", "sig"), story):
        assert is_promoted_once(world)
        (bundle,) = bundles(world)
        assert referring(world, IMAGE) == [bundle]
        assert [one for one in world.staging_shelf.pushed if one in bundles(world)] == [bundle]
        for piece in record_of(world, IMAGE).pieces:
            assert not piece.tag or borne(world, piece.tag) == piece.digest


# 6


@in_every_manner
def test_a_vault_that_refuses_for_hours_and_then_has_a_new_version_leaves_one_record_by_that_version(
    manner: Manner,
) -> None:
    def story(telling: Telling) -> None:
        world = telling.world
        world.signer.disabled.add("v1")
        world.signer.fail("sign", NotPermitted("403"), Unavailable("503"), RateLimited("429"))
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling, span=timedelta(hours=3))
        assert borne(world) == ONE
        world.signer.rotate()
        world.run_for(timedelta(days=1, hours=9), sweeps=timedelta(hours=3))

    for world in told(manner, world_of(RECORDED + b"    referrers: 'off'\n"), story):
        assert is_promoted_once(world)
        assert (record_of(world).version, record_of(world, IMAGE).version) == ("v1", "v2")
        assert [type(one) for one in (*found(world), *found(world, IMAGE))] == [Verified, Verified]
        assert set(world.signer.signed) == {"v1", "v2"}


# 7


@in_every_manner
def test_a_record_that_a_lagging_replica_does_not_show_is_looked_for_again_and_attached_once(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        telling.world.base.lags = telling.world.staging.lags = True
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling)

    for world in told(manner, world_of(REQUIRED), story):
        assert is_promoted_once(world)
        assert record_of(world, IMAGE).state is Inside.ATTACHED
        (bundle,) = bundles(world)
        assert (referring(world, IMAGE), world.base.untagged[TARGET, bundle]) == ([bundle], 1)


# 31


@in_every_manner
def test_an_index_of_26_platforms_with_attestations_is_refused_before_anything_of_it_is_there(manner: Manner) -> None:
    platforms = [digest_of(f"platform {number}") for number in range(26)]
    image = index(*platforms, *(referrer(one, note="by BuildKit").digest for one in platforms))

    def story(telling: Telling) -> None:
        world = telling.world
        world.hub.platforms[image] = 52
        world.hub.attach(NODE, referrer(image))
        telling.begins()
        comes(telling, image)

    for world in told(manner, world_of(ALL), story):
        assert world.status(image) is Status.FAILED
        assert "52 manifests, and Azure imports 50 at most" in world.candidate(image).last.detail
        assert (borne(world), world.target().number) == (ONE, 1)
        both = {*world.base._manifests, *world.staging._manifests}
        assert not {digest for _, digest in both} & {image, *platforms}
        assert [one.record.digest for one in world.companions.every("tidegatebase")] == [ONE]


# 32


def altered(content: bytes) -> bytes:
    """Return a record that says another thing under the same signature."""
    whole = json.loads(content)
    said = json.loads(b64decode(whole["dsseEnvelope"]["payload"]))
    said["predicate"]["resourceUri"] += "/other"
    whole["dsseEnvelope"]["payload"] = b64encode(json.dumps(said).encode()).decode()
    return json.dumps(whole).encode()


@in_every_manner
def test_a_record_altered_by_another_key_or_beside_another_digest_or_repository_is_refused_by_name(
    manner: Manner,
) -> None:
    def story(telling: Telling) -> None:
        telling.begins(lambda: is_in(telling.world.base))
        comes(telling, span=timedelta(hours=1))

    for world in told(manner, world_of(RECORDED + b"    referrers: 'off'\n"), story):
        ring, replaced = world.records.ring, msgspec.structs.replace
        assert ring is not None
        here = "https://base.example.io"
        wanted = Wanted(IMAGE, f"{here}/{TARGET}", here, ring.public_keys())
        layer = json.loads(content_of(bundles(world)[0]))["layers"][0]["digest"]
        content = world.base_shelf._blobs[Digest(layer)]
        answers = [
            verify(content, wanted, world.clock()),
            verify(altered(content), wanted, world.clock()),
            verify(content, replaced(wanted, keys={"other.pem": new_key().public_key()}), world.clock()),
            verify(content, replaced(wanted, digest=TWO), world.clock()),
            verify(content, replaced(wanted, uri=f"{here}/base/other"), world.clock()),
        ]
        assert [one.refusal if isinstance(one, NotVerified) else None for one in answers] == [
            None,
            Refused.ALTERED,
            Refused.OTHER_KEY,
            Refused.OTHER_IMAGE,
            Refused.OTHER_REPOSITORY,
        ]


# 33


def tells_thrice(world: World) -> Callable[[], None]:
    """Let each push into base be told by three replicas, with a tag or without; return what delivers that."""
    pushed: list[tuple[Tag | None, Digest]] = []
    world.base.landed = lambda _, tags, digest: pushed.extend((tag, digest) for tag in tags or (None,))

    def deliver() -> None:
        while pushed:
            tag, digest = pushed[0]
            for region in ("westeurope", "eastus", "japaneast"):
                target = {"repository": TARGET, "digest": digest} | ({"tag": tag} if tag else {})
                host = f"{BASE_SERVER.partition('.')[0]}.{region}.geo.azurecr.io"
                body = json.dumps({"action": "push", "target": target, "request": {"host": host}}).encode()
                world.told(receive({SECRET_HEADER: "it"}, body, "it"))
            pushed.pop(0)

    return deliver


@in_every_manner
def test_pushes_that_three_replicas_tell_make_one_rebuild_and_referrers_and_records_none(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = telling.world
        deliver, work = tells_thrice(world), world.work

        def works_and_is_told(delivery: object) -> None:
            work(delivery)  # type: ignore[arg-type]
            telling.do(deliver)

        world.work = works_and_is_told  # type: ignore[method-assign]
        world.list_tasks()
        world.hub.attach(NODE, *REFERRERS)
        world.hub.attach_by_tag(NODE, referrer(IMAGE, note="old", about="-"), legacy_tag(IMAGE))
        telling.begins(lambda: is_in(telling.world.staging))
        comes(telling, span=timedelta(hours=3))

    for world in told(manner, world_of(ALL), story):
        assert is_promoted_once(world)
        assert has(world, *(one.digest for one in REFERRERS))
        assert world.application_runs.started == {"/tasks/shop": 1}
        assert [one.base_digest for one in world.rebuilt()] == [IMAGE]
