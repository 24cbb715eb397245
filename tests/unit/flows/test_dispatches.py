"""Builds that are not ACR's are asked for once, found again by their name, and seen to their end."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.dispatch.builds import End, new_dispatch
from shared.domain.promotion.rebuilds import REBUILD_ENDS, BuilderKind, Rebuild, RebuildStatus
from shared.errors import NotFound, NotPermitted, NotTaken, RateLimited, Refused, SwitchedOff, Unavailable
from shared.flows.sweep import sweep_rebuilds
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

PLACE = "contoso/shop/build.yml@main"
CANCELLED = (End.UNDECIDED, "cancelled")
FAILURE = (End.FAILED, "failure")


def world_of(dispatcher: InMemoryDispatcher | None = None, most: int = 8) -> tuple[World, InMemoryDispatcher]:
    """Return a world with somebody who builds elsewhere, and a base that moved."""
    world = World()
    world.most_rebuilds = most
    world.base.push(TARGET, TAG, TWO)
    made = world.builds_elsewhere(dispatcher or InMemoryDispatcher())
    world.start()
    return world, made


def want(world: World, place: str = PLACE, name: str = "github", number: int = 1) -> str:
    """Want a build at a place, and return the rebuild's id."""
    kind = world.dispatchers[name].kind
    rebuild = new_dispatch(kind, name, place, (TARGET, TAG, TWO), None, world.clock())
    rebuild = msgspec.structs.replace(rebuild, decision=number)
    if world.rebuild_progress.insert(rebuild):
        world.rebuild_progress.wake(rebuild)
    return rebuild.id


def settled(world: World, rebuild_id: str) -> Rebuild:
    """Let a rebuild come to its end, whatever dies on the way: what is left behind is found by sweeps."""
    for _ in range(4000):
        if (rebuild := of(world, rebuild_id)).status in REBUILD_ENDS:
            return rebuild
        if world.outbox.next_due() is not None:
            world.step()
        else:
            world.pass_time(timedelta(minutes=5))
            sweep_rebuilds(world.rebuild_progress, {})
    raise AssertionError(f"it does not end: {of(world, rebuild_id)}")


def of(world: World, rebuild_id: str) -> Rebuild:
    """Return a rebuild."""
    stored = world.rebuilds.get(rebuild_id)
    assert stored is not None
    return stored.record


def test_a_build_is_asked_for_once_and_its_end_is_the_rebuilds() -> None:
    world, github = world_of()
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id, rebuild.runs) == (RebuildStatus.SUCCEEDED, "101", 1)
    assert rebuild.link == "https://builds.example/101"
    (build,) = github.builds
    assert (build.asked.image, build.asked.place) == (f"tidegatebase.azurecr.io/{TARGET}:{TAG}@{TWO}", PLACE)
    assert len(build.asked.correlation) <= 64


def test_a_build_that_fails_ends_the_rebuild_and_is_not_asked_for_again() -> None:
    world, github = world_of()
    github.ends = [FAILURE]
    rebuild = settled(world, want(world))
    assert (rebuild.status, len(github.posted), rebuild.told) == (RebuildStatus.FAILED, 1, False)
    assert "ended as failure" in rebuild.detail


@pytest.mark.parametrize("hidden", [0, 3, 20])
def test_a_build_whose_answer_was_lost_is_found_by_its_name_and_is_the_only_one(hidden: int) -> None:
    world, github = world_of()
    github.loses, github.hidden = 1, hidden
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id) == (RebuildStatus.SUCCEEDED, "101")
    assert len(github.posted) == len(github.builds) == 1


def test_whoever_names_no_build_is_searched_and_is_never_said_to_run_before() -> None:
    world, github = world_of()
    github.says_runs, github.hidden = False, 4
    rebuild_id = want(world)
    world.step()
    assert of(world, rebuild_id).status is RebuildStatus.ACCEPTED
    assert settled(world, rebuild_id).status is RebuildStatus.SUCCEEDED
    assert len(github.posted) == 1


def test_of_two_builds_for_one_request_the_first_is_followed_and_the_second_told() -> None:
    world, github = world_of()
    github.begins, github.loses = 2, 1
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id, len(github.posted)) == (RebuildStatus.SUCCEEDED, "101", 1)
    (line,) = world.activity.of(f"task:github:{PLACE}", 5)
    assert (line.name, "101 is followed" in line.detail, "/102" in line.detail) == ("rebuild-doubled", True, True)


