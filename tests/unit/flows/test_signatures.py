"""Signatures decide before promotion, and whoever signs late has waited for nothing but that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.promotion.admission import Admission, admission_of
from shared.domain.promotion.schedule import SIGNING_GRACE
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.watching.budget import Learned
from shared.errors import RateLimited, TidegateError, Unavailable
from tests.doubles.storage import MIDDAY
from tests.doubles.world import NODE, ONE, TWO, World
from tests.made_signatures.authorities import new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement

pytestmark = pytest.mark.unit

OURS, THEIRS = new_key(), new_key()
BY_KEY = Policy("ours", signatures=SignatureCheck(cosign=CosignCheck(key="keys/build.pem")))
OBSERVED = Policy("seen", signatures=replace(BY_KEY.signatures, mode=Mode.OBSERVE))
SWEEP = timedelta(minutes=5)
PASSED = Admission(digest=ONE, outcome=Outcome.PASS, at=MIDDAY)


def signed_world(policy: Policy = BY_KEY) -> World:
    """A world whose one entry has to be signed, and which has the key."""
    world = World()
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    world.says(policy)
    return world


@pytest.fixture
def world() -> World:
    return signed_world()


def arrive(world: World, digest: Digest = ONE) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def sign(world: World, digest: Digest = ONE, key: object = OURS) -> None:
    """Sign an image as cosign does."""
    world.hub.sign(NODE, digest, bundle(key_bundle(statement(digest), key)))


def passes(world: World, span: timedelta) -> None:
    """Let time pass, with the sweeps that are made meanwhile."""
    end = world.clock() + span
    while world.clock() < end:
        world.pass_time(SWEEP)
        world.sweep()
        world.settle()


def decided(world: World, digest: Digest = ONE) -> Admission:
    """Return what was decided of a digest for the tag."""
    admission = admission_of(world.target(), digest)
    assert admission is not None
    return admission


def told(world: World) -> list[str]:
    """Return what the activity log tells of signatures, oldest first."""
    return [one.name for one in world.activity.events if one.name.startswith("signature-")]


def test_a_signed_image_is_promoted_and_says_who_signed_it(world: World) -> None:
    sign(world)
    arrive(world)
    assert (world.status(ONE), world.target().seen) == (Status.PROMOTED, ONE)
    assert decided(world).reasons == ("signature-verified",)
    assert "keys/build.pem" in decided(world).detail
    assert told(world) == []


def test_its_signatures_are_read_once_and_kept_with_the_digest_and_with_the_candidate(world: World) -> None:
    sign(world)
    arrive(world)
    passes(world, timedelta(days=3))
    assert world.hub.besides[ONE] == 1
    assert [name for owner, name in world.evidence.kept if owner == ONE and name.startswith("beside-")]
    names = [name for owner, name in world.evidence.kept if owner == world.candidate(ONE).id]
    kept = [name for name in names if name.startswith("signatures-")]
    assert len(kept) == 1
    assert b'"verified"' in world.evidence.kept[world.candidate(ONE).id, kept[0]]


def test_an_unsigned_image_is_held_for_an_hour_and_rejected_then(world: World) -> None:
    arrive(world)
    assert (world.status(ONE), decided(world).holds) == (Status.HELD, ("signature-missing",))
    assert decided(world).until is not None
    passes(world, SIGNING_GRACE + SWEEP)
    assert (world.status(ONE), decided(world).outcome) == (Status.REJECTED, Outcome.REJECT)
    assert decided(world).reasons == ("signature-missing",)
    assert world.target().seen == ""
    assert told(world) == ["signature-held", "signature-rejected"]


def test_what_is_signed_minutes_after_it_was_pushed_is_promoted_then(world: World) -> None:
    arrive(world)
    passes(world, timedelta(minutes=10))
    sign(world)
    passes(world, timedelta(minutes=20))
    assert (world.status(ONE), world.target().seen) == (Status.PROMOTED, ONE)
    assert told(world) == ["signature-held", "signature-passed"]


@pytest.mark.parametrize(("late", "patience"), [(timedelta(hours=3), 1.2), (timedelta(days=3), 25)])
def test_what_is_signed_long_after_it_was_rejected_is_promoted_by_itself(
    world: World, late: timedelta, patience: float
) -> None:
    arrive(world)
    passes(world, late)
    assert world.status(ONE) is Status.REJECTED
    sign(world)
    passes(world, timedelta(hours=patience))
    assert (world.status(ONE), world.target().seen) == (Status.PROMOTED, ONE)


def test_a_missing_signature_is_looked_for_ever_more_rarely(world: World) -> None:
    arrive(world)
    passes(world, timedelta(hours=1))
    first = world.hub.besides[ONE]
    assert 4 <= first <= 8
    passes(world, timedelta(hours=23))
    day = world.hub.besides[ONE] - first
    assert 18 <= day <= 24
    passes(world, timedelta(days=5))
    assert world.hub.besides[ONE] - first - day <= 6


def test_a_signature_by_another_key_is_rejected_at_once_and_one_by_ours_lets_it_in(world: World) -> None:
    sign(world, key=THEIRS)
    arrive(world)
    assert (world.status(ONE), decided(world).reasons) == (Status.REJECTED, ("signature-wrong",))
    sign(world)
    passes(world, timedelta(minutes=30))
    assert world.target().seen == ONE


def test_the_older_form_is_found_beside_bundles_by_others_without_a_rejection(world: World) -> None:
    theirs = bundle(key_bundle(statement(ONE), THEIRS))
    world.hub.sign(NODE, ONE, theirs, legacy(legacy_layer(payload(ONE, str(NODE)), OURS)))
    arrive(world)
    assert (world.status(ONE), told(world)) == (Status.PROMOTED, [])
    assert world.hub.besides[ONE] == 2


def test_a_policy_that_only_observes_tells_and_never_blocks() -> None:
    world = signed_world(OBSERVED)
    arrive(world)
    assert (world.status(ONE), decided(world).reasons) == (Status.PROMOTED, ("signature-observed",))
    assert "only observed" in decided(world).detail


def test_a_key_that_is_missing_holds_and_never_passes_and_lets_in_once_it_is_there(world: World) -> None:
    del world.trust_files.files["trust/keys/build.pem"]
    sign(world)
    arrive(world)
    assert (world.status(ONE), decided(world).holds) == (Status.HELD, ("signature-unverifiable",))
    assert "config/trust/keys/build.pem is not there" in decided(world).detail
    read = world.hub.besides[ONE]
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    passes(world, timedelta(minutes=15))
    assert world.target().seen == ONE
    assert world.hub.besides[ONE] == read, "nothing is read anew for it"


def test_another_key_in_force_has_everything_decided_again(world: World) -> None:
    sign(world)
    arrive(world)
    sign(world, TWO, THEIRS)
    arrive(world, TWO)
    assert world.status(TWO) is Status.REJECTED
    world.trust_files.files["trust/keys/build.pem"] = public_pem(THEIRS)
    passes(world, timedelta(minutes=10))
    assert (world.status(TWO), world.target().seen) == (Status.PROMOTED, TWO)


def test_another_policy_is_judged_by_what_is_kept(world: World) -> None:
    sign(world, key=THEIRS)
    arrive(world)
    world.trust_files.files["trust/keys/other.pem"] = public_pem(THEIRS)
    read = world.hub.besides[ONE]
    world.says(Policy("theirs", signatures=SignatureCheck(cosign=CosignCheck(key="keys/other.pem"))))
    world.pass_time(timedelta(minutes=2))
    world.sweep()
    world.settle()
    assert (world.target().seen, world.hub.besides[ONE]) == (ONE, read)


@pytest.mark.parametrize("error", [Unavailable("HTTP 503", code="503"), RateLimited("429", code="429")])
def test_a_registry_that_does_not_answer_holds_and_is_asked_again(world: World, error: TidegateError) -> None:
    sign(world)
    world.hub.fail("beside", error, error, error)
    arrive(world)
    assert (world.status(ONE), decided(world).holds) == (Status.HELD, ("signature-awaited",))
    passes(world, timedelta(minutes=90))
    assert (world.target().seen, told(world)) == (ONE, ["signature-held", "signature-passed"])


def test_a_spent_budget_holds_and_asks_nobody(world: World) -> None:
    sign(world)
    arrive_without_budget(world)
    assert (decided(world).holds, world.hub.besides[ONE]) == (("signature-awaited",), 0)
    passes(world, timedelta(hours=1, minutes=30))
    assert world.target().seen == ONE


def arrive_without_budget(world: World) -> None:
    """Let Docker Hub lock us out once it is known what it bears."""
    world.push(ONE)
    world.check()
    world.until(ONE, Status.IMPORTING)
    world.ledger.learned("docker.io", Learned(locked_for=timedelta(hours=1)))
    world.settle()


def test_what_cannot_be_read_may_be_the_signature_that_is_missed(world: World) -> None:
    world.hub.unread = ("sha256:1 has 9999999 bytes, which is too much for a signature",)
    arrive(world)
    assert decided(world).holds == ("signature-unverifiable",)
    assert "Not all that lies beside the image could be read" in decided(world).detail
    world.hub.unread = ()
    sign(world)
    passes(world, timedelta(minutes=15))
    assert world.target().seen == ONE


def test_a_broken_key_leaves_the_one_before_in_force_and_is_a_trouble_while_it_lasts(world: World) -> None:
    arrive(world)
    world.trust_files.files["trust/keys/build.pem"] = b"-----BEGIN PUBLIC KEY-----\nbroken"
    passes(world, timedelta(minutes=10))
    assert [one.trouble.kind.value for one in world.lasting] == ["trust-invalid"]
    sign(world)
    passes(world, timedelta(minutes=30))
    assert world.target().seen == ONE
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    passes(world, timedelta(minutes=10))
    assert world.lasting == ()


def test_while_nobody_asks_for_signatures_nothing_is_read_of_them() -> None:
    world = World()
    arrive(world)
    passes(world, timedelta(hours=1))
    assert (world.target().seen, world.hub.besides[ONE], world.trust_files.listings) == (ONE, 0, 0)


def test_a_signature_lets_nothing_in_that_its_scan_rejects(world: World) -> None:
    from tests.unit.flows.test_admissions import BAD  # noqa: PLC0415

    world.says(replace(BY_KEY, scan=ScanCheck()))
    sign(world)
    arrive(world)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert (world.status(ONE), world.candidate(ONE).last.reason.value) == (Status.REJECTED, "scan-rejected")


def test_what_is_in_force_stays_so_whoever_asks_for_signatures_later() -> None:
    world = World()
    arrive(world)
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    world.says(BY_KEY)
    passes(world, timedelta(hours=3))
    assert world.target().seen == ONE


def test_a_fault_of_the_judge_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("nobody foresaw it")

    sign(world)
    monkeypatch.setattr(world.signed_by, "_judge", breaks)
    arrive(world)
    assert decided(world).holds == ("signature-unverifiable",)


def test_what_would_be_said_by_what_is_kept_is_what_is_said(world: World) -> None:
    sign(world, key=THEIRS)
    arrive(world)
    asked = world.policies.now().of("node", world.target().place)
    foreseen = world.signed_by.dry().part(world.candidate(ONE), world.target(), asked, PASSED)
    assert foreseen is not None
    assert (foreseen.outcome, foreseen.reasons) == (decided(world).outcome, decided(world).reasons)
    assert foreseen.detail == decided(world).detail


def test_of_what_nobody_has_read_nothing_is_foreseen_but_a_hold() -> None:
    world = World()
    arrive(world)
    world.says(BY_KEY)
    asked = world.policies.now().of("node", world.target().place)
    foreseen = world.signed_by.dry().part(world.candidate(ONE), world.target(), asked, PASSED)
    assert foreseen is not None
    assert foreseen.reasons == ("signature-awaited",)
    assert world.hub.besides[ONE] == 0
