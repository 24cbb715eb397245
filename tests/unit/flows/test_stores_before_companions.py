"""A store that the version before companions filled: what is in force stays, what is under way goes on with them.

The rows, messages and registries are as that version left them; its list says nothing of what travels.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.events.messages import decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from tests.doubles.referrers import Made, referrer
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, TAG, TARGET, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

STORES: dict[str, Any] = json.loads((Path(__file__).parent / "store_before_companions.json").read_text())
UNDER_WAY, IN_FORCE = ["importing", "validating", "promoting"], ["promoted", "moved"]
ONE, TWO, THREE = digest_of("one"), digest_of("two"), digest_of("three")
REQUIRED = WATCH_LIST + b"    referrers: required\n"


def filled(name: str, watch_list: bytes = WATCH_LIST) -> World:
    """A world whose store the version before filled, and that brings what travels."""
    world, store = World(watch_list, travels=True), STORES[name]
    world.clock.now = datetime.fromisoformat(store["now"])
    for row in store["candidates"]:
        world.candidates.insert(msgspec.convert(row, Candidate))
    for row in store["targets"]:
        world.targets.insert(msgspec.convert(row, Target))
    seen = tuple(msgspec.convert(row, Observation) for row in store["observations"])
    world.observations.save(NODE, world.observations.of(NODE), msgspec.convert(store["state"], RepositoryState), seen)
    for text in store["messages"]:
        world.outbox.send(decode(text))
    for registry, content in ((world.staging, store["staging"]), (world.base, store["base"])):
        for place, digest in content.items():
            registry.push(place.partition(":")[0], Tag(place.partition(":")[2]), Digest(digest))
    world.push(wanted(name))
    return world


def wanted(name: str) -> Digest:
    """Return what the tag is to bear."""
    return TWO if name == "moved" else ONE


def signed(world: World, digest: Digest) -> Made:
    """Let a signature refer to a digest upstream."""
    made = referrer(digest)
    world.hub.attach(NODE, made)
    return made


def borne(world: World) -> Digest | None:
    """Return what the tag bears."""
    return world.base.tags.get((TARGET, TAG))


def go_on(world: World, hours: int = 3) -> None:
    """Let hours pass, with checks, sweeps and comparisons of the base registry."""
    for _ in range(hours):
        world.check()
        world.look_at_base()
        world.run_for(timedelta(hours=1))


def test_no_row_of_the_version_before_knows_of_what_travels() -> None:
    words = ("companion", "referrer", "unique", "travel")
    assert not [word for word in words if word in json.dumps(STORES)]
    assert {row["status"] for store in STORES.values() for row in store["candidates"]} >= {*UNDER_WAY, "promoted"}


@pytest.mark.parametrize("name", [*UNDER_WAY, *IN_FORCE])
def test_every_row_is_read_and_written_back_as_it_was(name: str) -> None:
    for kind, rows in ((Candidate, STORES[name]["candidates"]), (Target, STORES[name]["targets"])):
        assert rows
        for row in rows:
            read = msgspec.convert(row, kind)
            assert msgspec.convert(json.loads(msgspec.json.encode(read)), kind) == read


@pytest.mark.parametrize("name", UNDER_WAY)
def test_what_was_under_way_is_promoted(name: str) -> None:
    world = filled(name)
    go_on(world)
    assert (borne(world), world.status(ONE)) == (ONE, Status.PROMOTED)


@pytest.mark.parametrize("name", ["importing", "validating"])
def test_what_refers_to_what_was_under_way_comes_with_it(name: str) -> None:
    world = filled(name)
    made = signed(world, ONE)
    go_on(world)
    assert borne(world) == ONE
    assert world.base._has(TARGET, made.digest)


@pytest.mark.parametrize("name", IN_FORCE)
def test_what_is_in_force_is_neither_imported_nor_tested_nor_decided_again(name: str) -> None:
    world = filled(name)
    number = world.target().number
    go_on(world)
    assert (borne(world), world.target().number, world.target().look_at) == (wanted(name), number, None)
    assert (len(world.base.imports), world.staging_runs.started[wanted(name)]) == (0, 0)


@pytest.mark.parametrize("name", IN_FORCE)
def test_what_is_in_force_gets_what_refers_to_it_once_its_entry_requires_that(name: str) -> None:
    world = filled(name, REQUIRED)
    made, number = signed(world, wanted(name)), world.target().number
    go_on(world)
    assert world.base._has(TARGET, made.digest)
    assert (borne(world), world.target().number) == (wanted(name), number)


@pytest.mark.parametrize("name", [*UNDER_WAY, *IN_FORCE])
def test_the_next_update_of_each_brings_what_refers_to_it(name: str) -> None:
    world = filled(name)
    go_on(world)
    made = signed(world, THREE)
    world.push(THREE)
    go_on(world)
    assert borne(world) == THREE
    assert world.base._has(TARGET, made.digest)


def moments_of(name: str) -> int:
    """Count the moments before and after every write of what the first hour does."""
    world, seen = filled(name), list[str]()
    signed(world, ONE)
    world.hook = seen.append
    go_on(world, hours=1)
    return len(seen)


@pytest.mark.parametrize("moment", range(0, moments_of("validating"), 5))
def test_a_death_at_any_moment_of_the_first_hour_loses_nothing(moment: int) -> None:
    world = filled("validating")
    made = signed(world, ONE)
    world.hook = dying(moment)
    try:
        go_on(world, hours=1)
    except Died:
        world.start()
    world.hook = None
    go_on(world)
    assert borne(world) == ONE
    assert world.base._has(TARGET, made.digest)


def dying(moment: int) -> Callable[[str], None]:
    """Let the process die at a moment."""
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    return die
