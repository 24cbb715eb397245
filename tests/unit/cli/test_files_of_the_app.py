"""The files of the configuration are shown, compared and put in the place of what was read; and tried before that."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from shared.cli.exits import Exit
from shared.configuration_ports import StoredFile
from shared.domain.access.callers import Role
from tests.doubles.app import AppInMemory
from tests.doubles.world import TWO, WATCH_LIST
from tests.unit.cli.conftest import Terminal
from tests.unit.flows.previewed import list_of
from tests.unit.web.test_previews import SCANNED, TEST, kept_world

pytestmark = pytest.mark.unit

WHY = ("--reason", "node 24")


@pytest.fixture
def better(tmp_path: Path) -> str:
    """A list with another tag."""
    file = tmp_path / "images.yaml"
    file.write_bytes(WATCH_LIST.replace(b"[22-alpine]", b"[22-alpine, 24-alpine]"))
    return str(file)


def kept(terminal: Terminal) -> bytes:
    """What the app has."""
    return terminal.app.files.kept["images.yaml"].content


def test_a_file_is_printed_as_the_app_has_it(terminal: Terminal) -> None:
    typed = terminal.type("list", "get", "images.yaml")
    assert (typed.status, typed.out.encode(), typed.err) == (Exit.FINE, WATCH_LIST, 'ETag: "1"\n')
    assert terminal.type("list", "get", "images.yaml", "--json").document["content"].encode() == WATCH_LIST
    assert terminal.type("list", "get", "waivers.yaml").status == Exit.ABSENT
    assert terminal.type("list", "get", "secret.txt").status == Exit.USAGE


def test_a_file_that_differs_is_a_no_and_one_that_does_not_is_fine(terminal: Terminal, better: str) -> None:
    typed = terminal.type("list", "diff", better)
    assert (typed.status, "+    tags: [22-alpine, 24-alpine]" in typed.out) == (Exit.NO, True)
    assert "changed: node" in typed.out
    document = terminal.type("list", "diff", better, "--json").document
    assert (document["etag"], document["differs"], document["list"]["changed"][0]["name"]) == ("1", True, "node")
    Path(better).write_bytes(WATCH_LIST)
    assert (terminal.type("list", "diff", better).out, terminal.type("list", "diff", better).status) == ("", Exit.FINE)


def test_a_file_is_put_in_the_place_of_what_is_there(terminal: Terminal, better: str) -> None:
    assert terminal.type("list", "put", better, *WHY, "--dry-run").status == Exit.FINE
    assert kept(terminal) == WATCH_LIST
    typed = terminal.type("list", "put", better, *WHY, "--json")
    assert (typed.status, typed.document["etag"], kept(terminal)) == (Exit.FINE, '"2"', Path(better).read_bytes())
    assert "operator" in str(terminal.app.world.activity.events[-1])


def test_a_file_that_changed_meanwhile_is_a_conflict(terminal: Terminal, better: str) -> None:
    terminal.app.files.kept["images.yaml"] = StoredFile(WATCH_LIST, "7")
    assert terminal.type("list", "put", better, "--if-match", "1", *WHY).status == Exit.CONFLICT
    assert kept(terminal) == WATCH_LIST
    assert terminal.type("list", "put", better, "--if-match", '"7"', *WHY).status == Exit.FINE


def test_a_new_file_is_put_where_there_is_none(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("- {id: CVE-2026-0001, package: openssl, reason: unused, by: anna, until: '2099-12-31'}\n")
    typed = terminal.type("list", "put", str(file), "--name", "waivers.yaml", *WHY)
    assert (typed.status, terminal.app.files.kept["waivers.yaml"].content) == (Exit.FINE, file.read_bytes())


def test_what_is_not_valid_is_not_written_and_said_with_its_line(terminal: Terminal, better: str) -> None:
    Path(better).write_text("images: [\n")
    typed = terminal.type("list", "put", better, *WHY)
    assert (typed.status, "line 2" in typed.err, kept(terminal)) == (Exit.UNREADABLE, True, WATCH_LIST)
    for words in (("diff", better), ("put", better, *WHY, "--dry-run")):
        tried = terminal.type("list", *words)
        assert (tried.status, "not valid: " in tried.out and "line 2" in tried.out) == (Exit.UNREADABLE, True), (
            tried.out
        )
    assert terminal.type("list", "put", "/no/such/images.yaml", *WHY).status == Exit.UNREADABLE


def test_standing_in_a_pipe_the_file_has_to_be_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.type("list", "diff", "-").status == Exit.USAGE
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WATCH_LIST)))
    assert terminal.type("list", "diff", "-", "--name", "images.yaml").status == Exit.FINE


def test_who_is_no_operator_writes_nothing(terminal: Terminal, better: str) -> None:
    terminal.role = Role.APPROVER
    assert terminal.type("list", "put", better, *WHY).status == Exit.DENIED
    assert kept(terminal) == WATCH_LIST


def test_another_list_or_policy_is_tried_without_anything_coming_of_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.app = AppInMemory(kept_world())
    terminal.send = terminal.app.send
    terminal.role = Role.READER
    file = tmp_path / "images.yaml"
    file.write_bytes(list_of({"node": SCANNED, "old": TEST}))
    typed = terminal.type("preview", str(file), "--json")
    (change,) = typed.document["otherwise"]
    assert (typed.status, change["digest"], change["then"]["outcome"]) == (Exit.NO, TWO, "reject")
    strict = terminal.type("preview", "--policy", "strict", "--entries", "node")
    assert (strict.status, strict.rows[0][2:]) == (Exit.NO, ["recent", "pass", "reject", "blocking-findings"])
    file.write_bytes(terminal.app.files.kept["images.yaml"].content)
    assert terminal.type("preview", str(file)).status == Exit.FINE


def test_what_cannot_be_tried_is_told(terminal: Terminal, better: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("[\n")
    assert terminal.type("preview", "--policy", str(policy)).status == Exit.USAGE
    assert terminal.type("preview").status == Exit.USAGE
    assert terminal.type("preview", better, "--policy", "x").status == Exit.USAGE
    assert terminal.type("preview", str(tmp_path / "none.yaml")).status == Exit.UNREADABLE
