"""Who would be rebuilt is told with order, owner and how it stood; what leaves, with what to write instead."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.missing import new_rebuild
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, RebuildStatus
from shared.domain.promotion.task_runs import Pushed, TaskRun, TaskRuns
from shared.domain.references import Tag
from shared.domain.waves.builders import Apart, HowKnown
from shared.errors import Unavailable
from shared.flows.built_outside import OutsideTeller
from shared.flows.impact import ImpactTeller
from shared.rules.claims import Claims
from shared.rules.impacts import Impacts
from shared.rules.instead import Instead
from shared.web.answers import answered
from shared.web.candidates import get_candidate
from shared.web.impact import builds, dockerfile, impact
from tests.bench.impact import cold_minute, ground
from tests.doubles.paged import Browser
from tests.doubles.referrers import CONTENTS
from tests.doubles.world import BASE, BASE_SERVER, ONE, TAG, TARGET, THREE, TWO, Died, World, application_task

pytestmark = pytest.mark.unit

APPS = "tidegateapps.azurecr.io"
LIST = b"""
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine, {tag: 20-alpine, as: lts}]
    target: base/node
    gate: node
    rebuilds:
      - github:contoso/shop/.github/workflows/image.yml@main
      - {target: "acr:tidegateapps/shop", owner: payments}
      - {target: "event:old", tags: [lts]}
"""


def host(registry: str) -> str:
    return f"{registry}.azurecr.io"


def impacts(world: World) -> ImpactTeller:
    """Return what tells of a world."""
    parts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force)
    return ImpactTeller(Impacts(*parts, BASE, BASE_SERVER, host))


def outside(world: World) -> OutsideTeller:
    """Return what tells of a world's builds."""
    hosts = [BASE_SERVER, "tidegatestaging.azurecr.io", APPS]
    instead = Instead(world.targets, world.watch_lists.in_force, BASE, BASE_SERVER, hosts)
    return OutsideTeller(world.kept_listings, instead)


def request(body: bytes = b"", **params: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "https://tidegate.example/api/x", params=params, body=body)


def answer(serve: Callable[[], func.HttpResponse], status: int = 200) -> dict[str, Any]:
    """Return what is answered, which has a status."""
    told = answered(serve)
    assert told.status_code == status, told.get_body()
    found: dict[str, Any] = json.loads(told.get_body())
    return found


def told(world: World, name: str = "node", status: int = 200, **params: str) -> dict[str, Any]:
    """Return what is told of an entry."""
    teller, lists = impacts(world), world.watch_lists.in_force()
    return answer(lambda: impact(name, request(**params), teller, lists), status)


def middle(name: str, *bases: Dependency, pushes: str = "", status: RunStatus | None = None) -> ApplicationTask:
    """Return a task of the application registry, with what its last run said."""
    run = TaskRun(f"run-{name}", status) if status else None
    pushed = (Pushed(APPS, pushes, "1", ONE),) if pushes else ()
    return ApplicationTask("tidegateapps", name, f"/tasks/{name}", True, False, bases, runs=TaskRuns(run, pushed))


def known(world: World, *tasks: ApplicationTask) -> World:
    """Let the tasks of a world be listed, with their runs."""
    world.application_runs.application_tasks = tuple(msgspec.structs.replace(one, runs=None) for one in tasks)
    world.application_runs.task_runs = {one.name: one.runs for one in tasks if one.runs is not None}
    told(world)
    world.settle()
    return world


def promoted(watch_list: bytes = LIST) -> World:
    """Return a world whose tag was promoted."""
    world = World(watch_list)
    world.push(ONE)
    world.check()
    world.settle()
    return world


ON_BASE, ON_RUNTIME = Dependency(BASE_SERVER, TARGET, TAG, ONE), Dependency(APPS, "runtime", "1", ONE)


def test_a_chain_is_told_in_order_with_how_each_stood_and_whose_it_is() -> None:
    world = known(
        promoted(),
        middle("shop", ON_RUNTIME, status=RunStatus.FAILED),
        middle("runtime", ON_BASE, pushes="runtime", status=RunStatus.SUCCEEDED),
    )
    found = told(world, tag="22-alpine")
    assert [(one["id"], one["level"], one["before"], one["owner"]) for one in found["dependants"]] == [
        ("acr:tidegateapps/runtime", 0, "good", None),
        ("github:contoso/shop/.github/workflows/image.yml@main", 0, "unknown", None),
        ("acr:tidegateapps/shop", 1, "failing", "payments"),
    ]
    assert found["dependants"][2]["after"] == ["acr:tidegateapps/runtime"]
    assert (found["rebuilt"], found["apart"], found["failing"], found["owners"]) == (3, 0, 1, ["payments"])
    assert (found["whole"], found["cycles"], found["problems"]) == (True, [], [])
    assert found["tags"] == [{"place": "base/node:22-alpine", "target": world.target().id, "digest": ONE}]


