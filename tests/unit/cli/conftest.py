"""A terminal at which commands are typed, before the whole app in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.cli.main import main
from shared.cli.session import Surroundings
from shared.domain.access.callers import Role
from tests.doubles.app import ADDRESS, AppInMemory
from tests.doubles.world import World


class Terminal:
    """Types commands, and reads what they print.

    Args:
        app: what they ask.
        capsys: what is printed.
        config: where profiles would be.
    """

    def __init__(self, app: AppInMemory, capsys: pytest.CaptureFixture[str], config: str) -> None:
        self.app = app
        self.capsys = capsys
        self.config = config
        self.role = Role.OPERATOR
        self.passed = 0.0
        self.send: Any = app.send
        self.page = 2
        self.coloured = False
        self.while_waiting: list[Any] = []

    def pause(self, seconds: float) -> None:
        """Let time pass; what is to happen meanwhile happens, one thing for each wait."""
        self.passed += seconds
        self.app.world.clock.advance(timedelta(seconds=seconds))
        if self.while_waiting:
            self.while_waiting.pop(0)()

    def environment(self) -> dict[str, str]:
        """The process's variables."""
        key = self.app.texts[self.role]
        return {"TIDEGATE_URL": ADDRESS, "TIDEGATE_KEY": key, "XDG_CONFIG_HOME": self.config}

    def type(self, *words: str, environment: Mapping[str, str] | None = None, interactive: bool = False) -> Typed:
        """Type a command."""
        around = Surroundings(
            environment=self.environment() if environment is None else environment,
            interactive=interactive,
            coloured=self.coloured,
            pause=self.pause,
            passed=lambda: self.passed,
            now=self.app.world.clock,
            send=self.send,
            page=self.page,
        )
        status = main(list(words), around)
        said = self.capsys.readouterr()
        return Typed(status, said.out, said.err)


class Typed:
    """What came of a command."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        assert found["tidegate"] == 1
        return found

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The lines of a table without its head, by words."""
        return [line.split() for line in self.out.splitlines()[1:]]


@pytest.fixture
def app() -> AppInMemory:
    """The app over an empty world."""
    return AppInMemory(World())


@pytest.fixture
def terminal(
    app: AppInMemory, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> Terminal:
    """A terminal before it."""
    return Terminal(app, capsys, str(tmp_path_factory.mktemp("config")))
