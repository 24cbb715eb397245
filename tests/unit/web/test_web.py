"""What the HTTP functions answer: the status that is meant, a body that can be read, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from msgspec.structs import replace

from shared.domain.events.messages import BaseMoved, CheckRepositories
from shared.domain.events.webhook import SECRET_HEADER
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Origin, Target
from shared.domain.watching.watch_list import WatchList
from shared.errors import Refused, Unavailable, WatchListError
from shared.flows.plan import Planner
from shared.rules.ledger import Ledger
from shared.rules.targets import TargetBook
from shared.rules.wake import Waker
from shared.watch_list_yaml import parse_watch_list
from shared.web.answers import answered
from shared.web.candidates import get_candidate, list_candidates
from shared.web.checks import check_now
from shared.web.health import health
from shared.web.webhook import acr_webhook
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import InMemoryBudgets, InMemoryObservations, InMemoryRecords, InMemoryTargets, SettableClock
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO, candidate

pytestmark = pytest.mark.unit

SECRET = "a secret of the tests alone"
SERVER = "tidegatebase.azurecr.io"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WATCH_LIST = parse_watch_list(
    b"""
images:
  - {name: node, source: node, tags: [22], target: base/node}
  - {name: dotnet, source: mcr.microsoft.com/dotnet/runtime, tags: [8.0], target: base/dotnet}
  - {name: old-node, source: docker.io/library/node, tags: [20], target: base/node}
"""
)
PUSH = {
    "action": "push",
    "target": {"repository": "base/node", "tag": "22-alpine", "digest": ONE},
    "request": {"host": SERVER},
}


def request(
    method: str = "GET",
    *,
    body: object = b"",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
) -> func.HttpRequest:
    """Return a request as the Functions host hands it over."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return func.HttpRequest(
        method,
        "https://localhost/api",
        headers=headers or {},
        params=params or {},
        route_params=route or {},
        body=content,
    )


def content(answer: func.HttpResponse, status: int) -> dict[str, Any]:
    """Return an answer's body; a problem must be told as RFC 9457 says, and nothing may tell the secret."""
    found: dict[str, Any] = json.loads(answer.get_body())
    assert answer.status_code == status, found
    assert SECRET.encode() not in answer.get_body()
    assert SECRET not in str(dict(answer.headers))
    assert answer.mimetype == ("application/json" if status < 400 else "application/problem+json")
    if status >= 400:
        assert set(found) - {"problems"} == {"type", "title", "status", "detail"}
        assert found["status"] == status
        assert found["title"]
        assert found["detail"]
    return found


@pytest.fixture
def outbox() -> InMemoryOutbox:
    return InMemoryOutbox(SettableClock())


@pytest.fixture
def candidates() -> InMemoryRecords[Candidate]:
    return InMemoryRecords(Candidate)


# POST /api/check


def planner(outbox: InMemoryOutbox) -> Planner:
    """Return a planner over nothing known yet."""
    return Planner(outbox, InMemoryObservations(), Ledger(InMemoryBudgets(), SettableClock()), SettableClock())


def check(outbox: InMemoryOutbox, body: object) -> func.HttpResponse:
    """Ask for a check."""
    asked = request("POST", body=body)
    return answered(lambda: check_now(asked, watch_list=WATCH_LIST, planner=planner(outbox), traceparent=TRACE))


@pytest.mark.parametrize("body", [b"", b"  \n", {}, {"image": None}])
def test_a_check_of_everything_is_accepted_with_each_repository_once(outbox: InMemoryOutbox, body: object) -> None:
    repositories = ("docker.io/library/node", "mcr.microsoft.com/dotnet/runtime")
    assert content(check(outbox, body), 202) == {"repositories": list(repositories)}
    assert [sent.message for sent in outbox.sent] == [
        CheckRepositories(v=1, repositories=repositories, traceparent=TRACE)
    ]


def test_a_check_of_an_empty_list_says_that_nothing_is_watched(outbox: InMemoryOutbox) -> None:
    asked, nothing = request("POST", body=b""), WatchList(images=[])
    answer = answered(lambda: check_now(asked, watch_list=nothing, planner=planner(outbox), traceparent=TRACE))
    assert "none was uploaded as the blob config/images.yaml" in content(answer, 202)["note"]
    assert outbox.sent == []


