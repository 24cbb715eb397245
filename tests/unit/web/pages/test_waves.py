"""The pages of waves: what is under way, one with members, results and logs, and what people say of it by a form."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import azure.functions as func
import msgspec
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.promotion.said import Said
from shared.domain.waves.states import MemberState, WaveState
from shared.errors import Unavailable
from shared.web.pages.words import Tone, word
from tests.doubles.filled_forms import FROM_OURS, forms_of
from tests.doubles.paged import READER, Browser
from tests.doubles.world import BASE, ONE, TWO
from tests.unit.flows.waving import CANARY, SHOP, Waving, built_elsewhere

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
ID = f"{BASE}~base~node~22-alpine~2"
PAGE = f"pages/waves/{ID}"


@pytest.fixture
def world() -> Waving:
    """A world whose canary failed, so that its wave waits for people."""
    made = Waving()
    made.fails(CANARY)
    made.promote(TWO, HOUR)
    return made


@pytest.fixture
def browser(world: Waving) -> Browser:
    """An operator who signed in."""
    return Browser(world, Caller(Kind.PERSON, "ada@33-44", "ada", frozenset({Role.OPERATOR}), world.clock()))


def form(browser: Browser, word: str) -> dict[str, str]:
    """The fields of one form, which there has to be."""
    return next(fields for _, fields in forms_of(browser.read(PAGE)) if fields.get("word") == word)


def send(browser: Browser, fields: dict[str, str], wave: str = ID, **headers: str) -> func.HttpResponse:
    """Send a form as a browser does."""
    return browser.ask(f"pages/waves/{wave}", "POST", {**FROM_OURS, **headers}, urlencode(fields).encode())


def test_the_page_of_all_shows_what_waits_and_why(browser: Browser) -> None:
    page = browser.read("pages/waves")
    assert f'href="/api/pages/waves/{ID}"' in page
    assert "a canary failed on it" in page
    assert "2 waiting, 1 failed" in page
    assert re.search("canary-failed until <time", page)


def test_the_list_is_narrowed_by_state_and_by_text(browser: Browser) -> None:
    for query in ("state=held", "text=node", "text=tidegateapps/shop"):
        assert ID in browser.read(f"pages/waves?{query}")
    for query in ("state=done", "text=nothing"):
        assert ID not in browser.read(f"pages/waves?{query}")
    assert browser.ask("pages/waves?state=nonsense").status_code == 400


def test_what_ended_long_ago_is_on_the_list_no_more(browser: Browser, world: Waving) -> None:
    send(browser, {**form(browser, "cancel"), "why": "not today"})
    world.run_for(HOUR)
    assert ID in browser.read("pages/waves")
    world.pass_time(timedelta(days=20))
    assert ID not in browser.read("pages/waves")
    assert "cancelled" in browser.read(PAGE)


def test_a_page_without_waves_says_how_there_would_be_some() -> None:
    assert "asks for that by rebuild" in Browser(Waving(tasks=())).read("pages/waves")


def test_the_page_of_one_shows_its_members_their_results_and_the_logs_that_are_kept(
    browser: Browser, world: Waving
) -> None:
    page = browser.read(PAGE)
    assert "It waits for a person" in page
    assert "failed, ended by the build, run" in page
    assert "by tag-before-and-after" in page
    logs = re.findall(r'href="/api/rebuilds/([^/"]+)/evidence/([^"]+)"', page)
    assert [world.evidence.read(*log) for log in logs] == [b"canary broke", b"canary broke"]
    assert f'href="/api/pages/targets/{BASE}~base~node~22-alpine"' in page


def test_the_page_of_one_leads_to_the_runs_of_whoever_builds_elsewhere_and_has_no_log_of_them(
    browser: Browser, world: Waving
) -> None:
    built_elsewhere(world, "https://builds.example/101?a=1&b=2")
    page = browser.read(PAGE)
    assert page.count('<a href="https://builds.example/101?a=1&amp;b=2" rel="noreferrer">run ') == 2
    assert "/evidence/" not in page


def test_a_wave_that_is_not_there_has_a_page_that_says_so(browser: Browser) -> None:
    answer = browser.ask(PAGE.replace("~2", "~9"))
    assert answer.status_code == 404
    assert "there is no wave" in answer.get_body().decode()


@pytest.mark.parametrize(
    ("word", "state", "told"),
    [
        ("continue", WaveState.DONE_WITH_FAILURES, "You had the others rebuilt"),
        ("restore", WaveState.RESTORED, "You took the tag back"),
        ("cancel", WaveState.CANCELLED, "You cancelled the wave"),
    ],
)
def test_a_form_says_a_word_once_and_leads_to_the_page_that_says_it(
    browser: Browser, world: Waving, word: str, state: WaveState, told: str
) -> None:
    fields = {**form(browser, word), "why": "as the runbook says"}
    answer = send(browser, fields)
    assert answer.status_code == 303
    led = answer.headers["Location"].removeprefix("/api/").partition("#")[0]
    page = browser.read(led)
    assert told in page
    assert "as the runbook says" in page
    assert send(browser, fields).status_code == 303
    assert len(world.activity.of(f"wave:{ID}", 10)) == 1
    world.run_for(HOUR)
    assert world.state()[0] is state


def test_each_form_says_what_it_comes_to(browser: Browser) -> None:
    page = browser.read(PAGE)
    assert f"2 others are rebuilt on {TWO}, at most 10 at once" in page
    assert f"base/node:22-alpine becomes {ONE}, and {TWO} is not taken for it by itself any more" in page
    assert "2 others are not rebuilt and keep what they are built on" in page


def test_what_cannot_be_said_now_has_no_form_and_says_why(browser: Browser, world: Waving) -> None:
    world.ruler.block(ONE, Said("bob", "it is bad", world.clock()))
    page = browser.read(PAGE)
    assert "base/node:22-alpine cannot go back: the digest before is blocked" in page
    assert {fields["word"] for _, fields in forms_of(page)} == {"continue", "cancel"}


def test_after_the_first_word_the_others_name_whose_it_was(browser: Browser) -> None:
    send(browser, {**form(browser, "cancel"), "why": "not today"})
    page = browser.read(PAGE)
    assert re.search("ada[^<>]* said so already", page)
    assert "the first word counts" in page
    assert [fields for _, fields in forms_of(page) if "word" in fields] == []


def test_a_form_that_is_too_late_is_refused_as_the_api_refuses_it(browser: Browser, world: Waving) -> None:
    late = {**form(browser, "restore"), "why": "it broke the shop"}
    send(browser, {**form(browser, "cancel"), "why": "not today"})
    answer = send(browser, late)
    assert answer.status_code == 409
    assert "not today" in answer.get_body().decode()
    assert world.wave().spoken is not None
    assert world.wave().spoken.word.value == "cancel"  # type: ignore[union-attr]


def test_who_may_not_act_is_shown_no_form_and_no_form_of_others_is_taken(browser: Browser, world: Waving) -> None:
    fields = {**form(browser, "cancel"), "why": "not today"}
    browser.caller = READER
    assert "Nothing can be said of it by you" in browser.read(PAGE)
    assert send(browser, fields).status_code == 403
    browser.caller = Caller(Kind.PERSON, "bob@33-44", "bob", frozenset({Role.OPERATOR}), world.clock())
    assert send(browser, fields).status_code == 403
    assert world.wave().spoken is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"word": "restore"}, 403),
        ({"number": "3"}, 403),
        ({"number": "x"}, 400),
        ({"word": "nonsense"}, 400),
        ({"token": ""}, 403),
        ({"more": "x"}, 400),
        ({"why": " "}, 400),
    ],
)
def test_a_form_that_says_something_else_is_refused(
    browser: Browser, world: Waving, change: dict[str, str], status: int
) -> None:
    assert send(browser, {**form(browser, "cancel"), "why": "not today", **change}).status_code == status
    assert world.wave().spoken is None


def test_a_form_of_another_page_or_wave_is_refused(browser: Browser, world: Waving) -> None:
    fields = {**form(browser, "cancel"), "why": "not today"}
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert send(browser, fields, **elsewhere).status_code == 403
    assert send(browser, fields, ID.replace("~2", "~1")).status_code == 403
    assert world.wave().spoken is None


def test_that_no_form_can_be_made_hides_nothing_else(browser: Browser) -> None:
    def away(*_: object) -> str:
        raise Unavailable("the storage account does not answer")

    browser.pages._acts.tokens.make = away  # type: ignore[method-assign]
    page = browser.read(PAGE)
    assert "It waits for a person" in page
    assert [fields for _, fields in forms_of(page) if "word" in fields] == []


def test_the_page_of_an_entrys_dependants_says_who_would_be_rebuilt(browser: Browser) -> None:
    page = browser.read("pages/images/node/impact")
    assert f"acr:tidegateapps/{SHOP}" in page
    assert 'data-name="Built on"' in page
    assert f"acr:tidegateapps/{SHOP}" not in browser.read("pages/images/node/impact?text=canary")
    assert browser.ask("pages/images/other/impact").status_code == 404
    assert 'href="/api/pages/images/node/impact"' in browser.read("pages/images/node")


def test_every_state_has_a_tone_and_only_what_is_under_way_is_busy() -> None:
    busy = {one.value for one in (*WaveState, *MemberState) if word(one).tone is Tone.BUSY}
    assert busy == {"planned", "canaries", "rolling", "restoring", "claimed", "asked", "running"}


def test_the_page_of_one_says_what_is_to_be_known_of_how_it_was_planned(browser: Browser, world: Waving) -> None:
    stored = world.waves.get(ID)
    assert stored is not None
    world.waves.replace(stored, msgspec.structs.replace(stored.record, remarks=("a -> b -> a",)))
    assert "a -&gt; b -&gt; a" in browser.read(PAGE)
