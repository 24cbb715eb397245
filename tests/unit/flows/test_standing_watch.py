"""What is in use is looked at again by a newer database, by one run for all, and judged; whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.access.callers import Caller, Role
from shared.domain.access.callers import Kind as CallerKind
from shared.domain.promotion.exposure import Exposure, Standing
from shared.domain.references import Digest, Repository, Tag
from shared.domain.scan.decision import Outcome
from shared.domain.scan.scan import Scan, ScanStatus
from shared.domain.watching.troubles import Kind
from shared.errors import ServiceError, Unavailable
from shared.ports import Event
from tests.doubles.registries import digest_of, scan_key
from tests.doubles.scans import CRITICAL, LINUX
from tests.doubles.world import ONE, TAG, TARGET, TWO, Died, World
from tests.unit.flows.test_scanned_promotion import (
    DATABASE,
    LIST,
    arrive,
    go_on,
    in_base,
    newer_database,
    scanned_world,
)

pytestmark = pytest.mark.unit

LOW = CRITICAL.replace(" f C fixed", " f L affected").replace("3.0.15-1", "")
DAY = timedelta(days=1, minutes=1)
KEV = b'{"dateReleased": "2026-01-01T00:00:00Z", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-0001"}]}'


def admitted() -> World:
    """Return a world in which ``ONE`` was let in, and nothing was found in it."""
    world = scanned_world()
    arrive(world, ONE)
    go_on(world)
    assert in_base(world) == ONE
    return world


def found_later(world: World, *rows: str) -> None:
    """Let a day pass, and a newer database know these findings."""
    world.pass_time(DAY)
    world.staging_runs.found_today = rows
    newer_database(world)


def exposure(world: World) -> Exposure:
    assert world.watches.watch is not None
    (one,) = world.watches.watch.exposures
    return one


def bundles(world: World) -> list[Scan]:
    return [stored.record for stored in world.scans.current() if stored.record.bundle]


def watching_runs(world: World) -> int:
    return sum(bool(run.documents) for _, run in world.staging_runs.scans)


def told(world: World) -> list[str]:
    events: Iterable[Event] = world.activity.of(f"target:{world.target().id}", 50)
    return [event.name for event in events if "exploited" in event.name]


def test_what_was_just_let_in_is_clean_without_a_run_of_the_watch() -> None:
    world = admitted()
    assert (exposure(world).standing, exposure(world).admitted, watching_runs(world)) == (Standing.CLEAN, True, 0)


def test_a_finding_that_is_new_today_is_told_of_what_is_in_use_since_then_and_by_name() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    before = world.clock()
    go_on(world, 10)
    one = exposure(world)
    assert (one.standing, one.count, one.admitted, one.digest) == (Standing.EXPOSED, 1, True, ONE)
    assert [(found.id, found.package, found.fixed) for found in one.findings] == [
        ("CVE-2026-0001", "libssl3", "3.0.15-1")
    ]
    assert before <= one.since <= world.clock()
    since = one.since
    go_on(world, 10)
    assert exposure(world).since == since
    assert in_base(world) == ONE


def test_all_that_is_in_use_is_looked_at_by_one_run_and_none_of_the_image() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    assert watching_runs(world) == 1
    assert world.staging_runs.started[scan_key(ONE)] == 1
    ((_, run),) = [one for one in world.staging_runs.scans if one[1].documents]
    assert b"pkg:deb/debian/zlib1g@1.2.13-1" in run.documents["document-1"]


def test_it_is_looked_at_once_a_day_at_most_and_not_while_the_database_is_the_same() -> None:
    world = admitted()
    found_later(world)
    go_on(world, 10)
    assert watching_runs(world) == 1
    world.ghcr.push(*_database("another"))
    go_on(world, 10)
    assert watching_runs(world) == 1
    world.pass_time(DAY)
    go_on(world, 10)
    assert watching_runs(world) == 2
    world.pass_time(DAY)
    go_on(world, 10)
    assert watching_runs(world) == 2


def _database(name: str) -> tuple[Repository, Tag, Digest]:
    """Return a database as upstream bears it."""
    return DATABASE, Tag("2"), digest_of(name)


def test_what_the_policy_has_nothing_against_leaves_it_clean() -> None:
    world = admitted()
    found_later(world, LOW)
    go_on(world, 10)
    assert (exposure(world).standing, exposure(world).findings) == (Standing.CLEAN, ())


def test_a_waiver_ends_it_and_its_end_begins_it_anew_without_a_run() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    until = (world.clock() + timedelta(days=1)).date()
    line = f"- {{id: CVE-2026-0001, package: libssl3, reason: not reachable, by: anna, until: '{until}'}}\n"
    world.exception_files.files["waivers.yaml"] = line.encode()
    go_on(world, 5)
    assert exposure(world).standing is Standing.CLEAN
    world.exception_files.files.clear()
    go_on(world, 5)
    assert exposure(world).standing is Standing.EXPOSED
    assert watching_runs(world) == 1


def test_a_waiver_of_its_tag_ends_it_until_it_is_revoked_without_a_run() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    waive(world)
    go_on(world, 5)
    assert exposure(world).standing is Standing.CLEAN
    target, at = world.target().id, world.clock()
    world.waiver.revoke(target, ONE, "CVE-2026-0001", "libssl3", person("bob", at), "it is", at)
    go_on(world, 5)
    assert exposure(world).standing is Standing.EXPOSED
    assert watching_runs(world) == 1


def person(name: str, at: datetime) -> Caller:
    """Somebody who signed in just now."""
    return Caller(CallerKind.PERSON, f"{name}@tenant", name, frozenset({Role.APPROVER}), at)


def waive(world: World) -> None:
    """Let one ask to waive what was found, for the tag, and another grant it."""
    target, at = world.target().id, world.clock()
    found = (ONE, "CVE-2026-0001", "libssl3")
    world.waiver.ask(target, *found, "2099-12-31", person("ada", at), "not reachable", at)
    world.waiver.grant(target, *found, person("bob", at), "I looked", at)


def test_an_update_that_is_let_in_ends_it() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    world.staging_runs.listed[TWO] = ('list g 1 "pkg:deb/debian/" "" 1 "libssl3@3.0.15-1" "openssl"', "listed 1")
    arrive(world, TWO)
    go_on(world, 5)
    assert (in_base(world), exposure(world).digest, exposure(world).standing) == (TWO, TWO, Standing.CLEAN)


# What is known to be exploited.


def test_what_is_known_to_be_exploited_is_a_trouble_told_once_visible_while_it_lasts_and_over_when_it_is() -> None:
    world = admitted()
    world.exception_files.files["known-exploited.json"] = KEV
    found_later(world, LOW)
    go_on(world, 12)
    assert exposure(world).standing is Standing.CLEAN
    assert [one.id for one in exposure(world).exploited] == ["CVE-2026-0001"]
    assert [one.trouble.kind for one in world.lasting if one.trouble.kind is Kind.KNOWN_EXPLOITED]
    go_on(world, 12)
    assert told(world) == ["known-exploited-in-use"]
    world.exception_files.files.clear()
    go_on(world, 12)
    assert told(world) == ["known-exploited-in-use-over", "known-exploited-in-use"]
    assert not [one for one in world.lasting if one.trouble.kind is Kind.KNOWN_EXPLOITED]


# What has no document, or no scan yet.


def test_what_no_document_tells_is_scanned_as_an_image_again() -> None:
    world = scanned_world()
    world.staging_runs.listed[ONE] = ("unlisted long",)
    arrive(world, ONE)
    world.staging_runs.found[ONE] = {LINUX: (CRITICAL,)}
    found_later(world)
    go_on(world, 12)
    assert (watching_runs(world), world.staging_runs.started[scan_key(ONE)]) == (0, 2)
    assert exposure(world).standing is Standing.EXPOSED


def test_that_it_was_let_in_clean_stays_known_when_another_policy_decides_it_anew() -> None:
    world = scanned_world()
    world.staging_runs.listed[ONE] = ("unlisted long",)
    arrive(world, ONE)
    world.staging_runs.found[ONE] = {LINUX: (CRITICAL,)}
    found_later(world)
    go_on(world, 12)
    world.configuration.text = LIST.replace("delta: true", "delta: false").encode()
    go_on(world, 4)
    (anew,) = world.target().admissions
    assert (anew.outcome, exposure(world).admitted) == (Outcome.REJECT, True)
    assert anew.let_in != anew.evidence
    assert in_base(world) == ONE


def adopted() -> World:
    """Return a world in which ``ONE`` stood in the base registry when its entry appeared."""
    world = scanned_world()
    world.base.push(TARGET, TAG, ONE)
    world.push(ONE)
    world.staging_runs.found[ONE] = {LINUX: (CRITICAL,)}
    go_on(world, 8)
    return world


def test_what_was_adopted_is_copied_into_staging_once_and_scanned_for_the_first_time() -> None:
    world = adopted()
    one = exposure(world)
    assert (one.standing, one.admitted, world.staging_runs.started[scan_key(ONE)]) == (Standing.EXPOSED, False, 1)
    found_later(world, CRITICAL)
    go_on(world, 12)
    assert (watching_runs(world), world.staging_runs.started[scan_key(ONE)]) == (1, 1)


def test_what_was_not_scanned_yet_is_unknown_and_no_pass() -> None:
    world = adopted()
    world.watches.watch, world.watches.written = None, 0
    world.scans.delete_all(list(world.scans.current()))
    world.start()
    world.check()
    world.sweep()
    world.pass_time(timedelta(minutes=16))
    asking = world.policies.now()
    world.standing.watch(asking)
    assert exposure(world).standing is Standing.UNKNOWN
    assert "never scanned" in exposure(world).detail


# Storage, deaths and what comes twice.


def test_a_list_without_scans_reads_and_writes_nothing_of_the_watch() -> None:
    world = World(LIST.replace("policy: standard", "gate: node").encode(), scanning=True)
    world.watches.fail("get", ServiceError("it is not to be read"))
    world.push(ONE)
    go_on(world, 8)
    assert world.watches.watch is None


def deaths() -> list[str]:
    """Return each write of a whole watch, from the newer database to what is told."""
    world, moments = admitted(), list[str]()
    world.exception_files.files["known-exploited.json"] = KEV
    found_later(world, CRITICAL)
    go_on(world, 1)

    def note(moment: str) -> None:
        if moment.startswith(("watches.", "scans.", "evidence.", "troubles.", "activity.", "staging_runs.")):
            moments.append(moment)

    world.hook = note
    go_on(world, 9)
    counted: dict[str, int] = {}
    named = []
    for moment in moments:
        counted[moment] = counted.get(moment, 0) + 1
        named.append(f"{moment}#{counted[moment]}")
    return named


MOMENTS = deaths()


def test_a_whole_watch_has_writes_to_die_at() -> None:
    assert {moment.partition("#")[0] for moment in MOMENTS} >= {
        "watches.before:put",
        "watches.after:put",
        "scans.before:insert",
        "evidence.before:keep",
        "staging_runs.before:start_scan",
    }


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_dies_at_a_write_of_the_watch_loses_nothing_and_begins_nothing_twice(moment: str) -> None:
    world = admitted()
    world.exception_files.files["known-exploited.json"] = KEV
    found_later(world, CRITICAL)
    go_on(world, 1)
    name, _, number = moment.partition("#")
    left = int(number)

    def die(now: str) -> None:
        nonlocal left
        left -= now == name
        if left == 0 and now == name:
            left = -1
            raise Died

    world.hook = die
    for _ in range(9):
        try:
            go_on(world, 1)
        except Died:
            world.start()
    assert left < 0, "it did not die"
    world.hook = None
    go_on(world, 6)
    assert (exposure(world).standing, exposure(world).count) == (Standing.EXPOSED, 1)
    assert watching_runs(world) == 1
    assert [one.status for one in bundles(world)] == [ScanStatus.SCANNED]
    assert told(world) == ["known-exploited-in-use"]


def test_two_who_watch_at_the_same_time_ask_for_one_run() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 1)

    def other(moment: str) -> None:
        if moment == "watches.before:put":
            world.hook = None
            world.standing.watch(world.policies.now())

    world.hook = other
    go_on(world, 9)
    assert (watching_runs(world), exposure(world).standing) == (1, Standing.EXPOSED)


def test_a_watch_that_storage_breaks_off_goes_on_with_a_later_sweep() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    world.watches.fail("get", Unavailable("busy"), Unavailable("busy"))
    with pytest.raises(Unavailable):
        world.standing.watch(world.policies.now())
    world.watches.mend()
    go_on(world, 10)
    assert exposure(world).standing is Standing.EXPOSED


def test_a_record_of_the_watch_that_is_lost_is_made_anew() -> None:
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    world.watches.watch, world.watches.written = None, 0
    go_on(world, 6)
    assert (exposure(world).standing, watching_runs(world)) == (Standing.EXPOSED, 1)


def test_other_digests_in_use_are_another_bundle_and_the_same_ones_the_same() -> None:
    world = admitted()
    for day in range(3):
        world.pass_time(DAY)
        world.ghcr.push(*_database(f"day {day}"))
        world.staging_runs.updated = world.clock()
        go_on(world, 10)
    (bundle,) = bundles(world)
    assert (watching_runs(world), bundle.generation) == (3, 3)
    assert msgspec.structs.replace(bundle, digest=Digest(ONE)).bundle
