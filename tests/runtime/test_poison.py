"""The functions of the poison queues: what died there is kept, and nothing waits for it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.activity_table import ActivityTable
from shared.adapters.storage.records_table import RecordsTable, rebuilds_table
from shared.domain.events.messages import LookAtCandidate, LookAtRebuild, encode
from shared.domain.promotion.candidate import Candidate, Reason
from tests.contract.examples import candidate, rebuild
from tests.runtime.expected import POISON
from tests.runtime.typed_data import queue_message
from tests.runtime.worker import Worker

OF_CANDIDATES = ("poisoned_import", "poisoned_validation", "poisoned_promotion")


@pytest.mark.parametrize("name", POISON)
def test_a_dead_message_is_recorded_and_its_text_kept(worker: Worker, name: str, account: StorageAccount) -> None:
    queue = POISON[name]["queueName"].removesuffix("-poison")
    text = f"“{name}” could not read this"
    assert worker.invoke(name, queue_message(text)).succeeded
    (event,) = ActivityTable(account).of(f"queue:{queue}", limit=1)
    assert (event.name, text in event.detail) == ("message-poisoned", True)
    kept = f"poison-{queue}/{hashlib.sha256(text.encode()).hexdigest()[:32]}.txt"
    assert account.container("evidence").download_blob(kept).readall().decode() == text


@pytest.mark.parametrize("name", OF_CANDIDATES)
def test_the_candidate_of_a_dead_message_is_put_off_and_says_why(
    worker: Worker, name: str, candidates: RecordsTable[Candidate]
) -> None:
    waiting = candidate(target=f"base/{name.replace('_', '-')}")
    candidates.insert(waiting)
    text = encode(LookAtCandidate(v=1, candidate=waiting.id, step=waiting.step))
    assert worker.invoke(name, queue_message(text)).succeeded
    stored = candidates.get(waiting.id)
    assert stored is not None
    assert (stored.record.failures, stored.record.last.reason) == (1, Reason.TROUBLE)
    assert stored.record.look_at > datetime.now(UTC)


def test_the_rebuild_of_a_dead_message_is_put_off_and_says_why(worker: Worker, account: StorageAccount) -> None:
    rebuilds, waiting = rebuilds_table(account), rebuild(task="poisoned")
    rebuilds.insert(waiting)
    text = encode(LookAtRebuild(v=1, rebuild=waiting.id, step=waiting.step))
    assert worker.invoke("poisoned_rebuild", queue_message(text)).succeeded
    stored = rebuilds.get(waiting.id)
    assert stored is not None
    assert (stored.record.failures, stored.record.detail != "") == (1, True)
    assert stored.record.look_at > datetime.now(UTC)
