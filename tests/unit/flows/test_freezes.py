"""While promotion is frozen everything else goes on, and nothing that passed at any time slips through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.policy.policy import GateCheck, Policy
from shared.domain.policy.promoting import Freeze
from shared.domain.promotion.admission import Waiting, admission_of
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest
from shared.errors import Unavailable, WatchListError
from shared.watch_list_yaml import parse_watch_list
from tests.doubles.world import ONE, TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

FROZEN = Policy(
    "frozen", test=GateCheck("node"), freeze=(Freeze(cron="0 17 * * FRI", span="62h", zone="Europe/Berlin"),)
)
THURSDAY, SATURDAY = datetime(2026, 1, 8, 12, tzinfo=UTC), datetime(2026, 1, 10, 12, tzinfo=UTC)
MONDAY = datetime(2026, 1, 12, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(world: World) -> Said:
    """What a person says now."""
    return Said("anna", "she knows", world.clock())


def world_at(moment: datetime) -> World:
    """A world that bears ONE, and whose entry is frozen at weekends, at a moment."""
    world = World()
    world.clock.now = THURSDAY - timedelta(days=1)
    world.says(FROZEN)
    arrive(world, ONE)
    world.run_for(moment - world.clock.now)
    assert world.base.tags[TARGET, TAG] == ONE
    return world


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets at once."""
    world.push(digest)
    world.check()
    world.run_for(HOUR)


def borne(world: World) -> Digest:
    """What the tag of the base registry bears."""
    return world.base.tags[TARGET, TAG]


def test_what_passes_in_a_freeze_is_tested_at_once_and_promoted_when_it_ends() -> None:
    world = world_at(SATURDAY)
    arrive(world, TWO)
    candidate, admission = world.candidate(TWO), admission_of(world.target(), TWO)
    assert (candidate.status, candidate.last.reason, candidate.look_at) == (Status.HELD, Reason.FROZEN, MONDAY)
    assert admission is not None
    assert (admission.waits_for, admission.until) == (Waiting.FROZEN, MONDAY)
    world.run_for(MONDAY - world.clock.now)
    assert borne(world) == ONE
    world.run_for(HOUR)
    assert borne(world) == TWO
    assert [one.name for one in world.activity.events].count("frozen") == 1


def test_a_pin_that_ends_in_a_freeze_lets_nothing_through() -> None:
    world = world_at(THURSDAY)
    world.actor.pin(world.target().id, ONE, SATURDAY, said(world))
    arrive(world, TWO)
    assert TWO in world.target().passed
    world.run_for(SATURDAY + HOUR - world.clock.now)
    assert (world.target().wanted, borne(world)) == (TWO, ONE)
    world.run_for(MONDAY - world.clock.now)
    assert borne(world) == ONE
    world.run_for(HOUR)
    assert borne(world) == TWO


def test_who_unpins_in_a_freeze_waits_for_its_end_and_is_told() -> None:
    world = world_at(THURSDAY)
    world.actor.pin(world.target().id, ONE, None, said(world))
    arrive(world, TWO)
    world.run_for(SATURDAY - world.clock.now)
    world.actor.unpin(world.target().id, said(world))
    world.run_for(HOUR)
    bar = world.target().barred
    assert bar is not None
    assert (bar.waiting, bar.until, borne(world)) == (Waiting.FROZEN, MONDAY, ONE)
    (line,) = [one.detail for one in world.activity.events if one.name == "unpinned"]
    assert "promotion is frozen until 2026-01-12 06:00 UTC" in line


def test_an_import_that_fails_until_a_freeze_begins_is_not_begun_in_it() -> None:
    world = world_at(THURSDAY + timedelta(hours=27, minutes=30))
    world.base.fail("start_import", *[Unavailable("no answer")] * 8)
    world.push(TWO)
    world.check()
    world.run_for(HOUR / 4)
    assert world.target().wanted == TWO
    world.run_for(SATURDAY - world.clock.now)
    assert borne(world) == ONE
    assert (world.candidate(TWO).status, world.candidate(TWO).last.reason) == (Status.HELD, Reason.FROZEN)
    world.run_for(MONDAY + HOUR - world.clock.now)
    assert borne(world) == TWO
    assert world.status(TWO) is Status.PROMOTED


def test_people_go_before_a_freeze_and_their_line_says_so() -> None:
    world = world_at(SATURDAY)
    arrive(world, TWO)
    world.take_against_gate(TWO)
    world.run_for(HOUR)
    assert (borne(world), world.target().why) == (TWO, Why.AGAINST_GATE)
    (line,) = [one.detail for one in world.activity.events if one.name == "promoted-against-its-gate"]
    assert "promotion is frozen until 2026-01-12 06:00 UTC, and people go before that" in line
    world.actor.roll_back(world.target().id, ONE, said(world))
    world.run_for(HOUR)
    assert borne(world) == ONE


def test_what_others_deleted_is_put_back_in_a_freeze() -> None:
    world = world_at(SATURDAY)
    del world.base.tags[TARGET, TAG]
    for _ in range(4):
        world.look_at_base()
        world.run_for(HOUR)
    assert borne(world) == ONE


def test_a_freeze_that_the_list_takes_away_ends_within_the_hour() -> None:
    world = world_at(SATURDAY)
    arrive(world, TWO)
    world.says(Policy("thawed", test=GateCheck("node")))
    world.run_for(HOUR)
    assert borne(world) == TWO


@pytest.mark.parametrize("number", range(36))
def test_whoever_dies_anywhere_in_a_freeze_lets_nothing_through_and_loses_nothing(number: int) -> None:
    world = world_at(SATURDAY)
    left = number

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    world.push(TWO)
    try:
        world.check()
    except Died:
        world.start()
        world.check()
    world.run_for(HOUR)
    assert borne(world) == ONE
    world.run_for(MONDAY + 2 * HOUR - world.clock.now)
    assert left < 0
    assert borne(world) == TWO
    assert world.status(TWO) is Status.PROMOTED


LIST = b"""
policies:
  strict:
    test: {gate: node}
    freeze:
      - cron: 0 17 * * FRI
        for: 62h
        zone: Europe/Nowhere
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine]
    target: base/node
    policy: strict
"""


def test_a_zone_that_is_none_is_told_with_its_line_when_the_list_is_read() -> None:
    with pytest.raises(WatchListError) as raised:
        parse_watch_list(LIST)
    assert raised.value.problems == (
        "line 8: policies.strict.freeze[0].zone: there is no time zone 'Europe/Nowhere'; write one such as "
        "Europe/Berlin, or UTC",
    )
    assert parse_watch_list(LIST.replace(b"Nowhere", b"Berlin")).images
