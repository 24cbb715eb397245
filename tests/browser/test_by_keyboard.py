"""A whole approval by the keyboard alone: from signing in to what is said in the end, with script and without."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from infra.local.host import sign_in
from shared.domain.links import Links
from shared.domain.promotion.consents import Answer
from tests.browser.chromium import act, why_not
from tests.browser.scene import lived, target
from tests.browser.serving import served_to_nobody_yet
from tests.doubles.paged import Browser

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")]

WHY = "it runs in test"


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, Browser]]:
    """A scene behind sign-in; sessions begin by the scene's clock."""
    scene, real = lived(), sign_in.time
    sign_in.time = SimpleNamespace(time=lambda: scene.world.clock().timestamp())  # type: ignore[assignment]
    try:
        with served_to_nobody_yet(scene, "ada:approver") as (base, browser):
            yield base, browser
    finally:
        sign_in.time = real


@pytest.mark.parametrize(
    ("mode", "start", "tag"),
    [("light", "now", "22-alpine"), ("bare", "now", "20-alpine")],
    ids=["with script", "without"],
)
def test_an_approval_is_found_read_and_given_by_keyboard(
    site: tuple[str, Browser], mode: str, start: str, tag: str
) -> None:
    base, browser = site
    links, named = Links(), target("node", tag)
    [wish] = [one for one in browser.pages.boards.now().wishes if one.target == named]
    told = act(base, mode, getattr(links, start)(), [links.candidate(wish.candidate)], "approve", WHY)
    assert [one["what"] for one in told["steps"] if not one["seen"]] == []
    assert (told["path"], told["hash"]) == (links.target(named), "#done")
    assert (told["done"]["id"], told["done"]["role"], told["done"]["seen"]) == ("done", "status", True)
    assert f"base/node:{tag}" in told["said"]
    assert "You approved it" in told["said"]
    assert told["next"]["text"] != "Skip to the page"
    stored = browser.parts.targets.get(named)
    [consent] = [one for one in stored.record.consents if one.digest == wish.digest]
    assert (consent.answer, consent.by.name, consent.why) == (Answer.AGREED, "ada", WHY)


@pytest.mark.parametrize(
    ("mode", "name", "of", "said"),
    [
        ("light", "reject", ("postgres", "16"), "You rejected it"),
        ("bare", "grant_waiver", ("redis", "8.0"), "You granted the waiver"),
    ],
    ids=["with script", "without"],
)
def test_the_page_of_approvals_leads_to_the_form_too(
    site: tuple[str, Browser], mode: str, name: str, of: tuple[str, str], said: str
) -> None:
    base, browser = site
    links, named = Links(), target(*of)
    told = act(base, mode, links.approvals(), [links.target(named)], name, WHY)
    assert [one["what"] for one in told["steps"] if not one["seen"]] == []
    assert (told["done"]["id"], told["done"]["seen"]) == ("done", True)
    assert said in told["said"]
    record = browser.parts.targets.get(named).record
    refused = [one.by.name for one in record.consents if one.answer is Answer.REFUSED]
    granted = [one.granted.name for one in record.waived if one.granted]
    assert (refused, granted) == ((["ada"], []) if name == "reject" else ([], ["ada"]))
