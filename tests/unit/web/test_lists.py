"""What is listed over HTTP: images, rebuilds and activity, in parts, and what is asked for wrongly is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.functions as func
import msgspec
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.consents import By, Waived
from shared.domain.promotion.said import Said
from shared.flows.overview import Overview
from shared.web.activity import list_activity
from shared.web.answers import answered
from shared.web.asked import Asked
from shared.web.images import get_image, list_images
from shared.web.rebuilds import list_rebuilds
from shared.web.retries import retry
from shared.web.waivers import listed_waivers
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, ONE, THREE, TWO, World

pytestmark = pytest.mark.unit

ADA = Caller(Kind.PERSON, "1", "ada", frozenset({Role.OPERATOR}))


@pytest.fixture
def world() -> World:
    """Everything in memory; the tag moved once, and the application was rebuilt."""
    world = World()
    for digest in (ONE, TWO):
        world.push(digest)
        world.check()
        world.settle()
        world.pass_time(timedelta(hours=1))
    return world


def request(params: dict[str, str] | None = None, body: object = None) -> func.HttpRequest:
    """Return a request."""
    content = b"" if body is None else json.dumps(body).encode()
    return func.HttpRequest("GET", "https://tidegate.example/api", params=params or {}, body=content)


def content(answer: func.HttpResponse, status: int = 200) -> Any:
    """Return an answer's body."""
    found = json.loads(answer.get_body())
    assert answer.status_code == status, found
    return found


def overview(world: World) -> Overview:
    """Tell how images stand."""
    return Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools)


def images(world: World, **params: str) -> func.HttpResponse:
    """List images."""
    in_force = world.watch_lists.in_force()
    return answered(lambda: list_images(request(params), watch_list=in_force, overview=overview(world)))


def test_images_are_listed_with_each_of_their_tags(world: World) -> None:
    (image,) = content(images(world))["images"]
    (tag,) = image["tags"]
    assert (image["name"], image["source"], image["target"]) == ("node", "docker.io/library/node", "base/node")
    assert (tag["tag"], tag["upstream"], tag["base"], tag["status"]) == ("22-alpine", TWO, TWO, "current")
    assert tag["checked_at"].endswith("Z")


