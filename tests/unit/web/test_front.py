"""The door of the HTTP API: nobody gets in without an identity, and nobody farther than the role."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from msgspec.structs import replace

from shared.access_ports import StoredKey
from shared.domain.access.api_keys import ApiKey, new_key
from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import MalformedInput, Unavailable
from shared.rules.known_keys import BELIEVED, KnownKeys
from shared.web.answers import REQUEST_ID, json_answer
from shared.web.asked import Asked
from shared.web.callers import MOST_FAILURES, Callers
from shared.web.front import Front
from shared.web.routes import ACTING, AGREEING, READING, ROUTES, WRITING, Method
from tests.doubles.storage import SettableClock
from tests.unit.web.test_routes import TARGET, example

pytestmark = pytest.mark.unit


class Door:
    """A front whose handlers say who was let in, over keys in memory."""

    def __init__(self, *, sign_in: bool = False) -> None:
        self.clock = SettableClock()
        self.kept: dict[str, ApiKey] = {}
        self.texts = {role: self.make(role.value, role) for role in Role}
        self.readings = 0
        self.broken = False
        self.let_in: list[Asked] = []
        self.fails: Exception | None = None
        callers = Callers(KnownKeys(lambda: self, self.clock), self.clock, sign_in=sign_in)
        handlers = {one.name: self._serve for one in ROUTES}
        self.front = Front(handlers, callers.identify, lambda _: nullcontext(), lambda: "a-request", sign_in=sign_in)

    def make(self, name: str, role: Role) -> str:
        """Make a key, and return it."""
        key, text = new_key(name, role, self.clock(), self.kept.values())
        self.add(key)
        return text

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``."""
        self.readings += 1
        if self.broken:
            raise Unavailable("the storage account does not answer")
        return tuple(StoredKey(key, "") for key in self.kept.values())

    def add(self, key: ApiKey) -> None:
        """See ``ApiKeys.add``."""
        self.kept[key.id] = key

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """See ``ApiKeys.replace``."""
        self.kept[stored.key.id] = key

    def _serve(self, asked: Asked) -> func.HttpResponse:
        self.let_in.append(asked)
        if self.fails is not None:
            raise self.fails
        return json_answer({"by": asked.caller.said})

    def ask(self, method: str, path: str, headers: Mapping[str, str] = {}) -> func.HttpResponse:
        """Ask as the Functions host does."""
        url = f"https://tidegate.example/api/{path}"
        request = func.HttpRequest(method, url, headers=dict(headers), route_params={"path": path}, body=b"")
        return self.front.serve(request)

    def status(self, headers: Mapping[str, str], method: str = "GET", path: str = "candidates") -> int:
        """Ask, and return the status."""
        return self.ask(method, path, headers).status_code


def principal(*claims: tuple[str, str], auth_typ: str = "aad") -> str:
    """The header that App Service makes of a token's claims."""
    told = {"auth_typ": auth_typ, "role_typ": "x", "claims": [{"typ": typ, "val": val} for typ, val in claims]}
    return base64.b64encode(json.dumps(told).encode()).decode()


