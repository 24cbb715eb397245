"""The page of what is so now: counts, what needs people, what waits and until when, and what is wrong, by cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.board import Group, Need, group_of
from shared.domain.watching.budget import Budget
from shared.errors import Unavailable
from shared.flows.board import KEPT_FOR, SHOWN_FOR, Board, Boards
from shared.web.pages.now import NowView, now_view
from tests.doubles.paged import Browser
from tests.doubles.world import ONE, World

pytestmark = pytest.mark.unit


def promoted() -> World:
    """A world whose one tag is promoted."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    return world


def asking() -> World:
    """A world whose one tag waits for people."""
    world = World()
    world.says(Policy("asked", approval=ApprovalCheck()))
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=30))
    return world


def board_of(world: World) -> Board:
    """How everything stands."""
    return Browser(world).pages.boards.now()


def view_of(world: World) -> NowView:
    """What the page shows."""
    return now_view(board_of(world))


def counted(view: NowView) -> dict[str, int]:
    """The counts by their names."""
    return {one.name: one.number for one in view.counts}


def test_a_promoted_tag_is_counted_as_current_and_as_promoted_in_a_day() -> None:
    found = counted(view_of(promoted()))
    assert (found["Current"], found["Promoted in a day"], found["Needs you"]) == (1, 1, 0)


def test_a_day_later_it_is_promoted_in_a_day_no_more_and_its_chart_has_it() -> None:
    world = promoted()
    world.pass_time(timedelta(days=2))
    view = view_of(world)
    assert counted(view)["Promoted in a day"] == 0
    assert [one.promoted for one in view.days][-3:] == [1, 0, 0]
    assert view.days[-3].median_hours is not None
    assert len(view.days) == 30


def test_what_waits_for_people_is_told_with_what_it_would_replace() -> None:
    (wish,) = view_of(asking()).wishes
    assert (wish.need, wish.place, wish.digest, wish.base) == (Need.APPROVAL, "base/node:22-alpine", ONE, "")
    assert "approvals are missing" in wish.detail


def test_what_soaks_waits_and_says_until_when() -> None:
    world = World()
    world.says(Policy("old", min_age="48h"))
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=30))
    (waiting,) = view_of(world).waiting
    assert group_of(waiting) is Group.WAITING
    assert waiting.until is not None
    assert "soaking" in Browser(world).read()


def test_an_upstream_that_locked_us_out_is_one_line_with_how_many_wait_for_it() -> None:
    world = promoted()
    stored = world.budgets.get("docker.io")
    locked = Budget(upstream="docker.io", locked_until=world.clock() + timedelta(minutes=23))
    world.budgets.replace(stored, locked)
    (cause,) = view_of(world).causes
    assert (cause.kind, cause.number) == ("upstream-locked-out", 0)
    assert "docker.io lets us look again at" in cause.detail


def test_hundreds_of_one_kind_are_one_line_with_their_number() -> None:
    tags = ", ".join(f"22-{number}" for number in range(150))
    world = World(f"images: [{{name: node, source: node, tags: [{tags}], target: base/node}}]".encode())
    world.check()
    world.run_for(timedelta(hours=2))
    (cause,) = view_of(world).causes
    assert (cause.kind, cause.number) == ("tag-never-there", 150)


def renewing(world: World) -> tuple[Boards, list[Callable[[], None]]]:
    """What puts boards together, and what it has asked to be done beside."""
    browser, beside = Browser(world), list[Callable[[], None]]()
    boards = browser.pages.boards
    boards._beside = beside.append
    return boards, beside


def test_what_was_put_together_is_kept_for_some_seconds_and_its_time_is_told() -> None:
    world = promoted()
    boards, beside = renewing(world)
    first = boards.now()
    world.pass_time(KEPT_FOR - timedelta(seconds=1))
    assert boards.now() is first
    assert beside == []
    assert f"{world.clock():%Y-%m-%d %H:%M} UTC" in Browser(world).read()


def test_what_is_older_is_shown_once_more_while_it_is_put_together_beside_once() -> None:
    world = promoted()
    boards, beside = renewing(world)
    first = boards.now()
    world.pass_time(KEPT_FOR)
    assert {id(boards.now()), id(boards.now())} == {id(first)}
    (renew,) = beside
    renew()
    assert boards.now().at == first.at + KEPT_FOR
    world.pass_time(KEPT_FOR)
    boards.now()
    assert len(beside) == 2


def test_nothing_older_than_a_minute_is_shown() -> None:
    world = promoted()
    boards, beside = renewing(world)
    first = boards.now()
    world.pass_time(SHOWN_FOR)
    assert boards.now().at == first.at + SHOWN_FOR
    assert beside == []


def test_what_was_read_before_somebody_changed_something_is_not_taken() -> None:
    world = promoted()
    boards, beside = renewing(world)
    boards.now()
    world.pass_time(KEPT_FOR)
    boards.now()
    put_together = boards._put_together
    boards._put_together = lambda: (put_together(), boards.forget())[0]  # type: ignore[method-assign]
    beside[0]()
    assert boards._kept is None
    assert boards._renewing is False


def test_storage_that_does_not_answer_beside_leaves_what_is_shown_and_is_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = promoted()
    boards, beside = renewing(world)
    first = boards.now()
    world.pass_time(KEPT_FOR)
    boards.now()
    world.targets.fail("every", Unavailable("the storage account does not answer"))
    beside[0]()
    assert boards.now() is first
    assert len(beside) == 2
    assert "does not answer" in caplog.text


def test_nothing_watched_is_a_page_all_the_same() -> None:
    text = Browser(World(b"images: []")).read()
    assert "Nobody has to decide anything." in text
    assert "Nothing waits." in text


def test_the_installation_is_named_in_the_title() -> None:
    assert "<title>Now · Tidegate · prod-weu</title>" in Browser(promoted(), installation="prod-weu").read()
