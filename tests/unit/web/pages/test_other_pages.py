"""The pages of exposure and waivers, dependants, activity and the system: what they show of what is recorded."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import pytest

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Role
from shared.domain.promotion.exposure import Exposure, Found, Standing, Watch
from shared.domain.scan.waivers import Waiver
from shared.ports import Event
from shared.web.pages.activity import MOST_SAVED, all_lines
from shared.web.pages.dependants import dependants_view
from shared.web.pages.exposure import ExposureView, Fix, exposure_view
from tests.doubles.paged import Browser, request_for
from tests.doubles.world import BASE, ONE, TWO, World, application_task
from tests.unit.web.pages.test_now import promoted
from tests.unit.web.pages.test_reading import rejected

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"


def exposed(world: World, *, exploited: bool = False) -> World:
    """Let the standing watch have found something in what is in use."""
    found = Found("CVE-2026-7", "zlib", "1.2", "1.3", "critical")
    exposure = Exposure(
        target=ID,
        image="node",
        digest=ONE,
        standing=Standing.EXPOSED,
        since=world.clock(),
        findings=(found,),
        count=1,
        exploited=(found,) if exploited else (),
    )
    world.watches.put(world.watches.get(), Watch(exposures=(exposure,)))
    return world


def view_of(world: World, query: str = "", *waivers: Waiver) -> ExposureView:
    """What the page of exposure shows."""
    board = Browser(world).pages.boards.now()
    return exposure_view(board, waivers, request_for(f"pages/exposure?{query}"))


def test_what_is_exposed_and_upstream_bears_nothing_else_has_no_fix() -> None:
    (row,) = view_of(exposed(promoted())).part.rows
    assert (row.place, row.fix) == ("base/node:22-alpine", Fix.NONE)


def test_a_fix_that_its_gate_rejected_is_blocked_and_one_under_way_is_waited_for() -> None:
    (row,) = view_of(exposed(rejected())).part.rows
    assert row.fix is Fix.BLOCKED
    world = exposed(promoted())
    world.push(TWO)
    world.check()
    for _ in range(2):
        world.step()
    (row,) = view_of(world).part.rows
    assert row.fix is Fix.WAITING


def test_exposure_is_filtered_and_what_is_exploited_is_counted_on_the_first_page() -> None:
    world = exposed(promoted(), exploited=True)
    assert len(view_of(world, "standing=exposed").part.rows) == 1
    assert view_of(world, "standing=clean").part.rows == ()
    assert view_of(world, "fix=waiting").part.rows == ()
    assert "1 exploited" in Browser(world).read()
    assert "known exploited" in Browser(world).read("pages/exposure")


def test_waivers_of_the_file_and_of_tags_are_listed_by_their_ends() -> None:
    world = promoted()
    soon = f"{world.clock() + timedelta(days=3):%Y-%m-%d}"
    later = Waiver("CVE-2", "b", "because", "Ada", "2099-01-01")
    first = Waiver("CVE-1", "a", "because", "Ada", soon)
    past = Waiver("CVE-0", "z", "because", "Ada", "2020-01-01")
    rows = view_of(world, "", later, first, past).waivers.rows
    assert [(one.id, one.state) for one in rows] == [
        ("CVE-0", "ended"),
        ("CVE-1", "ends soon"),
        ("CVE-2", "in force"),
    ]


def test_what_is_built_on_a_tag_is_told_task_by_task_with_what_is_not_built_on_it_yet() -> None:
    world = promoted()
    world.application_runs.application_tasks = (application_task(TWO),)
    world.pass_time(timedelta(hours=1))
    world.list_tasks()
    board = Browser(world).pages.boards.now()
    (base,) = dependants_view(board, (), request_for("pages/dependants")).part.rows
    (task,) = base.tasks
    assert (base.dependants.place, base.dependants.behind) == ("base/node:22-alpine", 1)
    assert (task.current, task.dependant.digest) == (False, TWO)
    for query, found in (("text=node", 1), ("text=nowhere", 0), ("behind=yes", 1)):
        part = dependants_view(board, (), request_for(f"pages/dependants?{query}")).part
        assert len(part.rows) == found
    assert "not built on it yet" in Browser(world).read("pages/dependants")


def test_the_latest_rebuild_of_a_task_stands_beside_it() -> None:
    world = promoted()
    world.list_tasks()
    world.push(TWO)
    world.check()
    world.settle()
    board = Browser(world).pages.boards.now()
    (base,) = dependants_view(board, world.rebuilt(), request_for("pages/dependants")).part.rows
    (latest,) = [one for one in world.rebuilt() if one.base_digest == TWO]
    assert base.tasks[0].rebuild == latest


def test_a_line_of_the_activity_leads_to_the_page_of_what_it_is_about() -> None:
    world = rejected()
    world.run_for(timedelta(hours=1))
    text = Browser(world).read("pages/activity")
    assert "/api/pages/candidates/docker.io~library~node~~node~" in text


def test_the_lines_of_one_subject_are_had_however_long_ago() -> None:
    world = World()
    world.activity.append(Event("target:a", "first", world.clock()))
    world.activity.append(Event("target:b", "second", world.clock()))
    text = Browser(world).read("pages/activity?subject=target:a")
    assert "first" in text
    assert "second" not in text
    assert Browser(world).ask("pages/activity?subject=a&after=b").status_code == 400


def test_a_saved_table_has_every_line_and_says_where_there_are_more() -> None:
    world = World()
    for number in range(1200):
        world.activity.append(Event("watch-list", f"n{number}", world.clock() + timedelta(seconds=number)))
    world.pass_time(timedelta(hours=1))
    rows = list(csv.reader(io.StringIO(Browser(world).ask("pages/activity.csv").get_body().decode())))
    assert rows[0] == ["at", "name", "subject", "detail"]
    assert [row[1] for row in rows[1:]] == [f"n{number}" for number in reversed(range(1200))]

    class Endless:
        """Always has more."""

        def recent(self, _: object, limit: int, after: str = "") -> tuple[tuple[Event, ...], str]:
            """See ``Activity.recent``."""
            return tuple(Event("x", f"{after}{one}", world.clock()) for one in range(limit)), "on"

    found = all_lines(request_for("pages/activity.csv"), Endless(), world.clock)  # type: ignore[arg-type]
    assert len(found) == MOST_SAVED + 1
    assert "after=on" in found[-1].detail


def test_the_system_shows_keys_by_name_and_role_and_nothing_that_opens_anything() -> None:
    browser = Browser(promoted())
    key = ApiKey("0123456789ab", "deploy", Role.OPERATOR, "f" * 64, browser.parts.clock())
    browser.parts.api_keys = SimpleNamespace(every=lambda: (SimpleNamespace(key=key),))
    text = browser.read("pages/system")
    assert "deploy" in text
    assert "0123456789ab" in text
    assert "f" * 64 not in text


def test_the_system_says_why_the_stored_list_is_not_in_force() -> None:
    world = promoted()
    world.configuration.text = b"images: [{name: 1}]"
    text = Browser(world).read("pages/system")
    assert "The stored list is not in force" in text
    assert "the watch list is not valid" in text


def test_what_died_in_a_queue_is_shown() -> None:
    world = promoted()
    world.activity.append(Event("queue:imports", "message-poisoned", world.clock(), "kept as a.txt"))
    assert "kept as a.txt" in Browser(world).read("pages/system")
