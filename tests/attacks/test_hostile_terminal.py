"""An app, or what is written in it, that tries to take the terminal over by what a command prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.cli.exchange import Answer, Sent
from shared.domain.access.callers import Role
from tests.doubles.app import AppInMemory
from tests.doubles.world import ONE
from tests.unit.cli.conftest import Terminal
from tests.unit.web.pages.test_hostile import hostile_world

pytestmark = pytest.mark.unit

# A link whose words lie, a line that is wiped, another order of letters, a bell, colours of its own.
EVIL = "\x1b]8;;https://evil.example\x1b\\X\x1b[2K\r\u202e\x9b31m\x07\x00\u2028"
TAG = "node:22-alpine"
WHY = ("--reason", "x", "--yes")
COMMANDS = (
    *(("status",), ("images",), ("candidates",), ("exposure",), ("rulings",), ("activity",)),
    *(("activity", "--csv"), ("waivers", "list"), ("whoami",), ("doctor",)),
    *(("show", TAG), ("show", TAG, "--findings"), ("show", TAG, "--log"), ("watch", TAG, "--within", "5s")),
    *(("hold", "node", *WHY), ("resume", "node", *WHY), ("block", ONE, *WHY), ("release", ONE, *WHY)),
    *(
        ("pin", TAG, "--to", ONE, *WHY),
        ("unpin", TAG, *WHY),
        ("rollback", TAG, *WHY),
        ("promote", TAG, "--to", ONE, *WHY),
    ),
    *(("rollback", TAG, *WHY), ("check",), ("preview", "--policy", "strict")),
    *(("approve", TAG, "--digest", ONE, *WHY), ("reject", TAG, "--digest", ONE, *WHY)),
)


def texts(value: Any) -> Iterator[str]:
    """The names of the members of a document that are texts, or lists of them."""
    for each in value if isinstance(value, list) else ():
        yield from texts(each)
    for name, each in value.items() if isinstance(value, dict) else ():
        if isinstance(each, str) or (isinstance(each, list) and each and isinstance(each[0], str)):
            yield name
        yield from texts(each)


def spoilt(value: Any, name: str, *, here: bool = False) -> Any:
    """A document in which the members of one name are hostile."""
    if isinstance(value, dict):
        return {key: spoilt(each, name, here=key == name) for key, each in value.items()}
    if isinstance(value, list):
        return [spoilt(each, name, here=here and isinstance(each, str)) for each in value]
    return value + EVIL if here and isinstance(value, str) else value


class Liar:
    """The app, but for the members of one name.

    Args:
        app: what answers.
        name: of the members that are hostile; empty for none.
    """

    def __init__(self, app: AppInMemory, name: str = "") -> None:
        self.app, self.name = app, name
        self.names: set[str] = set()

    def send(self, sent: Sent) -> Answer:
        """See ``Send``."""
        answer = self.app.send(sent)
        if "json" not in answer.headers["content-type"]:
            return Answer(answer.status, {**answer.headers, "etag": EVIL}, answer.body + EVIL.encode())
        document = json.loads(answer.body)
        self.names.update(texts(document))
        return Answer(answer.status, answer.headers, json.dumps(spoilt(document, self.name)).encode())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_that_an_app_tells_does_anything_to_a_terminal(
    command: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Any,
    record_property: Any,
) -> None:
    app = AppInMemory(hostile_world())
    honest = Liar(app)
    terminal = Terminal(app, capsys, str(tmp_path))
    terminal.role = Role.APPROVER if command[0] in {"approve", "reject"} else Role.OPERATOR
    terminal.type("hold", "node", *WHY)
    terminal.send = honest.send
    terminal.type(*command)
    assert honest.names
    for name in sorted(honest.names):
        terminal.send = Liar(app, name).send
        typed = terminal.type(*command)
        odd = {one for one in typed.out + typed.err if one != "\n" and not one.isprintable()}
        assert not odd, (name, odd)
    record_property("attacks", len(honest.names))


def test_a_file_is_shown_harmlessly_and_saved_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    app = AppInMemory(hostile_world())
    content = b"# \xe2\x80\xae\x1b[2K tabs\tand\rmore\nimages: []\n"
    app.files.kept["images.yaml"] = type(app.files.kept["images.yaml"])(content, "1")
    terminal = Terminal(app, capsys, str(tmp_path))
    assert terminal.type("list", "get", "images.yaml").out == content.decode()
    terminal.coloured = True
    shown = terminal.type("list", "get", "images.yaml").out
    assert not {one for one in shown if one != "\n" and not one.isprintable()}
