"""What people decided is kept as a file, and brought back from it into an account that lost it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from shared.errors import Unavailable
from tests.doubles.app import AppInMemory
from tests.doubles.world import ONE, TWO
from tests.unit.cli.conftest import Terminal
from tests.unit.flows.decided import borne, look
from tests.unit.flows.test_lost_account import against_its_gate, blocked

pytestmark = pytest.mark.unit


@pytest.fixture
def app() -> AppInMemory:
    """An app whose people blocked a digest."""
    return AppInMemory(blocked())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the document is kept."""
    return tmp_path / "decisions.json"


def test_what_people_decided_is_kept_in_a_file_that_nobody_else_reads(terminal: Terminal, file: Path) -> None:
    typed = terminal.type("export", str(file))
    assert (typed.status, "1 rulings, words on 1 tags" in typed.out) == (Exit.FINE, True)
    assert json.loads(file.read_text())["rulings"][0]["subject"] == TWO
    assert file.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]


def test_a_file_brings_back_into_an_empty_account_what_people_decided(terminal: Terminal, file: Path) -> None:
    terminal.type("export", str(file))
    world = terminal.app.world
    world.lose_account()
    tried = terminal.type("import", str(file), "--dry-run", "--json")
    assert (tried.status, tried.document["counts"]["taken"], world.rulings.every()) == (Exit.FINE, 2, ())
    done = terminal.type("import", str(file), "--yes")
    assert (done.status, "2 taken" in done.out) == (Exit.FINE, True)
    assert terminal.type("import", str(file), "--yes", "--json").document["counts"]["taken"] == 0
    look(world)
    assert borne(world) == ONE


def test_what_a_key_may_not_bring_back_is_a_no(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path) -> None:
    terminal = Terminal(AppInMemory(against_its_gate()), capsys, str(tmp_path))
    terminal.type("export", str(file))
    terminal.app.world.lose_account()
    typed = terminal.type("import", str(file), "--yes")
    assert (typed.status, "wants a person with the role approver" in typed.out) == (Exit.NO, True)


def test_what_could_not_be_read_is_a_no_and_is_told(terminal: Terminal, file: Path) -> None:
    terminal.type("export", str(file))
    world = terminal.app.world
    world.lose_account()
    world.base.fail("digest", *[Unavailable("no answer")] * 4)
    typed = terminal.type("import", str(file), "--yes")
    assert (typed.status, "left: target:" in typed.out.replace("left: tidegate", "left: target:tidegate")) == (1, True)


def test_what_is_no_document_or_no_file_is_a_bad_input(terminal: Terminal, file: Path) -> None:
    assert terminal.type("import", str(file), "--yes").status == Exit.UNREADABLE
    file.write_text("{}")
    typed = terminal.type("import", str(file), "--yes")
    assert (typed.status, "no document of decisions" in typed.err) == (Exit.UNREADABLE, True)
    assert terminal.type("export", str(file.parent / "nowhere" / "x.json")).status == Exit.UNREADABLE


@pytest.mark.parametrize("role", [Role.READER, Role.APPROVER])
def test_only_operators_export_and_import(terminal: Terminal, file: Path, role: Role) -> None:
    terminal.role = role
    assert terminal.type("export", str(file)).status == Exit.DENIED
    file.write_text("{}")
    assert terminal.type("import", str(file), "--yes").status == Exit.DENIED
