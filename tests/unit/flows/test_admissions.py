"""A scan decides before promotion, for each tag by its own policy, against what that tag has in use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.policy.policy import GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import admission_of
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import NoAnswer, Trouble
from shared.errors import Unavailable
from tests.doubles.world import ONE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit

STANDARD = Policy("standard", scan=ScanCheck(delta=True))
LAX = Policy("lax", scan=ScanCheck(block=Severity.CRITICAL))
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
WORSE = Finding("CVE-2026-0002", "zlib", installed="1.2", fixed="1.3", severity=Severity.CRITICAL)
ANNA = "anna@example.org"


def scanned_world(policy: Policy = STANDARD) -> World:
    """A world whose one entry has its images scanned by a policy."""
    world = World()
    world.says(policy)
    return world


@pytest.fixture
def world() -> World:
    return scanned_world()


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def said(world: World) -> list[tuple[str, str]]:
    """Return what the activity log tells of scans, oldest first."""
    return [(one.name, one.detail) for one in world.activity.events if one.name.startswith("scan-")]


def outcome(world: World, digest: Digest) -> Outcome | None:
    """Return what was decided of a digest for the tag."""
    admission = admission_of(world.target(), digest)
    return admission.outcome if admission else None


def waive(world: World, until: str = "2099-12-31") -> None:
    """Upload a waiver of the first vulnerability."""
    line = f"- {{id: {BAD.id}, package: {BAD.package}, reason: not reachable, by: {ANNA}, until: '{until}'}}\n"
    world.exception_files.files["waivers.yaml"] = line.encode()


def sweep(world: World, minutes: int = 5) -> None:
    """Let time pass until the next sweep has worked."""
    world.pass_time(timedelta(minutes=minutes))
    world.sweep()
    world.settle()


# What waits for its scan.


def test_the_scan_is_asked_for_while_the_test_runs(world: World) -> None:
    world.push(ONE)
    world.check()
    world.until(ONE, Status.VALIDATING)
    assert world.kept_scans.wanted == {ONE}


def test_what_passed_its_test_is_held_until_its_scan_answers(world: World) -> None:
    arrive(world, ONE)
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.HELD, Reason.SCAN_AWAITED)
    assert world.base.tags == {}


def test_a_clean_scan_lets_it_through_as_soon_as_it_ends(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED
    assert outcome(world, ONE) is Outcome.PASS


def test_a_scan_that_ends_before_the_test_makes_nobody_wait(world: World) -> None:
    world.push(ONE)
    world.check()
    world.until(ONE, Status.VALIDATING)
    world.scan_ends(ONE)
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
    assert Reason.SCAN_AWAITED not in {change.reason for change in world.candidate(ONE).history}


def test_what_a_scan_finds_rejects_by_name(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD, WORSE)
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.REJECTED, Reason.SCAN_REJECTED)
    for part in ("CVE-2026-0001 in openssl", "CVE-2026-0002 in zlib", "policy standard", "config/waivers.yaml"):
        assert part in candidate.last.detail
    assert world.base.tags == {}
    assert [name for name, _ in said(world)] == ["scan-rejected"]


def test_the_whole_decision_is_kept_with_the_candidate(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    admission = admission_of(world.target(), ONE)
    assert admission is not None
    kept = world.evidence.kept[world.candidate(ONE).id, admission.evidence]
    assert b'"CVE-2026-0001"' in kept
    assert (admission.findings, admission.blocking) == (1, 1)
    assert admission.policy_sha256 == STANDARD.sha256


def test_no_answer_is_never_a_pass(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, instead=NoAnswer(Trouble.CUT_OFF, "the log ends before its end"))
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.HELD, Reason.SCAN_HELD)
    assert "the log ends before its end" in candidate.last.detail
    assert world.base.tags == {}


def test_what_is_held_because_nothing_was_scanned_goes_on_when_a_later_scan_answers(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, instead=NoAnswer(Trouble.CUT_OFF, "cut"))
    sweep(world, 30)
    world.scan_ends(ONE)
    world.settle()
    assert world.status(ONE) is Status.PROMOTED


def test_a_told_end_that_was_lost_is_found_by_the_next_looks(world: World) -> None:
    arrive(world, ONE)
    world.kept_scans.end(ONE)
    sweep(world, 20)
    assert world.status(ONE) is Status.PROMOTED


def test_waiting_again_and_again_is_one_line_of_history_and_one_admission(world: World) -> None:
    arrive(world, ONE)
    lines, written = len(world.candidate(ONE).history), admission_of(world.target(), ONE)
    for _ in range(8):
        sweep(world, 20)
    assert len(world.candidate(ONE).history) == lines
    assert admission_of(world.target(), ONE) == written


def test_a_scan_that_cannot_be_asked_for_at_first_is_asked_for_when_it_is_proposed(world: World) -> None:
    world.kept_scans.fail("want", Unavailable("storage is busy"))
    arrive(world, ONE)
    assert world.kept_scans.wanted == {ONE}
    assert world.status(ONE) is Status.HELD


def test_what_is_held_long_is_a_trouble_and_ends_with_its_answer(world: World) -> None:
    arrive(world, ONE)
    sweep(world, 180)
    assert [one.trouble.kind.value for one in world.lasting] == ["candidate-held"]
    world.scan_ends(ONE)
    world.settle()
    sweep(world, 20)
    assert world.lasting == ()


def test_what_is_blocked_is_not_held_any_more(world: World) -> None:
    arrive(world, ONE)
    world.ruler.block(ONE, Said(ANNA, "no", world.clock()))
    sweep(world, 20)
    assert world.status(ONE) is Status.SUPERSEDED


# Observed.


def test_what_is_only_observed_makes_nobody_wait_and_is_told_when_the_scan_ends() -> None:
    world = scanned_world(Policy("watch", scan=ScanCheck(mode=Mode.OBSERVE)))
    arrive(world, ONE)
    assert world.status(ONE) is Status.PROMOTED
    world.scan_ends(ONE, BAD)
    world.settle()
    assert [name for name, _ in said(world)] == ["scan-passed"]
    assert "CVE-2026-0001" in said(world)[0][1]
    assert world.base.tags[TARGET, TAG] == ONE


# Delta: what is in use already.


def promoted(world: World, *findings: Finding) -> None:
    """Let the first digest be in use, with these vulnerabilities, which somebody waived."""
    world.says(Policy("off"))
    arrive(world, ONE)
    assert world.status(ONE) is Status.PROMOTED
    world.says(STANDARD)
    arrive(world, TWO)
    world.scan_ends(ONE, *findings)


def test_what_is_in_use_already_does_not_reject(world: World) -> None:
    promoted(world, BAD)
    world.scan_ends(TWO, BAD)
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO
    admission = admission_of(world.target(), TWO)
    assert admission is not None
    assert (admission.base, admission.blocking) == (ONE, 0)


def test_what_is_new_rejects_although_the_base_has_others(world: World) -> None:
    promoted(world, BAD)
    world.scan_ends(TWO, BAD, WORSE)
    world.settle()
    assert world.status(TWO) is Status.REJECTED
    assert "CVE-2026-0001" not in world.candidate(TWO).last.detail


def test_the_base_is_scanned_side_by_side_and_what_would_reject_waits_for_it(world: World) -> None:
    world.says(Policy("off"))
    arrive(world, ONE)
    world.says(STANDARD)
    arrive(world, TWO)
    assert world.kept_scans.wanted == {ONE, TWO}
    world.scan_ends(TWO, BAD)
    world.settle()
    candidate = world.candidate(TWO)
    assert (candidate.status, candidate.last.reason) == (Status.HELD, Reason.SCAN_AWAITED)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.status(TWO) is Status.PROMOTED


def test_what_has_nothing_that_rejects_does_not_wait_for_the_base(world: World) -> None:
    world.says(Policy("off"))
    arrive(world, ONE)
    world.says(STANDARD)
    arrive(world, TWO)
    world.scan_ends(TWO)
    world.settle()
    assert world.status(TWO) is Status.PROMOTED


def test_a_base_that_was_scanned_with_an_older_database_is_scanned_again(world: World) -> None:
    promoted(world)
    world.pass_time(timedelta(hours=5))
    world.scan_ends(TWO, BAD)
    world.settle()
    assert world.status(TWO) is Status.HELD
    assert world.kept_scans.wanted == {ONE}
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.status(TWO) is Status.PROMOTED


def test_a_base_that_changes_while_it_is_judged_has_it_judged_again(world: World) -> None:
    promoted(world, BAD)
    world.settle()
    judged: list[str] = []

    def meanwhile(moment: str) -> None:
        if moment == "evidence.after:keep" and not judged:
            judged.append(moment)
            stored = world.targets.get(world.target().id)
            assert stored is not None
            world.targets.replace(stored, _seen(stored.record))

    world.hook = meanwhile
    world.scan_ends(TWO, BAD)
    world.settle()
    admission = admission_of(world.target(), TWO)
    assert judged
    assert admission is not None
    assert admission.base == ""
    assert admission.outcome is Outcome.REJECT


def _seen(target: Target) -> Target:
    """The target when somebody else has deleted its tag."""
    return replace(target, seen=Digest(""))


# Each tag by its own policy.

TWO_TAGS = b"""
images:
  - {name: node, source: docker.io/library/node, tags: [22-alpine], target: base/node, gate: node}
  - {name: other, source: docker.io/library/node, tags: ["22"], target: other/node, gate: node}