def test_a_check_of_one_entry_is_accepted_and_names_it(outbox: InMemoryOutbox) -> None:
    assert content(check(outbox, {"image": "dotnet"}), 202) == {"repositories": ["mcr.microsoft.com/dotnet/runtime"]}
    (sent,) = outbox.sent
    assert isinstance(sent.message, CheckRepositories)
    assert (sent.queue, sent.message.image) == ("imports", "dotnet")


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"image": "python"}, 404, "the watch list has no entry named 'python'"),
        ({"image": ""}, 404, "the watch list has no entry named ''"),
        ({"image": 7}, 400, "$.image"),
        ({"images": "node"}, 400, "unknown field `images`"),
        ([], 400, "the body is not"),
        (b"node", 400, "the body is not"),
        (b"\xff", 400, "the body is not"),
        (b'{"image": ' + b"[" * 10_000, 400, "the body is not"),
        (b"x" * 20_000, 413, "the body has 20000 bytes"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_a_check_that_cannot_be_made_says_why(outbox: InMemoryOutbox, body: object, status: int, detail: str) -> None:
    assert detail in content(check(outbox, body), status)["detail"]
    assert not outbox.sent


# GET /api/candidates


def listed(candidates: InMemoryRecords[Candidate], **params: str) -> func.HttpResponse:
    """List candidates."""
    return answered(lambda: list_candidates(request(params=params), candidates, known_targets(), "tidegatebase"))


def known_targets() -> InMemoryTargets:
    """One target, which says where the candidates of its repository come from."""
    targets = InMemoryTargets()
    targets.insert(Target(registry="tidegatebase", repository="base/node", tag=TAG, origin=Origin("node", NODE, TAG)))
    return targets


def fill(candidates: InMemoryRecords[Candidate]) -> tuple[Candidate, Candidate, Candidate]:
    """Store three candidates, the oldest first."""
    records = (
        candidate(status=Status.PROMOTED, traceparent=TRACE),
        aged(candidate(digest=TWO), minutes=1),
        aged(candidate(targets=(Place("base/node-extra", TAG), Place("base/shared", TAG)), gate=None), minutes=2),
    )
    assert all(candidates.insert(record) for record in records)
    return records


def aged(record: Candidate, minutes: int) -> Candidate:
    """Return a record whose latest change was some minutes later."""
    return replace(record, history=(replace(record.last, at=NOON + timedelta(minutes=minutes)),))


def test_candidates_are_listed_newest_change_first_without_their_history(
    candidates: InMemoryRecords[Candidate],
) -> None:
    records = fill(candidates)
    found = content(listed(candidates), 200)["candidates"]
    assert [one["id"] for one in found] == [record.id for record in reversed(records)]
    assert all("history" not in one for one in found)
    assert found[-1]["source"] == "docker.io/library/node"
    assert (found[-1]["status"], found[-1]["reason"]) == ("promoted", "first-import")
    assert found[0]["changed"] == "2026-03-04T12:02:00Z"


def test_candidates_are_listed_by_repository_and_by_status(candidates: InMemoryRecords[Candidate]) -> None:
    promoted, detected, extra = fill(candidates)
    wanted = {
        (): {promoted.id, detected.id, extra.id},
        ("base/node", ""): {promoted.id, detected.id},
        ("base/node-extra", ""): {extra.id},
        ("base/shared", ""): {extra.id},
        ("base/node", "detected"): {detected.id},
        ("", "promoted"): {promoted.id},
        ("base/none", ""): set(),
    }
    for params, ids in wanted.items():
        named = dict(zip(("repository", "status"), params, strict=False))
        assert {one["id"] for one in content(listed(candidates, **named), 200)["candidates"]} == ids


def test_candidates_of_a_repository_below_are_not_listed_with_it(candidates: InMemoryRecords[Candidate]) -> None:
    candidates.insert(candidate(targets=(Place("base/node/extra", TAG),)))
    assert content(listed(candidates, repository="base/node"), 200) == {"candidates": []}


def test_candidates_of_a_repository_are_listed_with_those_long_ended(candidates: InMemoryRecords[Candidate]) -> None:
    promoted = fill(candidates)[0]
    stored = candidates.get(promoted.id)
    assert stored is not None
    assert candidates.archive_all([stored]) == {}
    listed_now, listed_of_node = (
        content(listed(candidates, **params), 200) for params in ({}, {"repository": "base/node"})
    )
    assert promoted.id not in str(listed_now)
    assert promoted.id in str(listed_of_node)


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"status": "lost"}, "status: 'lost' is none of detected, importing, staged"),
        ({"repository": "Base/Node"}, "repository names are lower case"),
        ({"repository": "base/node:22"}, "without tag or digest"),
        ({"repository": "' or 1 eq 1"}, "is not a repository name"),
    ],
)
def test_a_list_of_what_there_cannot_be_is_refused(
    candidates: InMemoryRecords[Candidate], params: dict[str, str], detail: str
) -> None:
    assert detail in content(listed(candidates, **params), 400)["detail"]


def test_a_list_that_storage_does_not_answer_is_to_be_asked_for_again(candidates: InMemoryRecords[Candidate]) -> None:
    candidates.fail("current", Unavailable("the storage account does not answer"))
    answer = listed(candidates)
    assert content(answer, 503)["detail"] == "the storage account does not answer"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_service_that_refuses_is_told_as_a_bad_gateway(candidates: InMemoryRecords[Candidate]) -> None:
    candidates.fail("current", Refused("the app's identity may not read the table"))
    answer = listed(candidates)
    assert content(answer, 502)["type"] == "/api/problems/refused-elsewhere"
    assert "Retry-After" not in answer.headers


# GET /api/candidates/{id}


def shown(candidates: InMemoryRecords[Candidate], candidate_id: str) -> func.HttpResponse:
    """Ask for one candidate."""
    return answered(lambda: get_candidate(candidate_id, candidates))