def test_a_request_that_came_to_nothing_is_made_anew_after_half_an_hour_and_three_times_at_most() -> None:
    world, github = world_of()
    github.begins, github.loses = 0, 9
    began = world.clock()
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.runs) == (RebuildStatus.UNDECIDED, 3)
    assert len(set(github.posted)) == len(github.posted) == 3
    assert rebuild.look_at - began >= timedelta(minutes=90)


def showing_late(begins: int = 1) -> tuple[World, InMemoryDispatcher]:
    """Return a world where the build of a request whose answer was lost shows up once the next one was made."""
    world, github = world_of()
    github.loses, github.hidden = 1, 99_999

    def show() -> None:
        if len(github.builds) == 1:
            github.builds[0].hidden = github.hidden = 0
            github.begins = begins

    github.before_begun = show
    return world, github


def test_a_build_that_shows_up_after_the_next_request_is_told_when_that_one_ends() -> None:
    world, github = showing_late()
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id, len(github.posted)) == (RebuildStatus.SUCCEEDED, "102", 2)
    assert rebuild.detail.endswith("also found: https://builds.example/101")
    (line,) = world.activity.of(f"task:github:{PLACE}", 5)
    assert (line.name, "102 is followed" in line.detail, "/101" in line.detail) == ("rebuild-doubled", True, True)


def test_a_build_that_shows_up_while_the_next_one_is_looked_for_in_vain_is_followed() -> None:
    world, github = showing_late(begins=0)
    github.loses = 2
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id, len(github.posted)) == (RebuildStatus.SUCCEEDED, "101", 2)
    assert world.activity.of(f"task:github:{PLACE}", 5) == ()


def test_that_nobody_says_whether_one_showed_up_late_keeps_no_rebuild_from_its_end() -> None:
    world, github = showing_late()
    show = github.before_begun

    def fail() -> None:
        show()
        if len(github.builds) == 1:
            github.fail("find", Unavailable("503"))

    github.before_begun = fail
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id) == (RebuildStatus.SUCCEEDED, "102")
    assert "whether an earlier request began a build as well is not known" in rebuild.detail


def test_where_every_answer_was_clear_nothing_is_searched_at_the_end() -> None:
    world, github = world_of()
    github.ends = [CANCELLED, FAILURE]
    github.fail("find", *[Unavailable("503")] * 9)
    rebuild = settled(world, want(world))
    assert (rebuild.status, "not known" in rebuild.detail) == (RebuildStatus.FAILED, False)


def test_whoever_dies_around_a_build_that_shows_up_late_tells_it_once() -> None:
    number = 0
    while True:
        world, github = showing_late()
        left = [number]

        def die(_: str, world: World = world, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                world.hook = None
                raise Died

        world.hook = die
        try:
            rebuild_id = want(world)
        except Died:
            world.start()
            rebuild_id = want(world)
        rebuild = settled(world, rebuild_id)
        lines = [one.name for one in world.activity.of(f"task:github:{PLACE}", 5)]
        assert rebuild.status is RebuildStatus.SUCCEEDED, number
        assert len(github.posted) == len(set(github.posted)), number
        assert lines == (["rebuild-doubled"] if len(github.builds) == 2 else []), (number, rebuild)
        if left[0] >= 0:
            break
        number += 1
    assert number > 10


def test_what_was_clearly_accepted_and_is_not_found_is_not_asked_for_anew_and_is_told_with_what_to_do() -> None:
    world, github = world_of()
    github.says_runs, github.hidden = False, 99_999
    rebuild = settled(world, want(world))
    assert (rebuild.status, len(github.posted)) == (RebuildStatus.UNDECIDED, 1)
    assert f"check that {PLACE} shows it" in rebuild.detail


def test_while_a_search_has_no_answer_nothing_is_taken_for_missing() -> None:
    world, github = world_of()
    github.loses = 1
    github.fail("find", *[Unavailable("HTTP 503")] * 12)
    rebuild = settled(world, want(world))
    assert (rebuild.status, len(github.posted)) == (RebuildStatus.SUCCEEDED, 1)


def test_a_build_that_was_cancelled_for_a_later_one_is_covered_by_it() -> None:
    world, github = world_of()
    github.ends = [CANCELLED]
    rebuild_id = want(world)
    world.step()
    github._begin(github.builds[0].asked)
    github.builds[0].covered_by = "102"
    rebuild = settled(world, rebuild_id)
    assert (rebuild.status, rebuild.run_id, len(github.posted)) == (RebuildStatus.SUCCEEDED, "102", 1)


def test_a_build_that_was_cancelled_and_that_none_covers_is_asked_for_again_and_never_failed() -> None:
    world, github = world_of()
    github.ends = [CANCELLED]
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.run_id, len(set(github.posted))) == (RebuildStatus.SUCCEEDED, "102", 2)


