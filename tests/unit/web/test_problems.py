"""A problem's type has a name that stays, and people are told what it means and what to do."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

import azure.functions as func
import pytest

from shared.domain.links import Links
from shared.errors import InvalidReference, MalformedRequest, Refused, TidegateError, Unavailable, WatchListError
from shared.web.answers import answered, problem
from shared.web.problems import Problem, usual_of

pytestmark = pytest.mark.unit

# What clients go by. A name is never taken away or given to another meaning; new ones are added here.
NAMES = {
    "malformed-request",
    "no-identity",
    "missing-role",
    "sent-by-another-site",
    "not-allowed",
    "no-such-address",
    "not-found",
    "wrong-method",
    "declined",
    "watch-list-not-valid",
    "still-running",
    "changed-meanwhile",
    "too-large",
    "unsupported-media-type",
    "not-valid",
    "idempotency-key-reused",
    "condition-required",
    "too-many-requests",
    "internal-error",
    "refused-elsewhere",
    "not-available-now",
}


def test_the_names_that_clients_go_by_stay() -> None:
    assert {one.value for one in Problem} == NAMES
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in NAMES)


@pytest.mark.parametrize("kind", Problem, ids=lambda one: one.value)
def test_every_type_says_what_it_means_and_what_to_do(kind: Problem) -> None:
    told = kind.explained
    assert HTTPStatus(told.status) in HTTPStatus
    assert told.status >= 400
    assert min(len(told.title), len(told.means), len(told.todo)) > 10
    assert usual_of(told.status).explained.status == told.status


def test_no_two_types_have_one_title() -> None:
    assert len({one.explained.title for one in Problem}) == len(Problem)


def _raising(error: Exception) -> func.HttpResponse:
    def serve() -> func.HttpResponse:
        raise error

    return answered(serve)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MalformedRequest("no number"), Problem.MALFORMED),
        (MalformedRequest("no such candidate", status=404), Problem.NOT_FOUND),
        (MalformedRequest("say what is replaced", status=428), Problem.NO_CONDITION),
        (InvalidReference("no digest"), Problem.MALFORMED),
        (WatchListError(("images[0]: line 1",)), Problem.LIST_NOT_VALID),
        (Unavailable("storage does not answer"), Problem.NOT_NOW),
        (Refused("storage refuses"), Problem.REFUSED),
        (TidegateError("a defect"), Problem.DEFECT),
    ],
    ids=lambda one: one.value if isinstance(one, Problem) else "",
)
def test_what_is_raised_on_purpose_is_told_as_the_type_that_it_means(error: Exception, kind: Problem) -> None:
    answer = _raising(error)
    told = json.loads(answer.get_body())
    assert (told["type"], told["title"]) == (f"/api/problems/{kind.value}", kind.explained.title)
    assert (answer.status_code, told["status"]) == (kind.explained.status, kind.explained.status)


def test_a_type_is_a_whole_address_where_people_reach_the_app() -> None:
    answer = problem("no", 409, reason="superseded").reached_by(Links("https://tidegate.example.net"))
    told = json.loads(answer.get_body())
    assert told["type"] == "https://tidegate.example.net/api/problems/declined"
    assert told["reason"] == "superseded"


def test_who_is_asked_to_wait_is_told_how_long() -> None:
    waiting = [one for one in Problem if "Retry-After" in problem("", one.explained.status, kind=one).headers]
    assert waiting == [Problem.STILL_RUNNING, Problem.TOO_MANY, Problem.NOT_NOW]