def test_one_image_is_shown_and_another_is_not_found(world: World) -> None:
    in_force = world.watch_lists.in_force()
    found = answered(lambda: get_image("node", watch_list=in_force, overview=overview(world)))
    missing = answered(lambda: get_image("nodejs", watch_list=in_force, overview=overview(world)))
    assert content(found)["tags"][0]["status"] == "current"
    assert "no entry named 'nodejs'" in content(missing, 404)["detail"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1e2", "²", "9" * 5000])
def test_a_limit_that_is_none_is_refused(world: World, limit: str) -> None:
    assert "limit" in content(images(world, limit=limit), 400)["detail"]


def rebuilds(world: World, **params: str) -> func.HttpResponse:
    """List rebuilds."""
    return answered(lambda: list_rebuilds(request(params), world.rebuilds))


def test_rebuilds_are_listed_and_narrowed_by_task_and_status(world: World) -> None:
    (found,) = content(rebuilds(world))["rebuilds"]
    assert (found["task"], found["base"], found["status"]) == ("shop", "base/node:22-alpine", "succeeded")
    assert content(rebuilds(world, task="tidegateapps/shop", status="succeeded"))["rebuilds"] == [found]
    assert content(rebuilds(world, task="tidegateapps/other"))["rebuilds"] == []
    assert content(rebuilds(world, status="failed"))["rebuilds"] == []


def test_rebuilds_that_were_put_away_are_listed_by_their_task(world: World) -> None:
    world.pass_time(timedelta(days=40))
    world.sweep()
    assert content(rebuilds(world))["rebuilds"] == []
    assert len(content(rebuilds(world, task="tidegateapps/shop"))["rebuilds"]) == 1


@pytest.mark.parametrize(
    "params",
    [{"task": "shop"}, {"task": "a/b/c"}, {"task": "a/é"}, {"status": "done"}, {"after": "x"}, {"limit": "501"}],
    ids=str,
)
def test_a_list_of_rebuilds_that_there_cannot_be_is_refused(world: World, params: dict[str, str]) -> None:
    assert next(iter(params)) in content(rebuilds(world, **params), 400)["detail"]


def lines(world: World, **params: str) -> func.HttpResponse:
    """List activity."""
    return answered(lambda: list_activity(request(params), world.activity, world.clock))


def waivers(world: World, **params: str) -> func.HttpResponse:
    """Ask for waivers."""
    return answered(lambda: listed_waivers(request(params), world.targets, BASE))


def waived(world: World, many: int) -> None:
    """Let several findings of the tag be waived, one after the other, all but the first of them asked for alone."""
    at, ada, eve = world.clock(), By(Kind.PERSON, "1", "ada"), By(Kind.PERSON, "2", "eve")
    each = [
        Waived(ONE, f"CVE-{number}", "lib/å c++", "unused", "2099-12-31", ada, at + timedelta(minutes=number))
        for number in range(many)
    ]
    first = msgspec.structs.replace(each[0], granted=eve, granted_at=at + timedelta(hours=9))
    stored = world.targets.get(world.target().id)
    assert stored is not None
    world.targets.replace(stored, msgspec.structs.replace(stored.record, waived=(first, *each[1:])))


def test_waivers_are_listed_in_parts_what_was_said_last_first(world: World) -> None:
    waived(world, 5)
    after, found, links = "", [], []
    while True:
        answer = waivers(world, limit="2", **({"after": after} if after else {}))
        part = content(answer)
        found += [one["id"] for one in part["waivers"]]
        links.append("Link" in answer.headers)
        after = part.get("next", "")
        if not after:
            break
    assert found == ["CVE-0", "CVE-4", "CVE-3", "CVE-2", "CVE-1"]
    assert links == [True, True, False]


def test_the_link_of_a_part_of_waivers_leads_to_the_next_one(world: World) -> None:
    waived(world, 3)
    answer = waivers(world, limit="2")
    after = content(answer)["next"]
    assert answer.headers["Link"] == f'</api?limit=2&after={after}>; rel="next"'
    assert [one["id"] for one in content(waivers(world, limit="2", after=after))["waivers"]] == ["CVE-1"]


def test_findings_of_one_moment_are_listed_once_each_whatever_they_are_called(world: World) -> None:
    at, ada = world.clock(), By(Kind.PERSON, "1", "ada")
    each = tuple(Waived(ONE, f"CVE {number}/ü", "a b", "x", "2099-12-31", ada, at) for number in range(7))
    stored = world.targets.get(world.target().id)
    assert stored is not None
    world.targets.replace(stored, msgspec.structs.replace(stored.record, waived=each))
    after, found = "", []
    while True:
        part = content(waivers(world, limit="3", **({"after": after} if after else {})))
        found += [one["id"] for one in part["waivers"]]
        after = part.get("next", "")
        if not after:
            break
    assert sorted(found) == [f"CVE {number}/ü" for number in range(7)]


@pytest.mark.parametrize("params", [{"limit": "501"}, {"limit": "0"}, {"after": "nobody said this"}])
def test_a_part_of_waivers_that_there_cannot_be_is_refused(world: World, params: dict[str, str]) -> None:
    content(waivers(world, **params), 400)


def test_activity_is_listed_in_parts_and_by_subject(world: World) -> None:
    world.actor.roll_back(world.target().id, None, said(world))
    world.ruler.hold("node", said(world), listed=True)
    first = content(lines(world, limit="1"))
    rest = content(lines(world, limit="500", after=first["next"]))
    names = [line["name"] for line in (*first["activity"], *rest["activity"])]
    assert {"rolled-back", "held"} <= set(names)
    assert "next" not in rest
    subject = f"target:{world.target().id}"
    assert "rolled-back" in [line["name"] for line in content(lines(world, subject=subject))["activity"]]


@pytest.mark.parametrize("params", [{"subject": "a\nb"}, {"subject": "a" * 501}, {"subject": "a", "after": "x"}])
def test_activity_that_there_cannot_be_is_refused(world: World, params: dict[str, str]) -> None:
    content(lines(world, **params), 400)


def again(world: World, body: object) -> func.HttpResponse:
    """Ask for another try."""
    asked = Asked(request(body=body), {}, ADA)
    in_force = world.watch_lists.in_force()
    return answered(lambda: retry(asked, retrier=world.retrier, watch_list=in_force, clock=world.clock, traceparent=""))


def test_a_retry_is_answered_with_what_is_tried_again_and_recorded_in_the_callers_name(world: World) -> None:
    world.staging_runs.end(THREE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(THREE)
    world.check()
    world.settle()
    world.pass_time(timedelta(hours=1))
    name = world.target().id
    assert content(again(world, {"why": "mended", "image": "node"}), 202) == {"targets": [], "count": 0}
    found = content(again(world, {"why": "mended", "status": ["rejected"]}), 202)
    assert found == {"targets": [name], "count": 1}
    (line,) = world.activity.of("retry", 10)
    assert line.detail == "ada (person 1): mended (1 tags, rejected)"


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"why": "mended"}, 400, "say what is to be tried again"),
        ({"status": ["failed"]}, 400, "why"),
        ({"why": " ", "status": ["failed"]}, 400, "why"),
        ({"why": "x", "status": []}, 400, "status"),
        ({"why": "x", "status": ["promoted"]}, 400, "none of failed, rejected"),
        ({"why": "x", "image": "nodejs"}, 404, "no entry named"),
        ({"why": "x", "since": "2026-01-01T00:00:00"}, 400, "since"),
        ({"why": "x", "since": "0001-01-01T00:00:00+14:00"}, 400, "since"),
        ({"why": "x" * 5000, "image": "node"}, 413, "bytes"),
        ([], 400, "not an object"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_retry_that_cannot_be_made_says_why(world: World, body: object, status: int, detail: str) -> None:
    assert detail in content(again(world, body), status)["detail"]


def said(world: World) -> Said:
    """Somebody says something."""
    return Said("ada", "it is bad", world.clock())
