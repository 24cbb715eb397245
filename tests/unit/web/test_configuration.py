"""Files of the configuration are written by whoever may, in place of what was read, if they are valid, and told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest

from shared.admitting import checked_file
from shared.configuration_ports import StoredFile
from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import Conflict, InvalidReference
from shared.flows.compare_file import FileComparer
from shared.flows.write_file import FileWriter
from shared.watch_list_yaml import parse_watch_list
from shared.web.answers import answered
from shared.web.asked import Asked
from shared.web.configuration import ConfigurationPages
from shared.web.routes import find
from tests.doubles.storage import InMemoryActivity, InMemoryConfiguration, SettableClock
from tests.made_signatures.authorities import new_key, public_pem

pytestmark = pytest.mark.unit

OPS = Caller(Kind.PERSON, "ops@33-44", "ops", frozenset({Role.OPERATOR}))
LIST = b"images: [{name: node, source: node, tags: [22], target: base/node}]\n"
WAIVERS = b"- {id: CVE-2026-0001, package: openssl, reason: unused, by: anna, until: '2099-12-31'}\n"


class Files:
    """``ConfigurationFiles`` in a dictionary, and what serves it."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredFile] = {"images.yaml": StoredFile(LIST, "1")}
        self.configuration, self.activity = InMemoryConfiguration(LIST), InMemoryActivity()
        self.faster: bytes | None = None
        writer = FileWriter(self, self.configuration, self.activity, parse_watch_list, checked_file)
        listed = lambda: parse_watch_list(LIST)  # noqa: E731
        comparer = FileComparer(self, self.configuration, parse_watch_list, checked_file, listed, 20)
        self.pages = ConfigurationPages(writer=lambda: writer, comparer=lambda: comparer, clock=SettableClock())

    def read(self, name: str) -> StoredFile | None:
        """See ``ConfigurationFiles.read``."""
        return self.kept.get(name)

    def write(self, name: str, content: bytes, etag: str | None) -> StoredFile:
        """See ``ConfigurationFiles.write``."""
        if self.faster is not None:
            self.kept[name] = StoredFile(self.faster, "faster")
        known = self.kept.get(name)
        if (known.etag if known else None) != etag:
            raise Conflict(name)
        self.kept[name] = StoredFile(content, f"{int(etag or 0) + 1}")
        return self.kept[name]

    def put(self, file: str, content: bytes, headers: Mapping[str, str] = {}) -> tuple[int, dict[str, Any], str]:
        """Write a file; return the status, the body and the tag."""
        request = func.HttpRequest("PUT", "https://localhost/api", headers=dict(headers), body=content)
        answer = answered(lambda: self.pages.put(Asked(request, {"file": file}, OPS)))
        return answer.status_code, json.loads(answer.get_body()), answer.headers.get("ETag", "")

    def ask(self, what: str, file: str, content: bytes) -> tuple[int, dict[str, Any]]:
        """Ask whether a file is valid, or what it would change."""
        request = func.HttpRequest("POST", "https://localhost/api", body=content)
        answer = answered(lambda: getattr(self.pages, what)(Asked(request, {"file": file}, OPS)))
        return answer.status_code, json.loads(answer.get_body())


def test_a_list_is_written_in_place_of_what_was_read_and_told_with_who() -> None:
    files = Files()
    request = func.HttpRequest("GET", "https://localhost/api", body=b"")
    shown = answered(lambda: files.pages.get(Asked(request, {"file": "images.yaml"}, OPS)))
    assert (shown.status_code, shown.get_body()) == (200, LIST)
    better = LIST.replace(b"22", b"24")
    status, _, etag = files.put("images.yaml", better, {"if-match": shown.headers["ETag"], "x-why": "the new one"})
    assert (status, files.kept["images.yaml"].content, etag) == (200, better, '"2"')
    (line,) = files.activity.events
    assert (line.name, line.subject) == ("file-written", "file:config/images.yaml")
    assert "ops (person ops@33-44): the new one" in line.detail


def test_writing_twice_is_writing_once() -> None:
    files, better = Files(), LIST.replace(b"22", b"24")
    for _ in range(2):
        assert files.put("images.yaml", better, {"if-match": '"1"'})[0] == 200
    assert (files.kept["images.yaml"].etag, len(files.activity.events)) == ("2", 1)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 428), ({"if-match": '"0"'}, 412), ({"if-match": "*"}, 412), ({"if-none-match": "*"}, 412)],
)
def test_nothing_is_written_over_what_nobody_read(headers: dict[str, str], status: int) -> None:
    files = Files()
    assert files.put("images.yaml", LIST.replace(b"22", b"24"), headers)[0] == status
    assert files.kept["images.yaml"].content == LIST
    assert files.activity.events == ()