ADA = (("oid", "11-22"), ("tid", "33-44"), ("name", "Ada"), ("preferred_username", "ada@example.org"))
APPROVER = (*ADA, ("roles", "approver"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
def test_no_route_of_the_table_answers_without_an_identity(route: Any) -> None:
    door = Door()
    answer = door.ask(route.method.value, example(route))
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "x-api-key" in answer.headers["WWW-Authenticate"]
    assert door.let_in == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
@pytest.mark.parametrize("role", Role, ids=lambda one: one.value)
def test_each_role_opens_what_the_table_says_and_nothing_else(route: Any, role: Role) -> None:
    door = Door()
    status = door.status({"x-api-key": door.texts[role]}, route.method.value, example(route))
    assert status == (200 if role in route.roles else 403)
    assert len(door.let_in) == (status == 200)


KINDS = {
    "person": ADA,
    "application": (("oid", "11-22"), ("tid", "33-44"), ("idtyp", "app")),
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", [*(role.value for role in Role), "owner", None])
def test_the_whole_table_is_the_same_for_who_signed_in(route: Any, kind: str, role: str | None) -> None:
    door = Door(sign_in=True)
    claims = (*KINDS[kind], *((("roles", role),) if role else ()))
    status = door.status({"x-ms-client-principal": principal(*claims)}, route.method.value, example(route))
    may = role in {one.value for one in route.roles}
    assert (status, len(door.let_in)) == ((200, 1) if may else (403, 0))


def test_who_is_nobody_learns_nothing_of_what_there_is() -> None:
    door = Door()
    answers = [door.ask(method, path) for method, path in (("GET", "candidates"), ("GET", "no/such"), ("PUT", "check"))]
    assert len({(answer.status_code, answer.get_body()) for answer in answers}) == 1


def test_who_is_somebody_is_told_of_a_wrong_method_or_path_or_parameter() -> None:
    door = Door()
    headers = {"x-api-key": door.texts[Role.READER]}
    wrong = door.ask("DELETE", "candidates/", headers)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET")
    assert [door.status(headers, "GET", path) for path in ("", "nothing", "targets/nonsense")] == [404, 404, 400]


def test_a_caller_stands_in_records_by_name_and_by_what_cannot_change_hands() -> None:
    door = Door(sign_in=True)
    door.ask("GET", "candidates", {"x-api-key": door.texts[Role.READER]})
    door.ask("GET", "candidates", {"X-MS-CLIENT-PRINCIPAL": principal(*APPROVER)})
    machine, person = (asked.caller for asked in door.let_in)
    assert (machine.kind, machine.said) == (Kind.KEY, f"reader (API key {machine.id})")
    assert (person.kind, person.said) == (Kind.PERSON, "Ada (person 11-22@33-44)")
    assert person.roles == {Role.APPROVER}


# Signing in.


def test_a_header_that_names_somebody_is_refused_while_sign_in_is_off_even_with_a_key() -> None:
    door = Door()
    forged = {"X-MS-CLIENT-PRINCIPAL": principal(*APPROVER)}
    assert [door.status(forged), door.status({**forged, "x-api-key": door.texts[Role.OPERATOR]})] == [401, 401]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (principal(*APPROVER), 200),
        (principal(*ADA, ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "reader")), 200),
        (principal(*ADA), 403),
        (principal(*ADA, ("roles", "Approver")), 403),
        (principal(*APPROVER, auth_typ="facebook"), 401),
        (principal(*APPROVER, ("oid", "99")), 401),
        (principal(*APPROVER[1:]), 401),
        (principal(*APPROVER, ("groups", "g" * 30_000)), 401),
        (f"{principal(*APPROVER)},{principal(*APPROVER)}", 401),
        (f"{principal(*APPROVER)}, ", 401),
        (principal(*APPROVER)[:-5], 401),
        (base64.b64encode(b"[" * 9000).decode(), 401),
        (base64.b64encode(b"null").decode(), 401),
        ("", 401),
    ],
    ids=range(14),
)
def test_who_signed_in_is_read_whole_or_refused(header: str, status: int) -> None:
    assert Door(sign_in=True).status({"X-MS-CLIENT-PRINCIPAL": header}) == status


def test_an_application_is_no_person_though_it_has_a_role() -> None:
    door = Door(sign_in=True)
    claims = [("oid", "11-22"), ("tid", "33-44"), ("roles", "approver"), ("appid", "deploy")]
    for more in ([], [("sub", "11-22"), ("upn", "x")], [("idtyp", "app"), ("upn", "x")]):
        assert door.status({"X-MS-CLIENT-PRINCIPAL": principal(*claims, *more)}) == 200
    assert {asked.caller.kind for asked in door.let_in} == {Kind.APPLICATION}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://tidegate.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://tidegate.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_page_of_another_site_changes_nothing_in_the_name_of_who_signed_in(more: dict[str, str], status: int) -> None:
    door = Door(sign_in=True)
    headers = {"X-MS-CLIENT-PRINCIPAL": principal(*APPROVER, ("roles", "operator")), **more}
    for route in ROUTES:
        wanted = 200 if route.method is Method.GET else status
        assert door.status(headers, route.method.value, example(route)) == wanted


READ = ("reference", "problems/not-found", "problems/no-such-type")


@pytest.mark.parametrize("path", READ)
def test_a_browser_in_nobodys_name_is_sent_to_sign_in_and_back_where_people_sign_in(path: str) -> None:
    browser = {"Accept": "text/html,*/*"}
    answer = Door(sign_in=True).ask("GET", path, browser)
    assert answer.status_code == 302
    back = path.replace("/", "%2F")
    assert answer.headers["Location"] == f"/.auth/login/aad?post_login_redirect_uri=%2Fapi%2F{back}"
    assert Door().status(browser, "GET", path) == 401


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "reference", {"Accept": "application/json"}),
        ("GET", "candidates", {}),
        ("POST", "reference", {}),
        ("GET", "reference", {"x-api-key": "forged"}),
        ("GET", "reference", {"X-MS-CLIENT-PRINCIPAL": "forged"}),
    ],
)
def test_nobody_else_is_sent_anywhere(method: str, path: str, more: dict[str, str]) -> None:
    assert Door(sign_in=True).status({"Accept": "text/html", **more}, method, path) == 401


