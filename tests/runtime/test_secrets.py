"""What Azure would log and answer holds no secret, however badly things go and however much is logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.contract.azurite import KEY
from tests.runtime.settings import API_KEY, SECRETS, WEBHOOK_SECRET, app_settings
from tests.runtime.typed_data import http_request, queue_message, timer
from tests.runtime.worker import Outcome, Worker, running_worker

# A key that is well formed and wrong: the account refuses what is signed with it.
WRONG_KEY = "bm90IHRoZSBhY2NvdW50J3Mga2V5LCBidXQgd2VsbCBmb3JtZWQ="
CHECK = '{"v": 1, "kind": "check", "repositories": ["docker.io/library/node"]}'


def _told(outcome: Outcome) -> str:
    body = outcome.answer.body.decode() if outcome.answer else ""
    return outcome.error + outcome.trace + body


def _invoke_each(worker: Worker) -> Iterator[Outcome]:
    headers = {"x-tidegate-secret": WEBHOOK_SECRET}
    yield worker.invoke("check_docker_hub", timer())
    yield worker.invoke("sweep", timer())
    yield worker.invoke("import_images", queue_message(CHECK))
    yield worker.invoke("validate_images", queue_message("nobody can read this"))
    yield worker.invoke(
        "web", http_request("GET", "/api/candidates", headers={"x-api-key": API_KEY}, route={"path": "candidates"})
    )
    yield worker.invoke("acr_webhook", http_request("POST", "/api/webhooks/acr", b"no event", headers=headers))
    yield worker.invoke("acr_webhook", http_request("POST", "/api/webhooks/acr", b"{}", headers={"x-other": "1"}))


def _secrets_in(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, WRONG_KEY) if secret in text]


def test_nothing_secret_is_told_while_the_upstreams_are_out_of_reach(worker: Worker) -> None:
    told = "".join(_told(outcome) for outcome in _invoke_each(worker))
    assert "could not be checked" in worker.log()
    assert _secrets_in(told + worker.log()) == []


def test_nothing_secret_is_told_when_the_storage_account_refuses_the_app(storage: str, log_file: Path) -> None:
    with running_worker(app_settings(storage.replace(KEY, WRONG_KEY)), log_file) as worker:
        assert worker.start().succeeded
        outcomes = list(_invoke_each(worker))
        log = worker.log()
    assert [outcome.succeeded for outcome in outcomes[:4]] == [False] * 4
    assert outcomes[4].answer is not None
    assert outcomes[4].answer.status in {502, 503}
    assert _secrets_in(log + "".join(_told(outcome) for outcome in outcomes)) == []
