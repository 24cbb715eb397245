"""Whose turn at Azure Resource Manager has not come waits, and nothing else: no failure, no line of history, no end."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from shared.domain.promotion.candidate import Change
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.statuses import Status
from shared.errors import Paced
from tests.doubles.world import ONE, TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

CALLS = [
    ("staging", "take_turn"),
    ("staging", "start_import"),
    ("staging", "look_at_import"),
    ("staging_runs", "take_gate_turn"),
    ("staging_runs", "start_gate"),
    ("staging_runs", "find"),
    ("staging_runs", "look"),
    ("staging_runs", "log"),
    ("base", "take_turn"),
    ("base", "start_import"),
    ("base", "look_at_import"),
    ("application_runs", "take_task_turn"),
    ("application_runs", "start_task"),
    ("application_runs", "find"),
    ("application_runs", "look"),
    ("application_runs", "task"),
    ("application_runs", "tasks"),
]
WAIT = 7.0
TIMES = 40


@pytest.fixture
def world() -> World:
    """A tag has moved to its second digest."""
    return moved()


def moved() -> World:
    """Return a world in which a tag has moved to its second digest, and it is not known yet."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    world.push(TWO)
    return world


def finish(world: World) -> None:
    """Check, and let everything come to its end."""
    world.check()
    world.settle()


def put_off(world: World, part: str, method: str, times: int = TIMES) -> None:
    """Let it be nobody's turn for so many times; runs are looked at by name where nobody told their ids."""
    if method == "find":
        getattr(world, part).tells_ids = False
    getattr(world, part).fail(method, *[Paced("not yet", retry_after=WAIT) for _ in range(times)])


def told(world: World) -> list[Change]:
    """Return what people are told of the candidate, but for when it was."""
    lines = world.candidate(TWO).history
    return [Change(world.clock.now, line.status, line.reason, line.detail, line.times) for line in lines]


@pytest.mark.parametrize(("part", "method"), CALLS)
def test_waiting_for_a_turn_changes_nothing_but_the_time(world: World, part: str, method: str) -> None:
    at_once = moved()
    finish(at_once)
    put_off(world, part, method)
    finish(world)
    at_once.clock.now = world.clock.now
    assert told(world) == told(at_once)
    assert world.candidate(TWO).failures == 0
    assert world.base.tags[TARGET, TAG] == TWO
    target = world.target()
    assert (target.trouble, target.failures, target.gave_up) == ("", 0, False)
    assert world.staging_runs.started[TWO] == 1
    assert world.base.imports.total() == 2
    assert [(one.status, one.failures, one.waits) for one in world.rebuilt() if one.base_digest == TWO] == [
        (RebuildStatus.SUCCEEDED, 0, 0)
    ]
    assert world.application_runs.started.total() == at_once.application_runs.started.total()


@pytest.mark.parametrize(("part", "method"), [call for call in CALLS if call[0] != "application_runs"])
def test_waiting_for_a_turn_takes_no_longer_than_was_said(world: World, part: str, method: str) -> None:
    at_once = moved()
    finish(at_once)
    put_off(world, part, method)
    finish(world)
    waited = world.clock.now - at_once.clock.now
    assert waited <= timedelta(seconds=WAIT) * TIMES + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("part", "method"),
    [
        ("staging", "take_turn"),
        ("staging", "look_at_import"),
        ("staging_runs", "take_gate_turn"),
        ("staging_runs", "find"),
        ("staging_runs", "look"),
        ("staging_runs", "log"),
    ],
)
def test_waiting_for_a_turn_writes_nothing(world: World, part: str, method: str) -> None:
    at_once = moved()
    writes, usual = list[str](), list[str]()
    at_once.hook, world.hook = usual.append, writes.append
    finish(at_once)
    put_off(world, part, method)
    finish(world)
    more = writes.count("candidates.before:replace") - usual.count("candidates.before:replace")
    assert more <= (method == "take_gate_turn"), "that it is staged is written before its gate begins"


def test_whose_gate_waits_is_staged_and_says_so(world: World) -> None:
    put_off(world, "staging_runs", "take_gate_turn")
    world.check()
    while world.status_or_none(TWO) in {None, Status.DETECTED, Status.IMPORTING}:
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            world.work(delivery)
    assert world.status(TWO) is Status.STAGED


def test_searches_that_wait_for_a_listing_lose_no_patience(world: World) -> None:
    put_off(world, "application_runs", "tasks", 20)
    finish(world)
    assert [one.base_digest for one in world.rebuilt()] == [TWO]


def moments(part: str, method: str) -> list[str]:
    """Return every moment at which the process may die while turns are waited for."""
    world, seen = moved(), list[str]()
    put_off(world, part, method, 1)
    world.hook = seen.append
    finish(world)
    return seen


@pytest.mark.parametrize(("part", "method"), [call for call in CALLS if "turn" in call[1] or "start" in call[1]])
def test_a_death_at_any_moment_of_waiting_loses_and_doubles_nothing(part: str, method: str) -> None:
    for number in range(len(moments(part, method))):
        world = moved()
        put_off(world, part, method, 1)
        die_at(world, number)
        for _ in range(2):
            with contextlib.suppress(Died):
                world.check()
            world.settle()
            world.pass_time(timedelta(minutes=15))
            world.sweep()
        world.settle()
        assert world.base.tags[TARGET, TAG] == TWO, f"moment {number}"
        assert world.staging_runs.started[TWO] == 1, f"moment {number}"
        assert world.status(TWO) is Status.PROMOTED, f"moment {number}"


def die_at(world: World, number: int) -> None:
    """Let the process die once, at one of the moments."""
    left = [number]

    def die(_: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Died

    world.hook = die
