"""The pages in a real browser: readable by any means, without script, and none of a stranger's words is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from tests.browser.chromium import look, why_not
from tests.browser.pages import paths
from tests.browser.scene import BOB, Scene, lived
from tests.browser.serving import served
from tests.unit.web.pages.test_hostile import TEXT, hostile_world
from tests.unit.web.pages.test_hostile import paths as hostile_paths

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")]

_FOREIGN = b"<p style=color:#eee>pale</p><script>alert(1)</script></main>"
# Of a page that failed, a new one each time.
_REQUEST = re.compile("[0-9a-f]{32}")
# What another scheme of colours can change; the rest is the same document.
_OF_COLOURS = ["color-contrast", "link-in-text-block"]
MODES = ("light", "dark", "narrow", "forced")


@pytest.fixture(scope="module")
def found() -> Iterator[dict[tuple[str, str], Any]]:
    """What was found on each kind of page in each mode, and without script."""
    with served(lived(), BOB) as (base, browser):
        pages = paths(browser)
        told = look(base, pages, ["light", "narrow"], axe=True, keyboard=True)
        told += look(base, pages, ["dark", "forced"], axe=True, rules=_OF_COLOURS)
        told += look(base, pages, ["bare"])
    yield {(one["path"], one["mode"]): one for one in told}


def of(found: dict[tuple[str, str], Any], mode: str) -> list[Any]:
    """What was found in one mode; there has to be something."""
    rows = [one for (_, at), one in found.items() if at == mode]
    assert len(rows) == 17
    return rows


@pytest.mark.parametrize("mode", MODES)
def test_nothing_serious_stands_in_the_way_of_who_reads_by_other_means(
    found: dict[tuple[str, str], Any], mode: str
) -> None:
    assert {one["path"]: one["serious"] for one in of(found, mode) if one["serious"]} == {}


@pytest.mark.parametrize("mode", MODES)
def test_no_page_is_wider_than_its_window(found: dict[tuple[str, str], Any], mode: str) -> None:
    assert {one["path"]: one["overflow"] for one in of(found, mode) if one["overflow"] > 0} == {}


def test_everything_can_be_read_without_script(found: dict[tuple[str, str], Any]) -> None:
    for one in of(found, "bare"):
        with_script = found[one["path"], "light"]
        words = with_script["words"].split()
        missing = [word for word in one["words"].split() if word not in words and not _REQUEST.match(word)]
        assert one["status"] == with_script["status"]
        assert len(one["words"]) > 100
        assert missing == []


def test_a_page_is_one_request_beside_style_and_script(found: dict[tuple[str, str], Any]) -> None:
    for one in of(found, "light"):
        names = [url.split("?")[0].rsplit("/", 1)[-1] for url in one["requests"]]
        assert sorted(names[1:]) == ["script.js", "style.css"]


def test_the_key_tab_comes_to_everything_and_it_can_be_seen_where_it_is(found: dict[tuple[str, str], Any]) -> None:
    for one in of(found, "light"):
        keyboard = one["keyboard"]
        assert keyboard["reached"] == keyboard["all"] > 8, one["path"]
        assert (keyboard["unseen"], keyboard["first"]) == (0, "Skip to the page"), one["path"]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_that_pages_are_made_of_is_refused_by_their_own_policy(
    found: dict[tuple[str, str], Any], mode: str
) -> None:
    for one in of(found, mode):
        own = [error for error in one["errors"] if "404" not in error]
        assert (one["refused"], own) == ([], [])


def test_no_script_of_a_stranger_runs_and_the_policy_has_nothing_to_refuse() -> None:
    scene = Scene()
    scene.world = hostile_world()
    reader = Caller(Kind.PERSON, TEXT, TEXT, frozenset({Role.APPROVER}))
    with served(scene, reader) as (base, browser):
        pages = [f"/api/{path}" for path in hostile_paths(browser)]
        told = look(base, pages, ["light", "bare"])
    assert len(told) == 32
    assert sum(one["ran"] for one in told) == 0
    assert [one["refused"] for one in told if one["refused"]] == []
    assert all("onerror=alert(1)" in one["words"] for one in told)


def test_what_looks_for_scripts_and_refusals_finds_them() -> None:
    """A page that is made to hold a stranger's script is told of, or the tests above could not fail."""
    scene = Scene()
    with served(scene, BOB) as (base, browser):
        front, serve = browser.front, browser.front.serve

        def unsafe(request: Any) -> Any:
            answer = serve(request)
            body = answer.get_body().replace(b"</main>", _FOREIGN)
            return func.HttpResponse(body, mimetype=answer.mimetype, headers=dict(answer.headers))

        front.serve = unsafe  # type: ignore[method-assign]
        (told,) = look(base, ["/api/pages"], ["light"], axe=True)
    assert told["ran"] == 0
    assert any("script" in one for one in told["refused"])
    assert any("style" in one for one in told["refused"])