def test_a_build_that_decides_nothing_three_times_is_undecided() -> None:
    world, github = world_of()
    github.ends = [CANCELLED, (End.UNDECIDED, "timed_out"), (End.UNDECIDED, "startup_failure")]
    rebuild = settled(world, want(world))
    assert (rebuild.status, len(github.posted)) == (RebuildStatus.UNDECIDED, 3)
    assert "startup_failure" in rebuild.detail


@pytest.mark.parametrize("error", [RateLimited("secondary limit", retry_after=90), NotTaken("no connection")])
def test_a_request_that_was_clearly_not_taken_is_made_again_by_the_same_name(error: Exception) -> None:
    world, github = world_of()
    github.fail("ask", error, error)  # type: ignore[arg-type]
    rebuild = settled(world, want(world))
    assert (rebuild.status, rebuild.runs, len(github.builds)) == (RebuildStatus.SUCCEEDED, 1, 1)


def test_a_refusal_for_a_while_keeps_every_request_of_that_dispatcher_away() -> None:
    world, github = world_of()
    github.fail("ask", RateLimited("secondary limit", retry_after=600))
    began = world.clock()
    first, second = want(world), want(world, "contoso/web/build.yml@main")
    begun_at = []
    github.before_begun = lambda: begun_at.append(world.clock())
    assert {settled(world, one).status for one in (first, second)} == {RebuildStatus.SUCCEEDED}
    assert min(begun_at) - began >= timedelta(minutes=10)


@pytest.mark.parametrize("error", [NotFound("no such workflow"), Refused("no such input")])
def test_a_clear_refusal_ends_the_rebuild_and_says_why(error: Exception) -> None:
    world, github = world_of()
    github.fail("ask", error)  # type: ignore[arg-type]
    rebuild = settled(world, want(world))
    assert (rebuild.status, github.builds) == (RebuildStatus.FAILED, [])
    assert str(error) in rebuild.detail


def test_a_right_that_comes_late_is_waited_for_and_then_given_up() -> None:
    world, github = world_of()
    github.fail("ask", *[NotPermitted("no Queue builds")] * 6)
    assert settled(world, want(world)).status is RebuildStatus.SUCCEEDED
    github.fail("ask", *[NotPermitted("no Queue builds")] * 99)
    assert settled(world, want(world, number=2)).status is RebuildStatus.FAILED


def test_whoever_wants_to_be_asked_nothing_more_is_asked_nothing_more_until_its_setting_changes() -> None:
    world, github = world_of()
    github.fail("ask", SwitchedOff("HTTP 410 Gone"))
    first = settled(world, want(world))
    second = settled(world, want(world, number=2))
    assert (first.status, second.status, github.posted) == (RebuildStatus.FAILED, RebuildStatus.FAILED, [])
    assert "410" in second.detail
    (line,) = world.activity.of("dispatcher:github", 5)
    assert (line.name, "410" in line.detail, "DISPATCH_GITHUB" in line.detail) == ("dispatcher-off", True, True)
    github.fingerprint = "two"
    assert settled(world, want(world, number=3)).status is RebuildStatus.SUCCEEDED


def test_no_more_builds_are_under_way_at_once_than_the_setting_says_and_all_end() -> None:
    world, github = world_of(most=2)
    ids = [want(world, f"contoso/app{number}/build.yml@main") for number in range(9)]
    most = 0
    while (due := world.outbox.next_due()) is not None:
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
            busy = [one for one in world.rebuilt() if one.status.value in {"asked", "accepted", "running"}]
            most = max(most, len(busy))
    assert (most, {of(world, one).status for one in ids}) == (2, {RebuildStatus.SUCCEEDED})
    assert len(github.posted) == 9