def test_all_tags_of_an_entry_are_told_of_unless_one_is_asked_for() -> None:
    world = known(promoted(), middle("shop", ON_BASE))
    assert [one["place"] for one in told(world)["tags"]] == ["base/node:22-alpine", "base/node:lts"]
    assert "event:old" in [one["id"] for one in told(world)["dependants"]]
    assert "event:old" not in [one["id"] for one in told(world, tag="22-alpine")["dependants"]]
    assert [one["id"] for one in told(world, tag="lts")["dependants"]][-1].startswith("github:")


def test_what_is_not_known_yet_is_never_told_as_nothing() -> None:
    world = World(LIST)
    found = told(world)
    assert found["whole"] is False
    assert [(one["registry"], one["listed_at"]) for one in found["registries"]] == [("tidegateapps", None)]
    world.settle()
    assert told(world)["whole"] is True


def test_a_listing_that_cannot_be_read_is_told_and_hides_no_other() -> None:
    world = known(promoted(), middle("shop", ON_BASE))
    world.listings.fail("tasks", Unavailable("503"))
    found = told(world)
    assert found["whole"] is False
    assert found["problems"] == ["tidegateapps: 503"]
    assert {one["before"] for one in found["dependants"]} == {"unknown"}
    assert len(found["dependants"]) == 3


def test_asking_often_lists_once_a_minute_at_most_and_reads_runs_more_rarely() -> None:
    world = known(promoted(), middle("shop", ON_BASE))
    world.application_runs.asked.clear()
    for _ in range(60):
        told(world)
        world.settle()
        world.pass_time(timedelta(seconds=20))
    assert 10 <= world.application_runs.asked["tasks"] <= 20
    assert world.application_runs.asked["latest_runs"] == 1


def test_a_search_for_dependants_reads_no_runs() -> None:
    world = promoted()
    assert world.application_runs.asked["latest_runs"] == 0
    world.push(TWO)
    world.check()
    world.settle()
    assert [one.status for one in world.rebuilt() if one.base_digest == TWO] == [RebuildStatus.SUCCEEDED]
    assert world.application_runs.asked["latest_runs"] == 0


def test_runs_that_cannot_be_read_keep_no_task_from_being_listed() -> None:
    world = promoted()
    world.application_runs.fail("latest_runs", Unavailable("503"))
    found = told(known(world, middle("shop", ON_BASE)))
    assert "acr:tidegateapps/shop" in [one["id"] for one in found["dependants"]]
    assert found["whole"] is False
    assert world.listings.get("tidegateapps").listing.runs_at is None


@pytest.mark.parametrize("at", range(1, 16))
def test_whoever_dies_while_tasks_and_runs_are_read_leaves_it_to_the_next_who_asks(at: int) -> None:
    world = promoted()
    moments = itertools.count(1)

    def die(moment: str) -> None:
        if moment.startswith(("listings", "outbox", "application_runs")) and next(moments) == at:
            world.hook = None
            raise Died

    world.hook = die
    with contextlib.suppress(Died):
        known(world, middle("runtime", ON_BASE, pushes="runtime"), middle("shop", ON_RUNTIME))
    for _ in range(4):
        with contextlib.suppress(Died):
            told(world)
            world.settle()
        world.pass_time(timedelta(minutes=5))
    found = told(world, tag="22-alpine")
    assert found["whole"] is True
    assert [one["level"] for one in found["dependants"]] == [0, 0, 1]


TWO_ENTRIES = b"""
images:
  - {name: node, source: node, tags: [22-alpine], target: base/node, gate: node, rebuilds: ["github:new"]}
  - {name: old, source: node, tags: ["20"], target: base/node, gate: node, rebuilds: ["github:old"]}
"""


def test_what_is_built_on_another_entry_of_the_same_repository_is_not_hit() -> None:
    world = promoted(TWO_ENTRIES)
    assert [one["id"] for one in told(world)["dependants"] if "github" in one["id"]] == ["github:new"]
    shown = impacts(world).of_candidate(on_its_way(world))
    assert shown is not None
    assert [one.id for one in shown.dependants if "github" in one.id] == ["github:new"]


