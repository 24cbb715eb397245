"""The running app answers whatever its document allows as the document says, and every example of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from infra.local.demo.watching import Watcher
from infra.local.playground.ground import SETTINGS, Playground
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from shared.web.parameters import PARAMETERS
from shared.web.route import Method, Route
from shared.web.routes import ROUTES

pytestmark = pytest.mark.twin

_SIGN_IN = {"SIGN_IN_ENABLED": "true", "WEBSITE_AUTH_ENABLED": "True"}
_SESSION = "ada:approver+operator+reader"
# What is generated ends by itself sooner, unless the machine is busy.
_SECONDS = 240
# Identities are walked by the tests of the front; here every request bears one, and whoever fails too often is braked.
# What JSON Schema cannot say is refused in words with 400: a reason that cannot be printed, or a cursor that no answer
# said.
_ELSEWHERE = "ignored_auth,positive_data_acceptance"


@pytest.fixture(scope="module")
def watcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watcher]:
    """An installation where something was promoted and an application built on it, and people sign in."""
    topology = new_topology(tmp_path_factory.mktemp("twin"), free_base_port())
    with Twin(topology, {**SETTINGS, **_SIGN_IN}) as twin:
        Playground(topology, say=lambda _: None).lay_out(twin)
        yield Watcher(topology)
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


@pytest.fixture(scope="module")
def document(watcher: Watcher) -> dict[str, Any]:
    """The document, as the app serves it."""
    answer = watcher.person(_SESSION, "GET", "openapi.json")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def operation(document: dict[str, Any], route: Route) -> dict[str, Any]:
    """What the document says of a route."""
    said: dict[str, Any] = document["paths"][f"/api/{route.path}"][route.method.value.lower()]
    return said


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
def test_every_example_of_the_document_is_understood(watcher: Watcher, document: dict[str, Any], route: Route) -> None:
    said = operation(document, route)
    named = {name: quote(one.example) for name, one in PARAMETERS.items()}
    query = {one["name"]: one["example"] for one in said["parameters"] if one["in"] == "query" and "example" in one}
    asked: dict[str, Any] = {"params": query}
    if route.example is not None:
        asked["json"] = said["requestBody"]["content"]["application/json"]["example"]
    elif route.body is bytes:
        asked["data"] = b"FROM node\n" if route.name == "judge_dockerfile" else b"images: []\n"
    answer = watcher.person(_SESSION, route.method.value, route.path.format(**named), **asked)
    assert str(answer.status_code) in said["responses"], answer.text
    # Nothing is replaced by who does not say what; and an example names what may not be there.
    assert answer.status_code in {200, 202, 404, 409, 428}, answer.text


def test_lists_go_on_by_the_link_and_end_without_one(watcher: Watcher) -> None:
    whole = watcher.person(_SESSION, "GET", "targets").json()["targets"]
    found, path = [], "targets?limit=1"
    while path:
        answer = watcher.person(_SESSION, "GET", path)
        found += answer.json()["targets"]
        assert ("next" in answer.json()) == ("next" in answer.links)
        path = answer.links["next"]["url"].removeprefix("/api/") if "next" in answer.links else ""
    assert len(found) == len(whole) > 1
    assert [one["id"] for one in found] == [one["id"] for one in whole]


def test_what_did_not_change_is_not_sent_again(watcher: Watcher) -> None:
    first = watcher.person(_SESSION, "GET", "openapi.json")
    again = watcher.api("GET", "openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_act_that_names_itself_is_done_once_by_the_app(watcher: Watcher) -> None:
    target = watcher.person(_SESSION, "GET", "targets?limit=1").json()["targets"][0]
    asked = {"json": {"why": "twice", "number": target["number"]}, "headers": {"Idempotency-Key": "contract-1"}}
    first, again = (watcher.api("POST", f"targets/{target['id']}/pin", **asked) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    assert first.json()["pinned"] == again.json()["pinned"]
    other = first.json()["number"] + 1
    stale = watcher.api("POST", f"targets/{target['id']}/unpin", json={"why": "of another one", "number": other})
    assert (stale.status_code, stale.json()["reason"]) == (409, "moved-on")
    assert stale.json()["target"]["number"] == first.json()["number"]


def test_nothing_is_found_that_the_document_does_not_say(watcher: Watcher, tmp_path: Path) -> None:
    """Schemathesis, over the document: its examples, the bounds of every value, and made-up requests of either kind."""
    url = watcher.person(_SESSION, "GET", "openapi.json").url
    program = [sys.executable, "-m", "schemathesis.cli", "run", url]
    program += ["--header", f"Cookie: AppServiceAuthSession={_SESSION}", "--exclude-checks", _ELSEWHERE]
    program += ["--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--max-time", str(_SECONDS)]
    program += ["--generation-with-security-parameters", "false", "--generation-deterministic", "--no-shrink"]
    program += ["--no-color", "--continue-on-failure"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=_SECONDS * 2, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # It does not ask for the document, which it has read.
    assert f"Tested: {len(ROUTES) - 1}" in done.stdout, done.stdout[-3000:]


def test_the_pages_of_the_api_are_served_without_anything_of_others(watcher: Watcher) -> None:
    for path in ("reference", "problems/declined"):
        answer = watcher.person(_SESSION, Method.GET.value, path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "<script" not in answer.text
