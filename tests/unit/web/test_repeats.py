"""A request that names itself is done once, whoever dies where, and its answer is given again."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import timedelta

import azure.functions as func
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.access.repeating import ABANDONED, LIFE, MOST_KEPT
from shared.domain.links import Links
from shared.errors import Unavailable
from shared.web.answers import json_answer, problem
from shared.web.asked import Asked
from shared.web.front import Front
from shared.web.problems import Problem
from shared.web.repeats import REPLAYED, Repeats
from shared.web.routes import ROUTES
from tests.doubles.answers import InMemoryAnswers
from tests.doubles.storage import SettableClock
from tests.unit.web.test_routes import TARGET

pytestmark = pytest.mark.unit


class Dies(BaseException):
    """The process ends here."""


class Site:
    """A front whose one act counts how often it is done, over answers in memory."""

    def __init__(self) -> None:
        self.clock, self.answers, self.done = SettableClock(), InMemoryAnswers(), 0
        self.next: func.HttpResponse | None = None
        self.fails: Exception | None = None
        self.caller = "ada"
        self.start()

    def start(self) -> None:
        """Begin a process anew, that knows nothing but what is stored."""
        links, repeats = Links("https://t.example"), Repeats(lambda: self.answers, self.clock)
        handlers = {one.name: self._act for one in ROUTES}
        self.front = Front(handlers, self._identify, lambda _: nullcontext(), lambda: "a-request", links, repeats)

    def _identify(self, _: func.HttpRequest) -> Caller:
        return Caller(Kind.KEY, self.caller, self.caller, frozenset(Role))

    def _act(self, asked: Asked) -> func.HttpResponse:
        self.done += 1
        if self.fails is not None:
            raise self.fails
        return self.next or json_answer({"done": self.done, "body": asked.request.get_body().decode()})

    def ask(
        self, key: str | None = "k1", body: str = "{}", path: str = f"targets/{TARGET}/pin", method: str = "POST"
    ) -> func.HttpResponse:
        """Ask for the act."""
        headers = {} if key is None else {"idempotency-key": key}
        url = f"https://localhost/api/{path}"
        request = func.HttpRequest(method, url, headers=headers, route_params={"path": path}, body=body.encode())
        return self.front.serve(request)


def type_of(answer: func.HttpResponse) -> str:
    """The name of a problem's type."""
    told: str = json.loads(answer.get_body())["type"]
    assert told.startswith("https://t.example/api/problems/")
    return told.rpartition("/")[2]


def test_who_asks_twice_by_one_key_is_answered_twice_and_it_is_done_once() -> None:
    site = Site()
    first, second = site.ask(), site.ask()
    assert (first.status_code, first.get_body()) == (second.status_code, second.get_body())
    assert (REPLAYED in first.headers, second.headers[REPLAYED], site.done) == (False, "true", 1)


def test_without_a_key_it_is_done_as_often_and_nothing_is_asked_of_storage() -> None:
    site = Site()
    for _ in range(3):
        site.ask(None)
    assert (site.done, site.answers.calls) == (3, 0)


def test_what_changes_nothing_is_not_kept() -> None:
    site = Site()
    for _ in range(2):
        site.ask(path="preview")
        site.ask(path="targets", method="GET")
    assert (site.done, site.answers.calls) == (4, 0)


def test_another_request_by_the_same_key_is_refused() -> None:
    site = Site()
    site.ask()
    others = [site.ask(body='{"why": "x"}'), site.ask(path=f"targets/{TARGET}/unpin")]
    assert [type_of(one) for one in others] == [Problem.KEY_REUSED.value] * 2
    assert site.done == 1


def test_the_same_key_of_somebody_else_is_another_one() -> None:
    site = Site()
    site.ask()
    site.caller = "eve"
    assert REPLAYED not in site.ask().headers
    assert site.done == 2


def test_a_refusal_is_given_again_with_its_whole_address() -> None:
    site = Site()
    site.next = problem("it moved on", 409, reason="moved-on")
    first, second = site.ask(), site.ask()
    assert (type_of(second), first.get_body(), site.done) == ("declined", second.get_body(), 1)


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_what_says_to_ask_again_is_not_given_again(status: int) -> None:
    site = Site()
    site.next = problem("later", status)
    assert site.ask().status_code == status
    site.next = None
    assert site.ask().status_code == 200
    assert site.done == 2


def test_an_answer_that_is_too_large_is_made_again() -> None:
    site = Site()
    site.next = json_answer("x" * MOST_KEPT)
    site.ask()
    assert (site.ask().status_code, site.done) == (200, 2)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ä", "a\n"])
def test_what_is_no_key_is_refused(key: str) -> None:
    site = Site()
    assert (type_of(site.ask(key)), site.done) == (Problem.MALFORMED.value, 0)


def test_while_the_first_one_runs_the_second_one_waits() -> None:
    site, told = Site(), list[func.HttpResponse]()
    original = site._act

    def act(asked: Asked) -> func.HttpResponse:
        if not told:
            told.append(site.ask())
        return original(asked)

    site._act = act  # type: ignore[method-assign]
    site.start()
    assert site.ask().status_code == 200
    assert (type_of(told[0]), told[0].headers["Retry-After"], site.done) == (Problem.STILL_RUNNING.value, "30", 1)


def test_a_key_is_over_after_a_day_and_its_row_is_put_away() -> None:
    site = Site()
    site.ask()
    site.ask("k2")
    site.clock.advance(LIFE + timedelta(seconds=1))
    assert REPLAYED not in site.ask().headers
    assert site.done == 3
    assert len(site.answers.kept) == 1


@pytest.mark.parametrize("moment", ["before:add", "after:add", "before:replace", "after:replace"])
def test_whoever_dies_between_any_two_writes_is_neither_lost_nor_done_twice_within_what_is_known(moment: str) -> None:
    site = Site()

    def die(now: str) -> None:
        if now == moment:
            raise Dies

    site.answers.before_call = die
    with pytest.raises(Dies):
        site.ask()
    site.answers.before_call = None
    before = site.done
    site.start()
    again = site.ask()
    if moment == "before:add":
        assert (again.status_code, site.done) == (200, 1)
    elif moment == "after:replace":
        assert (again.headers[REPLAYED], site.done) == ("true", before)
    else:
        assert (type_of(again), site.done) == (Problem.STILL_RUNNING.value, before)
        site.clock.advance(ABANDONED)
        assert (site.ask().status_code, site.done) == (200, before + 1)
        assert site.ask().headers[REPLAYED] == "true"


def test_where_storage_does_not_answer_nothing_is_done() -> None:
    for method in ("find", "add"):
        site = Site()
        site.answers.fail(method, Unavailable("storage is away"))
        assert (type_of(site.ask()), site.done) == (Problem.NOT_NOW.value, 0)


def test_an_answer_that_cannot_be_kept_is_given_all_the_same() -> None:
    site = Site()
    site.answers.fail("replace", Unavailable("storage is away"))
    site.answers.fail("put_away", Unavailable("storage is away"))
    assert (site.ask().status_code, site.done) == (200, 1)


def test_what_failed_in_a_way_that_nobody_foresaw_is_done_again_at_once() -> None:
    site = Site()
    site.fails = RuntimeError("nobody foresaw this")
    assert type_of(site.ask()) == Problem.DEFECT.value
    site.fails = None
    assert (site.ask().status_code, site.done) == (200, 2)
