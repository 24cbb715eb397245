"""Fixtures of the contract suites: one Azurite a session, and every port as its double and as its real adapter."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Table
from shared.storage_settings import Storage
from tests.contract.azurite import connection_string, running_azurite

IMPLEMENTATIONS = ("double", "azurite")


def no_credential() -> Any:
    """Stand where the app's identity would be asked for, which a connection string never does."""
    raise AssertionError("the identity was asked for in spite of the connection string")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Ports of a running Azurite by service."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as ports:
        yield ports


@pytest.fixture(scope="session")
def shared_account(azurite: dict[str, int]) -> StorageAccount:
    """The account in Azurite, by connection string."""
    return StorageAccount(Storage(connection_string=connection_string(azurite)), no_credential)


class FreshNames(StorageAccount):
    """The account with tables, queues and containers of a test's own: each of their names begins with a random word."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._word = f"t{uuid.uuid4().hex[:12]}"

    def table(self, name: str) -> Any:
        """Return the client of the test's own table."""
        return self._account.table(f"{self._word}{name}")

    def queue(self, name: str) -> Any:
        """Return the client of the test's own queue."""
        return self._account.queue(f"{self._word}-{name}")

    def container(self, name: str) -> Any:
        """Return the client of the test's own container."""
        return self._account.container(f"{self._word}-{name}")


@pytest.fixture
def account(shared_account: StorageAccount) -> StorageAccount:
    """An account that holds nothing yet."""
    return FreshNames(shared_account)


@pytest.fixture
def table(account: StorageAccount) -> Table:
    """A table that is not there yet."""
    return Table(account, "things")


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> str:
    """Which implementation of a port a test runs against."""
    return str(request.param)


@pytest.fixture
def account_or_none(request: pytest.FixtureRequest, implementation: str) -> StorageAccount | None:
    """The account for the real adapters; ``None`` for the doubles, which need no Azurite."""
    return request.getfixturevalue("account") if implementation == "azurite" else None