def test_a_task_that_the_app_may_not_run_is_told_apart() -> None:
    world = known(promoted(), middle("shop", ON_BASE))
    made = new_rebuild(application_task(ONE), TARGET, TAG, ONE, None, world.clock())
    world.rebuilds.insert(msgspec.structs.replace(made, status=RebuildStatus.BY_NOBODY))
    (shop,) = [one for one in told(world)["dependants"] if one["id"].endswith("/shop")]
    assert shop["apart"] == "may-not-run"


@pytest.mark.parametrize(("name", "params"), [("other", {}), ("node", {"tag": "18"})])
def test_what_is_not_there_is_not_found(name: str, params: dict[str, str]) -> None:
    assert "is known" in (found := told(promoted(), name, 404, **params)["detail"]) or "no entry" in found


def test_a_tag_that_is_none_is_refused() -> None:
    assert "is not a tag" in told(promoted(), status=400, tag="a:b")["detail"]


def on_its_way(world: World) -> Candidate:
    """Return a candidate that was just detected."""
    world.push(TWO)
    world.check()
    while not (found := [one.record for one in world.candidates.current() if one.record.digest == TWO]):
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    return found[0]


def test_a_candidate_on_its_way_says_who_would_be_rebuilt_and_one_that_is_decided_does_not() -> None:
    world = known(promoted(), middle("shop", ON_BASE))
    one = on_its_way(world)
    shown = answer(lambda: get_candidate(one.id, world.candidates, impacts(world).of_candidate))
    assert "acr:tidegateapps/shop" in [each["id"] for each in shown["impact"]["dependants"]]
    world.settle()
    shown = answer(lambda: get_candidate(one.id, world.candidates, impacts(world).of_candidate))
    assert (shown["status"], shown.get("impact")) == ("promoted", None)


def test_a_task_that_reports_no_base_is_told_by_what_its_image_claims_and_is_in_no_wave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = promoted()
    said = {"org.opencontainers.image.base.name": f"{BASE_SERVER}/base/node:22-alpine"}
    monkeypatch.setitem(CONTENTS, THREE, json.dumps({"annotations": said}).encode())
    world.base.push("apps/buildx", Tag("1"), THREE)
    runs = TaskRuns(None, (Pushed(BASE_SERVER, "apps/buildx", "1", THREE),))
    known(world, msgspec.structs.replace(middle("buildx"), runs=runs))
    parts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force)
    teller = ImpactTeller(Impacts(*parts, BASE, BASE_SERVER, host, Claims(world.base, BASE_SERVER)))
    (found,) = [one for one in teller.of_entry(world.watch_lists.in_force(), "node").dependants if "buildx" in one.id]
    assert (found.id, found.apart, found.on[0].known) == ("acr:tidegateapps/buildx", Apart.CLAIM, HowKnown.CLAIMED)


def test_whom_nobody_can_ask_is_told_apart_and_not_as_rebuilt() -> None:
    world = known(promoted(), middle("other", ON_BASE))
    parts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force)
    teller = ImpactTeller(Impacts(*parts, BASE, BASE_SERVER, host, asks=lambda name: name == "event"))
    found = teller.of_entry(world.watch_lists.in_force(), "node")
    assert {one.id: one.apart for one in found.dependants} == {
        "acr:tidegateapps/other": None,
        "acr:tidegateapps/shop": Apart.NOT_ASKED,
        "event:old": None,
        "github:contoso/shop/.github/workflows/image.yml@main": Apart.NOT_ASKED,
    }
    assert (found.rebuilt, found.apart) == (2, 2)


def test_a_task_of_a_registry_that_was_never_listed_may_be_there() -> None:
    found = {one["id"]: one["apart"] for one in told(promoted())["dependants"]}
    assert found["acr:tidegateapps/shop"] is None


def test_the_page_of_a_candidate_on_its_way_names_the_first_and_leads_to_all() -> None:
    tasks = [middle(f"app{number}", ON_BASE) for number in range(7)]
    world = known(promoted(), *tasks)
    one = on_its_way(world)
    page = Browser(world).read(f"pages/candidates/{one.id}")
    assert "If it is promoted: 8 rebuilt, 1 apart" in page
    assert [f"acr:tidegateapps/app{number}" in page for number in (0, 4, 5)] == [True, True, False]
    assert 'and 4 more; <a href="/api/pages/images/node/impact">' in page
    world.settle()
    assert "Who would be rebuilt" not in Browser(world).read(f"pages/candidates/{one.id}")


def test_a_candidate_is_shown_though_nobody_can_tell_who_would_be_rebuilt() -> None:
    world = promoted()
    one = on_its_way(world)
    world.targets.fail("of_repository", Unavailable("503"))
    shown = answer(lambda: get_candidate(one.id, world.candidates, impacts(world).of_candidate))
    assert (shown["id"], shown.get("impact")) == (one.id, None)


