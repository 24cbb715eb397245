"""A digest is scanned once, whoever asks, whatever fails; its answer is kept, and whoever asked is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.schedule import SCAN_KEPT
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.packages import name_of
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.scan import Scan, ScanReason, ScanStatus
from shared.domain.scan.scan_runs import scan_log_name, scan_run_name
from shared.errors import (
    Conflict,
    NotFound,
    NotPermitted,
    Paced,
    RateLimited,
    Refused,
    TidegateError,
    Unavailable,
    WatchListError,
)
from shared.ports import Stored
from shared.rules.scan_documents import ScanDocuments
from tests.doubles.registries import WHOLE_SCAN, digest_of, scan_key
from tests.doubles.scans import TOOLS
from tests.doubles.world import ONE, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

AMD64 = ("linux/amd64",)
BOTH = ("linux/amd64", "linux/arm64")
NEWER = msgspec.structs.replace(TOOLS, database="tools/trivy-db@sha256:" + 64 * "c")
OLD = datetime(2026, 1, 1, 6, tzinfo=UTC)
FIRST, OTHER = (f"docker.io~library~node~~{gate}~{32 * '0'}" for gate in ("first", "other"))
NO_SPACE = "2026-01-01T12:00:00Z\tFATAL\tno space left on device\n"


def promoted() -> World:
    """Return a world in which ``ONE`` was promoted, so that it is in staging and in the base registry."""
    world = World()
    world.staging_runs.updated = OLD
    world.push(ONE)
    world.check()
    world.settle()
    return world


@pytest.fixture
def world() -> World:
    """Such a world."""
    return promoted()


def asker(world: World, digest: Digest = ONE) -> str:
    return world.candidate(digest).id


def want(
    world: World,
    digest: Digest = ONE,
    *,
    platforms: tuple[str, ...] = AMD64,
    newer_than: datetime | None = None,
    by: str = "",
) -> Scan:
    return world.scan_book.want(ScanWish(by or asker(world, digest), "node", digest, TARGET, platforms, newer_than))


def scan_of(world: World, digest: Digest = ONE) -> Scan:
    found = world.scan_book.of(digest)
    assert found is not None
    return found


def stored(world: World, digest: Digest = ONE) -> Stored[Scan]:
    found = world.scans.get(digest)
    assert found is not None
    return found


def reasons(scan: Scan) -> list[ScanReason]:
    return [change.reason for change in scan.history]


def is_clean(world: World, digest: Digest = ONE) -> bool:
    answer = world.scan_book.answer(scan_of(world, digest))
    return all(isinstance(report, Report) for report in answer.reports.values())


def until(world: World, status: ScanStatus, digest: Digest = ONE) -> None:
    for _ in range(50):
        if scan_of(world, digest).status is status:
            return
        world.step()
    raise AssertionError(f"the scan of {digest} did not come to be {status}: {scan_of(world, digest)}")


def started(world: World, digest: Digest = ONE) -> int:
    return world.staging_runs.started[scan_key(digest)]


def being_tested() -> World:
    """Return a world in which ``TWO`` is in a gate that takes long."""
    world = promoted()
    world.staging_runs.looks = 1000
    world.push(TWO)
    world.check()
    world.until(TWO, Status.VALIDATING)
    return world


def seen(world: World, digest: Digest) -> None:
    """Let the tag move to a digest, so that the candidate before it is superseded."""
    world.push(digest)
    world.check()
    world.until(digest, Status.DETECTED)


# One scan, and its answer.


def test_a_scan_that_is_wanted_is_made_once_and_says_how_old_its_database_was(world: World) -> None:
    assert want(world).status is ScanStatus.WANTED
    world.settle()
    scan = scan_of(world)
    assert (scan.status, scan.has_answer, scan.database_at, scan.askers) == (ScanStatus.SCANNED, True, OLD, ())
    assert scan.taken_at is not None
    assert started(world) == 1
    assert reasons(scan) == [ScanReason.ASKED, ScanReason.STARTED, ScanReason.ANSWERED, ScanReason.TOLD]


def test_its_run_is_given_the_digest_the_platforms_and_the_tools_that_are_in_use(world: World) -> None:
    want(world, platforms=BOTH)
    world.settle()
    ((name, run),) = world.staging_runs.scans
    assert (run.image, run.digest, run.platforms, run.tools) == (TARGET, ONE, BOTH, TOOLS)
    assert name == scan_run_name(scan_of(world))


def test_its_log_is_kept_under_the_digest_and_read_again_as_often_as_anybody_likes(world: World) -> None:
    want(world)
    world.settle()
    assert (ONE, "scan-1-1.log") in world.evidence.kept
    assert is_clean(world)
    assert is_clean(world)


def test_what_is_in_each_platform_is_kept_as_a_document(world: World) -> None:
    want(world, platforms=BOTH)
    world.settle()
    scan = scan_of(world)
    assert scan.taken is not None
    assert scan.taken.documents == BOTH
    for platform in BOTH:
        listed = ScanDocuments(world.evidence).of(scan, platform)
        assert listed is not None
        assert [name_of(one.purl) for one in listed.packages] == ["base-files", "libssl3", "zlib1g"]


def test_what_cannot_be_listed_has_no_document_which_is_told_and_the_scan_is_answered(world: World) -> None:
    world.staging_runs.listed[ONE] = ("unlisted long",)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert scan.taken is not None
    assert (scan.has_answer, scan.taken.documents) == (True, ())
    told = [change.detail for change in scan.history if change.reason is ScanReason.ANSWERED]
    assert "no document of what is in it: linux/amd64: its packages are more than" in told[0]


@pytest.mark.parametrize("moment", ["before:keep", "after:keep"])
def test_who_dies_while_a_document_is_kept_leaves_the_answer_to_the_next_look(world: World, moment: str) -> None:
    want(world)
    until(world, ScanStatus.SCANNING)
    left = [1]

    def die(now: str) -> None:
        if now == f"evidence.{moment}":
            left[0] -= 1
            if left[0] == -1:
                assert scan_of(world).taken is None
                raise Died

    world.hook = die
    world.settle()
    found = scan_of(world).taken
    assert found is not None
    assert (found.documents, started(world)) == (AMD64, 1)
    assert left[0] < -1


def test_whoever_asked_is_told_when_it_ends(world: World) -> None:
    want(world)
    world.settle()
    assert world.told_askers == [(asker(world),)]


def test_asking_again_asks_for_nothing_more(world: World) -> None:
    first = want(world)
    assert want(world) == first
    world.settle()
    ended = scan_of(world)
    assert want(world) == ended
    world.settle()
    assert (started(world), len(world.told_askers)) == (1, 1)


def test_two_who_ask_for_one_digest_have_one_scan_and_both_are_told(world: World) -> None:
    want(world, by=FIRST)
    assert want(world).askers == (FIRST, asker(world))
    world.settle()
    assert started(world) == 1
    assert world.told_askers == [(FIRST, asker(world))]


def test_of_two_who_ask_for_the_first_time_at_once_none_is_forgotten(world: World) -> None:
    def other(moment: str) -> None:
        if moment == "scans.before:insert":
            world.hook = None
            want(world, by=OTHER)

    world.hook = other
    assert set(want(world).askers) == {OTHER, asker(world)}
    world.settle()
    assert set(world.told_askers[-1]) == {OTHER, asker(world)}
    assert started(world) == 1


@pytest.mark.parametrize("write", range(5))
def test_whoever_asks_while_a_step_is_written_is_told_too(world: World, write: int) -> None:
    left = write

    def join(moment: str) -> None:
        nonlocal left
        if moment == "scans.before:replace":
            left -= 1
            if left == -1:
                world.hook = None
                want(world, by=OTHER)
                world.hook = join

    want(world)
    world.hook = join
    world.settle()
    world.hook = None
    told = {one for askers in world.told_askers for one in askers}
    assert scan_of(world).status is ScanStatus.SCANNED
    assert asker(world) in told
    assert OTHER in told or want(world, by=OTHER).has_answer
    assert started(world) == 1


def test_whoever_asks_when_there_is_an_answer_has_it_at_once_and_nothing_is_written(world: World) -> None:
    want(world)
    world.settle()
    before = stored(world)
    assert want(world, by=OTHER).has_answer
    assert stored(world) == before


# Deaths.


def moments_of_a_scan() -> list[str]:
    world, found = promoted(), list[str]()
    want(world)
    world.hook = found.append
    world.settle()
    return found


MOMENTS = moments_of_a_scan()


@pytest.mark.parametrize("number", range(len(MOMENTS)), ids=[f"{at}-{name}" for at, name in enumerate(MOMENTS)])
def test_a_scan_is_made_once_and_whoever_asked_is_told_wherever_the_process_dies(world: World, number: int) -> None:
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    want(world)
    world.hook = die
    world.settle()
    world.hook = None
    world.pass_time(timedelta(minutes=6))
    world.sweep()
    world.settle()
    scan = scan_of(world)
    assert (scan.status, scan.has_answer, scan.askers, scan.runs) == (ScanStatus.SCANNED, True, (), 1)
    assert started(world) == 1
    assert is_clean(world)
    assert world.told_askers
    assert (asker(world),) == world.told_askers[0]


@pytest.mark.parametrize("moment", ["before:insert", "after:insert"])
def test_who_dies_while_asking_asks_again_and_there_is_one_scan(world: World, moment: str) -> None:
    def die(at: str) -> None:
        if at == f"scans.{moment}":
            raise Died

    world.hook = die
    with pytest.raises(Died):
        want(world)
    world.hook = None
    want(world)
    world.pass_time(timedelta(minutes=6))
    world.sweep()
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


@pytest.mark.parametrize("message", [1, 2])
def test_a_message_that_comes_twice_makes_no_second_run(world: World, message: int) -> None:
    want(world)
    for _ in range(20):
        if not world.outbox.waiting:
            break
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            for _ in range(1 + message):
                world.work(delivery)
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


def test_a_run_whose_start_was_carried_out_and_never_answered_is_found_by_its_name(world: World) -> None:
    def lose(moment: str) -> None:
        if moment == "staging_runs.after:start_scan":
            world.hook = None
            raise Unavailable("nothing came back")

    want(world)
    world.hook = lose
    world.settle()
    assert (scan_of(world).status, scan_of(world).runs, started(world)) == (ScanStatus.SCANNED, 1, 1)


def test_a_run_that_has_no_name_and_was_asked_for_twice_is_told(world: World) -> None:
    world.staging_runs.named = False

    def lose(moment: str) -> None:
        if moment == "staging_runs.after:start_scan":
            world.hook = None
            raise Unavailable("nothing came back")

    want(world)
    world.hook = lose
    world.settle()
    assert scan_of(world).status is ScanStatus.SCANNED
    assert ScanReason.RUN_REPEATED in reasons(scan_of(world))


# No answer.


def test_a_run_without_an_answer_is_repeated_soon_then_hourly_then_daily_and_never_given_up(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), *[RunStatus.FAILED] * 40, log="trivy: no space left")
    want(world)
    ends = list[datetime]()
    for _ in range(400):
        if len(ends) == 32:
            break
        if scan_of(world).attempts > len(ends):
            ends.append(world.clock.now)
            world.pass_time(scan_of(world).look_at - world.clock.now + timedelta(minutes=2))
            renew(world)
            world.sweep()
        world.step()
    pauses = [later - earlier for earlier, later in pairwise(ends)]
    assert max(pauses[:2]) < timedelta(minutes=5)
    assert all(timedelta(hours=1) <= pause < timedelta(hours=2) for pause in pauses[2:26])
    assert all(pause >= timedelta(days=1) for pause in pauses[26:])
    assert not scan_of(world).has_answer
    assert scan_of(world).status is not ScanStatus.SCANNED


def renew(world: World) -> None:
    """Whoever still waits asks again, as often as it looks."""
    want(world)


def test_a_run_without_an_answer_is_kept_with_its_reason_and_is_no_pass(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), *[RunStatus.FAILED] * 3, log=NO_SPACE)
    want(world)
    while scan_of(world).attempts < 3:
        world.step()
    scan = scan_of(world)
    assert scan.missed is not None
    assert [one.trouble for one in scan.missed.silences] == [Trouble.SCANNER_FAILED]
    assert "the scan left no report" in scan.last.detail
    (report,) = world.scan_book.answer(scan).reports.values()
    assert isinstance(report, NoAnswer)
    assert (scan.has_answer, scan.taken) == (False, None)
    assert (ONE, "scan-1-3.log") in world.evidence.kept


def test_whoever_asked_hears_once_that_three_runs_gave_no_answer(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), *[RunStatus.FAILED] * 5, log=NO_SPACE)
    want(world)
    while scan_of(world).attempts < 4:
        world.step()
        world.sweep()
    assert world.told_askers == [(asker(world),)]


def test_an_answer_after_runs_without_one_counts(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), *[RunStatus.FAILED] * 2, log=NO_SPACE)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert (scan.status, scan.has_answer, scan.missed, started(world)) == (ScanStatus.SCANNED, True, None, 3)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELED, RunStatus.ERROR, RunStatus.TIMEOUT])
def test_a_whole_log_of_a_run_that_did_not_succeed_is_no_answer(world: World, status: RunStatus) -> None:
    world.staging_runs.end(scan_key(ONE), status, log=WHOLE_SCAN)
    want(world)
    while scan_of(world).attempts < 1:
        world.step()
    assert (scan_of(world).status, scan_of(world).has_answer) == (ScanStatus.WANTED, False)
    assert scan_of(world).last.reason is ScanReason.UNANSWERED
    assert status.value in scan_of(world).last.detail


def test_a_platform_without_a_report_makes_all_of_it_no_answer(world: World) -> None:
    world.staging_runs.found[ONE] = {"linux/arm64": NO_SPACE}
    want(world, platforms=BOTH)
    while scan_of(world).attempts < 1:
        world.step()
    missed = scan_of(world).missed
    assert missed is not None
    assert [one.platform for one in missed.silences] == ["linux/arm64"]
    assert not scan_of(world).has_answer


def test_a_run_that_no_agent_took_in_time_counts_as_no_attempt(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), RunStatus.TIMEOUT)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert (scan.attempts, scan.unanswered, scan.runs) == (0, 1, 2)
    assert ScanReason.NO_AGENT in reasons(scan)
    assert scan.has_answer


def test_that_no_agent_takes_a_run_for_long_is_told_once(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), RunStatus.QUEUED)
    world.staging_runs.looks = 1
    want(world)
    until(world, ScanStatus.SCANNING)
    began = world.clock.now
    while world.clock.now - began < timedelta(minutes=12):
        world.step()
    told = [change for change in scan_of(world).history if change.reason is ScanReason.AGENT_AWAITED]
    assert [change.times for change in told] == [1]


def test_a_strange_run_under_its_name_is_not_believed_and_the_next_name_is_taken(world: World) -> None:
    def take_the_name(moment: str) -> None:
        if moment == "staging_runs.before:start_scan":
            world.hook = None
            world.staging_runs.plant(scan_run_name(scan_of(world)))

    want(world)
    world.hook = take_the_name
    world.settle()
    scan = scan_of(world)
    assert ScanReason.STRANGE_RUN in reasons(scan)
    assert (scan.status, scan.runs, started(world)) == (ScanStatus.SCANNED, 2, 1)


def test_a_log_that_is_gone_is_no_answer(world: World) -> None:
    want(world)
    world.settle()
    world.evidence.kept.clear()
    (report,) = world.scan_book.answer(scan_of(world)).reports.values()
    assert isinstance(report, NoAnswer)
    assert "scan-1-1.log is gone" in report.detail


def test_what_was_not_scanned_yet_has_no_answer(world: World) -> None:
    (report,) = world.scan_book.answer(want(world)).reports.values()
    assert isinstance(report, NoAnswer)
    assert world.scan_book.of(digest_of("nobody asked")) is None


# Tools, turns and room.


@pytest.mark.parametrize("kind", [Unavailable, Conflict, lambda told: WatchListError((told,))])
def test_a_tool_that_is_missing_is_waited_for_and_told(world: World, kind: Callable[[str], TidegateError]) -> None:
    world.tool_troubles = [kind("tools/trivy-db is not in staging; it is imported again")] * 3
    want(world)
    until(world, ScanStatus.WANTED)
    world.step()
    assert (scan_of(world).last.reason, scan_of(world).status) == (ScanReason.TOOL_AWAITED, ScanStatus.WANTED)
    assert "trivy-db is not in staging" in scan_of(world).last.detail
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


@pytest.mark.parametrize("call", ["take_task_turn", "start_scan"])
def test_whose_turn_at_arm_has_not_come_is_as_it_was(world: World, call: str) -> None:
    world.staging_runs.fail(call, Paced("not yet", retry_after=7))
    want(world)
    world.settle()
    scan = scan_of(world)
    assert reasons(scan) == [ScanReason.ASKED, ScanReason.STARTED, ScanReason.ANSWERED, ScanReason.TOLD]
    assert (scan.runs, scan.failures, started(world)) == (1, 0, 1)


@pytest.mark.parametrize("call", ["look", "log"])
def test_whose_turn_at_arm_has_not_come_while_its_run_goes_on_is_looked_at_later(world: World, call: str) -> None:
    world.staging_runs.fail(call, Paced("not yet", retry_after=7))
    want(world)
    world.settle()
    assert (scan_of(world).status, scan_of(world).failures, started(world)) == (ScanStatus.SCANNED, 0, 1)


@pytest.mark.parametrize("error", [Unavailable("503"), Refused("400"), NotPermitted("403"), RateLimited("429")])
@pytest.mark.parametrize("call", ["take_task_turn", "start_scan", "look", "log"])
def test_whatever_arm_answers_a_scan_is_tried_again_until_it_has_its_answer(
    world: World, call: str, error: Unavailable
) -> None:
    world.staging_runs.fail(call, error, error)
    want(world)
    for _ in range(4):
        world.settle()
        world.pass_time(timedelta(minutes=6))
        world.sweep()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


def test_a_refusal_that_lasts_is_tried_ever_more_rarely_and_told(world: World) -> None:
    world.staging_runs.fail("start_scan", *[Refused("the registry says no")] * 60)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert scan.status in {ScanStatus.SCANNING, ScanStatus.WANTED}
    assert scan.look_at - world.clock.now > timedelta(hours=20)
    assert any("the registry says no" in change.detail for change in scan.history)


def test_scans_and_gates_share_the_room_for_runs() -> None:
    world = being_tested()
    world.most_gates = 1
    world.start()
    want(world)
    for _ in range(10):
        world.step()
    assert (scan_of(world).status, started(world)) == (ScanStatus.WANTED, 0)
    world.staging_runs.finish()
    world.staging_runs.looks = 1
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


def test_a_gate_waits_while_scans_fill_the_room(world: World) -> None:
    world.most_gates = 1
    world.start()
    world.staging_runs.looks = 1000
    want(world)
    until(world, ScanStatus.SCANNING)
    world.push(TWO)
    world.check()
    world.until(TWO, Status.STAGED)
    for _ in range(10):
        world.step()
    assert world.status(TWO) is Status.STAGED
    world.staging_runs.finish()
    world.staging_runs.looks = 1
    world.settle()
    assert (world.status(TWO), scan_of(world).status) == (Status.PROMOTED, ScanStatus.SCANNED)


# What is not in staging any more.


def test_what_was_purged_from_staging_is_copied_back_from_the_base_registry_by_digest(world: World) -> None:
    world.staging.purge(TARGET, ONE)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert (scan.status, started(world)) == (ScanStatus.SCANNED, 1)
    assert reasons(scan)[1:3] == [ScanReason.COPY_STARTED, ScanReason.COPY_VERIFIED]
    assert world.staging.tags[TARGET, scan.staging_tag] == ONE


def test_what_the_base_registry_never_had_is_copied_back_from_its_upstream() -> None:
    world = being_tested()
    world.staging.purge(TARGET, TWO)
    world.staging_runs.looks = 1
    want(world, TWO)
    until(world, ScanStatus.SCANNED, TWO)
    assert world.staging.imports[TARGET, scan_of(world, TWO).staging_tag, TWO] == 1
    assert is_clean(world, TWO)


def test_what_nobody_has_any_more_is_told_and_tried_again_and_no_run_is_begun(world: World) -> None:
    world.staging.purge(TARGET, ONE)
    world.base.purge(TARGET, ONE)
    want(world, by=OTHER)
    world.step()
    scan = scan_of(world)
    assert (scan.status, scan.failures, started(world)) == (ScanStatus.WANTED, 1, 0)
    assert "neither in staging nor in the base registry" in scan.last.detail


@pytest.mark.parametrize("error", [Unavailable("503"), NotFound("gone"), Paced("not yet", retry_after=5)])
def test_a_copy_that_comes_to_nothing_is_asked_for_again(world: World, error: Unavailable) -> None:
    world.staging.purge(TARGET, ONE)
    world.staging.fail("start_import", error)
    want(world)
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


def moments_of_a_copy() -> list[str]:
    world, found = promoted(), list[str]()
    world.staging.purge(TARGET, ONE)
    want(world)
    world.hook = found.append
    until(world, ScanStatus.SCANNING)
    return found


COPYING = moments_of_a_copy()


@pytest.mark.parametrize("number", range(len(COPYING)), ids=[f"{at}-{name}" for at, name in enumerate(COPYING)])
def test_what_is_copied_back_is_scanned_once_wherever_the_process_dies(world: World, number: int) -> None:
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.staging.purge(TARGET, ONE)
    want(world)
    world.hook = die
    world.settle()
    world.hook = None
    world.pass_time(timedelta(minutes=6))
    world.sweep()
    world.settle()
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


# Nobody asks any more.


def test_the_run_that_nobody_needs_any_more_is_asked_to_end() -> None:
    world = being_tested()
    want(world, TWO)
    until(world, ScanStatus.SCANNING, TWO)
    run_id = scan_of(world, TWO).live_run
    while not run_id:
        world.step()
        run_id = scan_of(world, TWO).live_run
    seen(world, digest_of("three"))
    until(world, ScanStatus.UNWANTED, TWO)
    assert run_id in world.staging_runs.canceled
    assert reasons(scan_of(world, TWO))[-2:] == [ScanReason.NOBODY_ASKS, ScanReason.CANCELED]
    assert scan_of(world, TWO).askers == ()


def test_what_waits_for_its_next_run_is_let_go_when_nobody_needs_it() -> None:
    world = being_tested()
    world.staging_runs.end(scan_key(TWO), *[RunStatus.FAILED] * 9, log=NO_SPACE)
    world.staging_runs.looks = 1
    want(world, TWO)
    while scan_of(world, TWO).attempts < 1:
        world.step()
    world.staging_runs.looks = 1000
    seen(world, digest_of("three"))
    until(world, ScanStatus.UNWANTED, TWO)
    assert started(world, TWO) == 1


def test_a_scan_that_was_let_go_is_made_when_somebody_asks_again() -> None:
    world = being_tested()
    want(world, TWO)
    until(world, ScanStatus.SCANNING, TWO)
    seen(world, digest_of("three"))
    until(world, ScanStatus.UNWANTED, TWO)
    world.staging_runs.looks = 1
    assert want(world, TWO, by=asker(world, ONE)).generation == 2
    until(world, ScanStatus.SCANNED, TWO)
    assert scan_of(world, TWO).has_answer


@pytest.mark.parametrize("wrong", ["before:cancel", "after:cancel"])
def test_who_dies_while_ending_a_run_leaves_it_to_be_ended(wrong: str) -> None:
    world = being_tested()
    want(world, TWO)
    until(world, ScanStatus.SCANNING, TWO)
    died = False

    def die(moment: str) -> None:
        nonlocal died
        if moment == f"staging_runs.{wrong}" and not died and scan_of(world, TWO).status is ScanStatus.CANCELLING:
            died = True
            raise Died

    seen(world, digest_of("three"))
    world.hook = die
    until(world, ScanStatus.UNWANTED, TWO)
    assert died
    assert scan_key(TWO) not in running(world)


def running(world: World) -> set[str]:
    runs = world.staging_runs._runs.values()
    return {run.key for run in runs if run.looks_left > 0}


def test_whoever_asks_while_the_run_is_about_to_end_has_an_answer_in_the_end() -> None:
    world = being_tested()
    want(world, TWO)
    until(world, ScanStatus.SCANNING, TWO)
    seen(world, digest_of("three"))
    until(world, ScanStatus.CANCELLING, TWO)
    assert want(world, TWO, by=asker(world, ONE)).status is ScanStatus.SCANNING
    world.staging_runs.looks = 1
    world.staging_runs.finish()
    until(world, ScanStatus.SCANNED, TWO)
    assert scan_of(world, TWO).has_answer


def test_a_scan_whose_candidate_was_rejected_by_its_gate_is_let_go() -> None:
    world = being_tested()
    want(world, TWO)
    until(world, ScanStatus.SCANNING, TWO)
    record = world.candidates.get(asker(world, TWO))
    assert record is not None
    world.candidates.replace(record, msgspec.structs.replace(record.record, status=Status.REJECTED, step=99))
    until(world, ScanStatus.UNWANTED, TWO)
    assert world.staging_runs.canceled


# Newer databases and other platforms.


def test_a_newer_database_is_a_new_scan_when_somebody_wants_it(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(timedelta(hours=30))
    world.scanner, world.staging_runs.updated = NEWER, OLD + timedelta(hours=30)
    assert want(world, newer_than=OLD + timedelta(days=1)).status is ScanStatus.WANTED
    world.settle()
    scan = scan_of(world)
    assert (scan.generation, scan.database_at, started(world)) == (2, OLD + timedelta(hours=30), 2)
    assert is_clean(world)
    assert world.staging_runs.asked["forget"] == 1, "the name of the run before is not left behind"


def test_the_old_answer_stays_until_there_is_a_newer_one(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(timedelta(hours=30))
    world.scanner = NEWER
    world.staging_runs.end(scan_key(ONE), *[RunStatus.FAILED] * 3, log=NO_SPACE)
    want(world, newer_than=OLD + timedelta(days=1))
    while scan_of(world).attempts < 3:
        world.step()
    scan = scan_of(world)
    assert (scan.has_answer, scan.database_at) == (True, OLD)
    assert scan.missed is not None
    assert is_clean(world)


def test_no_run_is_spent_where_there_is_no_newer_database(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(timedelta(hours=30))
    want(world, newer_than=OLD + timedelta(days=1))
    world.settle()
    scan = scan_of(world)
    assert (scan.status, scan.database_at, started(world)) == (ScanStatus.SCANNED, OLD, 1)
    assert ScanReason.SAME_DATABASE in reasons(scan)
    assert scan.taken_at == world.clock.now, "the answer is what another run would say now"
    assert is_clean(world)
    assert len(world.told_askers) == 2


def test_an_answer_is_not_taken_anew_within_an_hour(world: World) -> None:
    want(world)
    world.settle()
    ended = scan_of(world)
    assert want(world, newer_than=world.clock.now + timedelta(days=1)) == ended


def test_a_database_that_is_new_enough_is_no_new_scan(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(timedelta(hours=30))
    assert want(world, newer_than=OLD).status is ScanStatus.SCANNED
    assert started(world) == 1


def test_another_platform_is_a_new_scan_of_all(world: World) -> None:
    want(world)
    world.settle()
    asked = want(world, platforms=("linux/arm64",))
    assert (asked.status, asked.has_answer) == (ScanStatus.WANTED, False)
    world.settle()
    assert set(world.scan_book.answer(scan_of(world)).reports) == set(BOTH)
    assert is_clean(world)


def test_a_platform_that_is_asked_for_while_the_run_goes_on_is_scanned_after_it(world: World) -> None:
    want(world)
    until(world, ScanStatus.SCANNING)
    want(world, platforms=("linux/arm64",))
    world.settle()
    asked = want(world, platforms=("linux/arm64",))
    if not asked.has_answer:
        world.settle()
    assert scan_of(world).has_answer
    assert [run.platforms for _, run in world.staging_runs.scans] == [AMD64, BOTH]
    assert is_clean(world)


# Housekeeping.


def test_a_scan_that_nobody_asks_for_is_deleted_with_its_names_after_a_while(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(SCAN_KEPT - timedelta(hours=1))
    world.sweep()
    assert world.scans.get(ONE) is not None
    world.pass_time(timedelta(hours=2))
    world.sweep()
    assert world.scans.get(ONE) is None
    assert scan_run_name(msgspec.structs.replace(stored_before(), secret="x")) not in world.staging_runs.names
    assert not [name for name in world.staging_runs.names if name in {name for name, _ in world.staging_runs.scans}]


def stored_before() -> Scan:
    world = promoted()
    return want(world)


def test_a_scan_that_is_asked_for_now_and_then_is_kept(world: World) -> None:
    want(world)
    world.settle()
    for _ in range(4):
        world.pass_time(SCAN_KEPT / 2)
        assert want(world).has_answer
        world.sweep()
    assert scan_of(world).has_answer
    assert started(world) == 1


def test_a_scan_that_is_asked_for_while_it_is_deleted_is_kept(world: World) -> None:
    want(world)
    world.settle()
    world.pass_time(SCAN_KEPT + timedelta(hours=1))

    def ask(moment: str) -> None:
        if moment == "scans.before:delete_all":
            world.hook = None
            want(world)

    world.hook = ask
    world.sweep()
    assert scan_of(world).has_answer


@pytest.mark.parametrize("moment", ["staging_runs.after:forget", "scans.before:delete_all", "scans.after:delete_all"])
def test_who_dies_while_deleting_leaves_it_to_the_next_sweep(world: World, moment: str) -> None:
    want(world)
    world.settle()
    world.pass_time(SCAN_KEPT + timedelta(hours=1))

    def die(at: str) -> None:
        if at == moment:
            raise Died

    world.hook = die
    with pytest.raises(Died):
        world.sweep()
    world.hook = None
    world.start()
    world.sweep()
    assert world.scans.get(ONE) is None


def test_a_scan_whose_message_was_lost_is_woken_by_the_sweep(world: World) -> None:
    want(world)
    world.outbox.waiting.clear()
    world.pass_time(timedelta(minutes=3))
    world.sweep()
    world.settle()
    assert scan_of(world).status is ScanStatus.SCANNED


def test_telling_that_fails_is_tried_again(world: World) -> None:
    def fail(moment: str) -> None:
        if moment == "askers.before:tell":
            world.hook = None
            raise Unavailable("503")

    want(world)
    world.hook = fail
    world.settle()
    assert scan_of(world).status is ScanStatus.SCANNED
    assert world.told_askers == [(asker(world),)]


def test_a_scan_that_others_change_again_and_again_is_asked_for_again_by_whoever_asks(world: World) -> None:
    want(world, by=FIRST)
    world.scans.fail("replace", *[Conflict("changed")] * 100)
    with pytest.raises(Conflict, match="asks again"):
        want(world, by=OTHER)


def test_what_a_log_is_called_says_of_which_generation_and_run_it_is(world: World) -> None:
    world.staging_runs.end(scan_key(ONE), RunStatus.FAILED, log=NO_SPACE)
    want(world)
    world.settle()
    scan = scan_of(world)
    assert scan_log_name(scan, scan.taken) == "scan-1-2.log"
    assert {name for digest, name in world.evidence.kept if digest == ONE} == {
        "scan-1-1.log",
        "scan-1-2.log",
        "document-1-2-linux-amd64.json",
    }


def test_a_scan_whose_look_breaks_off_is_tried_again_and_told(world: World) -> None:
    class Breaks(Exception):
        """Something that nobody foresaw."""

    def fail(moment: str) -> None:
        if moment == "staging_runs.before:start_scan":
            world.hook = None
            raise Breaks

    want(world)
    world.hook = fail
    world.settle()
    assert ScanReason.TROUBLE in reasons(scan_of(world))
    assert (scan_of(world).status, started(world)) == (ScanStatus.SCANNED, 1)


# Another scanner than Trivy, which knows vulnerabilities by itself.


def test_an_answer_of_another_scanner_stays_while_it_is_called_as_it_was_and_no_longer(world: World) -> None:
    other = msgspec.structs.replace(TOOLS, database="", format=ScannerFormat.SARIF, command=("{image}",))
    world.scanner = other
    want(world)
    world.settle()
    wish_newer(world)
    assert (started(world), ScanReason.SAME_DATABASE in reasons(scan_of(world))) == (1, True)
    world.scanner = msgspec.structs.replace(other, command=("{image}", "-v"))
    wish_newer(world)
    assert started(world) == 2


def wish_newer(world: World) -> None:
    """Let somebody find an answer too old, long after it was made."""
    world.pass_time(timedelta(hours=30))
    want(world, newer_than=OLD + timedelta(days=1))
    world.settle()
