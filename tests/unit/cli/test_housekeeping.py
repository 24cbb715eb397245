"""``tidegate housekeeping`` tells what would go, and asks before anything does."""

from __future__ import annotations

import io

import pytest

from shared.cli.exits import Exit
from shared.domain.promotion.identity import short
from shared.errors import Unavailable
from tests.doubles.app import AppInMemory
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TARGET, World
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit

OLD = digest_of("old")


@pytest.fixture
def app() -> AppInMemory:
    """An app with an old digest in staging."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    app = AppInMemory(world)
    app.house.staging.push(TARGET, OLD, f"22-{short(OLD)}", days=100)
    app.house.staging.push(TARGET, ONE, "mine", days=100)
    return app


def test_what_would_go_is_told_and_nothing_goes(terminal: Terminal) -> None:
    typed = terminal.type("housekeeping", "--dry-run")
    assert typed.status == Exit.FINE
    assert f"staging {TARGET}: 1 would go" in typed.out
    assert "would go: 1 ended" in typed.out
    assert "stays: 1 decided" in typed.out
    assert OLD in terminal.app.house.staging.held(TARGET)


def test_what_stays_is_told_with_why_to_who_asks_for_it(terminal: Terminal) -> None:
    typed = terminal.type("housekeeping", "--dry-run", "--spared", "--place", "staging")
    assert "(mine) stays: decided" in typed.out
    assert [one["place"] for one in terminal.type("housekeeping", "--dry-run", "--json").document["sites"]] == [
        "staging",
        "base",
        "task-runs",
    ]


def test_what_cannot_be_read_is_a_no(terminal: Terminal) -> None:
    terminal.app.house.staging.fail("manifests", Unavailable("the registry did not answer"))
    typed = terminal.type("housekeeping", "--dry-run")
    assert (typed.status, "so nothing goes: the registry did not answer" in typed.out) == (Exit.NO, True)


def test_a_round_is_asked_for_by_who_agrees(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert terminal.type("housekeeping", interactive=True).status == Exit.NO
    assert terminal.app.house.books.get() is None
    typed = terminal.type("housekeeping", "--yes")
    assert (typed.status, "asked for" in typed.out) == (Exit.FINE, True)
    stored = terminal.app.house.books.get()
    assert stored is not None
    assert stored.round.asked_at == terminal.app.world.clock()
