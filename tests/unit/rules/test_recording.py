"""A record of a decision comes beside its image once, whoever dies where, and says nothing that is not so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.policy.policy import Policy
from shared.domain.promotion.said import Blocked, Forced, Said
from shared.domain.promotion.target import Target
from shared.domain.record.attaching import attestation_tag, digest_of, signature_tag
from shared.domain.record.images import INDEX_TYPE, MANIFEST_TYPE
from shared.domain.record.record import Form, Record, RecordState, without
from shared.domain.record.signing_keys import PUBLISHED_AHEAD
from shared.domain.record.statement import Result
from shared.domain.record.truth import Ground
from shared.domain.record.verifying import NotVerified, Refusal, Verified, Wanted, newest, verify
from shared.domain.references import Digest, Tag
from shared.errors import NotPermitted, NotThereYet, Refused, Unavailable
from shared.rules.key_ring import ASKED_EVERY, KeyRing
from shared.rules.policies import Asked
from shared.rules.record_grounds import RecordGrounds
from shared.rules.record_pieces import Pieces
from shared.rules.recording import Recording
from tests.doubles.records import InMemoryShelf, InMemorySigningKeys, SoftSigner
from tests.doubles.storage import InMemoryEvidence, SettableClock
from tests.unit.domain.record.examples import ME, SERVER, STRICT, admission, target, that_passed
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit

REPOSITORY, STAGING = "base/node", "base/node"
PLATFORM = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": []}).encode()
OTHER = json.dumps(
    {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": [], "annotations": {"of": "arm"}}
).encode()
SAID = Said("Ada (person 1f@2e)", "it leaks", NOON + timedelta(hours=3))


def described(digest: Digest, content: bytes) -> dict[str, Any]:
    """Return what an index says of a manifest."""
    return {"digest": digest, "size": len(content), "mediaType": MANIFEST_TYPE}


class Died(BaseException):
    """The process ends here."""


class Row(msgspec.Struct):
    """A record as it was read."""

    record: Any


class Scene:
    """A repository with one image, and all that a record of it needs; ``bring`` does what its companions do."""

    def __init__(self, *forms: str, failures: bool = True, policy: Policy | None = STRICT) -> None:
        self.clock = SettableClock(NOON + timedelta(hours=1))
        self.signer, self.keys = SoftSigner(), InMemorySigningKeys()
        self.staging, self.base = InMemoryShelf(), InMemoryShelf()
        self.evidence = InMemoryEvidence()
        self.forms, self.failures, self.policy = frozenset(forms), failures, policy
        platform, other = self.base.put(REPOSITORY, PLATFORM), self.base.put(REPOSITORY, OTHER)
        unsigned = {"digest": "sha256:" + "77" * 32, "size": 2, "mediaType": MANIFEST_TYPE}
        parts = [
            {**described(platform, PLATFORM), "platform": {"os": "linux", "architecture": "amd64"}},
            {**described(other, OTHER), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {**unsigned, "platform": {"os": "unknown", "architecture": "unknown"}},
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": parts}
        self.platform, self.other, self.digest = platform, other, self.base.put(REPOSITORY, json.dumps(index).encode())
        self.candidate = msgspec.structs.replace(that_passed(), digest=self.digest, evidence=("gate-1.log",))
        self.evidence.kept[self.candidate.id, "gate-1.log"] = b"all is well"
        self.evidence.kept[self.candidate.id, "admission-1.json"] = b'{"platforms": {}}'
        self.targets = [self.target()]
        self.record: Record | None = None
        self.hook: Any = None

    def target(self, **fields: Any) -> Target:
        """A tag that is to point at the image."""
        passed = msgspec.structs.replace(admission(), digest=self.digest)
        return target(**{"wanted": self.digest, "passed": (self.digest,), "admissions": (passed,), **fields})

    @property
    def recording(self) -> Recording:
        """As a process makes it that was just started."""
        grounds = RecordGrounds(self, self, self, self.evidence, ME.id, failures=self.failures)  # type: ignore[arg-type]
        ring = KeyRing(self.signer, self.keys, self.clock)
        pieces = Pieces(self.staging, self.base, self.base)
        return Recording(grounds, ring, self.evidence, pieces, self.clock, SERVER, ME, self.forms)

    # What the grounds ask: of targets, policies and candidates.

    def of_repository(self, repository: str) -> Iterator[Any]:
        assert repository == REPOSITORY
        return (Row(one) for one in self.targets)

    def now(self) -> Scene:
        return self

    def of(self, image: str, _: object) -> Asked:
        return Asked(image, self.policy)

    def get(self, name: str) -> Any:
        found = self.candidate if name == self.candidate.id else None
        return Row(found) if found else None

    # What companions do.

    def step(self) -> Record:
        """Do the next thing, and write what came of it."""
        recording, arrived = self.recording, self.arrived()
        about = recording.about(REPOSITORY, STAGING, self.digest)
        after = recording.step(about, self.record, arrived)
        self._tell("before:write")
        self.record = after
        self._tell("after:write")
        return after

    def arrived(self) -> set[tuple[Digest, Tag]]:
        pieces = self.record.pieces if self.record else ()
        there = {digest for _, digest in self.base.manifests}
        return {
            (one.digest, one.tag)
            for one in pieces
            if one.digest in there and self.tagged(one.tag) in {None if not one.tag else "", one.digest}
        }

    def tagged(self, tag: Tag) -> Digest | None:
        return self.base.tags.get((REPOSITORY, tag)) if tag else None

    def carry(self) -> None:
        """Copy what is staged into the base registry."""
        for piece in self.record.pieces if self.record and self.record.state is RecordState.STAGED else ():
            if (piece.digest, piece.tag) not in self.arrived():
                self.base.copy(self.staging, STAGING, REPOSITORY, piece.digest, piece.tag)
                self._tell("after:copy")

    def bring(self, most: int = 12) -> Record:
        """Go on until nothing is left to be done."""
        for _ in range(most):
            before = self.record
            after = self.step()
            if after.is_settled and after == before:
                return after
            self.carry()
        raise AssertionError(f"it does not end: {self.record}")

    def _tell(self, moment: str) -> None:
        if self.hook:
            self.hook(moment)

    # What is there in the end.

    def verified(self, digest: str = "") -> list[Verified | NotVerified]:
        """What whoever verifies finds beside the image."""
        keys = self.recording._ring.public_keys()
        wanted = Wanted(self.digest, f"https://{SERVER}/{REPOSITORY}", ME.id, keys)
        return [
            verify(self.bundle(one), wanted, self.clock())
            for one in self.base.referrers(REPOSITORY, digest or self.digest)
        ]

    def bundle(self, referrer: Digest) -> bytes:
        (layer,) = json.loads(self.base.manifests[REPOSITORY, referrer])["layers"]
        return self.base.blobs[REPOSITORY, layer["digest"]]

    def layers(self, tag: Tag) -> list[str]:
        content = self.base.manifests[REPOSITORY, self.base.tags[REPOSITORY, tag]]
        return [layer["digest"] for layer in json.loads(content)["layers"]]


def test_a_record_comes_beside_the_image_and_verifies_by_the_published_key() -> None:
    scene = Scene()
    record = scene.bring()
    assert (record.state, record.version) == (RecordState.ATTACHED, "v1")
    (answer,) = scene.verified()
    assert isinstance(answer, Verified)
    said = answer.statement.predicate
    assert said.verified_levels == ("TIDEGATE_TESTED", "TIDEGATE_SCANNED")
    assert {one.digest["sha256"] for one in answer.statement.subject} == {scene.digest[7:], scene.platform[7:]}
    assert [one.uri.rpartition("/")[2] for one in said.input_attestations] == ["admission-1.json", "gate-1.log"]
    assert said.decision is not None
    assert (said.decision.run, said.decision.source) == ("ca1", "docker.io/library/node")


def test_what_is_signed_is_kept_before_it_is_attached() -> None:
    scene = Scene()
    while scene.step().state is not RecordState.SIGNED:
        continue
    assert scene.record is not None
    assert (scene.digest, scene.record.envelope) in scene.evidence.kept
    assert not scene.staging.pushed


def test_a_record_that_is_there_is_left_alone() -> None:
    scene = Scene("att", "sig", "platforms")
    scene.bring()
    pushed, signed = dict(scene.staging.pushed), dict(scene.signer.signed)
    assert scene.step() == scene.record
    assert (dict(scene.staging.pushed), dict(scene.signer.signed)) == (pushed, signed)


def moments(scene: Scene) -> list[str]:
    """Return every moment at which a process may die while a record comes."""
    seen: list[str] = []
    watch(scene, seen.append)
    scene.bring()
    return seen


def watch(scene: Scene, hook: Any) -> None:
    scene.hook = hook
    scene.evidence.before_call = lambda moment: hook(f"evidence.{moment}")
    scene.staging.before_call = lambda moment: hook(f"staging.{moment}")
    scene.keys.before_call = lambda moment: hook(f"keys.{moment}")


@pytest.mark.parametrize("moment", range(len(moments(Scene("att", "sig", "platforms")))))
def test_whoever_dies_anywhere_leaves_one_record_that_verifies(moment: int) -> None:
    scene = Scene("att", "sig", "platforms")
    left = [moment]

    def die(_: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Died

    watch(scene, die)
    with pytest.raises(Died):
        scene.bring()
    assert scene.bring().state is RecordState.ATTACHED
    assert [type(one) for one in (*scene.verified(), *scene.verified(scene.platform))] == [Verified, Verified]
    assert [len(scene.layers(tag_of(scene.digest))) for tag_of in (attestation_tag, signature_tag)] == [1, 1]


def test_two_who_do_the_same_at_once_attach_what_was_written_down() -> None:
    scene = Scene()
    kept = scene.step()
    scene.record = None
    scene.step()
    assert scene.record is not None
    assert scene.record.envelope != kept.envelope
    scene.record = kept
    scene.bring()
    assert len(scene.verified()) == 1
    assert scene.record.sha256 == kept.sha256


def test_a_key_that_refuses_keeps_the_record_waiting_and_a_new_version_then_signs() -> None:
    scene = Scene()
    first = Scene()
    scene.signer, scene.keys = first.signer, first.keys
    first.bring()
    scene.signer.disabled.add("v1")
    for _ in range(3):
        with pytest.raises(Refused):
            scene.bring()
        scene.clock.advance(timedelta(hours=2))
    assert not scene.base.referrers(REPOSITORY, scene.digest)
    scene.signer.rotate()
    scene.clock.advance(ASKED_EVERY)
    assert scene.bring().version == "v2"
    assert [type(one) for one in scene.verified()] == [Verified]
    assert [type(one) for one in first.verified()] == [Verified], "what the former version signed stays good"


def test_a_record_keeps_the_version_that_it_was_signed_by() -> None:
    scene = Scene()
    record = scene.bring()
    scene.signer.rotate()
    scene.clock.advance(ASKED_EVERY + PUBLISHED_AHEAD)
    assert scene.bring() == record


def test_what_cannot_be_read_back_yet_is_looked_at_again_and_attached_once() -> None:
    scene = Scene()
    while scene.step().state is not RecordState.STAGED:
        continue
    scene.carry()
    scene.base.blobs.clear()
    with pytest.raises(NotThereYet):
        scene.step()
    scene.carry()
    assert scene.record is not None
    (piece,) = scene.record.pieces
    scene.base.copy(scene.staging, STAGING, REPOSITORY, piece.digest, piece.tag)
    assert scene.bring().state is RecordState.ATTACHED
    assert len(scene.verified()) == 1


def test_what_is_read_back_and_is_something_else_is_no_record() -> None:
    scene = Scene()
    while scene.step().state is not RecordState.STAGED:
        continue
    scene.carry()
    for place in scene.base.blobs:
        scene.base.blobs[place] = b"{}"
    with pytest.raises(Unavailable, match="is not what was attached"):
        scene.step()


def test_kept_bytes_that_changed_are_never_attached() -> None:
    scene = Scene()
    while scene.step().state is not RecordState.SIGNED:
        continue
    assert scene.record is not None
    scene.evidence.kept[scene.digest, scene.record.envelope] = b"what somebody wrote there"
    assert scene.step().state is RecordState.WANTED
    scene.bring()
    assert [type(one) for one in scene.verified()] == [Verified]


def test_the_same_record_is_pushed_again_where_staging_lost_it() -> None:
    scene = Scene("att")
    while scene.step().state is not RecordState.STAGED:
        continue
    before = scene.record
    scene.staging.manifests.clear()
    scene.staging.blobs.clear()
    assert scene.bring().pieces == (before.pieces if before else ())


def test_a_form_that_was_lost_is_made_of_the_same_bytes() -> None:
    scene = Scene()
    record = scene.bring()
    (piece,) = record.pieces
    del scene.base.manifests[REPOSITORY, piece.digest]
    scene.record = without(record, {piece.digest})
    assert scene.bring().pieces == record.pieces
    assert dict(scene.signer.signed) == {"v1": 1}


def test_the_older_forms_are_put_under_tags_beside_what_others_put_there() -> None:
    scene = Scene("att", "sig")
    foreign = {"digest": scene_blob(scene, b"theirs"), "size": 6, "mediaType": "x", "annotations": {"a": "b"}}
    empty = {"digest": scene_blob(scene, b"{}"), "size": 2, "mediaType": "y"}
    theirs = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": empty, "layers": [foreign]}
    tag = attestation_tag(scene.digest)
    over = scene.base.put(REPOSITORY, json.dumps(theirs).encode(), tag)
    record = scene.bring()
    assert scene.layers(tag)[0] == foreign["digest"]
    assert len(scene.layers(tag)) == 2
    assert len(scene.layers(signature_tag(scene.digest))) == 1
    assert {one.form: one.over for one in record.pieces} == {
        Form.BUNDLE: "",
        Form.ATTESTATION: over,
        Form.SIGNATURE: "",
    }


def scene_blob(scene: Scene, content: bytes) -> str:
    scene.base.blobs[REPOSITORY, digest_of(content)] = content
    return digest_of(content)


def test_what_others_put_under_a_tag_and_cannot_be_kept_there_is_not_written_over() -> None:
    scene = Scene("att")
    scene.base.put(REPOSITORY, b'{"schemaVersion":2,"layers":[{"digest":"sha256:77"}]}', attestation_tag(scene.digest))
    with pytest.raises(Refused, match="leave its form out of RECORD_FORMS"):
        scene.bring()


def test_what_may_not_be_said_is_neither_signed_nor_attached() -> None:
    scene = Scene("sig", policy=None)
    record = scene.bring()
    assert (record.state, record.truth.ground) == (RecordState.NONE, Ground.UNGATED)
    assert not scene.signer.signed
    assert not scene.base.referrers(REPOSITORY, scene.digest)


def test_something_is_said_once_it_may_be() -> None:
    scene = Scene(policy=None)
    scene.bring()
    scene.policy = STRICT
    assert scene.bring().state is RecordState.ATTACHED


def test_what_people_refuse_later_is_said_to_have_failed_and_loses_its_plain_signature() -> None:
    scene = Scene("att", "sig")
    first = scene.bring()
    scene.targets = [scene.target(blocked=(Blocked(scene.digest, SAID),))]
    scene.clock.advance(timedelta(days=1))
    record = scene.bring()
    assert record.truth.result is Result.FAILED
    assert record.former == tuple(one.digest for one in first.pieces if one.form is Form.BUNDLE)
    assert scene.layers(signature_tag(scene.digest)) == [digest_of(b"{}")]
    assert len(scene.layers(attestation_tag(scene.digest))) == 1
    newest = [one for one in scene.verified() if isinstance(one, NotVerified)]
    assert [one.refusal for one in newest] == [Refusal.FAILED]


def test_where_failures_are_not_said_what_people_refuse_is_withdrawn() -> None:
    scene = Scene("att", "sig", failures=False)
    first = scene.bring()
    scene.targets = [scene.target(forced=(Forced(scene.digest, SAID),))]
    record = scene.bring()
    assert (record.state, record.truth.ground) == (RecordState.WITHDRAWN, Ground.OVERRIDDEN)
    assert record.former == (first.pieces[0].digest,)
    tags = (signature_tag(scene.digest), attestation_tag(scene.digest))
    assert [scene.layers(tag) for tag in tags] == [[digest_of(b"{}")]] * 2
    assert len(set(scene.base.tags.values())) == 2
    assert scene.bring() == record


def test_an_override_without_failures_never_has_a_record_at_all() -> None:
    scene = Scene("att", "sig", failures=False)
    scene.targets = [scene.target(passed=(), forced=(Forced(scene.digest, SAID),))]
    assert scene.bring().state is RecordState.NONE
    assert (scene.signer.signed, scene.base.tags) == ({}, {})


def test_an_override_has_a_record_of_failure_and_no_plain_signature() -> None:
    scene = Scene("att", "sig")
    scene.targets = [scene.target(passed=(), forced=(Forced(scene.digest, SAID),))]
    record = scene.bring()
    assert (record.state, record.truth.result) == (RecordState.ATTACHED, Result.FAILED)
    assert [one.form for one in record.pieces] == [Form.BUNDLE, Form.ATTESTATION]
    (answer,) = scene.verified()
    assert isinstance(answer, NotVerified)
    assert answer.statement is not None and answer.statement.predicate.decision is not None
    assert answer.statement.predicate.decision.people == ("1f@2e",)


def test_what_is_blocked_before_it_is_signed_is_never_said_to_have_passed() -> None:
    scene = Scene(failures=False)
    scene.signer.fail("sign", Unavailable("503"))
    with pytest.raises(Unavailable):
        scene.step()
    scene.targets = [scene.target(blocked=(Blocked(scene.digest, SAID),))]
    scene.bring()
    assert not scene.signer.signed


def test_inputs_are_said_all_or_none() -> None:
    scene = Scene()
    del scene.evidence.kept[scene.candidate.id, "gate-1.log"]
    scene.bring()
    (answer,) = scene.verified()
    assert isinstance(answer, Verified)
    assert answer.statement.predicate.input_attestations == ()


def test_nothing_is_said_while_it_is_not_known_what_may_be() -> None:
    scene = Scene()
    scene.signer.fail("sign", NotPermitted("give the app's identity the role"))
    with pytest.raises(NotPermitted):
        scene.bring()
    assert scene.bring().state is RecordState.ATTACHED


def test_what_people_refuse_no_more_is_said_to_have_passed_again() -> None:
    scene = Scene("att", "sig")
    scene.bring()
    scene.targets = [scene.target(blocked=(Blocked(scene.digest, SAID),))]
    scene.bring()
    scene.clock.advance(timedelta(hours=4))
    scene.targets = [scene.target()]
    record = scene.bring()
    assert (record.state, record.truth.result, len(record.former)) == (RecordState.ATTACHED, Result.PASSED, 2)
    assert len(scene.verified()) == 3
    assert isinstance(newest(scene.verified()), Verified), "what it replaces lies there still, and is older"
    assert [len(scene.layers(tag_of(scene.digest))) for tag_of in (attestation_tag, signature_tag)] == [1, 1]
    assert digest_of(b"{}") not in scene.layers(signature_tag(scene.digest))


def test_a_platform_that_no_enforced_check_was_made_on_is_no_subject_and_has_no_record_beside_it() -> None:
    scene = Scene("platforms")
    scene.bring()
    (answer,) = scene.verified()
    assert isinstance(answer, Verified)
    assert {one.digest["sha256"] for one in answer.statement.subject} == {scene.digest[7:], scene.platform[7:]}
    assert (len(scene.verified(scene.platform)), scene.verified(scene.other)) == (1, [])


def test_what_people_refuse_is_said_to_have_failed_on_every_platform() -> None:
    scene = Scene("platforms")
    scene.targets = [scene.target(blocked=(Blocked(scene.digest, SAID),))]
    scene.bring()
    for digest in (scene.digest, scene.platform, scene.other):
        (answer,) = scene.verified(digest)
        assert isinstance(answer, NotVerified)
        assert answer.refusal is Refusal.FAILED
        assert answer.statement is not None
        assert len(answer.statement.subject) == 3
