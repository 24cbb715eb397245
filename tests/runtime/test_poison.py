"""What died is seen by the sweep: it is kept, and nothing waits for it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ResourceExistsError

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.activity_table import ActivityTable
from shared.adapters.storage.records_table import RecordsTable, rebuilds_table
from shared.domain.events.messages import MESSAGE_QUEUES, LookAtCandidate, LookAtRebuild, encode
from shared.domain.promotion.candidate import Candidate, Reason
from tests.contract.examples import candidate, rebuild
from tests.runtime.typed_data import timer
from tests.runtime.worker import Worker


def die(account: StorageAccount, queue: str, text: str) -> None:
    """Put a message where the host puts what was delivered too often."""
    client = account.queue(f"{queue}-poison")
    try:
        client.create_queue()
    except ResourceExistsError:
        assert client.queue_name == f"{queue}-poison"
    client.send_message(text)


@pytest.mark.parametrize("queue", MESSAGE_QUEUES)
def test_a_dead_message_is_recorded_its_text_kept_and_the_message_gone(
    worker: Worker, queue: str, account: StorageAccount
) -> None:
    text = f"nobody of “{queue}” could read this"
    die(account, queue, text)
    assert worker.invoke("sweep", timer()).succeeded
    (event,) = ActivityTable(account).of(f"queue:{queue}", limit=1)
    assert (event.name, text in event.detail) == ("message-poisoned", True)
    kept = f"poison-{queue}/{hashlib.sha256(text.encode()).hexdigest()[:32]}.txt"
    assert account.container("evidence").download_blob(kept).readall().decode() == text
    assert account.queue(f"{queue}-poison").get_queue_properties().approximate_message_count == 0


@pytest.mark.parametrize("queue", MESSAGE_QUEUES)
def test_the_candidate_of_a_dead_message_is_put_off_and_says_why(
    worker: Worker, queue: str, account: StorageAccount, candidates: RecordsTable[Candidate]
) -> None:
    waiting = candidate(target=f"base/died-in-{queue}")
    candidates.insert(waiting)
    die(account, queue, encode(LookAtCandidate(v=1, candidate=waiting.id, step=waiting.step)))
    assert worker.invoke("sweep", timer()).succeeded
    stored = candidates.get(waiting.id)
    assert stored is not None
    assert (stored.record.failures, stored.record.last.reason) == (1, Reason.TROUBLE)
    assert stored.record.look_at > datetime.now(UTC)


def test_the_rebuild_of_a_dead_message_is_put_off_and_says_why(worker: Worker, account: StorageAccount) -> None:
    rebuilds, waiting = rebuilds_table(account), rebuild(task="poisoned")
    rebuilds.insert(waiting)
    die(account, "validations", encode(LookAtRebuild(v=1, rebuild=waiting.id, step=waiting.step)))
    assert worker.invoke("sweep", timer()).succeeded
    stored = rebuilds.get(waiting.id)
    assert stored is not None
    assert (stored.record.failures, stored.record.detail != "") == (1, True)
    assert stored.record.look_at > datetime.now(UTC)
