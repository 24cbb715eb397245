"""Messages that were put off are told from others by Azurite's log, and from what is worked on by their number."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from infra.local.demo.watching import Watcher
from infra.local.twin.ports import new_topology
from infra.local.twin.put_off import PutOff, put_off
from infra.local.twin.settings import storage_connection_string
from infra.local.twin.twin import Twin
from tests.twin.host_fixtures import eventually

pytestmark = pytest.mark.twin

_LONG = timedelta(seconds=10)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(new_topology(tmp_path_factory.mktemp("put-off")), storage_only=True) as running:
        yield running


@pytest.fixture
def queue(twin: Twin) -> QueueClient:
    """A queue of the test's own: the log tells of the messages of one that is deleted, too."""
    service = QueueServiceClient.from_connection_string(storage_connection_string(twin.topology))
    return service.create_queue(f"queue-{uuid.uuid4().hex}")


def _told(twin: Twin, number: int) -> list[PutOff]:
    """Azurite writes its line after it has answered."""

    def told() -> list[PutOff] | None:
        found = list(put_off(twin.log("azurite"), _LONG))
        return found if len(found) >= number else None

    return eventually(told)


def test_a_message_is_told_with_its_queue_and_the_second_in_which_it_is_seen(twin: Twin, queue: QueueClient) -> None:
    before = len(_told(twin, 0))
    sent_at = datetime.now(UTC)
    queue.send_message("later", visibility_timeout=65, time_to_live=600)
    told = _told(twin, before + 1)[-1]
    assert told.queue == queue.queue_name
    assert abs(told.until - sent_at - timedelta(seconds=65)) <= timedelta(seconds=2)


def test_what_is_seen_at_once_or_soon_was_not_put_off(twin: Twin, queue: QueueClient) -> None:
    before = len(_told(twin, 0))
    for seconds in (0, 10, 11):
        queue.send_message("text", visibility_timeout=seconds)
    assert len(_told(twin, before + 1)) == before + 1


def test_a_message_that_is_worked_on_waits_and_one_that_was_put_off_does_not(twin: Twin, queue: QueueClient) -> None:
    watcher = Watcher(twin.topology)
    before = len(_told(twin, 0))
    queue.send_message("worked on")
    queue.send_message("put off", visibility_timeout=65)
    _told(twin, before + 1)
    worked_on = queue.receive_message(visibility_timeout=600)
    assert worked_on is not None
    assert not watcher.is_worked_off(queue.queue_name)
    queue.delete_message(worked_on)
    assert watcher.is_worked_off(queue.queue_name)


def test_what_was_put_off_waits_again_just_before_it_is_seen(twin: Twin, queue: QueueClient) -> None:
    watcher = Watcher(twin.topology)
    before = len(_told(twin, 0))
    queue.send_message("put off", visibility_timeout=12)
    _told(twin, before + 1)
    assert watcher.is_worked_off(queue.queue_name)
    eventually(lambda: None if watcher.is_worked_off(queue.queue_name) else True, 20)
    assert watcher.waiting(queue.queue_name) == 1


def test_nobody_has_a_message_that_is_seen_in_some_seconds_and_whoever_receives_it_has_it(
    twin: Twin, queue: QueueClient
) -> None:
    watcher = Watcher(twin.topology)
    before = len(list(put_off(twin.log("azurite"), timedelta(0))))
    queue.send_message("next look", visibility_timeout=6)
    eventually(lambda: len(list(put_off(twin.log("azurite"), timedelta(0)))) > before or None)
    assert watcher.is_held_by_nobody(queue.queue_name)
    eventually(lambda: queue.receive_message(visibility_timeout=600))
    assert not watcher.is_held_by_nobody(queue.queue_name)


def test_somebody_may_have_a_message_that_was_sent_to_be_seen_at_once(twin: Twin, queue: QueueClient) -> None:
    watcher = Watcher(twin.topology)
    assert watcher.is_held_by_nobody(queue.queue_name)
    queue.send_message("now")
    assert not watcher.is_held_by_nobody(queue.queue_name)
