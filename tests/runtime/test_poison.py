"""What died is seen by the sweep, and kept."""

from __future__ import annotations

import hashlib

import pytest
from azure.core.exceptions import ResourceExistsError

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.activity_table import ActivityTable
from shared.domain.events.messages import MESSAGE_QUEUES
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
