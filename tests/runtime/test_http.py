"""The HTTP functions, called as the host calls them."""

from __future__ import annotations

import json

import pytest

from shared.adapters.storage.records_table import RecordsTable
from shared.domain.promotion.candidate import Candidate
from tests.contract.examples import candidate, digest
from tests.runtime.conftest import Sent
from tests.runtime.settings import API_KEY, WEBHOOK_SECRET
from tests.runtime.typed_data import Trigger, http_request
from tests.runtime.worker import Answer, Worker

PUSH = json.dumps(
    {
        "id": "0d799b14-404b-4859-b2f6-50c5ee2a2c3a",
        "timestamp": "2026-03-04T12:00:00.0000000Z",
        "action": "push",
        "target": {"repository": "base/node", "tag": "22-alpine", "digest": digest(7)},
        "request": {"id": "1", "host": "tidegatebase.azurecr.io", "method": "PUT"},
    }
).encode()


def _call(worker: Worker, name: str, trigger: Trigger) -> Answer:
    outcome = worker.invoke(name, trigger)
    assert outcome.succeeded, outcome.trace
    assert outcome.answer is not None
    return outcome.answer


def _api(worker: Worker, trigger: Trigger) -> Answer:
    """Ask the function that takes every path, as the host hands a request to it, with an operator's key."""
    request = trigger.value["http"]
    path = request["url"].partition("/api/")[2]
    headers = {**request["headers"], "x-api-key": API_KEY}
    value = {"http": {**request, "headers": headers, "params": {"path": path}}}
    return _call(worker, "web", Trigger(value, {"path": {"string": path}}))


def _webhook(body: bytes, **headers: str) -> Trigger:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_request("POST", "/api/webhooks/acr", body, headers={"Content-Type": "application/json", **named})


def test_health_answers_200_and_tells_nothing_but_that(worker: Worker) -> None:
    answer = _call(worker, "health", http_request("GET", "/api/health"))
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("headers", [{}, {"X_Tidegate_Secret": "not-the-webhooks-secret"}])
def test_the_webhook_refuses_a_call_without_its_secret(worker: Worker, headers: dict[str, str], sent: Sent) -> None:
    sent("validations")
    assert _call(worker, "acr_webhook", _webhook(PUSH, **headers)).status == 401
    assert sent("validations") == []


def test_the_webhook_takes_a_push_and_asks_for_the_rebuild(worker: Worker, sent: Sent) -> None:
    sent("validations")
    assert _call(worker, "acr_webhook", _webhook(PUSH, X_Tidegate_Secret=WEBHOOK_SECRET)).status == 202
    (message,) = sent("validations")
    assert (message["kind"], message["digest"]) == ("base-moved", digest(7))


def test_the_webhook_tells_what_is_wrong_with_a_body_that_is_no_event(worker: Worker) -> None:
    answer = _call(worker, "acr_webhook", _webhook(b'{"action": 5}', X_Tidegate_Secret=WEBHOOK_SECRET))
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "$.action" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b'{"image": 5}', b'{"other": "node"}', b"\xff\xfe"])
def test_check_now_answers_400_to_a_bad_body_and_asks_for_nothing(worker: Worker, body: bytes, sent: Sent) -> None:
    sent("imports")
    answer = _api(worker, http_request("POST", "/api/check", body))
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert sent("imports") == []


def test_check_now_without_a_body_asks_for_the_whole_watch_list(worker: Worker, sent: Sent) -> None:
    sent("imports")
    answer = _api(worker, http_request("POST", "/api/check"))
    (message,) = sent("imports")
    assert answer.status == 202
    assert answer.json()["repositories"] == message["repositories"] != []


def test_check_now_knows_the_entries_of_the_stored_watch_list_by_name(worker: Worker, sent: Sent) -> None:
    sent("imports")
    assert _api(worker, http_request("POST", "/api/check", b'{"image": "node"}')).status == 202
    assert [message["image"] for message in sent("imports")] == ["node"]
    assert _api(worker, http_request("POST", "/api/check", b'{"image": "nobody"}')).status == 404


def test_nobody_is_answered_without_a_key(worker: Worker) -> None:
    for path in ("candidates", "no/such/place"):
        asked = http_request("GET", f"/api/{path}", route={"path": path})
        answer = _call(worker, "web", asked)
        assert (answer.status, "x-api-key" in answer.headers["WWW-Authenticate"]) == (401, True)


def test_candidates_are_listed_by_what_the_query_asks_for(worker: Worker, candidates: RecordsTable[Candidate]) -> None:
    wanted = candidate(target="base/listed")
    candidates.insert(wanted)
    answer = _api(worker, http_request("GET", "/api/candidates", query={"repository": "base/listed"}))
    assert (answer.status, [found["id"] for found in answer.json()["candidates"]]) == (200, [wanted.id])
    wrong = http_request("GET", "/api/candidates", query={"status": "lost"})
    assert _api(worker, wrong).status == 400


def test_a_candidate_is_shown_with_its_history(worker: Worker, candidates: RecordsTable[Candidate]) -> None:
    wanted = candidate(target="base/shown")
    candidates.insert(wanted)
    answer = _api(worker, _one(wanted.id))
    assert (answer.status, answer.json()["id"]) == (200, wanted.id)
    assert [change["reason"] for change in answer.json()["history"]] == ["first-import"]


def test_a_candidate_that_is_not_there_is_404_and_an_id_that_can_be_none_is_400(worker: Worker) -> None:
    assert _api(worker, _one(candidate(target="base/nobody").id)).status == 404
    assert _api(worker, _one("not-an-id")).status == 400


def _one(record_id: str) -> Trigger:
    return http_request("GET", f"/api/candidates/{record_id}")


WHO = b'{"why": "it broke the shop"}'


def test_a_digest_that_is_blocked_is_listed_until_it_is_released(worker: Worker) -> None:
    listed = http_request("GET", "/api/rulings")
    for verb, shown in (("block", [digest(8)]), ("release", [])):
        asked = http_request("POST", f"/api/digests/{digest(8)}/{verb}", WHO)
        answer = _api(worker, asked)
        assert (answer.status, answer.json()["subject"], answer.json()["targets"]) == (200, digest(8), [])
        assert [one["digest"] for one in _api(worker, listed).json()["blocked"]] == shown


@pytest.mark.parametrize("verb", ["rollback", "pin", "unpin"])
def test_what_acts_on_a_target_that_is_not_there_finds_none(worker: Worker, verb: str) -> None:
    target = "tidegatebase~base~nobody~1"
    asked = http_request("POST", f"/api/targets/{target}/{verb}", WHO)
    assert _api(worker, asked).status == 404
    shown = http_request("GET", f"/api/targets/{target}")
    assert _api(worker, shown).status == 404
    listed = _api(worker, http_request("GET", "/api/targets", query={"limit": "1"}))
    assert (listed.status, listed.json()["targets"]) == (200, [])


def test_an_entry_of_the_deployed_watch_list_is_held_and_resumed_by_name(worker: Worker) -> None:
    for verb in ("hold", "resume"):
        asked = http_request("POST", f"/api/images/node/{verb}", WHO)
        assert _api(worker, asked).status == 200
    asked = http_request("POST", "/api/images/nobody/hold", WHO)
    assert _api(worker, asked).status == 404
