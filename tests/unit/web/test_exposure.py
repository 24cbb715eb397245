"""What is in use and would not be let in any more is told with whose it is, and which update has it no more."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest

from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.flows.exposure import ExposureTeller
from shared.web.answers import answered
from shared.web.exposure import list_exposure
from tests.doubles.scans import CRITICAL, LINUX
from tests.doubles.world import ONE, TWO, World
from tests.unit.flows.test_scanned_promotion import arrive, go_on
from tests.unit.flows.test_standing_watch import admitted, found_later

pytestmark = pytest.mark.unit

FIXED = ('list g 1 "pkg:deb/debian/" "" 1 "libssl3@3.0.15-1" "openssl"', "listed 1")
OTHER = CRITICAL.replace("CVE-2026-0001", "CVE-2026-0002")


def asked(world: World, **params: str) -> func.HttpResponse:
    teller = ExposureTeller(world.watches, world.targets, world.candidates, world.scan_book, world.clock)
    request = func.HttpRequest("GET", "https://tidegate.example/api/exposure", params=params, body=b"")
    return answered(lambda: list_exposure(request, teller, world.watch_lists.in_force()))


def told(world: World, **params: str) -> list[dict[str, Any]]:
    answer = asked(world, **params)
    assert answer.status_code == 200, answer.get_body()
    found: list[dict[str, Any]] = json.loads(answer.get_body())["exposure"]
    return found


def exposed() -> World:
    """Return a world in which what was let in clean is so no longer."""
    world = admitted()
    found_later(world, CRITICAL)
    go_on(world, 10)
    return world


def test_what_stands_clean_is_told_when_it_is_asked_for() -> None:
    world = admitted()
    assert told(world) == []
    (one,) = told(world, standing="clean")
    assert (one["digest"], one["update"], one["count"]) == (ONE, None, 0)


def test_what_is_exposed_is_told_by_name_and_that_upstream_has_no_update() -> None:
    (one,) = told(exposed())
    assert (one["standing"], one["admitted_clean"], one["image"], one["update"]) == ("exposed", True, "node", None)
    assert [found["id"] for found in one["findings"]] == ["CVE-2026-0001"]
    assert one["since"]
    assert one["database_at"]


def test_an_update_that_fixes_it_and_waits_behind_a_hold_is_told() -> None:
    world = exposed()
    world.ruler.hold("node", Said("anna", "a release", world.clock()), listed=True)
    world.staging_runs.listed[TWO] = FIXED
    arrive(world, TWO)
    (one,) = told(world)
    assert (one["update"]["digest"], one["update"]["stands"], one["update"]["fixes"]) == (TWO, "held", True)


def test_an_update_that_is_refused_for_the_same_finding_fixes_nothing() -> None:
    world = exposed()
    world.staging_runs.found[ONE] = {LINUX: (CRITICAL,)}
    arrive(world, TWO, CRITICAL, OTHER)
    (one,) = told(world)
    assert (one["update"]["stands"], one["update"]["fixes"]) == ("rejected", False)


def test_an_update_that_would_fix_it_and_that_somebody_blocked_is_told_so() -> None:
    world = exposed()
    world.ruler.block(TWO, Said("anna", "it breaks us", world.clock()))
    world.push(TWO)
    go_on(world)
    (one,) = told(world)
    assert (one["update"]["stands"], one["update"]["fixes"]) == ("blocked", True)


def test_what_an_update_fixes_is_not_known_while_its_scan_has_no_answer() -> None:
    world = exposed()
    world.push(TWO)
    world.check()
    world.until(TWO, Status.DETECTED)
    (one,) = told(world)
    assert (one["update"]["digest"], one["update"]["stands"], one["update"]["fixes"]) == (TWO, "under-way", None)


@pytest.mark.parametrize("params", [{"standing": "odd"}, {"limit": "0"}, {"limit": "201"}, {"limit": "x"}])
def test_what_is_asked_for_wrongly_is_told(params: dict[str, str]) -> None:
    assert asked(admitted(), **params).status_code == 400


def test_before_anything_was_looked_at_nothing_is_told() -> None:
    assert told(World()) == []
