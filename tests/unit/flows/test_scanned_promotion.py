"""From a new digest to its promotion with all in between: tools, a scan's run, what it means, and second looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest, Tag, parse_repository
from tests.doubles.registries import digest_of, scan_key
from tests.doubles.scans import CRITICAL, LINUX
from tests.doubles.world import ONE, TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

TRIVY, DATABASE = parse_repository("docker.io/aquasec/trivy"), parse_repository("ghcr.io/aquasecurity/trivy-db")
SCANNER, OF_TODAY, OF_TOMORROW = digest_of("scanner"), digest_of("database"), digest_of("newer database")
LIST = f"""
scanner: {{image: 'docker.io/aquasec/trivy@{SCANNER}', database: trivy-db}}
policies: {{standard: {{test: {{gate: node}}, scan: {{block: high, delta: true, max_db_age: 3d}}}}}}
images:
  - {{name: trivy-db, source: ghcr.io/aquasecurity/trivy-db, tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: node, source: docker.io/library/node, tags: [22-alpine], target: base/node, policy: standard}}
"""


def scanned_world() -> World:
    """A world whose upstreams have a scanner and a database of just now; nothing was looked at yet."""
    world = World(LIST.encode(), scanning=True)
    world.hub.push(TRIVY, Tag("0.76.0"), SCANNER)
    world.ghcr.push(DATABASE, Tag("2"), OF_TODAY)
    world.staging_runs.updated = world.clock()
    return world


def arrive(world: World, digest: Digest, *findings: str) -> None:
    """Let a digest appear upstream in which a scan finds something, and go as far as it gets by itself."""
    world.push(digest)
    world.staging_runs.found[digest] = {LINUX: findings}
    go_on(world)


def go_on(world: World, rounds: int = 4) -> None:
    """Let checks, sweeps and all that they lead to happen, some minutes apart."""
    for _ in range(rounds):
        world.check()
        world.sweep()
        world.settle()
        world.pass_time(timedelta(minutes=6))


def newer_database(world: World) -> None:
    """Let upstream have a database of now."""
    world.ghcr.push(DATABASE, Tag("2"), OF_TOMORROW)
    world.staging_runs.updated = world.clock()


def in_base(world: World) -> Digest | None:
    """Return what the tag of the base registry points at."""
    return world.base.tags.get((TARGET, TAG))


def scans_of(world: World, digest: Digest) -> int:
    """Return how often a digest was scanned."""
    return world.staging_runs.started[scan_key(digest)]


def test_what_passes_its_test_and_its_scan_is_promoted_by_one_run_of_each() -> None:
    world = scanned_world()
    arrive(world, ONE)
    assert (in_base(world), world.status(ONE), scans_of(world, ONE)) == (ONE, Status.PROMOTED, 1)
    assert world.staging_runs.scans[-1][1].tools.database == f"tools/trivy-db@{OF_TODAY}"


def test_what_its_scan_speaks_against_is_rejected_by_name_and_a_waiver_lets_it_in_without_a_run() -> None:
    world = scanned_world()
    arrive(world, ONE)
    arrive(world, TWO, CRITICAL)
    assert (in_base(world), world.status(TWO)) == (ONE, Status.REJECTED)
    assert "CVE-2026-0001" in world.candidate(TWO).last.detail
    runs = len(world.staging_runs.scans)
    line = b"- {id: CVE-2026-0001, package: libssl3, reason: not reachable, by: anna, until: '2099-12-31'}\n"
    world.exception_files.files["waivers.yaml"] = line
    go_on(world)
    assert (in_base(world), world.status(TWO), len(world.staging_runs.scans)) == (TWO, Status.PROMOTED, runs)


def test_what_the_base_has_too_by_a_database_as_new_keeps_nothing_out() -> None:
    world = scanned_world()
    arrive(world, ONE)
    world.pass_time(timedelta(hours=7))
    newer_database(world)
    world.staging_runs.found[ONE] = {LINUX: (CRITICAL,)}
    arrive(world, TWO, CRITICAL)
    assert (in_base(world), world.status(TWO), scans_of(world, ONE)) == (TWO, Status.PROMOTED, 2)


def test_too_old_a_database_holds_until_a_newer_one_is_mirrored() -> None:
    world = scanned_world()
    world.staging_runs.updated = world.clock() - timedelta(days=9)
    arrive(world, ONE)
    assert (in_base(world), world.status(ONE)) == (None, Status.HELD)
    assert "database" in world.candidate(ONE).last.detail
    newer_database(world)
    world.check()
    world.settle()
    assert (in_base(world), world.status(ONE), scans_of(world, ONE)) == (ONE, Status.PROMOTED, 2)


def test_who_was_woken_for_a_newer_database_is_looked_at_then_though_it_was_looked_at_before() -> None:
    world = scanned_world()
    world.staging_runs.updated = world.clock() - timedelta(days=9)
    arrive(world, ONE)
    held = world.candidates.get(world.candidate(ONE).id)
    assert held is not None
    world.candidate_progress.again(held, timedelta(seconds=10))
    woken = world.candidates.get(held.record.id)
    assert woken is not None
    world.promoter.promote(woken)
    assert world.candidate(ONE).look_at == world.clock() + timedelta(seconds=10)


def test_what_waited_for_days_for_a_database_goes_on_soon_after_it_has_come() -> None:
    world = World(LIST.encode(), scanning=True)
    world.hub.push(TRIVY, Tag("0.76.0"), SCANNER)
    arrive(world, ONE)
    go_on(world, 40)
    assert "does not hold what the tool trivy-db is" in world.candidate(ONE).last.detail
    newer_database(world)
    arrived = world.clock()
    while in_base(world) != ONE and world.clock() - arrived < timedelta(days=2):
        go_on(world, 1)
    assert world.clock() - arrived < timedelta(hours=2)


def deaths() -> int:
    """Return at how many moments of a promotion the process can die."""
    world, count = scanned_world(), 0

    def counted(_: str) -> None:
        nonlocal count
        count += 1

    world.hook = counted
    arrive(world, ONE)
    return count


@pytest.mark.parametrize("moment", range(0, deaths(), 3))
def test_whoever_dies_on_the_way_promotes_and_scans_once(moment: int) -> None:
    world, left = scanned_world(), moment

    def dying(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            world.hook = None
            raise Died

    world.hook = dying
    try:
        arrive(world, ONE)
    except Died:
        world.start()
    go_on(world, 8)
    assert (in_base(world), world.status(ONE), scans_of(world, ONE)) == (ONE, Status.PROMOTED, 1)


def test_what_waits_is_scanned_for_a_platform_that_its_entry_gets() -> None:
    world = scanned_world()
    arrive(world, ONE)
    world.actor.pin(world.target().id, ONE, None, Said("anna", "wait", world.clock()))
    arrive(world, TWO)
    assert TWO in world.target().passed
    wider = b"{name: node, platforms: [linux/amd64, linux/arm64],"
    world.configuration.text = LIST.encode().replace(b"{name: node,", wider)
    world.staging_runs.found[TWO] = {LINUX: (), "linux/arm64": (CRITICAL,)}
    go_on(world, 8)
    assert TWO not in world.target().passed


def test_what_waits_behind_a_pin_is_scanned_once_when_a_policy_comes_and_its_run_is_let_end() -> None:
    world = World(LIST.encode().replace(b", scan: {block: high, delta: true, max_db_age: 3d}", b""), scanning=True)
    world.hub.push(TRIVY, Tag("0.76.0"), SCANNER)
    world.ghcr.push(DATABASE, Tag("2"), OF_TODAY)
    world.staging_runs.updated = world.clock()
    arrive(world, ONE)
    world.actor.pin(world.target().id, ONE, None, Said("anna", "wait", world.clock()))
    arrive(world, TWO, CRITICAL)
    assert TWO in world.target().passed
    world.configuration.text = LIST.encode()
    go_on(world, 12)
    assert TWO not in world.target().passed
    assert scans_of(world, TWO) == 1
