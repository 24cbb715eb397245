"""What a tag had before comes to it again only if the policy in force lets it through."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from tests.doubles.world import ONE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit

STANDARD = Policy("standard", scan=ScanCheck())
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


def test_what_passed_before_there_was_a_scan_is_scanned_when_its_source_returns_to_it() -> None:
    world = World()
    arrive(world, ONE)
    arrive(world, TWO)
    world.says(STANDARD)
    arrive(world, ONE)
    assert world.base.tags[TARGET, TAG] == TWO
    assert ONE in world.kept_scans.wanted
    for _ in range(10):
        world.pass_time(timedelta(minutes=16))
        world.sweep()
        world.settle()
    assert [one.trouble.kind.value for one in world.lasting] == ["candidate-held"]
    world.scan_ends(ONE, BAD)
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


def test_what_returns_and_is_clean_comes_back() -> None:
    world = World()
    arrive(world, ONE)
    arrive(world, TWO)
    world.says(STANDARD)
    arrive(world, ONE)
    world.scan_ends(ONE)
    world.settle()
    assert (world.base.tags[TARGET, TAG], world.status(ONE)) == (ONE, Status.PROMOTED)


def test_what_was_let_through_by_another_policy_is_judged_when_its_source_returns_to_it() -> None:
    world = World()
    world.says(Policy("lax", scan=ScanCheck(block=Severity.CRITICAL)))
    for digest in (ONE, TWO):
        arrive(world, digest)
        world.scan_ends(digest, *([BAD] if digest == ONE else []))
        world.settle()
    assert world.base.tags[TARGET, TAG] == TWO
    world.says(STANDARD)
    arrive(world, ONE)
    assert world.base.tags[TARGET, TAG] == TWO
