"""Waves at a terminal: what is under way, one with its members, and what is said of it."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from shared.domain.waves.states import WaveState
from tests.doubles.app import AppInMemory
from tests.doubles.world import ONE, TWO
from tests.unit.cli.conftest import Terminal
from tests.unit.flows.waving import CANARY, Waving, built_elsewhere

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
ID = "tidegatebase~base~node~22-alpine~2"


@pytest.fixture
def world() -> Waving:
    """A world whose canary failed."""
    made = Waving()
    made.fails(CANARY)
    made.promote(TWO, HOUR)
    return made


@pytest.fixture
def waiting(world: Waving, terminal: Terminal) -> Terminal:
    """A terminal before that world's app."""
    terminal.app = AppInMemory(world)
    terminal.send = terminal.app.send
    return terminal


def test_what_is_under_way_is_listed(waiting: Terminal) -> None:
    (row,) = waiting.type("waves").rows
    assert row[:3] == [ID, "held", "canary-failed"]
    (one,) = waiting.type("waves", "--json").document["waves"]
    assert (one["digest"], one["former"]) == (TWO, ONE)
    assert waiting.type("waves", "--state", "done").out.startswith("no wave is under way")
    assert waiting.type("waves", "--repository", "base/other").out.startswith("no wave is under way")
    assert waiting.type("waves", "--state", "nonsense").status == Exit.USAGE


def test_what_is_over_is_listed_only_if_it_is_asked_for(waiting: Terminal, world: Waving) -> None:
    waiting.type("wave", ID, "--cancel", "--reason", "not today", "--yes")
    world.run_for(HOUR)
    assert waiting.type("waves").out.startswith("no wave is under way")
    (row,) = waiting.type("waves", "--all").rows
    assert row[1] == "cancelled"


@pytest.mark.parametrize("named", [ID, "node:22-alpine", "base/node:22-alpine"])
def test_one_is_shown_with_members_why_and_until_when(waiting: Terminal, named: str) -> None:
    typed = waiting.type("wave", named)
    assert typed.status == Exit.HOLD
    assert "held (canary-failed): a canary failed on it, until 2" in typed.out
    assert f"before {ONE}" in typed.out
    assert "acr:tidegateapps/canary" in typed.out
    assert "tag-before-and-after" in typed.out


def test_the_logs_that_are_kept_and_the_pages_of_runs_elsewhere_are_named(waiting: Terminal, world: Waving) -> None:
    out = waiting.type("wave", ID).out
    logs = re.findall(r"log of attempt \d of acr:tidegateapps/canary: GET /api/rebuilds/([^/]+)/evidence/(\S+)", out)
    assert [world.evidence.read(*log) for log in logs] == [b"canary broke", b"canary broke"]
    built_elsewhere(world, "https://builds.example/101")
    out = waiting.type("wave", ID).out
    assert out.count("of github:contoso/shop/build.yml@main: https://builds.example/101") == 2
    assert "log of" not in out


def test_what_is_not_there_is_absent(waiting: Terminal) -> None:
    assert waiting.type("wave", ID.replace("~2", "~9")).status == Exit.ABSENT
    assert waiting.type("wave", "other:1").status == Exit.ABSENT


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("--continue", WaveState.DONE_WITH_FAILURES),
        ("--restore", WaveState.RESTORED),
        ("--cancel", WaveState.CANCELLED),
    ],
)
def test_a_word_is_said_with_its_reason(waiting: Terminal, world: Waving, word: str, state: WaveState) -> None:
    typed = waiting.type("wave", ID, word, "--reason", "as the runbook says", "--yes")
    assert typed.status == Exit.FINE
    assert f"said to {word[2:]}: as the runbook says" in typed.out
    world.run_for(HOUR)
    assert world.state()[0] is state


def test_a_second_word_is_a_conflict_and_names_the_first(waiting: Terminal) -> None:
    waiting.type("wave", ID, "--cancel", "--reason", "not today", "--yes")
    typed = waiting.type("wave", ID, "--restore", "--reason", "now", "--yes")
    assert typed.status == Exit.CONFLICT
    assert "not today" in typed.err


def test_nothing_is_said_without_a_reason_or_by_two_words_or_for_a_trial(waiting: Terminal, world: Waving) -> None:
    assert waiting.type("wave", ID, "--cancel", "--yes").status == Exit.USAGE
    assert waiting.type("wave", ID, "--cancel", "--restore", "--reason", "x", "--yes").status == Exit.USAGE
    typed = waiting.type("wave", ID, "--cancel", "--reason", "x", "--dry-run")
    assert f"would have nobody else of {ID} rebuilt" in typed.out
    assert world.wave().spoken is None


def test_who_may_only_read_says_nothing(waiting: Terminal, world: Waving) -> None:
    waiting.role = Role.READER
    assert waiting.type("wave", ID, "--cancel", "--reason", "x", "--yes").status == Exit.DENIED
    assert world.wave().spoken is None


def test_what_is_to_be_known_of_how_it_was_planned_is_told(waiting: Terminal, world: Waving) -> None:
    told = "acr:tidegateapps/runtime goes first as well, as a canary is built on what it pushes"
    stored = world.waves.get(ID)
    assert stored is not None
    world.waves.replace(stored, msgspec.structs.replace(stored.record, remarks=(told,)))
    assert told in waiting.type("wave", ID).out.splitlines()
    assert waiting.type("wave", ID, "--json").document["remarks"] == [told]
