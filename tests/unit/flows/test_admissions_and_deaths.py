"""Whoever dies between any two writes, and whatever is told twice: what a scan decides is acted on, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import admission_of
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.findings import Finding
from tests.doubles.mortal import Mortal
from tests.doubles.world import ONE, TAG, TARGET, World

pytestmark = pytest.mark.unit

STANDARD = Policy("standard", scan=ScanCheck(delta=True))
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
WAIVER = b"- {id: CVE-2026-0001, package: openssl, reason: unused, by: anna, until: '2099-12-31'}\n"


class Admitted(Mortal):
    """A mortal world in which scans are asked for, from its beginning.

    Args:
        dies_at: the number of the moment; ``0`` for never.
    """

    def __init__(self, dies_at: int) -> None:
        super().__init__(dies_at, World())
        self.world.says(STANDARD)
        self.begin()

    def arrive(self, digest: Digest) -> None:
        """Let a digest appear and come as far as it gets."""
        self.world.push(digest)
        self.do(self.world.check)
        self.world.settle()

    def scan_ends(self, *findings: Finding) -> None:
        """End the scan; whoever asked is told once more if that was not noted."""
        askers = self.world.kept_scans.end(ONE, *findings)
        self.do(lambda: self.world.judge.scanned(askers))
        self.world.settle()

    def sweep(self) -> None:
        """Let a quarter of an hour pass, with a sweep."""
        self.world.pass_time(timedelta(minutes=16))
        self.do(self.world.sweep)
        self.world.settle()


def let_through(mortal: Admitted) -> None:
    """A clean image comes."""
    mortal.arrive(ONE)
    mortal.sweep()
    mortal.scan_ends()
    mortal.sweep()
    mortal.sweep()


def turned(mortal: Admitted) -> None:
    """An image is rejected, and a waiver turns that."""
    mortal.arrive(ONE)
    mortal.sweep()
    mortal.scan_ends(BAD)
    mortal.sweep()
    assert mortal.world.base.tags == {}
    mortal.world.exception_files.files["waivers.yaml"] = WAIVER
    for _ in range(3):
        mortal.sweep()


def taken_back(mortal: Admitted) -> None:
    """What is in use would be rejected, once its waiver is taken back."""
    mortal.world.exception_files.files["waivers.yaml"] = WAIVER
    mortal.arrive(ONE)
    mortal.sweep()
    mortal.scan_ends(BAD)
    mortal.sweep()
    mortal.world.exception_files.files.clear()
    mortal.sweep()
    mortal.sweep()


def moments(story: Callable[[Admitted], None]) -> int:
    """Return how many moments there are to die at, when nobody does."""
    mortal = Admitted(0)
    story(mortal)
    return mortal.moments


def dying(story: Callable[[Admitted], None]) -> list[int]:
    """Return every moment of a story."""
    return list(range(1, moments(story) + 1))


@pytest.mark.parametrize("moment", dying(let_through))
def test_a_clean_image_is_promoted_whenever_the_process_dies(moment: int) -> None:
    mortal = Admitted(moment)
    let_through(mortal)
    assert mortal.world.base.tags == {(TARGET, TAG): ONE}
    assert mortal.world.status(ONE) is Status.PROMOTED
    admission = admission_of(mortal.world.target(), ONE)
    assert admission is not None
    assert admission.outcome is Outcome.PASS


@pytest.mark.parametrize("moment", dying(turned))
def test_a_waiver_turns_a_rejection_whenever_the_process_dies(moment: int) -> None:
    mortal = Admitted(moment)
    turned(mortal)
    assert mortal.world.base.tags == {(TARGET, TAG): ONE}
    assert mortal.world.status(ONE) is Status.PROMOTED
    assert mortal.world.candidate(ONE).generation == 1
    assert len(mortal.world.base.imports) == 1


@pytest.mark.parametrize("moment", dying(taken_back))
def test_what_is_in_use_stays_and_is_told_whenever_the_process_dies(moment: int) -> None:
    mortal = Admitted(moment)
    taken_back(mortal)
    assert mortal.world.base.tags == {(TARGET, TAG): ONE}
    assert [one.trouble.kind.value for one in mortal.world.lasting] == ["in-force-rejected"]


def test_being_told_twice_that_a_scan_ended_changes_nothing_more() -> None:
    mortal = Admitted(0)
    mortal.arrive(ONE)
    askers = mortal.world.kept_scans.end(ONE, BAD)
    mortal.world.judge.scanned(askers)
    first = mortal.world.candidate(ONE)
    mortal.world.judge.scanned(askers)
    assert mortal.world.candidate(ONE) == first
    assert len([one for one in mortal.world.activity.events if one.name == "scan-rejected"]) == 1


# What it costs.


def test_a_policy_without_a_scan_costs_no_call_more_than_none(asked: Counter[str]) -> None:
    found = []
    for policy in (None, Policy("off"), Policy("off", scan=ScanCheck(mode=Mode.OFF))):
        asked.clear()
        mortal = Admitted(0)
        mortal.world.says(policy)
        mortal.arrive(ONE)
        assert mortal.world.status(ONE) is Status.PROMOTED
        found.append(dict(asked))
    assert found[1:] == [found[0]] * 2
    assert found[0]["InMemoryConfiguration.watch_list"] == 2, "the list is read to plan the check, and to make it"


def test_a_list_without_scans_reads_no_exceptions_and_asks_for_no_scan() -> None:
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    for _ in range(4):
        world.pass_time(timedelta(minutes=16))
        world.sweep()
        world.settle()
    assert world.status(ONE) is Status.PROMOTED
    assert (world.exception_files.listings, world.kept_scans.asked) == (0, 0)
    assert world.target().admissions == ()