def test_a_place_is_built_once_at_a_time_and_one_build_answers_what_was_wanted_before_it_was_asked_for() -> None:
    world, github = world_of()
    first = want(world, number=1)
    world.step()
    world.pass_time(timedelta(seconds=1))
    second, third = want(world, number=2), want(world, number=3)
    statuses = [settled(world, one).status.value for one in (first, second, third)]
    assert (statuses[0], sorted(statuses[1:])) == ("succeeded", ["succeeded", "up-to-date"])
    assert len(github.posted) == 2


def test_requests_stay_below_what_limits_may_be() -> None:
    world, github = world_of(most=999)
    asked: list[object] = []
    github.before_begun = lambda: asked.append(world.clock())
    ids = [want(world, f"contoso/app{number}/build.yml@main") for number in range(70)]
    began = world.clock()
    assert {settled(world, one).status for one in ids} == {RebuildStatus.SUCCEEDED}
    within = [one for one in asked if one - began < timedelta(minutes=1)]  # type: ignore[operator]
    assert (len(within), len(asked)) == (60, 70)


def test_a_dispatcher_that_the_settings_name_no_more_ends_what_waits_and_leaves_undecided_what_was_asked_for() -> None:
    world, github = world_of()
    github.looks = 99
    asked = want(world)
    world.step()
    waits = want(world, "contoso/web/build.yml@main")
    del world.dispatchers["github"]
    world.start()
    statuses = (settled(world, asked).status, settled(world, waits).status)
    assert statuses == (RebuildStatus.UNDECIDED, RebuildStatus.FAILED)
    assert "DISPATCH_GITHUB" in of(world, waits).detail


def test_a_build_that_never_ends_is_undecided_after_half_a_day() -> None:
    world, github = world_of()
    github.looks = 99_999
    rebuild = settled(world, want(world))
    assert (rebuild.status, len(github.posted)) == (RebuildStatus.UNDECIDED, 1)


def test_whoever_tells_the_end_by_itself_and_never_does_leaves_it_undecided_and_never_built() -> None:
    events = InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2))
    world, _ = world_of(events)
    rebuild_id = want(world, "shop", "builds")
    began = world.clock()
    rebuild = settled(world, rebuild_id)
    assert (rebuild.status, len(events.posted)) == (RebuildStatus.UNDECIDED, 1)
    assert timedelta(hours=2) <= rebuild.look_at - began < timedelta(hours=3)


def test_an_event_that_was_not_clearly_taken_is_sent_again_under_its_id_and_is_one_build() -> None:
    events = InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2))
    world, _ = world_of(events)
    events.loses = 3
    rebuild_id = want(world, "shop", "builds")
    settled(world, rebuild_id)
    assert (len(events.posted), len(set(events.posted)), len(events.builds)) == (4, 1, 1)


def test_an_event_that_was_not_clearly_taken_is_not_sent_again_once_its_base_has_moved_on() -> None:
    events = InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2))
    world, _ = world_of(events)
    for digest in (ONE, THREE):
        world.push(digest)
        world.check()
        world.settle()
    rebuild_id = want(world, "shop", "builds", number=world.target().reached)
    events.loses = 1
    world.step()
    assert (of(world, rebuild_id).status, len(events.posted)) == (RebuildStatus.ASKED, 1)
    stored = world.targets.get(world.target().id)
    assert stored is not None
    moved = msgspec.structs.replace(stored.record, reached=stored.record.reached + 1)
    world.targets.replace(stored, moved)
    assert settled(world, rebuild_id).status is RebuildStatus.OVERTAKEN
    assert len(events.posted) == 1


def test_an_event_that_may_have_been_taken_stays_asked_for_when_it_is_refused_the_next_time() -> None:
    events = InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2))
    world, _ = world_of(events)
    events.loses = 1
    rebuild_id = want(world, "shop", "builds")
    world.step()
    events.fail("ask", RateLimited("later"), Refused("HTTP 401"))
    assert settled(world, rebuild_id).status is RebuildStatus.UNDECIDED


