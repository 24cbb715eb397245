"""The doctor says what is in the way, one thing after the other, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from shared.cli.exchange import Answer, Sent
from shared.cli.exits import Exit, Unreached
from shared.domain.access.callers import Role
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit


class Reached:
    """The app, and its health, which is a function of its own.

    Args:
        terminal: before the app.
        behind: how far the app's clock is from this one's.
    """

    def __init__(self, terminal: Terminal, behind: timedelta = timedelta()) -> None:
        self.app = terminal.app
        self.date = format_datetime(self.app.world.clock() - behind, usegmt=True)
        self.health: Answer | str = Answer(200, {"date": self.date}, b'{"status": "ok"}')

    def __call__(self, sent: Sent) -> Answer:
        """See ``Send``."""
        if sent.url.endswith("/api/health"):
            assert sent.headers == {}
            if isinstance(self.health, str):
                raise Unreached(self.health)
            return self.health
        return self.app.send(sent)


def states(terminal: Terminal, **environment: str) -> dict[str, str]:
    """What was found, by what was looked at."""
    around = {**terminal.environment(), **environment}
    found = terminal.type("doctor", "--json", environment={name: value for name, value in around.items() if value})
    told = {one["about"]: one["state"] for one in found.document["found"]}
    assert found.status == (Exit.NO if "bad" in told.values() else Exit.FINE)
    return told


def test_what_works_is_said_to_work(terminal: Terminal) -> None:
    terminal.send = Reached(terminal)
    terminal.role = Role.READER
    looks = ("address", "key", "authorities", "connection", "clock", "identity", "roles", "versions")
    assert states(terminal) == dict.fromkeys((*looks, "watch list", "set-up"), "ok")


def test_the_first_thing_that_is_in_the_way_ends_the_looking(terminal: Terminal) -> None:
    reached = terminal.send = Reached(terminal)
    assert states(terminal, TIDEGATE_URL="") == {"address": "bad"}
    assert states(terminal, TIDEGATE_KEY="") == {"address": "ok", "key": "bad"}
    reached.health = "its certificate is not trusted"
    assert states(terminal)["connection"] == "bad"
    reached.health = Answer(404, {}, b"")
    assert states(terminal)["connection"] == "bad"
    reached.health = Answer(200, {}, b"")
    assert states(terminal, TIDEGATE_KEY="another")["identity"] == "bad"


def test_a_clock_that_is_apart_and_a_key_that_agrees_to_nothing_are_warned_of(terminal: Terminal) -> None:
    terminal.send = Reached(terminal, timedelta(minutes=5))
    terminal.role = Role.APPROVER
    told = states(terminal)
    assert (told["clock"], told["approving"]) == ("warn", "warn")


def test_a_proxy_is_told_without_its_password(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ada:secret@proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    terminal.send = Reached(terminal)
    typed = terminal.type("doctor")
    assert ("through proxy.example" in typed.out, "secret" in typed.out) == (True, False)


NOBODY = b"""
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine]
    target: base/node
    policy: {approval: required}
"""


def test_that_nobody_could_approve_is_told_with_the_policy_the_entry_and_what_to_do(terminal: Terminal) -> None:
    terminal.send = Reached(terminal)
    terminal.app.world.configuration.text = NOBODY
    typed = terminal.type("doctor", "--json")
    [told] = [one for one in typed.document["found"] if one["about"].startswith("nobody-could-approve")]
    assert (typed.status, told["about"], told["state"]) == (Exit.FINE, "nobody-could-approve policy:node", "warn")
    assert "nobody signs in here" in told["told"]
    assert "Let people sign in, or name keys" in told["told"]
    assert told["told"].endswith("It holds for node")


def test_an_app_that_does_not_tell_what_is_set_up_wrongly_is_an_older_one(terminal: Terminal) -> None:
    reached = Reached(terminal)

    def older(sent: Sent) -> Answer:
        return Answer(404, {}, b"") if sent.url.endswith("/api/readiness") else reached(sent)

    terminal.send = older
    assert states(terminal)["watch list"] == "ok"
    assert "set-up" not in states(terminal)