def test_a_candidate_is_shown_with_its_history(candidates: InMemoryRecords[Candidate]) -> None:
    promoted = fill(candidates)[0]
    found = content(shown(candidates, promoted.id), 200)
    assert (found["id"], found["digest"], found["gate"]) == (promoted.id, ONE, "node")
    assert found["history"] == [{"at": "2026-03-04T12:00:00Z", "status": "detected", "reason": "first-import"}]


def test_a_candidate_is_shown_with_the_tags_that_asked_for_it(candidates: InMemoryRecords[Candidate]) -> None:
    extra = fill(candidates)[2]
    places = [{"repository": "base/node-extra", "tag": TAG}, {"repository": "base/shared", "tag": TAG}]
    assert content(shown(candidates, extra.id), 200)["targets"] == places


def test_a_candidate_of_an_earlier_version_still_answers_by_its_id(candidates: InMemoryRecords[Candidate]) -> None:
    old = candidate(target="base/node", tag=TAG, targets=())
    candidates.insert(old)
    found = content(shown(candidates, f"base~node~{TAG}~{ONE[7:39]}"), 200)
    assert (found["id"], found["tag"]) == (old.id, TAG)
    assert found["targets"] == [{"repository": "base/node", "tag": TAG}]
    assert {one["id"] for one in content(listed(candidates, repository="base/node"), 200)["candidates"]} == {old.id}


def test_a_candidate_that_is_not_there_is_not_found(candidates: InMemoryRecords[Candidate]) -> None:
    assert "there is no candidate" in content(shown(candidates, candidate().id), 404)["detail"]


@pytest.mark.parametrize(
    "candidate_id",
    ["", "node", "base~node~22", "../secrets", "base~node~22-alpine~" + "x" * 32, "a~~b~" + "0" * 32, "~" * 500],
)
def test_what_is_no_candidate_id_is_refused(candidates: InMemoryRecords[Candidate], candidate_id: str) -> None:
    assert "is not a candidate's id" in content(shown(candidates, candidate_id), 400)["detail"]


# POST /api/webhooks/acr


def deliver(outbox: InMemoryOutbox, event: object, secret: str | None = SECRET) -> func.HttpResponse:
    """Deliver an event of a registry."""
    headers = {} if secret is None else {SECRET_HEADER.title(): secret}
    sent = request("POST", body=event, headers=headers)
    book = TargetBook(InMemoryTargets(), Waker(outbox, SettableClock()), SettableClock(), "tidegatebase")
    return answered(
        lambda: acr_webhook(sent, secret=SECRET, login_server=SERVER, book=book, outbox=outbox, traceparent=TRACE)
    )


def test_a_push_into_the_base_registry_asks_for_the_rebuilds(outbox: InMemoryOutbox) -> None:
    assert content(deliver(outbox, PUSH), 202) == {"result": "rebuilds asked for"}
    (sent,) = outbox.sent
    assert sent.queue == "validations"
    assert sent.message == BaseMoved(v=1, repository="base/node", tag="22-alpine", digest=ONE, traceparent=TRACE)


@pytest.mark.parametrize(
    ("event", "result"),
    [
        ({"action": "ping"}, "ping asks for no rebuild"),
        ({**PUSH, "action": "delete"}, "nobody wants what was deleted"),
        ({**PUSH, "target": {"repository": "base/node", "digest": ONE}}, "a manifest was pushed without a tag"),
        ({**PUSH, "request": {"host": "other.azurecr.io"}}, "pushed into other.azurecr.io, not into the base registry"),
    ],
)
def test_any_other_event_is_accepted_and_asks_for_nothing(outbox: InMemoryOutbox, event: object, result: str) -> None:
    assert content(deliver(outbox, event), 202) == {"result": result}
    assert not outbox.sent


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "!", SECRET[:-1]])
def test_an_event_without_the_secret_is_not_believed(outbox: InMemoryOutbox, secret: str | None) -> None:
    assert content(deliver(outbox, PUSH, secret), 401)["type"] == "/api/problems/no-identity"
    assert not outbox.sent


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"not JSON", 400), ({"action": "exec"}, 400), (b"x" * 300_000, 413)],
    ids=lambda part: str(part)[:20],
)
def test_what_is_no_event_is_refused(outbox: InMemoryOutbox, body: object, status: int) -> None:
    content(deliver(outbox, body), status)
    assert not outbox.sent


def test_an_event_that_cannot_be_queued_is_to_be_sent_again(outbox: InMemoryOutbox) -> None:
    outbox.fail("send", Unavailable("the queue does not answer"))
    assert deliver(outbox, PUSH).status_code == 503


# The rest.


def test_health_says_that_the_app_has_started_and_nothing_else() -> None:
    assert content(health(), 200) == {"status": "ok"}


def test_a_watch_list_that_is_not_valid_is_a_conflict_that_says_what_is_wrong() -> None:
    def serve() -> func.HttpResponse:
        raise WatchListError(("line 2: images[0]: the field 'name' is missing",))

    assert "line 2: images[0]" in content(answered(serve), 409)["detail"]


def test_a_fault_of_the_program_is_left_to_the_host() -> None:
    def serve() -> func.HttpResponse:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answered(serve)
