"""A test that is only observed: what it says is told, blocks nothing, and lets nothing through where it is enforced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import Admission, admission_of
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.standing import Standing
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target_troubles import target_troubles
from shared.domain.references import Tag
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from shared.errors import Unavailable
from shared.flows.overview import Overview
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, ONE, TAG, TARGET, Died, World

pytestmark = pytest.mark.unit

OBSERVES = Policy("lax", test=GateCheck("node", mode=Mode.OBSERVE))
OBSERVES_AND_SCANS = Policy("lax", test=GateCheck("node", mode=Mode.OBSERVE), scan=ScanCheck())
ENFORCES = Policy("firm", test=GateCheck("node"))
ENFORCES_AND_SCANS = Policy("firm", test=GateCheck("node"), scan=ScanCheck())
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
FIRM = "base/firm"
TWO_ENTRIES = b"""
images:
  - {name: node, source: node, tags: [22-alpine], target: base/node, gate: node}
  - {name: firm, source: node, tags: [22-alpine], target: base/firm, gate: node}
"""
ONLY_LAX, BOTH = {(TARGET, TAG): ONE}, {(TARGET, TAG): ONE, (FIRM, TAG): ONE}
DAY = timedelta(days=1)


def world_of(lax: Policy | None, firm: Policy | None = None) -> World:
    """A world with two tags of one digest, each with its policy; ``None`` for a gate alone."""
    world = World(TWO_ENTRIES)
    said(world, lax, firm)
    return world


def said(world: World, lax: Policy | None, firm: Policy | None = None) -> None:
    """Let the list say other policies."""
    world.says(None)
    for name, policy in (("node", lax), ("firm", firm)):
        if policy is not None:
            world.says(policy, name)


def rejects(world: World) -> None:
    """Let the test of the digest reject it, once."""
    world.staging_runs.end(ONE, RunStatus.FAILED, log=TEST_FAILED_LOG)


def decides_nothing(world: World) -> None:
    """Let the runs of the test end without a word."""
    world.staging_runs.end(ONE, *[RunStatus.SUCCEEDED] * 3)


def arrive(world: World) -> Candidate:
    """Let the digest appear upstream, and come as far as it gets by itself."""
    world.push(ONE)
    world.check()
    world.settle()
    return world.candidate(ONE)


def sweeps(world: World, times: int = 2, pause: timedelta = timedelta(minutes=16)) -> None:
    """Let time pass, with sweeps."""
    for _ in range(times):
        world.pass_time(pause)
        world.sweep()
        world.settle()


def admission(world: World, repository: str) -> Admission:
    """Return what was decided of the digest for a tag."""
    target = world.book.of(repository, TAG)
    assert target is not None
    found = admission_of(target, ONE)
    assert found is not None, f"nothing was decided for {repository}"
    return found


def reasons(world: World) -> list[Reason]:
    """Return why the candidate changed, in order."""
    return [change.reason for change in world.candidate(ONE).history]


# One tag that observes.


def test_what_an_observed_test_rejects_is_promoted_and_told() -> None:
    world = World()
    world.says(OBSERVES)
    rejects(world)
    candidate = arrive(world)
    assert world.base.tags == ONLY_LAX
    assert candidate.status is Status.PROMOTED
    assert candidate.objection is not None
    assert candidate.objection.decided
    told = admission(world, TARGET)
    assert (told.outcome, told.reasons) == (Outcome.PASS, ("gate-observed",))
    assert candidate.objection.detail in told.detail
    assert [one.name for one in world.activity.events if one.name.startswith("gate-")] == ["gate-observed"]


def test_what_an_observed_test_decides_nothing_of_is_promoted_after_as_many_runs_as_ever() -> None:
    world = World()
    world.says(OBSERVES)
    decides_nothing(world)
    candidate = arrive(world)
    assert (candidate.status, candidate.runs) == (Status.PROMOTED, 3)
    assert candidate.objection is not None
    assert not candidate.objection.decided
    assert "3 runs decided nothing" in candidate.objection.detail


def test_what_passes_an_observed_test_bears_no_objection_and_no_admission() -> None:
    world = World()
    world.says(OBSERVES)
    candidate = arrive(world)
    assert (candidate.status, candidate.objection) == (Status.PROMOTED, None)
    assert world.target().admissions == ()


def test_of_what_an_observed_test_rejects_the_scan_alone_decides() -> None:
    world = World()
    world.says(OBSERVES_AND_SCANS)
    rejects(world)
    assert arrive(world).status is Status.HELD
    world.scan_ends(ONE, BAD)
    world.settle()
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.REJECTED, Reason.SCAN_REJECTED)
    assert "gate-observed" in admission(world, TARGET).reasons
    assert world.base.tags == {}


def test_of_what_an_observed_test_rejects_a_clean_scan_is_enough() -> None:
    world = World()
    world.says(OBSERVES_AND_SCANS)
    rejects(world)
    arrive(world)
    world.scan_ends(ONE)
    world.settle()
    assert world.base.tags == ONLY_LAX


def test_an_observed_test_of_another_gate_lets_nothing_through() -> None:
    world = World()
    world.says(Policy("other", test=GateCheck("other", mode=Mode.OBSERVE)))
    rejects(world)
    candidate = arrive(world)
    assert (candidate.status, candidate.objection) == (Status.REJECTED, None)


def test_nothing_ends_while_nobody_knows_whether_the_test_is_observed() -> None:
    world = World()
    world.says(OBSERVES)
    rejects(world)
    world.push(ONE)
    world.check()
    world.until(ONE, Status.VALIDATING)
    world.pass_time(timedelta(minutes=5))
    world.configuration.fail("watch_list", Unavailable("the storage account does not answer"))
    world.settle()
    assert Reason.TROUBLE in reasons(world)
    assert world.candidate(ONE).status is Status.PROMOTED
    assert world.candidate(ONE).runs == 1


# Two tags of one digest, of which one enforces.


@pytest.mark.parametrize("firm", [None, ENFORCES, ENFORCES_AND_SCANS])
@pytest.mark.parametrize("lax", [OBSERVES, OBSERVES_AND_SCANS])
def test_what_failed_its_test_comes_only_to_the_tag_that_observes_it(lax: Policy, firm: Policy | None) -> None:
    world = world_of(lax, firm)
    rejects(world)
    arrive(world)
    if lax.scan is not None:
        world.scan_ends(ONE)
    sweeps(world, 4)
    assert world.base.tags == ONLY_LAX
    assert world.candidate(ONE).status is Status.PROMOTED
    refused = admission(world, FIRM)
    assert (refused.outcome, refused.reasons) == (Outcome.REJECT, ("gate-rejected",))


def test_what_decided_nothing_holds_where_it_is_enforced_and_is_tested_again_a_day_later() -> None:
    world = world_of(OBSERVES)
    decides_nothing(world)
    arrive(world)
    assert world.base.tags == ONLY_LAX
    held = admission(world, FIRM)
    assert (held.outcome, held.reasons) == (Outcome.HOLD, ("gate-undecided",))
    sweeps(world, 2, DAY)
    candidate = world.candidate(ONE)
    assert world.base.tags == BOTH
    assert (candidate.status, candidate.generation, candidate.objection) == (Status.PROMOTED, 2, None)


def test_a_tag_that_joins_later_and_enforces_the_test_does_not_get_what_another_took() -> None:
    world = World()
    world.says(OBSERVES)
    rejects(world)
    arrive(world)
    world.configuration.text = TWO_ENTRIES
    world.pass_time(timedelta(minutes=16))
    world.check()
    world.settle()
    sweeps(world)
    assert world.candidate(ONE).places == (Place(TARGET, TAG), Place(FIRM, TAG))
    assert world.base.tags == ONLY_LAX
    assert admission(world, FIRM).reasons == ("gate-rejected",)


def test_a_digest_that_every_tag_refuses_ends_by_the_word_of_its_test() -> None:
    world = world_of(OBSERVES_AND_SCANS)
    rejects(world)
    assert arrive(world).status is Status.HELD
    said(world, ENFORCES)
    sweeps(world)
    candidate = world.candidate(ONE)
    assert candidate.objection is not None
    assert (candidate.status, candidate.last.reason) == (Status.REJECTED, Reason.GATE_REJECTED)
    assert candidate.last.detail == candidate.objection.detail
    assert world.base.tags == {}


def test_a_digest_whose_test_decided_nothing_fails_as_ever_where_every_tag_enforces_it_by_then() -> None:
    world = world_of(OBSERVES_AND_SCANS)
    decides_nothing(world)
    assert arrive(world).status is Status.HELD
    said(world, ENFORCES)
    sweeps(world)
    candidate = world.candidate(ONE)
    assert (candidate.status, candidate.last.reason) == (Status.FAILED, Reason.GAVE_UP)
    sweeps(world, 2, DAY)
    assert world.base.tags == BOTH


@pytest.mark.parametrize(
    ("ends", "standing", "reason", "hindrance"),
    [
        (rejects, Standing.REJECTED, "gate-rejected", "rejected: its test rejects it"),
        (decides_nothing, Standing.FAILED, "gate-undecided", "failed: its test decided nothing"),
    ],
)
def test_a_tag_that_alone_does_not_take_a_digest_says_why(
    ends: Callable[[World], None], standing: Standing, reason: str, hindrance: str
) -> None:
    world = world_of(OBSERVES)
    ends(world)
    candidate = arrive(world)
    overview = Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools)
    found = overview.images(world.watch_lists.in_force(), limit=100)[0]
    (tag,) = next(image.tags for image in found if image.name == "firm")
    assert (tag.status, tag.reason) == (standing, reason)
    target = world.book.of(FIRM, TAG)
    assert target is not None
    (trouble,) = target_troubles(target, candidate, world.clock())
    assert hindrance in trouble.detail


def test_of_two_entries_that_write_into_one_repository_each_goes_by_its_own_policy() -> None:
    lax, lts = b"policy: {test: {gate: node, mode: observe}}", Tag("lts")
    entry = b"  - {name: %s, source: node, tags: [%s], target: base/node, %s}\n"
    first, second = entry % (b"node", b"22-alpine", b"gate: node"), entry % (b"lts", b"lts", lax)
    world = World(b"images:\n" + first + second, scanning=True)
    rejects(world)
    world.push(ONE, lts)
    candidate = arrive(world)
    sweeps(world)
    assert set(candidate.places) == {Place(TARGET, TAG), Place(TARGET, lts)}
    assert world.base.tags == {(TARGET, lts): ONE}
    assert admission(world, TARGET).reasons == ("gate-rejected",)


# Other policies, by and by.


def test_what_was_rejected_by_its_test_alone_is_not_decided_again() -> None:
    world = world_of(None)
    rejects(world)
    assert arrive(world).status is Status.REJECTED
    said(world, OBSERVES)
    sweeps(world, 4)
    assert world.candidate(ONE).status is Status.REJECTED
    assert world.base.tags == {}


def test_a_tag_that_comes_to_observe_the_test_takes_what_was_proposed_to_it() -> None:
    world = world_of(OBSERVES)
    rejects(world)
    arrive(world)
    assert world.base.tags == ONLY_LAX
    said(world, OBSERVES, OBSERVES)
    sweeps(world, 3)
    assert world.base.tags == BOTH
    assert world.candidate(ONE).runs == 1


def test_a_tag_that_comes_to_observe_the_test_takes_what_failed_as_its_test_decided_nothing() -> None:
    world = world_of(OBSERVES_AND_SCANS)
    decides_nothing(world)
    arrive(world)
    said(world, ENFORCES)
    sweeps(world)
    assert world.candidate(ONE).status is Status.FAILED
    said(world, OBSERVES)
    sweeps(world, 3)
    assert world.base.tags == ONLY_LAX
    assert (world.candidate(ONE).status, world.candidate(ONE).generation) == (Status.PROMOTED, 1)


def test_what_is_in_use_stays_and_is_told_when_its_test_is_enforced() -> None:
    world = world_of(OBSERVES, OBSERVES)
    rejects(world)
    arrive(world)
    assert world.base.tags == BOTH
    said(world, OBSERVES, ENFORCES)
    sweeps(world, 3)
    assert world.base.tags == BOTH
    assert [one.trouble.kind.value for one in world.lasting] == ["in-force-rejected"]


def test_nothing_is_decided_or_told_twice_while_nothing_changes() -> None:
    world = world_of(OBSERVES)
    rejects(world)
    arrive(world)
    sweeps(world)
    before = (admission(world, FIRM), admission(world, TARGET), len(world.activity.events), world.candidate(ONE))
    sweeps(world, 6)
    assert before == (
        admission(world, FIRM),
        admission(world, TARGET),
        len(world.activity.events),
        world.candidate(ONE),
    )


def test_whoever_asks_by_hand_has_a_rejected_digest_tested_again() -> None:
    world = world_of(OBSERVES_AND_SCANS)
    rejects(world)
    arrive(world)
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.candidate(ONE).last.reason is Reason.GATE_REJECTED
    world.check("firm")
    world.settle()
    assert world.candidate(ONE).generation == 2
    assert world.candidate(ONE).objection is None


# Records and requests.


def test_a_record_of_a_version_without_objections_is_read_and_one_without_is_written_as_it_was() -> None:
    candidate = arrive(World())
    written = msgspec.json.encode(candidate)
    assert b"objection" not in written
    assert msgspec.json.decode(written, type=Candidate) == candidate


@pytest.mark.parametrize("ends", [rejects, decides_nothing])
def test_a_policy_that_enforces_its_test_costs_no_call_more_than_a_gate_alone(
    ends: Callable[[World], None], asked: Counter[str]
) -> None:
    found = []
    for policy in (None, ENFORCES):
        asked.clear()
        world = World()
        world.says(policy)
        ends(world)
        assert arrive(world).status in {Status.REJECTED, Status.FAILED}
        found.append((dict(asked), world.target().admissions))
    assert found[0] == found[1]
    assert found[0][1] == ()
    assert found[0][0]["InMemoryConfiguration.watch_list"] == 2, "the list is read to plan the check, and to make it"


# Deaths.


def story(world: World, dies_at: int, says: Callable[[World], None] = rejects) -> int:
    """Let a digest that does not pass its test come to two tags, dying once; return how many moments there were."""
    moments = 0

    def moment(_: str) -> None:
        nonlocal moments
        moments += 1
        if moments == dies_at:
            raise Died

    def do(act: Callable[[], object]) -> None:
        try:
            act()
        except Died:
            world.start()
            act()

    says(world)
    world.push(ONE)
    world.hook = moment
    do(world.check)
    world.settle()
    for _ in range(4):
        world.pass_time(timedelta(minutes=16))
        do(world.sweep)
        world.settle()
    return moments


@pytest.mark.parametrize("moment", range(1, story(world_of(OBSERVES, ENFORCES), 0) + 1))
def test_only_the_tag_that_observes_gets_it_whenever_the_process_dies(moment: int) -> None:
    world = world_of(OBSERVES, ENFORCES)
    story(world, moment)
    assert world.base.tags == ONLY_LAX
    assert (world.status(ONE), world.candidate(ONE).runs) == (Status.PROMOTED, 1)
    assert (admission(world, TARGET).outcome, admission(world, FIRM).outcome) == (Outcome.PASS, Outcome.REJECT)
    firm = world.book.of(FIRM, TAG)
    assert firm is not None
    assert ONE not in firm.passed
    assert Place(FIRM, TAG) in world.candidate(ONE).places


@pytest.mark.parametrize("moment", range(1, story(world_of(OBSERVES, ENFORCES), 0, decides_nothing) + 1))
def test_what_decided_nothing_holds_where_it_is_enforced_whenever_the_process_dies(moment: int) -> None:
    world = world_of(OBSERVES, ENFORCES)
    story(world, moment, decides_nothing)
    assert world.base.tags == ONLY_LAX
    assert (world.status(ONE), world.candidate(ONE).runs) == (Status.PROMOTED, 3)
    assert (admission(world, TARGET).outcome, admission(world, FIRM).outcome) == (Outcome.PASS, Outcome.HOLD)
