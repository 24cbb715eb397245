"""A record of each decision lies beside its image before the tag is moved there, and says only what is so."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import msgspec
import pytest

from shared.cli.commands.show import of_companions
from shared.domain.policy.policy import GateCheck, Policy
from shared.domain.record.attaching import attestation_tag, digest_of, signature_tag, simple_payload
from shared.domain.record.record import Record
from shared.domain.record.record import RecordState as Inside
from shared.domain.record.truth import Ground, Truth
from shared.domain.record.verifying import NotVerified, Verified, Wanted, newest, verify
from shared.domain.references import Digest, Tag
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import ReferrerState
from shared.domain.travel.tries import Tries
from shared.errors import NotPermitted, RateLimited, Unavailable
from shared.web.shown_companions import shown_companions
from shared.web.shown_records import record_told
from tests.doubles.mortal import Mortal
from tests.doubles.paged import Browser
from tests.doubles.referrers import content_of, legacy_tag, referrer, subject_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, WATCH_LIST, World
from tests.unit.flows.test_lost_account import said
from tests.unit.flows.test_travelling_and_people import look

pytestmark = pytest.mark.unit

TESTED = Policy("tested", GateCheck("node"))
RECORDED = WATCH_LIST + b"    record: true\n    referrers: 'off'\n"
TRAVELS_TOO = WATCH_LIST + b"    record: true\n    referrers: required\n"
HOURS = timedelta(hours=3)


def recording_world(watch_list: bytes = RECORDED, *forms: str, failures: bool = False) -> World:
    """Return a world in which decisions are recorded."""
    world = World(watch_list, travels=True, record_forms=forms, record_failures=failures)
    world.says(TESTED)
    return world


def arrive(world: World, digest: Digest = ONE, span: timedelta = timedelta(minutes=9)) -> None:
    """Let a digest appear upstream, and come as far as it gets in some minutes."""
    world.push(digest)
    world.check()
    world.run_for(span)


def beside(world: World, digest: Digest = ONE) -> Companions:
    """Return the companions of a digest."""
    stored = world.travelling.book.read(TARGET, digest)
    assert stored is not None
    return stored.record


def record_of(world: World, digest: Digest = ONE) -> Record:
    """Return the record of the decision for a digest."""
    recorded = beside(world, digest).record
    assert recorded is not None and recorded.record is not None
    return recorded.record


def referring(world: World, digest: Digest = ONE) -> list[Digest]:
    """Return what refers to a digest in the base registry."""
    return [one for where, one in sorted(world.base._manifests) if where == TARGET and subject_of(one) == digest]


def found(world: World, digest: Digest = ONE) -> list[Verified | NotVerified]:
    """Return what whoever verifies finds beside a digest."""
    ring = world.records.ring
    assert ring is not None
    wanted = Wanted(digest, f"https://base.example.io/{TARGET}", "https://base.example.io", ring.public_keys())
    layers = [json.loads(content_of(one))["layers"][0]["digest"] for one in referring(world, digest)]
    return [verify(world.base_shelf._blobs[Digest(layer)], wanted, world.clock()) for layer in layers]


def borne(world: World, tag: Tag = TAG) -> Digest | None:
    """Return what a tag of the base registry points at."""
    return world.base.tags.get((TARGET, tag))


def test_the_record_is_there_and_verified_before_the_tag_is_moved() -> None:
    world = recording_world()
    seen: list[bool] = []

    def look(moment: str) -> None:
        if moment == "base.after:start_import" and borne(world) == ONE and not seen:
            seen.append(isinstance(found(world)[0], Verified))

    world.base.looks = 0
    world.hook = look
    arrive(world)
    assert (borne(world), seen) == (ONE, [True])
    assert beside(world).record.state is RecordState.DONE  # type: ignore[union-attr]


def test_one_record_lies_beside_a_digest_however_often_it_is_looked_at() -> None:
    world = recording_world()
    arrive(world)
    world.run_for(timedelta(days=2))
    assert [type(one) for one in found(world)] == [Verified]
    assert dict(world.signer.signed) == {"v1": 1}


def test_each_digest_has_a_record_of_its_own() -> None:
    world = recording_world()
    arrive(world)
    arrive(world, TWO)
    assert borne(world) == TWO
    assert [type(one) for one in (*found(world), *found(world, TWO))] == [Verified, Verified]


def test_a_digest_that_the_tag_left_before_its_record_was_made_has_one_when_it_comes_back() -> None:
    world = recording_world()
    world.signer.fail("sign", *[Unavailable("503")] * 3)
    arrive(world, ONE, timedelta(minutes=1))
    assert borne(world) is None
    arrive(world, TWO, HOURS)
    assert (borne(world), record_of(world).truth.ground) == (TWO, Ground.NO_TAG)
    arrive(world, ONE, HOURS)
    assert borne(world) == ONE
    assert [type(one) for one in found(world)] == [Verified]


def test_without_a_key_the_tag_waits_and_says_what_to_do() -> None:
    world = recording_world()
    world.signs = False
    world.start()
    arrive(world)
    assert borne(world) is None
    recorded = beside(world).record
    assert recorded is not None
    assert "set RECORD_KEY" in recorded.tries.trouble


def test_an_entry_that_asks_for_no_record_has_none_and_nothing_is_signed() -> None:
    world = World(WATCH_LIST + b"    referrers: 'off'\n", travels=True)
    arrive(world)
    assert borne(world) == ONE
    assert (world.signer.signed, world.signer.asked) == ({}, {})
    assert world.travelling.book.read(TARGET, ONE) is None


def test_what_nothing_asks_of_an_image_is_promoted_without_a_record() -> None:
    world = recording_world(RECORDED, "att", "sig")
    world.policies_of.clear()
    arrive(world)
    assert borne(world) == ONE
    assert (record_of(world).state, world.signer.signed) == (Inside.NONE, {})
    assert referring(world) == []


@pytest.mark.parametrize("error", [NotPermitted("403"), RateLimited("429"), Unavailable("503")])
def test_a_vault_that_refuses_for_hours_keeps_the_tag_where_it_is_until_it_signs(error: Exception) -> None:
    world = recording_world()
    world.signer.fail("sign", *[error] * 6)  # type: ignore[list-item]
    arrive(world, span=timedelta(minutes=3))
    assert borne(world) is None
    world.run_for(timedelta(days=1, hours=2))
    assert (borne(world), [type(one) for one in found(world)]) == (ONE, [Verified])


def test_after_a_version_was_disabled_the_next_one_signs_and_the_former_still_verifies() -> None:
    world = recording_world()
    arrive(world)
    world.signer.disabled.add("v1")
    arrive(world, TWO, timedelta(minutes=30))
    assert borne(world) == ONE
    world.signer.rotate()
    world.run_for(timedelta(days=2))
    assert (borne(world), record_of(world, TWO).version) == (TWO, "v2")
    assert [type(one) for one in (*found(world), *found(world, TWO))] == [Verified, Verified]


def test_records_come_with_what_refers_to_the_image_upstream() -> None:
    world = recording_world(TRAVELS_TOO)
    made = referrer(ONE)
    world.hub.attach(NODE, made)
    arrive(world)
    assert borne(world) == ONE
    assert len(referring(world)) == 2
    assert made.digest in referring(world)
    assert {one.state for one in beside(world).referrers} == {ReferrerState.ARRIVED}


def test_a_record_that_both_registries_lost_is_made_of_the_same_bytes_and_comes_again() -> None:
    world = recording_world()
    arrive(world)
    (before,) = referring(world)
    for registry in (world.base, world.staging):
        registry.purge(TARGET, before)
    book, now = world.travelling.book, world.clock()
    lost = book.change(beside(world).id, lambda one: one and changes.lost(one, frozenset({before}), frozenset(), now))
    assert lost is not None
    book.wake(lost.record)
    world.run_for(HOURS)
    assert referring(world) == [before]
    assert [type(one) for one in found(world)] == [Verified]
    assert dict(world.signer.signed) == {"v1": 1}


def test_the_older_forms_lie_under_their_tags() -> None:
    world = recording_world(RECORDED, "att", "sig")
    arrive(world)
    record = record_of(world)
    assert {piece.tag: borne(world, piece.tag) for piece in record.pieces if piece.tag} == {
        piece.tag: piece.digest for piece in record.pieces if piece.tag
    }
    assert {attestation_tag(ONE), signature_tag(ONE)} == {piece.tag for piece in record.pieces if piece.tag}


def test_an_older_form_whose_tag_somebody_deletes_is_under_it_again_and_nothing_is_signed_anew() -> None:
    world = recording_world(RECORDED, "att", "sig")
    arrive(world)
    world.run_for(timedelta(minutes=30))
    signed, tag = dict(world.signer.signed), signature_tag(ONE)
    before = borne(world, tag)
    world.base.untag(TARGET, tag)
    for _ in range(2):
        world.pass_time(timedelta(minutes=20))
        world.look_at_base()
        world.run_for(timedelta(minutes=12))
    assert before is not None
    assert borne(world, tag) == before
    assert dict(world.signer.signed) == signed


def test_what_upstream_has_under_the_same_tag_stays_beside_ours_and_what_it_writes_later_too() -> None:
    world, tag = recording_world(TRAVELS_TOO, "sig"), legacy_tag(ONE)
    for note in ("old", "new"):
        theirs = referrer(ONE, note=note, about="-")
        parts = json.loads(content_of(theirs.digest))
        for part in [parts["config"], *parts["layers"]]:
            world.base_shelf._blobs[part["digest"]] = note.encode()
        world.hub.attach_by_tag(NODE, theirs, tag)
        if note == "old":
            arrive(world)
        else:
            world.run_for(HOURS)
        layers = [one["digest"] for one in json.loads(content_of(world.base.tags[TARGET, tag]))["layers"]]
        assert (len(layers), layers[0]) == (2, parts["layers"][0]["digest"])
        assert digest_of(simple_payload(f"https://base.example.io/{TARGET}", ONE)) == layers[1]
    assert [type(one) for one in found(world)] == [Verified]
    assert dict(world.signer.signed) == {"v1": 2}


def test_a_record_is_shown_with_its_target() -> None:
    world = recording_world()
    arrive(world)
    shown = shown_companions(world.book.of(TARGET, TAG), beside(world)).record  # type: ignore[arg-type]
    assert shown is not None
    assert (shown.state, shown.says, shown.ground, shown.version) == ("done", "PASSED", "passed", "v1")
    assert shown.manifests == tuple(referring(world))
    assert re.fullmatch(r"says PASSED, decided \d{4}-\d\d-\d\d \d\d:\d\d UTC", shown.told)


def test_the_page_and_the_command_say_of_a_record_what_the_api_says() -> None:
    world = recording_world()
    arrive(world)
    companions = shown_companions(world.book.of(TARGET, TAG), beside(world))  # type: ignore[arg-type]
    told = json.loads(msgspec.json.encode(companions))
    assert companions.record is not None
    page = Browser(world).read(f"pages/targets/{world.target().id}")
    assert companions.record.told in page.partition("<dt>Its record</dt>")[2].partition("</dd>")[0]
    assert f"  its record: {companions.record.told}" in of_companions(told)


def test_what_keeps_a_record_away_is_told_of_it() -> None:
    assert (
        record_told(Recorded(tries=Tries(trouble="the vault answered 403"))) == "does not come: the vault answered 403"
    )
    assert record_told(Recorded()) == "is being made"


def test_what_was_replaced_and_lies_there_still_is_told_with_what_is_said_now() -> None:
    record = Record(state=Inside.WITHDRAWN, truth=Truth(None, Ground.BLOCKED), former=(ONE,))
    told = record_told(Recorded(state=RecordState.NONE, record=record))
    assert told == "nothing is said: blocked; 1 replaced before, there still"


@pytest.mark.parametrize("before", [b"    referrers: 'off'\n", b"    referrers: required\n"])
def test_what_is_in_use_gets_a_record_once_its_entry_asks_for_one(before: bytes) -> None:
    world = recording_world(WATCH_LIST + before)
    arrive(world)
    number = world.target().number
    world.configuration.text = WATCH_LIST + before + b"    record: true\n"
    world.start()
    world.sweep()
    for _ in range(3):
        look(world)
    world.run_for(timedelta(minutes=30))
    assert [type(one) for one in found(world)] == [Verified]
    assert (borne(world), world.target().number) == (ONE, number)


def result_of(world: World, digest: Digest) -> str:
    """Return what whoever looks for the latest record of a digest is told."""
    answer = newest(found(world, digest))
    return "verified" if isinstance(answer, Verified) else answer.refusal.value if answer else "none"


def test_what_people_refuse_after_it_passed_is_said_to_have_failed_and_is_told_at_once() -> None:
    world = recording_world(RECORDED, "sig", failures=True)
    arrive(world)
    arrive(world, TWO)
    world.pass_time(timedelta(minutes=1))
    world.ruler.block(TWO, said(world))
    world.run_for(timedelta(minutes=9))
    assert borne(world) == ONE
    assert (result_of(world, ONE), result_of(world, TWO)) == ("verified", "failed")
    assert len(json.loads(content_of(world.base.tags[TARGET, signature_tag(TWO)]))["layers"]) == 1
    assert b"withdrawn" not in content_of(world.base.tags[TARGET, signature_tag(ONE)])


def test_whoever_dies_right_after_people_spoke_leaves_that_to_the_next_days_sweep() -> None:
    world = recording_world(failures=True)
    arrive(world)
    arrive(world, TWO)
    world.pass_time(timedelta(minutes=1))
    world.companions.fail("get", *[Unavailable("503")] * 3)
    world.ruler.block(TWO, said(world))
    world.companions.mend()
    world.run_for(timedelta(days=1))
    assert (result_of(world, ONE), result_of(world, TWO)) == ("verified", "failed")


def test_what_was_left_without_a_record_under_a_tag_gets_one_with_the_next_days_sweep() -> None:
    """As an earlier version left it where a tag came back to a digest."""
    world = recording_world()
    arrive(world)
    stored = world.travelling.book.read(TARGET, ONE)
    assert stored is not None
    nothing = Recorded(state=RecordState.NONE, record=Record(Inside.NONE, Truth(None, Ground.NO_TAG)))
    world.travelling.book.step(stored, lambda one: changes.recorded(one, nothing, world.clock(), ()))
    (before,) = referring(world)
    for registry in (world.base, world.staging):
        registry.purge(TARGET, before)
    world.run_for(timedelta(days=1))
    assert (borne(world), [type(one) for one in found(world)]) == (ONE, [Verified])


def test_what_people_refuse_no_more_is_said_to_have_passed() -> None:
    world = recording_world(failures=True)
    arrive(world)
    arrive(world, TWO)
    world.pass_time(timedelta(minutes=1))
    world.ruler.block(TWO, said(world))
    world.run_for(timedelta(minutes=9))
    world.ruler.release(TWO, said(world))
    world.run_for(HOURS)
    assert (borne(world), result_of(world, TWO)) == (TWO, "verified")


class Recording(Mortal):
    """A mortal world in which decisions are recorded, from its beginning.

    Args:
        dies_at: the number of the moment; ``0`` for never.
    """

    def __init__(self, dies_at: int = 0) -> None:
        super().__init__(dies_at, recording_world(RECORDED, "att", "sig"))
        self.begin()

    def arrive(self) -> World:
        """Let a digest appear, and come as far as it gets in hours."""
        self.world.push(ONE)
        self.do(self.world.check)
        self.world.run_for(HOURS)
        return self.world


def all_moments() -> int:
    """Return at how many moments a process may die while a digest comes with its record."""
    mortal = Recording()
    mortal.arrive()
    return mortal.moments


@pytest.mark.parametrize("part", range(8))
def test_whoever_dies_anywhere_leaves_one_record_and_a_tag_that_comes_after_it(part: int) -> None:
    for moment in range(1 + part, all_moments() + 1, 8):
        world = Recording(moment).arrive()
        assert borne(world) == ONE, moment
        assert [type(one) for one in found(world)] == [Verified], moment
        for tag in (attestation_tag(ONE), signature_tag(ONE)):
            assert len(json.loads(content_of(world.base.tags[TARGET, tag]))["layers"]) == 1, moment