HUB = "registry.hub.docker.com"


def listed_builds(world: World, **params: str) -> dict[str, Any]:
    teller = outside(world)
    return answer(lambda: builds(request(**params), teller))


def test_tasks_that_are_built_on_images_from_outside_are_told_with_what_to_write_instead() -> None:
    world = known(
        promoted(),
        middle("good", ON_BASE, ON_RUNTIME),
        middle("hub", Dependency(HUB, "library/node", "22-alpine", TWO), ON_BASE),
        middle("lts", Dependency(HUB, "library/node", "20-alpine", TWO)),
        middle("old", Dependency(HUB, "library/node", "18", TWO)),
        middle("quay", Dependency("quay.io", "team/app", "1", TWO)),
        middle("partner", Dependency("partner.azurecr.io", "app", "1", TWO)),
    )
    found = listed_builds(world)
    assert (found["tasks"], found["outside"]) == (6, 5)
    said = {one["id"].rpartition("/")[2]: one["takes"][0] for one in found["builds"]}
    assert {name: (one["origin"], one["advice"], one["instead"]) for name, one in said.items()} == {
        "hub": ("public", "write", f"{BASE_SERVER}/base/node:22-alpine"),
        "lts": ("public", "wait", ""),
        "old": ("public", "watch-tag", ""),
        "quay": ("public", "watch", ""),
        "partner": ("not-known", "watch", ""),
    }
    assert said["old"]["others"] == [f"{BASE_SERVER}/base/node:22-alpine"]


def test_builds_are_told_in_parts() -> None:
    from_quay = [middle(f"t{n}", Dependency("quay.io", "a/b", "1", TWO)) for n in range(5)]
    world = known(promoted(), *from_quay)
    first = listed_builds(world, limit="3")
    second = listed_builds(world, limit="3", after=first["next"])
    assert [one["id"][-2:] for one in (*first["builds"], *second["builds"])] == ["t0", "t1", "t2", "t3", "t4"]
    assert "next" not in second


def judged(text: str, world: World | None = None, status: int = 200) -> dict[str, Any]:
    teller = outside(world or promoted())
    return answer(lambda: dockerfile(request(text.encode()), teller), status)


def test_a_dockerfile_is_told_line_by_line_which_leave_and_what_to_write_instead() -> None:
    found = judged(
        f"ARG TAG=22-alpine\nARG NONE\nFROM node:${{TAG}} AS build\nFROM {BASE_SERVER}/base/node:22-alpine\n"
        f"FROM scratch\nCOPY --from=build /a /a\nFROM quay.io/a/b\nFROM node:$NONE\nFROM node:22-alpine@{ONE}\n"
        f"FROM node:22-alpine@{TWO}\nFROM node:\n"
    )
    lines = [(one["line"], one["leaves"], one["takes"]["advice"], one["takes"]["instead"]) for one in found["images"]]
    assert lines == [
        (3, True, "write", f"{BASE_SERVER}/base/node:22-alpine"),
        (4, False, "nothing", ""),
        (7, True, "watch", ""),
        (8, False, "say", ""),
        (9, True, "write", f"{BASE_SERVER}/base/node:22-alpine@{ONE}"),
        (10, True, "write", f"{BASE_SERVER}/base/node:22-alpine"),
        (11, False, "say", ""),
    ]
    assert (found["leaving"], found["unclear"]) == (4, 2)
    assert found["images"][0]["arguments"] == ["TAG"]


def test_nobody_outside_is_asked_for_a_dockerfile() -> None:
    world = promoted()
    before = dict(world.application_runs.asked), len(world.outbox.sent)
    judged("FROM node:22-alpine\nFROM quay.io/a/b\n", world)
    assert (dict(world.application_runs.asked), len(world.outbox.sent)) == before


def test_a_dockerfile_that_no_builder_could_read_is_refused_with_the_place() -> None:
    assert judged("RUN make\n", status=422)["detail"].startswith("the Dockerfile cannot be read: no FROM")
    assert "at most 262144" in judged("#" * 262145, status=413)["detail"]


def test_a_thousand_tasks_of_three_registries_cost_sixty_requests_at_most_before_all_is_told() -> None:
    world = ground()
    asked, found = cold_minute(world)
    assert (found.whole, len(found.dependants), found.rebuilt) == (True, 1000, 1000)
    assert [one.level for one in found.dependants] == [0] * 100 + [1] * 900
    assert 3 <= asked <= 60
