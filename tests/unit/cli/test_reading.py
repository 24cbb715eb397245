"""What is read from an app at a terminal: whole lists, one document as JSON, and statuses that scripts go by."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.cli.commands.activity import _csv
from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.said import Said
from shared.domain.references import Tag
from shared.domain.scan.findings import Finding
from tests.doubles.app import AppInMemory
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TWO, World
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit

BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
FIVE = b"images:\n" + b"".join(
    f"  - {{name: n{at}, source: node, tags: ['2{at}'], target: base/n{at}, owner: team-{at % 2}}}\n".encode()
    for at in range(5)
)


def of_world(terminal: Terminal, world: World) -> Terminal:
    """The same terminal before another world."""
    terminal.app = AppInMemory(world)
    terminal.send = terminal.app.send
    return terminal


@pytest.fixture
def five(terminal: Terminal) -> Terminal:
    """Five entries, each with a tag that is promoted."""
    world = World(FIVE)
    for at in range(5):
        world.push(digest_of(f"n{at}"), Tag(f"2{at}"))
    world.check()
    world.settle()
    return of_world(terminal, world)


@pytest.fixture
def moved(terminal: Terminal) -> Terminal:
    """A tag that moved once, and whose application was built again."""
    world = World()
    for digest in (ONE, TWO):
        world.push(digest)
        world.check()
        world.settle()
        world.pass_time(timedelta(hours=1))
    return of_world(terminal, world)


@pytest.fixture
def awaiting(terminal: Terminal) -> Terminal:
    """A tag whose newest digest waits for people."""
    world = World()
    world.says(Policy("asked", approval=ApprovalCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    return of_world(terminal, world)


@pytest.mark.parametrize("role", Role, ids=lambda one: one.value)
def test_the_app_tells_who_it_takes_the_caller_for(terminal: Terminal, role: Role) -> None:
    terminal.role = role
    typed = terminal.type("whoami", "--json")
    assert (typed.status, typed.document["roles"], typed.err) == (Exit.FINE, [role.value], "")
    assert f"may: {role.value}" in terminal.type("whoami").out


def test_every_part_of_a_list_is_asked_for(five: Terminal) -> None:
    typed = five.type("images", "--json")
    assert [one["name"] for one in typed.document["images"]] == [f"n{at}" for at in range(5)]
    assert len([one for one in five.app.asked if "/images" in one.url]) == 3


def test_a_list_that_is_cut_says_so_beside_the_document(five: Terminal) -> None:
    typed = five.type("images", "--limit", "2", "--json")
    assert [one["name"] for one in typed.document["images"]] == ["n0", "n1"]
    assert typed.err == "3 more are not shown; --limit was 2\n"
    assert five.type("images", "--limit", "2", "--quiet").err == ""
    assert five.type("candidates", "--limit", "2").err == "there are more; --limit was 2\n"


def test_tags_are_narrowed_by_owner_by_name_and_by_how_they_stand(five: Terminal) -> None:
    assert [row[0] for row in five.type("images", "--team", "team-1").rows] == ["n1:21", "n3:23"]
    assert [row[:2] for row in five.type("images", "n2").rows] == [["n2:22", "current"]]
    assert five.type("images", "--status", "rejected").out == ""
    assert five.type("images", "--waiting").out == ""


def test_an_image_or_tag_that_is_not_watched_is_no_such_thing(five: Terminal) -> None:
    assert five.type("images", "n7").status == Exit.ABSENT
    assert five.type("images", "n2:23").status == Exit.ABSENT
    assert five.type("show", "n2:23").status == Exit.ABSENT


def test_what_is_as_it_should_be_needs_nobody(five: Terminal) -> None:
    typed = five.type("status", "--json")
    assert (typed.status, typed.document["needs_people"], typed.document["counts"]) == (Exit.FINE, [], {"current": 5})


def test_what_waits_for_people_is_told_with_the_status_that_scripts_go_by(awaiting: Terminal) -> None:
    typed = awaiting.type("status", "--json")
    (need,) = typed.document["needs_people"]
    assert (typed.status, need["needs"], need["what"]) == (Exit.NO, "awaiting-approval", "node:22-alpine")
    assert need["digest"] == ONE
    assert awaiting.type("status", "--team", "nobody").status == Exit.FINE
    awaiting.app.world.pass_time(timedelta(days=3))
    assert awaiting.type("status", "--since", "1d").status == Exit.FINE
    assert [row[0] for row in awaiting.type("images", "--waiting").rows] == ["node:22-alpine"]
    assert [row[0] for row in awaiting.type("images", "--stale", "2d").rows] == ["node:22-alpine"]
    assert awaiting.type("images", "--stale", "4d").out == ""


def test_a_waiver_that_somebody_asked_for_needs_somebody(terminal: Terminal) -> None:
    world = World()
    world.says(Policy("standard", scan=ScanCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    world.scan_ends(ONE, BAD)
    world.settle()
    of_world(terminal, world)
    about = ("node:22-alpine", BAD.id, "--package", "openssl", "--digest", ONE, "--until", "2099-12-31")
    assert terminal.type("waivers", "ask", *about, "--reason", "unused").status == Exit.FINE
    more = [(f"CVE-9000-{number}", *about[2:]) for number in range(4)]
    for one in more:
        assert terminal.type("waivers", "ask", "node:22-alpine", *one, "--reason", "unused").status == Exit.FINE
    listed = terminal.type("waivers", "list", "--json").document["waivers"]
    assert {one["id"] for one in listed} == {BAD.id, *(one[0] for one in more)}
    assert len(listed) == 5
    needs = terminal.type("status", "--json").document["needs_people"]
    assert ("waiver-asked", "base/node:22-alpine") in {(one["needs"], one["what"]) for one in needs}


def test_candidates_are_listed_whole_and_narrowed(moved: Terminal) -> None:
    found = moved.type("candidates", "--json").document["candidates"]
    assert [one["digest"] for one in found] == [TWO, ONE]
    assert len(moved.type("candidates", "--status", "promoted").rows) == 2
    assert moved.type("candidates", "--status", "rejected").out == ""
    assert len(moved.type("candidates", "--since", "90m", "--json").document["candidates"]) == 1
    assert moved.type("candidates", "--repository", "base/other").out == ""


@pytest.mark.parametrize("name", ["node:22-alpine", "base/node:22-alpine", "tidegatebase~base~node~22-alpine", "id"])
def test_a_candidate_is_shown_by_any_of_its_names(moved: Terminal, name: str) -> None:
    what = moved.app.world.candidate(TWO).id if name == "id" else name
    typed = moved.type("show", what, "--json")
    assert (typed.status, typed.document["candidate"]["digest"]) == (Exit.FINE, TWO)
    assert (typed.document["target"] is None) == (name == "id")
    assert f"docker.io/library/node:22-alpine@{TWO}" in moved.type("show", what).out


def test_the_log_of_a_test_is_shown_and_saved_and_does_nothing_to_the_terminal(
    terminal: Terminal, tmp_path: Path
) -> None:
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    of_world(terminal, world)
    world.evidence.keep(world.candidate(ONE).id, "gate-1-1.log", b"it said \x1b[2J nothing\n")
    shown = terminal.type("show", "node:22-alpine", "--log")
    assert "it said \\x1b[2J nothing" in shown.out and "\x1b" not in shown.out
    saved = terminal.type("show", "node:22-alpine", "--evidence", str(tmp_path / "kept"), "--json").document["saved"]
    assert (tmp_path / "kept" / "gate-1-1.log").read_bytes() == b"it said \x1b[2J nothing\n"
    assert str(tmp_path / "kept" / "gate-1-1.log") in saved


def test_what_a_scan_found_is_shown_with_what_decided(terminal: Terminal) -> None:
    world = World()
    world.says(Policy("standard", scan=ScanCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    assert of_world(terminal, world).type("show", "node:22-alpine", "--findings").status == Exit.ABSENT
    world.scan_ends(ONE, BAD)
    world.settle()
    typed = terminal.type("show", "node:22-alpine", "--findings")
    assert "linux/amd64  CVE-2026-0001  openssl  3.0.1      3.0.2  HIGH" in typed.out


def test_rebuilds_are_listed_and_narrowed(moved: Terminal) -> None:
    (row,) = moved.type("rebuilds").rows
    assert row[:3] == ["tidegateapps/shop", "succeeded", "base/node:22-alpine"]
    assert moved.type("rebuilds", "--base", "base/other:1").out == ""
    assert moved.type("rebuilds", "--status", "failed").out == ""
    assert len(moved.type("rebuilds", "--task", "tidegateapps/shop").rows) == 1
    assert moved.type("rebuilds", "--task", "shop").status == Exit.USAGE


def test_what_happened_is_listed_narrowed_and_given_as_values(moved: Terminal) -> None:
    world = moved.app.world
    world.actor.pin(world.target().id, None, None, Said("ada", "the shop is slow", world.clock()))
    world.actor.unpin(world.target().id, Said("ada", "it is fast again", world.clock()))
    lines = moved.type("activity", "--kind", "pinned", "--json").document["activity"]
    assert [one["name"] for one in lines] == ["pinned"]
    assert len(moved.type("activity", "--who", "ADA").rows) == 2
    assert moved.type("activity", "--limit", "1").err == "there are more; --limit was 1\n"
    assert moved.type("activity", "--who", "bob").out == ""
    assert len(moved.type("activity", "--subject", lines[0]["subject"]).rows) == 2
    world.pass_time(timedelta(days=2))
    assert moved.type("activity", "--since", "1d").out == ""
    read = [*csv.reader(io.StringIO(moved.type("activity", "--csv").out))]
    assert read[0] == ["at", "subject", "name", "detail"]
    assert "pinned" in {row[2] for row in read}
    assert moved.type("activity", "--csv", "--json").status == Exit.USAGE


def test_no_value_is_taken_for_a_formula() -> None:
    (_, line) = _csv([{"at": "2026", "subject": "=cmd()", "name": " +1", "detail": "a,b"}])
    assert line == "2026,'=cmd(),' +1,\"a,b\""


def test_nothing_in_use_that_stands_clean_is_told_of(moved: Terminal) -> None:
    typed = moved.type("exposure", "--json")
    assert (typed.status, typed.document["exposure"]) == (Exit.FINE, [])
    assert "nothing was looked at yet" in typed.err


def test_with_json_there_is_one_document_and_words_go_elsewhere(five: Terminal) -> None:
    for words in (("status",), ("images",), ("candidates",), ("rebuilds",), ("rulings",), ("activity",), ("version",)):
        typed = five.type(*words, "--json")
        assert json.loads(typed.out)["tidegate"] == 1
        assert typed.out.count("\n") == 1


def test_what_is_refused_is_told_by_the_apps_own_document(terminal: Terminal) -> None:
    typed = terminal.type("images", "none", "--json")
    assert (typed.status, typed.document["status"]) == (Exit.ABSENT, 404)
    assert "no entry named 'none'" in typed.document["detail"]
    assert "no entry named 'none'" in typed.err
