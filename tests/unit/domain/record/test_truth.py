"""What may be said of a digest: passed only if every enforced check did, at every tag that is to point at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.access.callers import Kind
from shared.domain.policy.policy import GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.astray import LetGo
from shared.domain.promotion.candidate import GateVerdict, Objection
from shared.domain.promotion.consents import Answer, By, Consent
from shared.domain.promotion.said import Blocked, Forced, Said, Why
from shared.domain.promotion.target import Adopted
from shared.domain.record.statement import Level, Result
from shared.domain.record.truth import Ground, Truth, claim_of, concerns, is_outdated, truth_of
from shared.domain.references import Digest, Tag
from shared.domain.scan.decision import Outcome
from tests.unit.domain.record.examples import STRICT, TESTED, admission, claim, standing, target, that_passed
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

SAID = Said("Ada Lovelace (person 1f@2e)", "the shop is down", NOON)
FAILED_TEST = GateVerdict("contents", passed=False, run_id="ca2", at=NOON)


def ground(**fields: Any) -> Ground:
    return claim(**fields).ground


def said(*claims: Any, failures: bool = True) -> Truth:
    return truth_of(claims or (claim(),), failures=failures)


def test_what_passed_every_enforced_check_is_said_to_have_passed_with_the_checks_that_ran() -> None:
    truth = said()
    assert (truth.result, truth.ground) == (Result.PASSED, Ground.PASSED)
    assert truth.levels == (Level.TESTED, Level.SCANNED)
    assert (truth.policy, truth.policy_sha256) == ("strict", STRICT.sha256)


def test_a_policy_that_asks_for_a_test_alone_needs_no_admission() -> None:
    truth = said(claim(policy=TESTED, admissions=()))
    assert (truth.result, truth.levels) == (Result.PASSED, (Level.TESTED,))


def test_what_was_adopted_gets_no_record() -> None:
    assert said(claim(passed=(), adopted=Adopted(ONE, 7), why=Why.ADOPTED)) == Truth(None, Ground.ADOPTED)


def test_what_no_policy_asked_for_anything_gets_no_record() -> None:
    assert said(claim(policy=None)) == Truth(None, Ground.UNGATED)
    assert said(claim(policy=Policy("empty"))) == Truth(None, Ground.UNGATED)
    assert ground(policy=Policy("off", GateCheck("node", Mode.OFF), ScanCheck(Mode.OFF))) is Ground.UNGATED


def test_what_is_only_observed_gets_no_record() -> None:
    assert said(claim(observed=True)) == Truth(None, Ground.OBSERVED)
    observing = Policy("observing", GateCheck("node", Mode.OBSERVE), ScanCheck(Mode.OBSERVE))
    assert said(claim(policy=observing)) == Truth(None, Ground.OBSERVED)


def test_what_people_took_against_its_gate_failed_or_gets_no_record_as_is_set() -> None:
    forced = claim(passed=(), forced=(Forced(ONE, SAID),), why=Why.AGAINST_GATE)
    assert said(forced, failures=True).result is Result.FAILED
    assert said(forced, failures=False) == Truth(None, Ground.OVERRIDDEN, "strict", STRICT.sha256)


def test_what_was_ever_taken_against_its_gate_never_passes_later() -> None:
    assert ground(forced=(Forced(ONE, SAID),)) is Ground.OVERRIDDEN


def test_what_people_refuse_failed() -> None:
    assert said(claim(blocked=(Blocked(ONE, SAID),))).result is Result.FAILED
    assert ground(blocked=(Blocked(TWO, SAID),)) is Ground.PASSED


@pytest.mark.parametrize(
    "fields",
    [
        {"passed": ()},
        {"candidate": None},
        {"candidate": that_passed(verdict=None)},
        {"candidate": that_passed(verdict=FAILED_TEST)},
        {"candidate": that_passed(objection=Objection(decided=True, detail="exit status 1"))},
        {"candidate": that_passed(gate="other")},
        {"candidate": that_passed(passed_at=None)},
        {"admissions": ()},
        {"admissions": (admission(outcome=Outcome.HOLD),)},
        {"admissions": (admission(outcome=Outcome.REJECT, let_in="admission-0.json"),)},
    ],
)
def test_what_is_not_known_to_have_passed_gets_no_record(fields: dict[str, Any]) -> None:
    assert said(claim(**fields)) == Truth(None, Ground.NOT_PASSED)


def test_what_another_policy_let_in_gets_no_record_of_the_one_in_force() -> None:
    assert said(claim(admissions=(admission(TESTED),))) == Truth(None, Ground.OTHER_POLICY)


def test_where_no_entry_writes_the_tag_any_more_nothing_is_said() -> None:
    assert ground(entry="", policy=None) is Ground.NO_ENTRY
    assert ground(let_go=LetGo(NOON, "it left the list")) is Ground.NO_ENTRY


def test_a_check_that_is_only_observed_is_not_said_to_be_verified() -> None:
    policy = Policy("scans", GateCheck("node", Mode.OBSERVE), ScanCheck())
    truth = said(claim(policy=policy, admissions=(admission(policy),), candidate=None))
    assert (truth.result, truth.levels) == (Result.PASSED, (Level.SCANNED,))


def test_signatures_a_soak_and_approvals_are_levels_where_they_are_asked_for_and_were_there() -> None:
    signed = SignatureCheck(cosign=CosignCheck("k.pem"))
    policy = Policy("all", None, None, signed, "3d", approval=ApprovalCheck())
    reasons = (AdmissionReason.SIGNATURE_VERIFIED.value, AdmissionReason.APPROVED.value)
    whole = claim(policy=policy, admissions=(later(policy, *reasons),), candidate=that_passed(detected_at=NOON))
    assert whole.levels == (Level.SIGNED, Level.SOAKED, Level.APPROVED)
    fast = (*reasons, AdmissionReason.FAST_LANE.value)
    assert claim(policy=policy, admissions=(admission(policy, reasons=fast),)).levels == (Level.SIGNED, Level.APPROVED)


def later(policy: Policy, *reasons: str, days: int = 3) -> Admission:
    """Return what was decided some days after the digest was first seen."""
    return msgspec.structs.replace(admission(policy, reasons=reasons), at=NOON + timedelta(days=days))


@pytest.mark.parametrize(
    ("policy", "shows"),
    [
        (Policy("soaks", min_age="3d"), AdmissionReason.FAST_LANE),
        (Policy("agrees", approval=ApprovalCheck()), AdmissionReason.APPROVED),
        (Policy("signed", signatures=SignatureCheck(cosign=CosignCheck("k.pem"))), AdmissionReason.SIGNATURE_VERIFIED),
    ],
    ids=["time", "people", "signatures"],
)
def test_what_was_in_use_when_its_policy_came_to_ask_for_more_did_not_pass_that(
    policy: Policy, shows: AdmissionReason
) -> None:
    seen = that_passed(detected_at=NOON)
    assert said(claim(policy=policy, admissions=(later(policy, days=2),), candidate=seen)).result is None
    passed = said(claim(policy=policy, admissions=(later(policy, shows.value, days=2),), candidate=seen))
    assert passed.result is Result.PASSED


def test_what_people_agreed_to_is_so_although_it_is_judged_without_them_later() -> None:
    policy = Policy("agrees", approval=ApprovalCheck())
    yes = Consent(ONE, Answer.AGREED, By(Kind.PERSON, "3c@2e", "Grace"), "fine", NOON)
    truth = said(claim(policy=policy, admissions=(admission(policy),), consents=(yes,)))
    assert (truth.result, truth.levels) == (Result.PASSED, (Level.APPROVED,))


def test_what_does_not_hold_for_one_tag_is_said_for_none() -> None:
    assert said(claim(), claim(policy=None, tag=Tag("latest"))) == Truth(None, Ground.UNGATED)
    taken = claim(forced=(Forced(ONE, SAID),), tag=Tag("latest"))
    assert said(claim(), taken).result is Result.FAILED


def test_of_several_policies_only_the_checks_are_said_that_all_of_them_have() -> None:
    truth = said(claim(), claim(policy=TESTED, admissions=(), tag=Tag("latest")))
    assert (truth.result, truth.levels, truth.policy) == (Result.PASSED, (Level.TESTED,), "strict+tested")
    assert truth.policy_sha256 not in {"", STRICT.sha256, TESTED.sha256}
    assert truth == said(claim(policy=TESTED, admissions=(), tag=Tag("latest")), claim())


def test_without_a_tag_nothing_is_said() -> None:
    assert truth_of((), failures=True) == Truth(None, Ground.NO_TAG)


def test_a_tag_is_concerned_that_is_to_point_at_the_digest_or_for_which_people_spoke_of_it() -> None:
    assert concerns(target(), ONE)
    assert concerns(target(wanted=Digest(""), seen=ONE), ONE)
    assert not concerns(target(wanted=TWO, seen=ONE), ONE)
    assert concerns(target(wanted=TWO, blocked=(Blocked(ONE, SAID),)), ONE)
    assert concerns(target(wanted=TWO, forced=(Forced(ONE, SAID),)), ONE)


def test_what_people_refuse_failed_when_they_said_so_also_where_the_tag_has_gone_on() -> None:
    later = NOON + timedelta(days=2)
    refused = claim(wanted=TWO, blocked=(Blocked(ONE, Said("ada", "it leaks", later)),))
    assert (refused.ground, refused.at, refused.of.number) == (Ground.BLOCKED, later, 0)


def test_a_record_stays_whatever_the_policy_asks_later_and_goes_when_people_speak_against_the_image() -> None:
    kept, failed = Result.PASSED, Result.FAILED
    assert not is_outdated(kept, Truth(Result.PASSED, Ground.PASSED, "other"))
    assert not is_outdated(kept, Truth(None, Ground.NOT_PASSED))
    assert not is_outdated(kept, Truth(None, Ground.OTHER_POLICY))
    assert is_outdated(kept, Truth(failed, Ground.BLOCKED))
    assert is_outdated(kept, Truth(None, Ground.OVERRIDDEN))
    assert is_outdated(failed, Truth(kept, Ground.PASSED))
    assert is_outdated(None, Truth(kept, Ground.PASSED))
    assert not is_outdated(None, Truth(None, Ground.UNGATED))


def test_a_claim_names_the_decision_to_the_second() -> None:
    at = NOON.replace(microsecond=123)
    of = claim_of(standing(decided_at=at), ONE).of
    assert (of.number, of.decided_at, of.policy) == (4, NOON, "strict")
    assert msgspec.json.encode(of).count(b"12:00:00Z") == 1


def test_where_an_earlier_version_kept_no_time_of_the_decision_that_of_the_verdict_counts() -> None:
    assert claim(decided_at=None).at == NOON
    assert claim(policy=TESTED, admissions=(), decided_at=None).at == NOON


SCANNED = Policy("scanned", scan=ScanCheck())
AGREED = Policy("agreed", approval=ApprovalCheck())


@pytest.mark.parametrize(
    ("policy", "platforms"),
    [
        (STRICT, ("linux/amd64",)),
        (TESTED, ("linux/amd64",)),
        (SCANNED, ("linux/arm64", "linux/amd64")),
        (AGREED, None),
    ],
    ids=["tested and scanned", "tested", "scanned", "agreed to"],
)
def test_a_record_speaks_of_the_platforms_on_which_every_enforced_check_was_made(
    policy: Policy, platforms: tuple[str, ...] | None
) -> None:
    passed = (admission(policy, reasons=(AdmissionReason.APPROVED.value,)),)
    on_both = msgspec.structs.replace(standing(policy, admissions=passed), platforms=("linux/arm64", "linux/amd64"))
    claim = claim_of(on_both, ONE)
    assert (claim.ground, claim.platforms) == (Ground.PASSED, platforms)


def test_of_several_tags_it_speaks_of_the_platforms_that_all_of_them_have() -> None:
    on_both = msgspec.structs.replace(
        standing(SCANNED, admissions=(admission(SCANNED),)), platforms=("linux/arm64", "linux/amd64")
    )
    one = claim_of(on_both, ONE)
    other = claim_of(msgspec.structs.replace(on_both, platforms=("linux/amd64",)), ONE)
    assert (said(one).platforms, said(one, other).platforms) == (("linux/arm64", "linux/amd64"), ("linux/amd64",))
