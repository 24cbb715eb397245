"""The system page tells how destinations of notices fare, and who acts tries one there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.promotion.said import Said
from shared.errors import Unavailable
from tests.doubles.filled_forms import FROM_OURS, forms_of
from tests.doubles.paged import APPROVER, READER, Browser
from tests.doubles.world import World

pytestmark = pytest.mark.unit

PAGE = "pages/system"
FORM = "pages/destinations/team-chat"


@pytest.fixture
def world() -> World:
    """A world with two destinations."""
    return World(destinations=("team-chat", "mail"))


def sent(world: World) -> int:
    """How many messages any destination was sent."""
    return sum(len(world.senders.of(name).got) for name in world.senders.names)


def form(browser: Browser) -> str:
    """The body of the form that tries team-chat, which there has to be."""
    [fields] = [fields for address, fields in forms_of(browser.read(PAGE)) if address == f"/api/{FORM}"]
    return "&".join(f"{name}={value}" for name, value in fields.items())


def tried(browser: Browser) -> str:
    """Send the form, and return the page that it leads to."""
    answer = browser.ask(FORM, "POST", FROM_OURS, form(browser).encode())
    assert answer.status_code == 303
    return browser.read(answer.headers["Location"].removeprefix("/api/").partition("#")[0])


def test_without_a_destination_nothing_is_shown_or_read() -> None:
    world = World()
    world.destinations.fail("every", Unavailable("storage is away"))
    assert 'id="destinations"' not in Browser(world, APPROVER).read(PAGE)


def test_state_last_words_and_what_is_not_sent_stand_beside_each(world: World) -> None:
    acts = world.notifying.acts(world.activity)
    acts.mute("mail", world.clock() + timedelta(hours=2), Said("Bob", "it is moved <today>", world.clock()))
    world.senders.of("team-chat").fail("send", Unavailable("no route to the host"))
    acts.test("team-chat", "Bob", world.clock())
    page = Browser(world, READER).read(PAGE)
    assert '<th scope="row"><bdi>team-chat</bdi></th>' in page
    assert "no route to the host" in page
    assert "muted until" in page
    assert "it is moved &lt;today&gt;" in page
    assert "nothing was sent yet" in page


def test_whoever_acts_tries_one_and_is_told_how_it_went(world: World) -> None:
    page = tried(Browser(world, APPROVER))
    assert sent(world) == 1
    assert '<p class="note good" id="done" role="status" tabindex="-1"><strong><bdi>team-chat</bdi>: It took' in page
    assert "takes notices" in page


def test_one_that_does_not_take_it_is_told_so(world: World) -> None:
    world.senders.of("team-chat").fail("send", Unavailable("no route to the host"))
    page = tried(Browser(world, APPROVER))
    assert '<p class="note bad" id="done" role="status"' in page
    assert "It did not take the test" in page


def test_who_only_reads_is_shown_no_form_and_sends_none(world: World) -> None:
    body = form(Browser(world, APPROVER)).encode()
    assert "<form" not in Browser(world, READER).read(PAGE)
    assert Browser(world, READER).ask(FORM, "POST", FROM_OURS, body).status_code == 403
    assert sent(world) == 0


@pytest.mark.parametrize(
    ("headers", "change", "status"),
    [
        ({**FROM_OURS, "Sec-Fetch-Site": "cross-site"}, "", 403),
        ({"Content-Type": FROM_OURS["Content-Type"]}, "", 403),
        ({**FROM_OURS, "Content-Type": "text/plain"}, "", 415),
        (FROM_OURS, "0", 403),
        (FROM_OURS, "&token=", 400),
        (FROM_OURS, "&more=1", 400),
        (FROM_OURS, "&x=" + "y" * 9000, 413),
    ],
)
def test_a_forged_form_sends_nothing(world: World, headers: dict[str, str], change: str, status: int) -> None:
    browser = Browser(world, APPROVER)
    body = f"{form(browser)}{change}".encode()
    assert browser.ask(FORM, "POST", headers, body).status_code == status
    assert sent(world) == 0


def test_a_form_is_for_its_destination_and_its_person_alone(world: World) -> None:
    browser = Browser(world, APPROVER)
    body = form(browser).encode()
    assert browser.ask("pages/destinations/mail", "POST", FROM_OURS, body).status_code == 403
    browser.caller = Caller(Kind.PERSON, "other@33-44", "Eve", frozenset({Role.OPERATOR}))
    assert browser.ask(FORM, "POST", FROM_OURS, body).status_code == 403
    browser.caller = Caller(Kind.KEY, APPROVER.id, "key", frozenset({Role.OPERATOR}))
    assert browser.ask(FORM, "POST", FROM_OURS, body).status_code == 403
    assert sent(world) == 0
