"""What lies beside an image is shown by the API and on the page of its tag, with what a tag waits for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.cli.commands.show import of_companions
from shared.domain.references import Tag
from shared.domain.travel.companions import Unique
from shared.domain.travel.locked import Right
from shared.errors import Unavailable
from shared.web.targets import one_target
from tests.doubles.paged import Browser
from tests.doubles.referrers import SBOM, referrer
from tests.doubles.world import ONE, TAG, TARGET, TWO, World
from tests.unit.flows.test_travelling import FIRST, OFF, REQUIRED, arrive, attach, travelling_world

pytestmark = pytest.mark.unit

LOCKED = OFF + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n    lock: unique\n"
ALL = REQUIRED + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"


def shown(world: World) -> dict[str, Any]:
    """Return the target as the API shows it."""
    parts: dict[str, Any] = {"targets": world.targets, "sources": world.sources, "activity": world.activity}
    answer = one_target(world.target().id, **parts, beside=world.travelling.beside)
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def page(world: World) -> str:
    """Return the page of the tag."""
    return Browser(world).read(f"pages/targets/{world.target().id}")


def test_what_refers_to_an_image_is_counted_by_type_and_its_name_is_shown() -> None:
    world = travelling_world(ALL)
    attach(world, referrer(ONE), referrer(ONE, SBOM), referrer(ONE, SBOM, about=TWO))
    arrive(world)
    beside = shown(world)["companions"]
    assert (beside["ready"], beside["unique_tag"], beside["unique_tag_there"]) == (True, FIRST, True)
    assert beside["told"] == "1 of 2 SBOM (SPDX), 1 of 1 sigstore bundle"
    assert {one["type"]: (one["there"], one["arrived"], one["missing"]) for one in beside["referrers"]} == {
        "SBOM (SPDX)": (2, 1, 0),
        "sigstore bundle": (1, 1, 0),
    }
    assert [one["why"] for one in beside["refused"]] == ["foreign-subject"]
    assert FIRST in page(world)
    assert "1 of 1 sigstore bundle" in page(world)


def test_what_a_tag_waits_for_is_shown_with_its_reason() -> None:
    world = travelling_world(REQUIRED)
    world.hub.fail("referrers", *[Unavailable("it answered 502")] * 9)
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=2))
    target = shown(world)
    assert target["waits_for"] == "companions"
    assert "it answered 502" in target["waits_because"]
    assert "it answered 502" in target["companions"]["waits_because"]
    assert target["companions"]["told"].startswith("referrers unknown")
    assert "it answered 502" in page(world)


def test_what_is_locked_is_shown_and_what_others_locked_by_name() -> None:
    world = travelling_world(LOCKED)
    arrive(world)
    beside = shown(world)["companions"]
    assert {(one["of"], one["state"]) for one in beside["locks"]} == {(FIRST, "set"), (ONE, "set")}
    assert beside["locks"][0]["ours"] == ["delete", "write"]
    assert f"{FIRST} is locked" in beside["locks_told"]
    assert f"{FIRST} is locked" in page(world)
    world.base.locks[TARGET, TAG] = {Right.WRITE}
    arrive(world, TWO)
    assert shown(world)["waits_for"] == "locked"
    assert f"{TARGET}:{TAG} is locked, and not by this app" in page(world)


def test_where_nothing_travels_nothing_is_shown_or_read() -> None:
    world = travelling_world(OFF)
    arrive(world)
    assert "companions" not in shown(world)
    assert "Beside it" not in page(world)


def test_the_page_and_tidegate_show_list_the_same_names_and_which_are_not_there() -> None:
    world = travelling_world(ALL)
    arrive(world)
    stored = world.travelling.book.read(TARGET, ONE)
    assert stored is not None
    other = Unique(Tag("22-20260101.7"), Tag("22"), 1, world.clock())
    known = msgspec.structs.replace(stored.record, unique=(*stored.record.unique, other))
    world.companions.replace(stored, known)
    told = "\n".join(of_companions(shown(world)["companions"]))
    assert f"keeps the name {FIRST}, 22-20260101.7 (not there yet)" in told
    read = page(world)
    assert read.index(FIRST) < read.index("22-20260101.7") < read.index("(not there yet)")
