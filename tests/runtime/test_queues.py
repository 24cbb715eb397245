"""The queue functions: what the host delivers again, and what it takes for done."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.observations_table import ObservationsTable
from shared.adapters.storage.records_table import RecordsTable
from shared.domain.events.messages import (
    CheckRepositories,
    LookAtCandidate,
    LookAtDue,
    LookAtRebuild,
    LookAtTarget,
    Message,
    encode,
)
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.due import Due
from shared.domain.references import parse_repository
from tests.contract.examples import candidate, digest
from tests.runtime.conftest import Sent
from tests.runtime.expected import QUEUES
from tests.runtime.typed_data import queue_message
from tests.runtime.worker import Worker

STEPS = tuple(QUEUES)
MALFORMED = {
    "text that is not JSON": "look at node",
    "a message without a version": "{}",
    "a message of a later version": '{"v": 2, "kind": "candidate"}',
    "a message of no known kind": '{"v": 1, "kind": "order"}',
    "a message whose fields have wrong types": '{"v": 1, "kind": "due", "due": 5, "at": "noon"}',
    "an empty message": "",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("name", QUEUES)
def test_a_malformed_message_fails_so_that_the_host_moves_it_to_the_poison_queue(
    worker: Worker, name: str, text: str
) -> None:
    outcome = worker.invoke(name, queue_message(text))
    assert not outcome.succeeded
    assert outcome.error.startswith("MalformedMessage: ")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("due", Due)
def test_a_message_that_finds_nothing_due_is_done(worker: Worker, name: str, due: Due) -> None:
    text = encode(LookAtDue(v=1, due=due, at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert worker.invoke(name, queue_message(text, dequeue_count=3)).succeeded


@pytest.mark.parametrize("name", STEPS)
def test_what_is_due_later_is_left_as_it_is(worker: Worker, name: str, candidates: RecordsTable[Candidate]) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    waits = msgspec.structs.replace(candidate(target=f"base/{name.replace('_', '-')}"), look_at=later)
    candidates.insert(waits)
    before = candidates.get(waits.id)
    text = encode(LookAtDue(v=1, due=Due.STAGING, at=datetime.now(UTC)))
    assert worker.invoke(name, queue_message(text)).succeeded
    assert candidates.get(waits.id) == before


@pytest.mark.parametrize("message", [LookAtCandidate(v=1), LookAtTarget(v=1), LookAtRebuild(v=1)])
def test_what_an_earlier_version_asked_for_is_done(worker: Worker, message: Message) -> None:
    assert worker.invoke("validate_images", queue_message(encode(message))).succeeded


@pytest.mark.parametrize("source", ["docker.io/library/node", "mcr.microsoft.com/dotnet/runtime"])
def test_an_upstream_out_of_reach_is_noted_and_its_check_is_done(
    worker: Worker, source: str, account: StorageAccount
) -> None:
    text = encode(CheckRepositories(v=1, repositories=(source,)))
    assert worker.invoke("import_images", queue_message(text)).succeeded
    noted = ObservationsTable(account).of(parse_repository(source))
    assert "127.0.0.1" in noted.state.trouble


@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["plain", "base64"])
def test_an_event_of_event_grid_asks_for_the_rebuild_within_a_trace_of_its_own(
    worker: Worker, sent: Sent, encode: Callable[[bytes], bytes]
) -> None:
    sent("validations")
    pushed = {
        "action": "push",
        "target": {"repository": "base/node", "tag": "22-alpine", "digest": digest(7)},
        "request": {"host": "tidegatebase.azurecr.io"},
    }
    event = {"specversion": "1.0", "type": "Microsoft.ContainerRegistry.ImagePushed", "data": pushed}
    assert worker.invoke("import_images", queue_message(encode(json.dumps(event).encode()).decode())).succeeded
    (message,) = sent("validations")
    assert (message["kind"], message["digest"]) == ("base-moved", digest(7))
    assert message["traceparent"].startswith("00-")
