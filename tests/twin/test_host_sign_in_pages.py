"""The host's stand-in for signing in: who may be whom, from where, and where it is refused altogether."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client
from werkzeug.test import TestResponse as Answer
from werkzeug.wrappers import Request, Response

from infra.local.host.sign_in_pages import LOGIN, LOGOUT, StandInRefusedError, stand_in
from infra.local.playground import ground
from infra.local.twin import parts
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import new_topology

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.unit

ON = {"WEBSITE_AUTH_ENABLED": "True"}
PEOPLE = ("ada:approver", "eva:reader")
HERE = "http://127.0.0.1:10030"
OURS = {"Sec-Fetch-Site": "same-origin"}


def behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """What is served behind it: who comes, by the session that is handed on."""
    return Response(f"served {Request(environ).cookies.get('AppServiceAuthSession', 'nobody')}")(
        environ, start_response
    )


def browser() -> Client:
    """A browser on this machine."""
    return Client(stand_in(PEOPLE, ON)(behind))


def signed_in(person: str, back: str = "/api/pages/images?text=a", **headers: str) -> Answer:
    """What is answered to who chooses somebody on the page."""
    return browser().post(LOGIN, base_url=HERE, data={"as": person, "back": back}, headers={**OURS, **headers})


def test_without_people_nothing_is_put_around_the_app() -> None:
    assert stand_in((), ON)(behind) is behind
    assert stand_in((), {"WEBSITE_INSTANCE_ID": "1"})(behind) is behind


def test_the_page_says_that_it_is_a_stand_in_and_offers_whom_one_may_be() -> None:
    answer = browser().get(LOGIN, base_url=HERE, query_string={"post_login_redirect_uri": "/api/pages/approvals"})
    assert "This is a stand-in for signing in, on this machine alone." in answer.text
    assert [f'value="{person}"' in answer.text for person in PEOPLE] == [True, True]
    assert 'name="back" value="/api/pages/approvals"' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_whoever_is_chosen_is_signed_in_and_comes_back_until_they_sign_out() -> None:
    client = browser()
    answer = client.post(LOGIN, base_url=HERE, data={"as": PEOPLE[0], "back": "/api/pages/images"}, headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/pages/images")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert client.get("/api/pages", base_url=HERE).text == f"served {PEOPLE[0]}"
    assert client.get(LOGOUT, base_url=HERE).headers["Location"] == LOGIN
    assert client.get("/api/pages", base_url=HERE).text == "served nobody"


@pytest.mark.parametrize(
    "back",
    ["https://x.example/", "//x.example/api/", "/\\x.example", "/api/\\x", "javascript:alert(1)", "/api/\r\nA: b", ""],
)
def test_the_way_back_leads_to_the_app_alone(back: str) -> None:
    assert signed_in(PEOPLE[0], back).headers["Location"] == "/api/pages"
    page = browser().get(LOGIN, base_url=HERE, query_string={"post_login_redirect_uri": back}).text
    assert 'name="back" value="/api/pages"' in page


def test_what_stands_in_an_address_is_text_on_the_page() -> None:
    page = browser().get(LOGIN, base_url=HERE, query_string={"post_login_redirect_uri": '/api/"><script>'}).text
    assert "<script>" not in page


@pytest.mark.parametrize("person", ["mallory:approver", "ada:operator", "ada:approver+operator", ""])
def test_nobody_else_is_signed_in_nor_taken_for_somebody(person: str) -> None:
    assert signed_in(person).status_code == 403
    client = browser()
    client.set_cookie("AppServiceAuthSession", person, domain="127.0.0.1")
    assert client.get("/api/pages", base_url=HERE).text in {"served nobody", "served "}


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://x.example"}],
)
def test_a_page_of_another_site_signs_nobody_in(headers: dict[str, str]) -> None:
    answer = browser().post(LOGIN, base_url=HERE, data={"as": PEOPLE[0]}, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", [LOGIN, LOGOUT, "/api/pages", "/admin/host/status"])
@pytest.mark.parametrize("host", ["x.example", "127.0.0.1.x.example", "x.example:10030", "192.168.0.9", "[::"])
def test_a_name_that_was_led_to_this_machine_is_answered_by_nothing(path: str, host: str) -> None:
    assert browser().get(path, base_url=HERE, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:10030", "localhost:10030", "[::1]:10030"])
def test_the_names_of_this_machine_are_answered(host: str) -> None:
    assert browser().get(LOGIN, base_url=HERE, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("people", "settings", "why"),
    [
        (PEOPLE, {**ON, "WEBSITE_INSTANCE_ID": "0"}, "this is Azure"),
        (PEOPLE, {}, "would believe nobody"),
        (PEOPLE, {"WEBSITE_AUTH_ENABLED": "false"}, "would believe nobody"),
        (("ada:operator",), ON, "and no more"),
        (("ada:approver+operator",), ON, "and no more"),
        (("ada",), ON, "and no more"),
    ],
)
def test_it_is_refused_where_it_is_not_for(people: tuple[str, ...], settings: dict[str, str], why: str) -> None:
    with pytest.raises(StandInRefusedError, match=why):
        stand_in(people, settings)


def test_a_host_that_is_told_to_stand_in_within_azure_does_not_start() -> None:
    asked = [sys.executable, "-m", "infra.local.host", "--function-key=a", "--master-key=b", "--person=ada:approver"]
    done = subprocess.run(
        asked, cwd=ROOT, env={**ON, "WEBSITE_INSTANCE_ID": "0"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "this is Azure" in done.stderr


def test_what_is_deployed_has_nothing_of_it() -> None:
    assert "infra" in (ROOT / ".funcignore").read_text().splitlines()
    product = [*(ROOT / "shared").rglob("*.py"), ROOT / "function_app.py"]
    assert [
        file.name for file in product if "AppServiceAuthSession" in file.read_text() and file.name != "openapi.py"
    ] == []


@pytest.mark.parametrize(
    ("kind", "func", "own"),
    [("own", "/bin/func", True), ("microsoft", None, False), (None, None, True), (None, "f", False)],
)
def test_people_sign_in_on_the_playground_where_the_twins_own_host_takes_off_what_they_claim(
    kind: Any, func: str | None, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.shutil, "which", lambda _: func)
    assert parts.is_own_host(kind) is own
    settings = ground.settings(new_topology(tmp_path, 20000), signs_in=own)
    assert ("WEBSITE_AUTH_ENABLED" in settings, "SIGN_IN_ENABLED" in settings) == (own, own)
