"""What the twin's host has in common with Microsoft's: the same statements about one small app, on either.

What differs is listed in ``infra/local/host/README.md``.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import requests

from tests.host.conftest import needs_keys
from tests.twin.host_fixtures import SampleTwin, eventually, running_sample


@pytest.fixture(scope="module", params=["own", "microsoft"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleTwin]:
    """The sample app on each of the hosts."""
    if request.param == "microsoft":
        request.getfixturevalue("microsoft")
    with running_sample(tmp_path_factory.mktemp(request.param), request.param) as started:
        yield started


def _ask(sample: SampleTwin, method: str, path: str, key: str | None = None, **options: Any) -> requests.Response:
    headers = {"x-functions-key": key} if key else {}
    return requests.request(method, sample.twin.topology.http("host") + path, headers=headers, timeout=20, **options)


def _thing(sample: SampleTwin, path: str) -> str:
    answer = _ask(sample, "GET", f"/api/things/{path}", sample.twin.topology.function_key)
    return str(answer.json()["thing"])


def test_of_two_routes_that_fit_the_function_first_in_the_alphabet_answers(sample: SampleTwin) -> None:
    assert _ask(sample, "GET", "/api/things/special").text == "GET"
    assert _thing(sample, "zoo") == "zoo"


def test_a_path_is_known_in_any_case_and_decoded_once_but_for_slashes(sample: SampleTwin) -> None:
    assert _ask(sample, "GET", "/API/Things/SPECIAL/").text == "GET"
    assert [_thing(sample, path) for path in ("a%20b", "a%2Fb", "a%2525", "a~b")] == [
        "a b",
        "a%2Fb",
        "a%25",
        "a~b",
    ]


@pytest.mark.parametrize("call", ["HEAD things/special", "PUT things/a", "GET no/such", "OPTIONS nothing", "GET off"])
def test_an_unknown_method_or_path_or_what_is_switched_off_is_not_found(sample: SampleTwin, call: str) -> None:
    method, path = call.split()
    assert _ask(sample, method, f"/api/{path}", sample.twin.topology.function_key).status_code == 404


@needs_keys
def test_each_key_opens_what_it_is_for(sample: SampleTwin) -> None:
    function, master = sample.twin.topology.function_key, sample.twin.topology.master_key
    assert [_ask(sample, "GET", "/api/things/a", key).status_code for key in (None, "wrong", function, master)] == [
        401,
        401,
        201,
        201,
    ]
    assert _ask(sample, "GET", f"/api/things/a?code={function}").status_code == 201
    status = "/admin/host/status"
    assert [_ask(sample, "GET", status, key).status_code for key in (None, "wrong", function, master)] == [
        401,
        401,
        403,
        200,
    ]


def test_a_header_that_names_a_user_reaches_the_app_as_sent_and_two_are_joined(sample: SampleTwin) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sample.twin.topology.port("host"), timeout=20)
    connection.putrequest("GET", f"/api/things/a?code={sample.twin.topology.function_key}")
    for user in ("one", "two"):
        connection.putheader("X-MS-CLIENT-PRINCIPAL", user)
    connection.endheaders()
    said = connection.getresponse().read().decode()
    connection.close()
    assert '"principal": "one,two"' in said.replace("one, two", "one,two")


@pytest.mark.parametrize("name", ["broken", "nothing"])
def test_a_function_that_fails_or_returns_nothing_answers_500_without_a_word(sample: SampleTwin, name: str) -> None:
    answer = _ask(sample, "GET", f"/api/{name}")
    assert (answer.status_code, answer.text) == (500, "")


def test_a_text_is_answered_as_plain_text(sample: SampleTwin) -> None:
    assert _ask(sample, "GET", "/api/things/special").headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_failing_message_comes_again_and_dies_into_a_queue_that_keeps_it_seven_days(sample: SampleTwin) -> None:
    text = 'fail {"candidate": "b\u00e4se/node"}'
    sample.queue.send_message(text, time_to_live=-1)
    (died,) = sample.wait_for(1, seconds=20, function="work_poison", text=text)
    tries = sample.notes(function="work", text=text)
    assert [note["count"] for note in tries] == [1, 2, 3]
    assert all(later["at"] - earlier["at"] >= 0.9 for earlier, later in pairwise(tries))
    assert died["days"] == 7


def test_a_message_is_deleted_once_its_function_ended(sample: SampleTwin) -> None:
    sent = sample.queue.send_message("well")
    (note,) = sample.wait_for(1, function="work", text="well")
    assert (note["id"], note["count"]) == (sent.id, 1)
    eventually(lambda: True if sample.queue.get_queue_properties().approximate_message_count == 0 else None)


def test_a_timer_runs_one_occurrence_at_a_time(sample: SampleTwin) -> None:
    sample.wait_for(3, function="tick ended")
    marks = [note["function"] for note in sample.notes() if note["function"] in ("tick", "tick ended")]
    assert marks[:6] == ["tick", "tick ended"] * 3


def test_a_timer_runs_by_hand_with_the_master_key(sample: SampleTwin) -> None:
    answer = _ask(sample, "POST", "/admin/functions/yearly", sample.twin.topology.master_key, json={"input": ""})
    assert answer.status_code == 202
    assert sample.wait_for(1, function="yearly")[0]["past_due"] is False


@pytest.mark.parametrize(("name", "status"), [("yearly", 415), ("no_such", 404)])
def test_what_cannot_be_run_by_hand_is_refused(sample: SampleTwin, name: str, status: int) -> None:
    options = {} if status == 415 else {"json": {"input": ""}}
    answer = _ask(sample, "POST", f"/admin/functions/{name}", sample.twin.topology.master_key, **options)
    assert answer.status_code == status


def test_a_schedule_that_is_none_leaves_out_its_function_and_says_so(sample: SampleTwin) -> None:
    said = sample.twin.log("host").read_text(errors="replace")
    assert "mistaken' failed indexing and will be disabled" in said
    assert sample.notes(function="mistaken") == []


def test_a_stopped_host_finishes_what_runs_and_begins_nothing_more(sample: SampleTwin) -> None:
    sample.queue.send_message("sleep 2.5")
    sample.wait_for(1, function="work", text="sleep 2.5")
    sample.twin.stop_host()
    sample.queue.send_message("later")
    assert sample.notes(function="slept", text="sleep 2.5")
    assert [message.content for message in sample.queue.peek_messages(5)] == ["later"]
