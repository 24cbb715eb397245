"""Fixtures of the runtime suite: one Azurite and one started worker a session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.api_keys_table import ApiKeysTable
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.records_table import RecordsTable, candidates_table
from shared.domain.access.api_keys import ApiKey, hash_of, id_of
from shared.domain.access.callers import Role
from shared.domain.promotion.candidate import Candidate
from shared.storage_settings import Storage
from tests.contract.azurite import connection_string, running_azurite
from tests.runtime.settings import API_KEY, app_settings
from tests.runtime.worker import Worker, running_worker

SAMPLE = Path(__file__).resolve().parents[2] / "images.yaml"

# Takes what is in a queue out of it, and returns the messages.
Sent = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a running Azurite, in which the sample list is stored."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as ports:
        Container(account_of(connection_string(ports)), "config").write("images.yaml", SAMPLE.read_bytes())
        key = ApiKey(id_of(API_KEY), "tests", Role.OPERATOR, hash_of(API_KEY), datetime(2026, 3, 4, tzinfo=UTC))
        ApiKeysTable(account_of(connection_string(ports))).add(key)
        yield connection_string(ports)


@pytest.fixture(scope="session")
def worker(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker with complete settings that has indexed the app and loaded every function."""
    with running_worker(app_settings(storage), tmp_path_factory.mktemp("worker") / "log") as started:
        outcome = started.start()
        assert outcome.succeeded, outcome.trace
        yield started


@pytest.fixture(scope="session")
def account(storage: str) -> StorageAccount:
    """The app's storage account, to see what the functions did."""
    return account_of(storage)


def account_of(storage: str) -> StorageAccount:
    """Return a storage account by its connection string."""

    def no_credential() -> Any:
        raise AssertionError("the identity was asked for in spite of the connection string")

    return StorageAccount(Storage(connection_string=storage), no_credential)


@pytest.fixture
def candidates(account: StorageAccount) -> RecordsTable[Candidate]:
    """The candidates' records."""
    return candidates_table(account)


@pytest.fixture
def sent(account: StorageAccount) -> Sent:
    """What the functions sent to a queue since it was last asked for."""

    def take(queue: str) -> list[dict[str, Any]]:
        client = account.queue(queue)
        try:
            messages = list(client.receive_messages(messages_per_page=32))
        except ResourceNotFoundError:
            return []
        for message in messages:
            client.delete_message(message)
        return [json.loads(message.content) for message in messages]

    return take


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where a worker of a test's own logs to."""
    return tmp_path / "log"
