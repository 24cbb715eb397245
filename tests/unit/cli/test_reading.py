"""What is read from an app at a terminal: whole lists, one document as JSON, and statuses that scripts go by."""

from __future__ import annotations

import pytest

from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("role", Role, ids=lambda one: one.value)
def test_the_app_tells_who_it_takes_the_caller_for(terminal: Terminal, role: Role) -> None:
    terminal.role = role
    typed = terminal.type("whoami", "--json")
    assert (typed.status, typed.document["roles"], typed.err) == (Exit.FINE, [role.value], "")
    assert f"may: {role.value}" in terminal.type("whoami").out
