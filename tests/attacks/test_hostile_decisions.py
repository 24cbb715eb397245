"""Documents of decisions that would make what everybody reads of a tag unreadable: nothing of them is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.scan.waivers import end_of
from shared.errors import MalformedInput
from tests.doubles.world import ONE, World
from tests.unit.flows.decided import ID, acted, arrive, bring_back, export, lose, person
from tests.unit.flows.test_lost_account import TAKES_OVER

pytestmark = pytest.mark.unit


def waived() -> World:
    """A world in which a finding of a digest is waived."""
    world = World(TAKES_OVER)
    arrive(world, ONE)
    acted(world.waiver.ask(ID, ONE, "CVE-1", "zlib", "2099-12-31", person(world), "not reachable", world.clock()))
    return world


def forged(text: bytes, *path: str | int, value: Any) -> bytes:
    """A document in which one value is another."""
    document = json.loads(text)
    at = document
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize("order", [2**63 - 1, 253_402_300_800_000, -1, -(2**63)])
def test_a_sighting_that_tells_no_time_is_not_taken(order: int) -> None:
    world = waived()
    text = forged(lose(world), "targets", 0, "sightings", 0, "order", value=order)
    with pytest.raises(MalformedInput, match="the order of a sighting tells no time"):
        bring_back(world, text)
    assert world.targets.get(ID) is None


@pytest.mark.parametrize("until", ["", "soon", "2026-13-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_waiver_that_never_says_when_it_ends_is_not_taken(until: str) -> None:
    world = waived()
    text = forged(lose(world), "targets", 0, "waived", 0, "until", value=until)
    with pytest.raises(MalformedInput, match="is neither a day nor a time"):
        bring_back(world, text)
    assert world.targets.get(ID) is None


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"])
def test_a_document_of_the_last_day_there_is_is_refused_in_words(at: str) -> None:
    world = waived()
    with pytest.raises(MalformedInput, match="is to come"):
        bring_back(world, forged(export(world), "exported_at", value=at))


def test_when_a_waiver_ends_is_told_in_utc_whatever_zone_it_was_written_in() -> None:
    assert end_of("2026-12-31T02:00:00+05:00").isoformat() == "2026-12-30T21:00:00+00:00"
