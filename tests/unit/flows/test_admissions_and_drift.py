"""What others put into the base registry is no measure of what the scan lets through."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.reconciling import shown
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, World

pytestmark = pytest.mark.unit

STANDARD = Policy("standard", scan=ScanCheck(delta=True))
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def arrive(world: World, digest: Digest, *findings: Finding) -> None:
    """Let a digest appear upstream in which its scan finds something, and come as far as it gets by itself."""
    world.pass_time(timedelta(hours=12))
    world.push(digest)
    world.check()
    world.until(digest, Status.VALIDATING)
    world.scan_ends(digest, *findings)
    world.settle()
    if world.kept_scans.of_digest[ONE].is_wanted:  # by a database as new as that of the other scan
        world.scan_ends(ONE)
        world.settle()


def overwritten(world: World, digest: Digest) -> None:
    """Let somebody point the tag at a digest by hand, and a step read it before it is put right."""
    world.base.push(TARGET, TAG, digest)
    world.book.change(world.target().id, lambda known: shown(known, digest, world.clock()) if known else None)
    assert world.target().seen == digest


def test_what_others_put_there_excuses_nothing() -> None:
    world = World()
    world.says(STANDARD)
    arrive(world, ONE)
    overwritten(world, TWO)
    arrive(world, TWO, BAD)
    assert TWO not in world.target().passed
    assert world.target().wanted == ONE


def test_what_was_rejected_and_put_there_by_hand_excuses_nothing_later() -> None:
    world = World()
    world.says(STANDARD)
    arrive(world, ONE)
    arrive(world, TWO, BAD)
    assert world.status(TWO) is Status.REJECTED
    overwritten(world, TWO)
    arrive(world, THREE, BAD)
    assert world.status(THREE) is Status.REJECTED
    assert world.target().wanted == ONE