def test_whoever_is_faster_wins() -> None:
    files = Files()
    files.faster = LIST.replace(b"22", b"20")
    assert files.put("images.yaml", LIST.replace(b"22", b"24"), {"if-match": '"1"'})[0] == 412
    assert files.kept["images.yaml"].content == files.faster
    assert [line.name for line in files.activity.events] == ["file-written", "came-too-late"]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("images.yaml", b"images: [{name: node}]\n", "line 1"),
        ("images/web.yaml", LIST, "node"),
        ("waivers.yaml", b"- {id: CVE-1}\n", "package"),
        ("vex/a.json", b"{}", "config/vex/a.json"),
        ("known-exploited.json", b"[]", "config/known-exploited.json"),
        ("trust/keys/build.pem", b" ", "not a public key"),
    ],
)
def test_what_is_not_valid_by_itself_or_with_the_others_is_not_written(file: str, content: bytes, told: str) -> None:
    files = Files()
    new = {"if-match": '"1"'} if file == "images.yaml" else {"if-none-match": "*"}
    status, body, _ = files.put(file, content, new)
    assert status == 422
    assert told in body["detail"]
    assert list(files.kept) == ["images.yaml"]


@pytest.mark.parametrize(
    ("file", "content"), [("waivers.yaml", WAIVERS), ("trust~keys~build.pem", public_pem(new_key()))]
)
def test_a_new_file_is_written_where_there_is_none(file: str, content: bytes) -> None:
    files = Files()
    assert files.put(file, content, {"if-none-match": "*"})[0] == 200
    assert files.kept[file.replace("~", "/")].content == content


@pytest.mark.parametrize(
    "file",
    [
        "images.last-good.yaml",
        "exceptions.last-good.json",
        "gates~node~test.sh",
        "trust",
        "trust~..~waivers.yaml",
        "trust%2F..%2Fa",
        "vex~a~b.json",
        "images~a.txt",
        "IMAGES.YAML",
        "images.yaml\n",
    ],
)
def test_no_other_name_is_written(file: str) -> None:
    with pytest.raises(InvalidReference):
        find("PUT", f"config/{file}")
    files = Files()
    assert files.put(file, LIST, {"if-none-match": "*"})[0] == 400
    assert list(files.kept) == ["images.yaml"]


def test_what_is_too_large_is_not_read() -> None:
    assert Files().put("trust/a", b"x" * (256 * 1024 + 1), {"if-none-match": "*"})[0] == 413


# Asking first.

WEB = b"images: [{name: nginx, source: nginx, tags: ['1.29'], target: base/nginx}]\n"


def test_a_file_is_checked_with_the_others_and_nothing_comes_of_it() -> None:
    files = Files()
    assert files.ask("validate", "images~web.yaml", WEB) == (
        200,
        {"file": "images/web.yaml", "valid": True, "problems": []},
    )
    status, told = files.ask("validate", "images~web.yaml", LIST)
    assert (status, told["valid"]) == (200, False)
    assert "node" in told["problems"][0]
    assert (list(files.kept), files.activity.events) == (["images.yaml"], ())


@pytest.mark.parametrize(
    ("file", "content"),
    [("waivers.yaml", b"- {id: CVE-1}\n"), ("vex~a.json", b"{}"), ("known-exploited.json", b"\xff"), ("trust~a", b"")],
)
def test_what_could_not_be_written_is_told_to_who_asks_first(file: str, content: bytes) -> None:
    files = Files()
    asked, _ = files.ask("validate", file, content)
    written, _, _ = files.put(file, content, {"if-none-match": "*"})
    _, told = files.ask("validate", file, content)
    assert (asked, told["valid"], bool(told["problems"])) == (200, written == 200, written != 200)


def test_a_file_is_compared_with_the_list_in_force_and_names_what_it_would_replace() -> None:
    files = Files()
    status, told = files.ask("diff", "images.yaml", LIST.replace(b"22", b"24"))
    assert (status, told["valid"], told["etag"], told["same"]) == (200, True, "1", False)
    (entry,) = told["list"]["changed"]
    assert (entry["name"], [one["field"] for one in entry["fields"]]) == ("node", ["tags"])
    assert files.put("images.yaml", LIST.replace(b"22", b"24"), {"if-match": told["etag"]})[0] == 200


def test_a_new_file_adds_to_the_list_and_the_same_file_changes_nothing() -> None:
    files = Files()
    _, told = files.ask("diff", "images~web.yaml", WEB)
    assert (told["etag"], told["list"]["added"], told["list"]["removed"]) == (None, ["nginx"], [])
    _, told = files.ask("diff", "images.yaml", LIST)
    assert (told["same"], told["list"]["added"], told["list"]["changed"]) == (True, [], [])


def test_a_file_that_is_not_valid_changes_nothing_that_could_be_told() -> None:
    _, told = Files().ask("diff", "images.yaml", b"images: [{name: node}]\n")
    assert (told["valid"], told["list"]) == (False, None)
    _, told = Files().ask("diff", "waivers.yaml", WAIVERS)
    assert (told["valid"], told["list"]) == (True, None)


def test_what_is_too_large_is_not_looked_at() -> None:
    for what in ("validate", "diff"):
        assert Files().ask(what, "trust~a", b"x" * (256 * 1024 + 1))[0] == 413
