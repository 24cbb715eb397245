"""Judging dry says what judging says, asks for no scan and keeps nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.parts import Part
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.watching.watch_list import Image, WatchList
from shared.rules.admission_checks import AdmissionCheck
from shared.rules.admissions import Admissions
from shared.rules.policies import Asked, Asking, Policies
from tests.doubles.scans import CRITICAL
from tests.doubles.world import ONE, TWO, World
from tests.unit.flows.test_scanned_promotion import arrive, scanned_world

pytestmark = pytest.mark.unit

TEST = GateCheck(gate="node")


class Everywhere(Asking):
    """One policy for every entry."""

    def __init__(self, watch_list: WatchList, policy: Policy) -> None:
        super().__init__(watch_list)
        self._policy = policy

    def _of(self, image: Image) -> Asked:
        return Asked(image.name, self._policy)


class Counting:
    """A check that writes whenever it is not judged dry."""

    def __init__(self) -> None:
        self.written = 0
        self.writes = True

    def facts(self, *_: object) -> str:
        """See ``AdmissionCheck.facts``."""
        return ""

    def part(self, *_: object) -> Part:
        """Write, and hold."""
        self.written += self.writes
        return Part(Outcome.HOLD, ("soaking",), "it soaks")

    def dry(self) -> Counting:
        """Return one that does not write."""
        dried = Counting()
        dried.writes = False
        return dried


@pytest.fixture
def world() -> World:
    """A world in which ONE is in use, and TWO has a critical finding and is rejected."""
    world = scanned_world()
    arrive(world, ONE)
    arrive(world, TWO, CRITICAL)
    return world


def under(world: World, policy: Policy, admissions: Admissions) -> Admissions:
    """Return what judges by one policy."""
    return admissions.under(Policies(world.watch_lists.in_force, world.clock, lambda told: Everywhere(told, policy)))


def judged(world: World, admissions: Admissions, digest: Digest) -> Admission:
    """Judge a digest for the one target."""
    candidate, target = world.candidate(digest), world.target()
    basis = admissions.basis(target, digest)
    assert basis is not None
    return admissions.judge(candidate, basis, target)


def none_may_write(moment: str) -> None:
    """No store is written."""
    raise AssertionError(f"something was written: {moment}")


def test_it_says_what_judging_says_whatever_the_policy(world: World) -> None:
    for block in Severity:
        for delta in (True, False):
            policy = Policy("other", test=TEST, scan=ScanCheck(block=block, delta=delta))
            dry = [judged(world, under(world, policy, world.admissions.dry()), digest) for digest in (ONE, TWO)]
            assert dry == [judged(world, under(world, policy, world.admissions), digest) for digest in (ONE, TWO)]


def test_it_writes_nothing_where_judging_asks_for_a_scan_and_keeps_its_decision(world: World) -> None:
    world.pass_time(timedelta(days=4))
    world.watch_lists.in_force()
    strict = Policy("strict", test=TEST, scan=ScanCheck(max_db_age="1h"))
    world.hook = none_may_write
    dry = judged(world, under(world, strict, world.admissions.dry()), TWO)
    world.hook = None
    before = world.scan_book.of(TWO)
    assert judged(world, under(world, strict, world.admissions), TWO) == dry
    assert world.scan_book.of(TWO) != before, "judging asks for what the policy finds too old"


def test_what_was_never_scanned_waits_for_its_scan_and_is_not_asked_for(world: World) -> None:
    candidate = replace(world.candidate(TWO), digest=Digest("sha256:" + "9" * 64))
    target, dry = world.target(), world.admissions.dry()
    basis = dry.basis(target, candidate.digest)
    assert basis is not None
    world.hook = none_may_write
    assert dry.judge(candidate, basis, target).awaits_scan
    assert world.scan_book.of(candidate.digest) is None


def test_a_scans_log_is_read_once_for_all_that_is_judged(world: World) -> None:
    reads: list[str] = []
    dry = world.admissions.dry()
    policy = Policy("lax", test=TEST, scan=ScanCheck(block=Severity.CRITICAL))
    read = world.evidence.read
    world.evidence.read = lambda of, name: (reads.append(of), read(of, name))[1]  # type: ignore[method-assign]
    for digest in (TWO, ONE, TWO):
        judged(world, dry, digest)
        judged(world, under(world, policy, dry), digest)
    assert sorted(reads) == sorted({ONE, TWO})


def test_further_checks_take_part_and_write_nothing(world: World) -> None:
    check: AdmissionCheck = (counting := Counting())
    parts = (world.policies, world.exceptions, world.scan_book, world.evidence, world.book, world.clock)
    admissions = Admissions(*parts, checks=[check])
    dry = judged(world, admissions.dry(), ONE)
    assert (dry.reasons, counting.written) == (("soaking",), 0)
    assert judged(world, admissions, ONE) == dry
    assert counting.written == 1


def test_files_of_exceptions_are_read_and_not_taken_into_force(world: World) -> None:
    line = b"- {id: CVE-2026-0001, package: libssl3, reason: not reachable, by: anna, until: '2099-12-31'}\n"
    world.exception_files.files["waivers.yaml"] = line
    world.pass_time(timedelta(minutes=2))
    world.watch_lists.in_force()
    world.hook = none_may_write
    assert judged(world, world.admissions.dry(), TWO).outcome is Outcome.PASS
    world.hook = None
    assert world.exception_files.last_good() == ()
    assert judged(world, world.admissions, TWO).outcome is Outcome.PASS
