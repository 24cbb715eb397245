"""At a terminal: who would be rebuilt, and which builds and Dockerfiles take images from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.cli.exits import Exit
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import Dependency
from tests.doubles.app import AppInMemory
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.doubles.world import BASE_SERVER, TWO
from tests.unit.cli.conftest import Terminal
from tests.unit.web.test_impact import ON_BASE, ON_RUNTIME, known, middle, on_its_way, promoted

pytestmark = pytest.mark.unit


@pytest.fixture
def chained(terminal: Terminal) -> Terminal:
    """A chain of two tasks, of which the last was failing, and one that is built on an image from outside."""
    world = known(
        promoted(),
        middle("shop", ON_RUNTIME, status=RunStatus.FAILED),
        middle("runtime", ON_BASE, pushes="runtime", status=RunStatus.SUCCEEDED),
        middle("quay", Dependency("quay.io", "team/app", "1", TWO)),
        middle("hub", Dependency("docker.io", "library/node", "22-alpine", TWO)),
    )
    world.builds_elsewhere(InMemoryDispatcher())
    terminal.app = AppInMemory(world)
    terminal.send = terminal.app.send
    return terminal


def test_who_would_be_rebuilt_is_printed_in_order(chained: Terminal) -> None:
    typed = chained.type("impact", "node", "--tag", "22-alpine")
    assert typed.status == Exit.FINE, typed.err
    rows = [line.split() for line in typed.out.splitlines() if "acr:" in line]
    assert [row[:2] for row in rows] == [["0", "acr:tidegateapps/runtime"], ["1", "acr:tidegateapps/shop"]]
    assert "3 would be rebuilt, 0 more take the tag without a wave or not at all" in typed.out
    assert "1 of them were failing before" in typed.out
    assert "(listed)" in typed.out


def test_only_what_was_failing_or_is_somebodys_is_printed_if_asked_for(chained: Terminal) -> None:
    found = chained.type("impact", "node", "--failing", "--json").document
    assert [one["id"] for one in found["dependants"]] == ["acr:tidegateapps/shop"]
    found = chained.type("impact", "node", "--team", "payments", "--json").document
    assert [one["id"] for one in found["dependants"]] == ["acr:tidegateapps/shop"]


def test_what_is_not_known_yet_has_a_status_of_its_own(terminal: Terminal) -> None:
    typed = terminal.type("impact", "node")
    assert typed.status == Exit.UNREACHABLE
    assert "its tasks were not listed yet; ask again in some seconds" in typed.err


def test_an_entry_that_is_not_there_is_absent(terminal: Terminal) -> None:
    assert terminal.type("impact", "other").status == Exit.ABSENT


def test_builds_from_outside_are_printed_with_what_to_write_and_answered_by_no(chained: Terminal) -> None:
    typed = chained.type("bases")
    assert typed.status == Exit.NO
    (hub,) = [line.split() for line in typed.out.splitlines() if "/hub" in line]
    assert hub[-2:] == ["write", f"{BASE_SERVER}/base/node:22-alpine"]


def test_a_dockerfile_is_judged_and_answered_by_no_if_something_leaves(chained: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("ARG V=22\nFROM node:${V}-alpine\n")
    typed = chained.type("bases", str(file))
    assert typed.status == Exit.NO
    assert f"{BASE_SERVER}/base/node:22-alpine" in typed.out
    file.write_text(f"FROM {BASE_SERVER}/base/node:22-alpine\n")
    assert chained.type("bases", str(file)).status == Exit.FINE


def test_a_dockerfile_that_cannot_be_read_is_told_with_the_place(chained: Terminal, tmp_path: Path) -> None:
    assert chained.type("bases", str(tmp_path / "none")).status == Exit.UNREADABLE
    (tmp_path / "Dockerfile").write_text("FROM a b\n")
    typed = chained.type("bases", str(tmp_path / "Dockerfile"))
    assert (typed.status, "line 1: FROM takes an image" in typed.err) == (Exit.UNREADABLE, True)


def test_a_candidate_on_its_way_says_what_comes_of_it(chained: Terminal) -> None:
    typed = chained.type("show", on_its_way(chained.app.world).id)
    assert typed.status == Exit.FINE, typed.err
    assert "if it is promoted: 3 would be rebuilt" in typed.out
