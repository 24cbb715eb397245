"""The door of the pages: nobody reads one without an identity, and a failure is a page, too."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import azure.functions as func
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import MalformedRequest, ServiceError, Unavailable
from shared.web.answers import REQUEST_ID
from shared.web.doors import Doors
from shared.web.pages.environment import HEADERS, Writer
from shared.web.pages.front import PageFront
from shared.web.pages.table import PAGES, is_page
from shared.web.routes import Method
from tests.doubles.paged import READER, request_for
from tests.doubles.storage import SettableClock
from tests.unit.web.test_routes import example

pytestmark = pytest.mark.unit

NOBODY = MalformedRequest("this address wants an identity", status=401)


class Door:
    """A front whose handlers do what the test says, for whoever the test says."""

    def __init__(self, who: Caller | Exception = READER, *, sign_in: bool = True, does: Any = None) -> None:
        self.who = who
        self.does = does or (lambda _: func.HttpResponse("shown", mimetype="text/html"))
        self.let_in: list[str] = []
        writer = Writer("prod-weu", SettableClock(), sign_in=sign_in)
        handlers = {page.name: self._serve for page in PAGES}
        self.front = PageFront(
            handlers, self._identify, lambda _: nullcontext(), writer, lambda: "a-request", sign_in=sign_in
        )

    def _identify(self, _: func.HttpRequest) -> Caller:
        if isinstance(self.who, Exception):
            raise self.who
        return self.who

    def _serve(self, asked: Any) -> func.HttpResponse:
        self.let_in.append(asked.caller.name)
        answer: func.HttpResponse = self.does(asked)
        return answer

    def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> func.HttpResponse:
        """Ask as the Functions host does."""
        return self.front.serve(request_for(path, method, headers))


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
@pytest.mark.parametrize("sign_in", [True, False])
def test_no_page_and_no_asset_is_shown_to_nobody(page: Any, sign_in: bool) -> None:
    door = Door(NOBODY, sign_in=sign_in)
    answer = door.ask(example(page), page.method.value)
    assert answer.status_code == (302 if sign_in else 401)
    assert door.let_in == []


def test_who_is_nobody_comes_back_after_signing_in_to_what_was_asked_for() -> None:
    answer = Door(NOBODY).ask("pages/images?team=web&group=waiting")
    assert answer.headers["Location"] == (
        "/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fpages%2Fimages%3Fteam%3Dweb%26group%3Dwaiting"
    )
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["pages/images?text=" + "x" * 4000, "pages\r\nSet-Cookie:%20a=b"])
def test_the_way_back_holds_nothing_that_is_no_path_of_ours(path: str) -> None:
    location = Door(NOBODY).ask(path).headers["Location"]
    assert location.startswith("/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fpages")
    assert len(location) < 2000
    assert not set(location) & set("\r\n ")


@pytest.mark.parametrize("header", ["x-api-key", "x-ms-client-principal"])
def test_an_identity_that_does_not_count_is_told_so_and_not_sent_round(header: str) -> None:
    answer = Door(NOBODY).ask("pages", headers={header: "wrong"})
    assert answer.status_code == 401
    assert b"wants an identity" in answer.get_body()


def test_where_nobody_can_sign_in_the_page_says_what_is_missing() -> None:
    answer = Door(NOBODY, sign_in=False).ask("pages")
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert b"this address wants an identity" in answer.get_body()


def test_somebody_without_a_role_sees_nothing() -> None:
    door = Door(Caller(Kind.PERSON, "1@2", "Eve", frozenset()))
    answer = door.ask("pages")
    assert (answer.status_code, door.let_in) == (403, [])
    assert b"no role of Tidegate" in answer.get_body()


@pytest.mark.parametrize("role", Role, ids=lambda one: one.value)
def test_every_role_reads_every_page(role: Role) -> None:
    door = Door(Caller(Kind.KEY, "k", "pipeline", frozenset({role})))
    for page in PAGES:
        if page.method is Method.GET:
            assert door.ask(example(page)).status_code == 200


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_that_is_none_is_a_page_too(status: int) -> None:
    answer = Door().ask(*(("pages/nothing",) if status == 404 else ("pages", "DELETE")))
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert answer.headers[REQUEST_ID] == "a-request"
    assert b"a-request" in answer.get_body()
    if status == 405:
        assert answer.headers["Allow"] == "GET"


def _raises(error: Exception) -> Any:
    def does(_: object) -> func.HttpResponse:
        raise error

    return does


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedRequest("there is no candidate 'x'", status=404), 404),
        (Unavailable("the storage account does not answer"), 503),
        (ServiceError("a row cannot be read"), 502),
    ],
)
def test_what_is_raised_on_purpose_is_told_with_its_status_and_an_id(error: Exception, status: int) -> None:
    answer = Door(does=_raises(error)).ask("pages")
    assert (answer.status_code, answer.headers[REQUEST_ID]) == (status, "a-request")
    assert b"a-request" in answer.get_body()


def test_a_defect_is_a_page_with_an_id_that_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    answer = Door(does=_raises(RuntimeError("the inside of it"))).ask("pages")
    assert answer.status_code == 500
    assert b"a-request" in answer.get_body()
    assert b"the inside of it" not in answer.get_body()
    [line] = [one for one in caplog.records if one.exc_info]
    assert "a-request" in line.getMessage()
    assert "the inside of it" in caplog.handler.format(line)


def test_keys_that_cannot_be_read_are_no_refusal() -> None:
    answer = Door(Unavailable("the storage account does not answer")).ask("pages")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a\u202eb\x00c"])
def test_an_error_is_shown_as_text(text: str) -> None:
    body = Door(does=_raises(MalformedRequest(text, status=400))).ask("pages").get_body().decode()
    assert text not in body
    assert "<script>alert" not in body
    assert "<img" not in body
    assert not set(body) & {"\u202e", "\x00"}


@pytest.mark.parametrize("path", ["pages", "pages/nothing", "pages/style.css", "pages/script.js"])
def test_every_answer_of_the_pages_has_the_policy(path: str) -> None:
    door = Door()
    door.does = lambda _: door.front._writer.asset("style")
    answer = door.ask(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_pages_are_never_kept_and_assets_for_as_long_as_their_address_lasts() -> None:
    assert Door().ask("pages/nothing").headers["Cache-Control"] == "no-store"
    door = Door()
    door.does = lambda _: door.front._writer.asset("script")
    assert "immutable" in door.ask("pages/script.js").headers["Cache-Control"]


def test_the_table_and_what_serves_it_are_one() -> None:
    with pytest.raises(ValueError, match="now"):
        PageFront({}, lambda _: READER, lambda _: nullcontext(), None, str, sign_in=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "page"),
    [("pages", True), ("Pages/images", True), ("pages/", True), ("images", False), ("pagesx", False), ("", False)],
)
def test_the_door_of_pages_takes_what_is_below_its_folder_and_is_made_by_its_first(path: str, page: bool) -> None:
    made: list[str] = []

    class One:
        """A door with a name."""

        def __init__(self, name: str) -> None:
            made.append(name)
            self.name = name

        def serve(self, request: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG002  a door's
            """See ``Door``."""
            return func.HttpResponse(self.name)

    doors = Doors(One("api"), lambda: One("pages"), lambda: "a-request")
    answers = {doors.serve(request_for(path)).get_body() for _ in range(3)}
    assert answers == {b"pages" if page else b"api"}
    assert made == (["api", "pages"] if page else ["api"])
    assert is_page(path) is page


def test_where_not_even_the_door_of_pages_can_be_made_who_asks_is_told_the_request() -> None:
    def made() -> Any:
        raise ImportError("no module named jinja2")

    answer = Doors(Door().front, made, lambda: "a-request").serve(request_for("pages"))
    assert (answer.status_code, answer.headers[REQUEST_ID]) == (500, "a-request")
    assert b"jinja2" not in answer.get_body()