# Keys.


def test_a_revoked_key_opens_nothing_within_a_minute_and_a_new_one_opens_soon() -> None:
    door = Door()
    old = {"x-api-key": door.texts[Role.READER]}
    assert door.status(old) == 200
    door.kept = {one: replace(key, revoked=door.clock()) for one, key in door.kept.items()}
    new = {"x-api-key": door.make("late", Role.READER)}
    door.clock.advance(timedelta(seconds=6))
    assert door.status(new) == 200
    door.clock.advance(BELIEVED)
    assert timedelta(minutes=1) >= BELIEVED + timedelta(seconds=6)
    assert (door.status(old), door.status(new)) == (401, 200)


def test_keys_are_read_seldom_however_often_they_are_asked_about() -> None:
    door = Door()
    for _ in range(50):
        door.status({"x-api-key": door.texts[Role.READER]})
        door.status({"x-api-key": f"tidegate_{'0' * 12}_{'0' * 64}"})
        door.status({"x-api-key": "not a key"})
    assert door.readings == 1


def test_while_keys_cannot_be_read_nobody_is_let_in_by_one() -> None:
    door = Door()
    headers = {"x-api-key": door.texts[Role.READER]}
    assert door.status(headers) == 200
    door.broken = True
    door.clock.advance(BELIEVED)
    assert door.status(headers) == 503


def test_after_too_many_failures_nobody_is_told_why_and_a_known_key_is_still_let_in() -> None:
    door = Door()
    assert [door.status({}) for _ in range(MOST_FAILURES + 2)][-2:] == [429, 429]
    assert door.status({"x-api-key": door.texts[Role.READER]}) == 200
    door.clock.advance(timedelta(minutes=1))
    assert door.status({}) == 401


def test_a_name_has_two_keys_at_most_and_none_of_them_is_kept() -> None:
    door = Door()
    texts = [door.make("deploy", Role.OPERATOR) for _ in range(2)]
    assert [door.status({"x-api-key": text}, "POST", "check") for text in texts] == [200, 200]
    with pytest.raises(MalformedInput, match="deploy has 2 keys in force"):
        door.make("deploy", Role.OPERATOR)
    assert not [text for text in texts if text in str(door.kept) or text[-64:] in str(door.kept)]
    with pytest.raises(MalformedInput, match="no name for a key"):
        door.make("Two words", Role.READER)


def test_a_route_without_a_handler_does_not_start() -> None:
    with pytest.raises(ValueError, match=ROUTES[0].name):
        Front({one.name: lambda _: json_answer({}) for one in ROUTES[1:]}, lambda _: None, lambda _: nullcontext(), str)  # type: ignore[arg-type, return-value]
    acting = [one for one in ROUTES if one.method is Method.POST and one.roles != READING]
    assert {one.roles for one in acting} == {ACTING, AGREEING, WRITING}


@pytest.mark.parametrize("asked", [("GET", "candidates"), ("POST", f"targets/{TARGET}/pin")], ids=" ".join)
def test_what_nobody_foresaw_is_a_problem_that_tells_its_request_and_nothing_of_itself(
    asked: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    door = Door()
    door.fails = RuntimeError("the inside of it: AccountKey=c2VjcmV0")
    answer = door.ask(*asked, {"x-api-key": door.texts[Role.OPERATOR]})
    told = json.loads(answer.get_body())
    assert (answer.status_code, answer.mimetype, told["type"]) == (
        500,
        "application/problem+json",
        "/api/problems/internal-error",
    )
    assert told["request_id"] == answer.headers[REQUEST_ID] == "a-request"
    assert b"inside" not in answer.get_body()
    [line] = [one for one in caplog.records if "a-request" in one.getMessage()]
    assert "the inside of it" in caplog.handler.format(line)


def test_where_even_who_asks_fails_to_be_told_the_answer_is_that_problem() -> None:
    def fails(_: func.HttpRequest) -> Caller:
        raise KeyError("roles")

    handlers = {one.name: lambda _: json_answer({}) for one in ROUTES}
    front = Front(handlers, fails, lambda _: nullcontext(), lambda: "a-request")
    answer = front.serve(func.HttpRequest("GET", "https://t.example/api/images", body=b""))
    assert (answer.status_code, json.loads(answer.get_body())["request_id"]) == (500, "a-request")