def moments(dispatcher: InMemoryDispatcher, **odd: object) -> list[str]:
    """Return every moment at which something is about to be written, or was, on the way of one rebuild."""
    world, _ = world_of(dispatcher)
    for name, value in odd.items():
        setattr(dispatcher, name, value)
    seen: list[str] = []
    world.hook = seen.append
    settled(world, want(world, *(("shop", "builds") if dispatcher.name == "builds" else ())))
    return seen


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"loses": 1},
        {"says_runs": False, "hidden": 2},
        {"ends": [CANCELLED]},
        {"ends": [FAILURE]},
        {"begins": 2, "loses": 1},
    ],
    ids=["well", "answer lost", "no id", "cancelled", "failed", "doubled by the other side"],
)
def test_whoever_dies_at_any_write_asks_for_no_second_build_and_comes_to_the_same_end(
    odd: dict[str, object],
) -> None:
    plain = len(moments(InMemoryDispatcher(), **{k: list(v) if isinstance(v, list) else v for k, v in odd.items()}))
    assert plain > 6
    for number in range(plain):
        world, github = world_of()
        for name, value in odd.items():
            setattr(github, name, list(value) if isinstance(value, list) else value)
        count = iter(range(10_000))

        def die(_: str, world: World = world, at: int = number, count: object = count) -> None:
            if next(count) == at:  # type: ignore[call-overload]
                world.hook = None
                raise Died

        world.hook = die
        try:
            rebuild_id = want(world)
        except Died:
            world.start()
            rebuild_id = want(world)
        rebuild = settled(world, rebuild_id)
        expected = RebuildStatus.FAILED if odd.get("ends") == [FAILURE] else RebuildStatus.SUCCEEDED
        assert rebuild.status is expected, (number, rebuild)
        correlations = [build.asked.correlation for build in github.builds]
        assert len(github.posted) == len(set(github.posted)), (number, github.posted)
        assert max(map(correlations.count, correlations)) <= int(str(odd.get("begins", 1)))
        followed = 2 if odd.get("ends") == [CANCELLED] else 1
        assert len(github.posted) - followed <= 1, (number, github.posted)
        if len(github.posted) > followed:  # nothing was begun by the one that died before it asked
            assert len(github.builds) <= followed * int(str(odd.get("begins", 1)))


@pytest.mark.parametrize("loses", [0, 1])
def test_whoever_dies_at_any_write_around_an_event_leaves_one_build_by_one_id(loses: int) -> None:
    def made() -> tuple[World, InMemoryDispatcher]:
        events = InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2))
        events.loses = loses
        return world_of(events)

    world, _ = made()
    seen: list[str] = []
    world.hook = seen.append
    settled(world, want(world, "shop", "builds"))
    assert len(seen) > 6
    for number in range(len(seen)):
        world, events = made()
        count = iter(range(10_000))

        def die(_: str, world: World = world, at: int = number, count: object = count) -> None:
            if next(count) == at:  # type: ignore[call-overload]
                world.hook = None
                raise Died

        world.hook = die
        try:
            rebuild_id = want(world, "shop", "builds")
        except Died:
            world.start()
            rebuild_id = want(world, "shop", "builds")
        assert settled(world, rebuild_id).status is RebuildStatus.UNDECIDED, number
        assert (len(set(events.posted)), len(events.builds)) == (1, 1), number


def test_two_workers_that_look_at_the_same_moment_ask_once() -> None:
    world, github = world_of()
    stored = world.rebuilds.get(want(world))
    assert stored is not None

    def meanwhile(moment: str) -> None:
        if moment == "rebuilds.before:replace":
            world.hook = None
            world.dispatching.look(stored)

    world.hook = meanwhile
    world.dispatching.look(stored)
    assert settled(world, stored.record.id).status is RebuildStatus.SUCCEEDED
    assert len(github.posted) == 1


def test_a_worker_that_read_the_record_before_it_was_asked_for_asks_for_nothing() -> None:
    world, github = world_of()
    rebuild_id = want(world)
    stale = world.rebuilds.get(rebuild_id)
    assert stale is not None
    world.step()
    world.dispatching.look(stale)
    assert len(github.posted) == 1
    assert settled(world, rebuild_id).status is RebuildStatus.SUCCEEDED
