"""Builds that are not ACR's, told as what may happen to them: each also with deaths, late and twice, and stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.dispatch.builds import End
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.waves.states import MemberState, WaveState
from shared.errors import SwitchedOff
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.doubles.world import ONE, TWO
from tests.unit.flows.manners import Manner, Telling, in_every_manner
from tests.unit.flows.test_waves_of_builds_elsewhere import PLACE, TARGET_ID, Elsewhere, events, listed
from tests.unit.flows.test_what_waves_survive import DONE
from tests.unit.flows.waves_told import HOUR, begins, ends, waved
from tests.unit.flows.waving import ALL, RESTORE, Waving, asking

pytestmark = pytest.mark.unit

CANCELLED = (End.UNDECIDED, "cancelled")
CANARY_IS_ELSEWHERE = listed(asking(RESTORE, f"['{TARGET_ID}']"))


def elsewhere(dispatcher: Callable[[], InMemoryDispatcher] = InMemoryDispatcher, **odd: object) -> Callable[[], Waving]:
    """Return what makes a world whose canary is built elsewhere, by somebody with odd answers."""

    def make() -> Waving:
        made = dispatcher()
        for name, value in odd.items():
            setattr(made, name, value)
        return Elsewhere(CANARY_IS_ELSEWHERE, made)

    return make


def builder(world: Waving) -> InMemoryDispatcher:
    """Return who builds elsewhere."""
    assert isinstance(world, Elsewhere)
    return world.builder


def comes(telling: Telling) -> None:
    """A digest comes, and all has time to end."""
    begins(telling).promote(TWO, 4 * HOUR)


def is_posted_once_an_attempt(world: Waving) -> None:
    """No correlation was posted twice, and no attempt begun that nobody needed but by who died before he posted."""
    posted = builder(world).posted
    assert len(posted) == len(set(posted))


# 21


@pytest.mark.parametrize("hidden", [0, 3], ids=["listed at once", "listed late"])
@in_every_manner
def test_a_build_whose_answer_was_lost_is_found_by_its_name_and_is_the_only_one(manner: Manner, hidden: int) -> None:
    def story(telling: Telling) -> None:
        builder(telling.world).loses = 1  # type: ignore[arg-type]
        comes(telling)

    for world in waved(manner, elsewhere(hidden=hidden), story):
        assert ends(world) == [(2, *DONE)]
        is_posted_once_an_attempt(world)
        assert [one.asked.place for one in builder(world).builds] == [PLACE]
        assert [world.runs_of(name) for name in ALL] == [1, 1, 1]


@in_every_manner
def test_of_two_builds_for_one_request_the_first_is_followed_and_the_second_is_told_once(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        builder(telling.world).loses = 1  # type: ignore[arg-type]
        comes(telling)

    for world in waved(manner, elsewhere(begins=2), story):
        assert ends(world) == [(2, *DONE)]
        is_posted_once_an_attempt(world)
        first, second = builder(world).builds
        assert world.rebuild_of().run_id == first.run  # type: ignore[attr-defined]
        told = [one for one in world.activity.of(f"task:{TARGET_ID}", 9) if one.name == "rebuild-doubled"]
        assert len({(one.at, one.detail) for one in told}) == 1
        assert f"/{second.run}" in told[0].detail


# 22


@in_every_manner
def test_a_build_that_was_cancelled_for_a_later_one_is_covered_by_that_and_asked_for_once(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        github = builder(telling.world)  # type: ignore[arg-type]
        github.ends = [CANCELLED]

        def later(moment: str) -> None:
            if moment == "dispatcher.after:ask" and len(github.builds) == 1:
                github._begin(github.builds[0].asked)
                github.builds[0].covered_by = github.builds[1].run
                github.builds[1].hidden = 10**6

        telling.watch = later
        comes(telling)

    for world in waved(manner, elsewhere(), story):
        assert ends(world) == [(2, *DONE)]
        assert (len(builder(world).posted), len(builder(world).builds)) == (1, 2)
        rebuild = world.rebuild_of()  # type: ignore[attr-defined]
        assert (rebuild.status, rebuild.run_id) == (RebuildStatus.SUCCEEDED, builder(world).builds[1].run)


@in_every_manner
def test_a_build_that_was_cancelled_and_that_none_covers_is_asked_for_again_and_is_no_failure(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        builder(telling.world).ends = [CANCELLED]  # type: ignore[arg-type]
        comes(telling)

    for world in waved(manner, elsewhere(), story):
        assert ends(world) == [(2, *DONE)]
        is_posted_once_an_attempt(world)
        assert len(builder(world).builds) == 2
        assert (world.target().seen, world.target().number, world.target().canaried) == (TWO, 2, ())


# 34


def events_of_two_hours() -> InMemoryDispatcher:
    """Return somebody who takes events and tells the end by himself."""
    return events()


def holds_and_moves_nothing(world: Waving) -> None:
    """The wave is held, the tag stays, and the others were not asked for."""
    assert ends(world) == [(2, WaveState.HELD, "inconclusive")]
    assert (world.target().seen, world.target().number) == (TWO, 2)
    assert [world.runs_of(name) for name in ALL] == [0, 0, 0]
    assert {world.built_on(name) for name in ALL} == {ONE}


@in_every_manner
def test_whoever_takes_an_event_and_never_tells_the_end_is_undecided_at_its_time_and_holds(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        begins(telling).promote(TWO, timedelta(hours=20))

    for world in waved(manner, elsewhere(events_of_two_hours), story):
        holds_and_moves_nothing(world)
        found = world.wave().member(TARGET_ID)
        assert found is not None
        assert found.state is MemberState.UNDECIDED
        assert all(not one.ended.passed for one in found.results)


@in_every_manner
def test_whoever_says_that_he_is_gone_is_switched_off_and_told_once_and_the_wave_is_held(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        builder(telling.world).fail("ask", *[SwitchedOff("HTTP 410 Gone")] * 9)  # type: ignore[arg-type]
        comes(telling)

    for world in waved(manner, elsewhere(events_of_two_hours), story):
        holds_and_moves_nothing(world)
        assert builder(world).posted == []
        told = [one for one in world.activity.of("dispatcher:github", 9) if one.name == "dispatcher-off"]
        assert len({one.detail for one in told}) == 1