"""
OTHER = Tag("22")


def two_tags() -> World:
    world = World(TWO_TAGS)
    world.policies_of = {"node": STANDARD, "other": LAX}
    world.push(ONE)
    world.push(ONE, OTHER)
    world.check()
    world.settle()
    return world


def test_one_digest_is_scanned_once_for_all_its_tags() -> None:
    world = two_tags()
    assert set(world.kept_scans.of_digest) == {ONE}
    assert world.status(ONE) is Status.HELD


def test_a_digest_may_come_to_one_tag_and_be_kept_from_another() -> None:
    world = two_tags()
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.base.tags == {("other/node", OTHER): ONE}
    assert world.status(ONE) is Status.PROMOTED


def test_that_a_tag_is_kept_from_what_another_one_took_is_a_trouble_until_it_is_let_through() -> None:
    world = two_tags()
    world.scan_ends(ONE, BAD)
    world.settle()
    sweep(world, 20)
    (trouble,) = [one.trouble for one in world.lasting]
    assert trouble.kind.value == "candidate-rejected"
    for part in ("was rejected by its scan", "CVE-2026-0001 in openssl", f"(wanted by {TARGET}:{TAG})"):
        assert part in trouble.detail
    waive(world)
    for _ in range(3):
        sweep(world, 20)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.lasting == ()


def test_a_digest_that_all_its_tags_reject_is_rejected() -> None:
    world = two_tags()
    world.scan_ends(ONE, WORSE)
    world.settle()
    assert world.base.tags == {}
    assert world.status(ONE) is Status.REJECTED


# People.


def test_what_is_rejected_can_be_taken_against_its_scan_and_that_is_told(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    world.take_against_gate(ONE)
    world.settle()
    sweep(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.target().why is Why.AGAINST_GATE
    (line,) = [one for one in world.activity.events if one.name == "promoted-against-its-gate"]
    assert "against its scan" in line.detail
    assert "CVE-2026-0001" in line.detail


def test_what_is_held_can_be_taken_against_its_gate(world: World) -> None:
    arrive(world, ONE)
    world.take_against_gate(ONE)
    sweep(world, 20)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED


# Platforms.


def test_a_platform_that_the_test_does_not_run_on_is_told() -> None:
    world = World()
    world.platforms_of = {"node": ("linux/amd64", "linux/arm64")}
    world.says(Policy("two", test=GateCheck("node")))
    arrive(world, ONE)
    admission = admission_of(world.target(), ONE)
    assert admission is not None
    assert admission.reasons == ("platform-untested",)
    assert world.status(ONE) is Status.PROMOTED


def test_where_the_policy_enforces_it_an_untested_platform_holds() -> None:
    world = World()
    world.platforms_of = {"node": ("linux/amd64", "linux/arm64")}
    world.says(Policy("two", test=GateCheck("node", untested=Mode.ENFORCE)))
    arrive(world, ONE)
    assert (world.status(ONE), world.candidate(ONE).last.reason) == (Status.HELD, Reason.SCAN_HELD)
    assert "linux/arm64" in world.candidate(ONE).last.detail


# Deciding again.


def test_a_waiver_turns_a_rejection_without_a_run(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    asked, runs = world.kept_scans.of_digest[ONE], len(world.staging_runs.started)
    sweep(world)
    waive(world)
    sweep(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED
    assert Reason.DECIDED_AGAIN in {change.reason for change in world.candidate(ONE).history}
    assert world.kept_scans.of_digest[ONE] == asked
    assert len(world.staging_runs.started) == runs
    assert [name for name, _ in said(world)] == ["scan-rejected", "scan-passed"]


def test_a_new_process_finds_what_changed_while_none_was_there(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    waive(world)
    world.start()
    sweep(world)
    assert world.status(ONE) is Status.PROMOTED


def test_another_policy_turns_a_rejection_too(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    sweep(world)
    world.says(LAX)
    sweep(world, 16)
    assert world.status(ONE) is Status.PROMOTED


def test_a_policy_without_a_scan_lets_through_what_was_rejected(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    world.says(Policy("off"))
    sweep(world, 20)
    assert world.status(ONE) is Status.PROMOTED


def test_what_is_in_use_and_would_be_rejected_now_stays_and_is_told_while_it_lasts(world: World) -> None:
    waive(world, "2026-12-31")
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    sweep(world)
    world.exception_files.files.clear()
    sweep(world)
    sweep(world, 20)
    assert world.base.tags[TARGET, TAG] == ONE
    assert [one.trouble.kind.value for one in world.lasting] == ["in-force-rejected"]
    waive(world)
    sweep(world)
    sweep(world, 20)
    assert world.lasting == ()


def test_a_waiver_that_ends_is_noticed_without_anybody_doing_anything(world: World) -> None:
    end = (world.clock() + timedelta(hours=1)).isoformat()
    waive(world, end)
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    sweep(world)
    assert outcome(world, ONE) is Outcome.PASS
    sweep(world, 60)
    assert outcome(world, ONE) is Outcome.REJECT


def test_what_waits_and_would_be_rejected_now_is_not_promoted_when_the_pin_ends(world: World) -> None:
    promoted(world)
    world.actor.pin(world.target().id, ONE, None, Said(ANNA, "wait", world.clock()))
    waive(world)
    world.pass_time(timedelta(minutes=2))
    world.scan_ends(TWO, BAD)
    world.settle()
    assert TWO in world.target().passed
    sweep(world)
    world.exception_files.files.clear()
    for _ in range(5):
        sweep(world, 16)
    world.scan_ends(ONE)  # by a database as new as that of the other scan
    assert TWO not in world.target().passed
    world.actor.unpin(world.target().id, Said(ANNA, "go on", world.clock()))
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE


def test_what_cannot_be_read_leaves_the_last_good_one_in_force_and_is_a_trouble(world: World) -> None:
    waive(world)
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    world.exception_files.files["waivers.yaml"] = b"- {id: CVE"
    sweep(world)
    sweep(world, 20)
    assert outcome(world, ONE) is Outcome.PASS
    (one,) = world.lasting
    assert (one.trouble.kind.value, one.trouble.about) == ("exceptions-invalid", "file:config/waivers.yaml")
    assert "stays in force" in one.trouble.detail
    world.start()
    sweep(world, 20)
    assert outcome(world, ONE) is Outcome.PASS
    waive(world)
    sweep(world, 20)
    assert world.lasting == ()


def test_nothing_is_judged_again_while_nothing_changes(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    sweep(world, 20)
    asked, listings = world.kept_scans.asked, world.exception_files.listings
    sweep(world)
    assert world.kept_scans.asked == asked
    assert world.exception_files.listings == listings + 1


def test_a_check_by_hand_decides_again_at_once(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    waive(world)
    world.pass_time(timedelta(minutes=2))
    world.check("node")
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(ONE) is Status.PROMOTED


def test_a_check_by_the_timer_judges_nothing_that_did_not_move(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    asked = world.kept_scans.asked
    world.pass_time(timedelta(hours=1))
    world.check()
    world.settle()
    assert world.kept_scans.asked == asked


def test_what_left_staging_while_it_was_rejected_is_fetched_and_tested_once_more(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    world.staging.purge(TARGET, ONE)
    waive(world)
    for _ in range(12):
        sweep(world, 16)
    for _ in range(3):
        sweep(world, 24 * 60)
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_policy_that_comes_later_scans_what_waits_and_takes_it_back_if_it_is_refused(world: World) -> None:
    world.says(Policy("off"))
    arrive(world, ONE)
    world.actor.pin(world.target().id, ONE, None, Said(ANNA, "wait", world.clock()))
    arrive(world, TWO)
    assert TWO in world.target().passed
    sweep(world)
    world.says(LAX)
    sweep(world, 20)
    sweep(world, 20)
    assert TWO in world.kept_scans.wanted
    world.scan_ends(TWO, WORSE)
    assert TWO not in world.target().passed


def test_an_image_whose_entry_was_renamed_goes_by_the_new_entrys_policy(world: World) -> None:
    world.push(ONE)
    world.check()
    world.until(ONE, Status.VALIDATING)
    assert world.configuration.text is not None
    world.configuration.text = world.configuration.text.replace(b"name: node", b"name: renamed")
    world.says(LAX, "renamed")
    world.settle()
    world.scan_ends(ONE, BAD)
    world.settle()
    admission = admission_of(world.target(), ONE)
    assert admission is not None
    assert (admission.policy, admission.outcome) == ("lax", Outcome.PASS)


def test_what_is_tested_once_more_is_not_decided_again_meanwhile(world: World) -> None:
    arrive(world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.candidate(ONE).generation == 1
    waive(world)
    world.says(Policy("off"))
    sweep(world, 20)
    assert world.candidate(ONE).generation == 1


def test_what_was_rejected_in_a_former_base_registry_is_decided_again_in_the_new_one() -> None:
    plain = Policy("plain", scan=ScanCheck())
    world = scanned_world(plain)
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.settle()
    arrive(world, TWO)
    world.scan_ends(TWO, BAD)
    world.settle()
    assert world.status(TWO) is Status.REJECTED
    world.base.tags.clear()
    world.base_name = "another"
    world.start()
    world.says(plain)
    world.look_at_base()
    world.settle()
    sweep(world, 20)
    waive(world)
    for _ in range(3):
        sweep(world, 20)
    assert world.base.tags[TARGET, TAG] == TWO
