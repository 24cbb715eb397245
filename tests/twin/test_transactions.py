"""Storage transactions: each request of a known kind, made through the real SDKs, is counted as that kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient, UpdateMode
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from infra.local.twin.ports import new_topology
from infra.local.twin.transactions import caused_transactions, count_transactions, empty_polls
from infra.local.twin.twin import Twin
from tests.twin.host_fixtures import eventually

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(new_topology(tmp_path_factory.mktemp("transactions"))) as running:
        yield running


def _assert_counted(twin: Twin, start: int, expected: Counter[str]) -> None:
    """Azurite writes its line after it has answered, so the last one may still be on its way."""

    def counted() -> Counter[str] | None:
        found = count_transactions(twin.log("azurite"), start)
        return found if found.total() >= expected.total() else None

    assert eventually(counted) == expected


def _mark(twin: Twin) -> int:
    return twin.log("azurite").stat().st_size


def test_queue_requests_are_told_apart(twin: Twin) -> None:
    start = _mark(twin)
    service = QueueServiceClient.from_connection_string(twin.environment()["AzureWebJobsStorage"])
    queue = service.create_queue("checks")
    queue.get_queue_properties()
    queue.send_message("one")
    message = queue.receive_message()
    assert message is not None
    queue.delete_message(queue.update_message(message, visibility_timeout=5))
    queue.peek_messages()
    queue.clear_messages()
    queue.delete_queue()
    kinds = "CreateQueue QueueProperties PutMessage GetMessages UpdateMessage DeleteMessage PeekMessages ClearMessages"
    _assert_counted(twin, start, Counter(f"queue {kind}" for kind in [*kinds.split(), "DeleteQueue"]))


def test_table_requests_are_told_apart(twin: Twin) -> None:
    start = _mark(twin)
    table = TableServiceClient.from_connection_string(twin.environment()["AzureWebJobsStorage"]).create_table("rows")
    row = {"PartitionKey": "a", "RowKey": "b", "n": 1}
    table.create_entity(row)
    table.update_entity(row, mode=UpdateMode.MERGE)
    table.update_entity(row, mode=UpdateMode.REPLACE)
    table.get_entity("a", "b")
    list(table.query_entities("n eq 1"))
    table.submit_transaction([("upsert", row)])
    table.delete_entity(row)
    expected = ["CreateTable", "Insert", "Merge", "Update", "Get", "Query", "Batch", "Delete"]
    _assert_counted(twin, start, Counter(f"table {kind}" for kind in expected))


def test_blob_requests_are_told_apart(twin: Twin) -> None:
    start = _mark(twin)
    service = BlobServiceClient.from_connection_string(twin.environment()["AzureWebJobsStorage"])
    container = service.create_container("config")
    blob = container.upload_blob("folder/images.yaml", b"images: []")
    blob.download_blob().readall()
    blob.get_blob_properties()
    blob.set_blob_metadata({"a": "b"})
    list(container.list_blobs())
    blob.delete_blob()
    expected = ["CreateContainer", "Put", "Get", "Properties", "Put metadata", "List", "Delete"]
    _assert_counted(twin, start, Counter(f"blob {kind}" for kind in expected))


def test_health_probes_are_not_transactions(twin: Twin) -> None:
    assert "GET / HTTP" in twin.log("azurite").read_text()
    assert not any(kind.startswith("blob Get ") for kind in count_transactions(twin.log("azurite")))


def test_empty_polls_are_those_the_host_did_not_find_messages_in(tmp_path: Path) -> None:
    azurite, host = tmp_path / "azurite.log", tmp_path / "host.log"
    poll = '127.0.0.1 - - [x] "GET /devstoreaccount1/checks/messages?numofmessages=4 HTTP/1.1" 200 -\n'
    azurite.write_text(poll * 5)
    host.write_text("[x] INFO host.queues: Poll on queue 'checks' found 2 messages\n" * 2)
    assert empty_polls(azurite, host) == 3


def test_a_look_into_a_poison_queue_is_no_poll_and_counts_whether_it_finds_anything_or_not(tmp_path: Path) -> None:
    azurite, host = tmp_path / "azurite.log", tmp_path / "host.log"
    asked = '127.0.0.1 - - [x] "GET /devstoreaccount1/checks-poison/messages?numofmessages=32 HTTP/1.1" 200 -\n'
    azurite.write_text(asked * 2)
    host.write_text("")
    assert empty_polls(azurite, host) == 0
    assert caused_transactions(azurite, host, 0, 0).total() == 2
