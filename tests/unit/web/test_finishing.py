"""What is read twice is sent once, and nothing that changes is kept anywhere."""

from __future__ import annotations

import azure.functions as func
import pytest

from shared.domain.links import Links
from shared.web.answers import json_answer, part_answer, problem
from shared.web.finishing import etag_of, finished

pytestmark = pytest.mark.unit


def sent(answer: func.HttpResponse, method: str = "GET", **headers: str) -> func.HttpResponse:
    """What is sent of an answer to a request with some headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return finished(func.HttpRequest(method, "https://localhost/api/targets", headers=named, body=b""), answer, Links())


def test_the_same_content_has_the_same_tag_and_other_content_another() -> None:
    one, same, other = (sent(json_answer(content)).headers["ETag"] for content in ({"a": 1}, {"a": 1}, {"a": 2}))
    assert one == same != other
    assert one == etag_of(b'{"a":1}')


@pytest.mark.parametrize("said", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_already_is_sent_nothing(said: str) -> None:
    tag = sent(json_answer({"a": 1})).headers["ETag"]
    answer = sent(json_answer({"a": 1}), if_none_match=said.format(tag))
    assert (answer.status_code, answer.get_body(), answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("said", ["", '"other"', "other", "W/"])
def test_who_has_something_else_is_sent_the_whole(said: str) -> None:
    answer = sent(json_answer({"a": 1}), if_none_match=said)
    assert (answer.status_code, answer.get_body()) == (200, b'{"a":1}')


def test_neither_problems_nor_what_acted_are_kept_or_answered_by_304() -> None:
    for answer in (sent(problem("no", 404), if_none_match="*"), sent(json_answer({}), "POST", if_none_match="*")):
        assert answer.status_code in {200, 404}
        assert "ETag" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_tag_that_an_answer_has_stays() -> None:
    answer = json_answer({"a": 1})
    answer.headers["ETag"] = '"0x8DC"'
    assert sent(answer).headers["ETag"] == '"0x8DC"'
    assert sent(answer, if_none_match='"0x8DC"').status_code == 304


def test_a_part_of_a_list_links_to_the_next_one_that_asks_for_the_same() -> None:
    request = func.HttpRequest("GET", "https://localhost/api/targets", params={"limit": "2", "after": "a"}, body=b"")
    answer = part_answer({"next": "b&c"}, request, "b&c")
    assert answer.headers["Link"] == '</api/targets?limit=2&after=b%26c>; rel="next"'
    assert "Link" not in part_answer({}, request, "").headers
