"""Destinations of notices are seen, tried and muted from a terminal, and a notice is sent once more."""

from __future__ import annotations

import pytest

from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from shared.errors import ServiceError
from tests.doubles.app import AppInMemory
from tests.doubles.world import World
from tests.unit.cli.conftest import Terminal
from tests.unit.flows.told_people import CHAT, MAIL, notice, tell, watched

pytestmark = pytest.mark.unit

WHY = ("--reason", "planned work", "--yes")


def before(terminal: Terminal, world: World) -> Terminal:
    """The same terminal before another world."""
    terminal.app = AppInMemory(world)
    terminal.send = terminal.app.send
    return terminal


@pytest.fixture
def told(terminal: Terminal) -> Terminal:
    """A terminal before an app whose one destination was told of something."""
    world = watched(CHAT)
    tell(world, [notice(1), notice(2, "promoted")])
    return before(terminal, world)


def test_destinations_and_notices_are_listed(told: Terminal) -> None:
    found = told.type("notify", "list", "--json").document
    assert [one["name"] for one in found["destinations"]] == [CHAT]
    assert {one["kind"] for one in found["notices"]} == {"blocked", "promoted"}
    words = told.type("notify", "list", "--kind", "blocked", "--to", CHAT).out
    assert (f"{CHAT} sent" in words, notice(1).key in words, "promoted" in words) == (True, True, False)
    short = told.type("notify", "list", "--limit", "1")
    assert "1 more are not shown" in short.err


def test_where_there_is_no_destination_it_says_so(terminal: Terminal) -> None:
    typed = terminal.type("notify", "list")
    assert (typed.status, typed.out) == (Exit.FINE, "no destination is set up: docs/notices.md\n")


def test_a_destination_that_there_is_not_is_absent(told: Terminal) -> None:
    assert told.type("notify", "list", "--to", "nowhere").status == Exit.ABSENT
    assert told.type("notify", "test", "nowhere").status == Exit.ABSENT
    assert told.type("notify", "mute", "nowhere", "--for", "2h", *WHY).status == Exit.ABSENT


def test_a_destination_that_refuses_is_a_no_with_its_words(told: Terminal) -> None:
    assert told.type("notify", "test", CHAT).status == Exit.FINE
    told.app.world.senders.of(CHAT).always = ServiceError("no_service", code="404")
    typed = told.type("notify", "test", CHAT)
    assert (typed.status, "(404): " in typed.out, "no_service" in typed.out) == (Exit.NO, True, True)


def test_a_destination_is_muted_for_a_time_and_no_more(told: Terminal) -> None:
    tried = told.type("notify", "mute", CHAT, "--for", "2h", "--reason", "x", "--dry-run")
    assert tried.out.startswith("would send nothing to")
    assert "muted until" not in told.type("notify", "list").out
    assert told.type("notify", "mute", CHAT, "--for", "2h", *WHY).status == Exit.FINE
    assert "muted until" in told.type("notify", "list").out
    assert told.type("notify", "unmute", CHAT, *WHY).out == f"{CHAT} is not muted\n"
    assert "muted until" not in told.type("notify", "list").out


def test_a_notice_is_sent_once_more_to_where_it_went(told: Terminal) -> None:
    typed = told.type("notify", "resend", notice(1).key, *WHY)
    assert (typed.status, "is pending" in typed.out) == (Exit.FINE, True)
    assert told.type("notify", "resend", "another", *WHY).status == Exit.ABSENT
    unknown = told.type("notify", "resend", "0" * 32, "--to", CHAT, *WHY)
    assert (unknown.status, "never to be told" in unknown.err) == (Exit.ABSENT, True)
    assert told.type("notify", "resend", "another", "--to", CHAT, *WHY).status == Exit.USAGE


def test_a_notice_that_went_to_several_wants_a_name(terminal: Terminal) -> None:
    world = watched(CHAT, MAIL)
    tell(world, [notice(1)])
    before(terminal, world)
    typed = terminal.type("notify", "resend", notice(1).key, *WHY)
    assert (typed.status, f"{CHAT}, {MAIL}" in typed.err) == (Exit.USAGE, True)
    assert terminal.type("notify", "resend", notice(1).key, "--to", MAIL, *WHY).status == Exit.FINE


@pytest.mark.parametrize("words", [("mute", CHAT), ("mute", CHAT, "--for", "2h", "--until", "2099-01-01"), ()])
def test_a_line_that_says_too_little_or_too_much_is_told_by_64(told: Terminal, words: tuple[str, ...]) -> None:
    assert told.type("notify", *words).status == Exit.USAGE


def test_what_changes_something_wants_the_role_and_a_reason(told: Terminal) -> None:
    assert told.type("notify", "mute", CHAT, "--for", "2h").status == Exit.USAGE
    told.role = Role.READER
    assert told.type("notify", "list").status == Exit.FINE
    assert told.type("notify", "test", CHAT).status == Exit.DENIED
    assert told.type("notify", "mute", CHAT, "--for", "2h", *WHY).status == Exit.DENIED
