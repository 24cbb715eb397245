"""Clients of the storage account: made once, late, over one pool, and never waiting for minutes."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.queues import Queues
from shared.adapters.storage.tables import Table
from shared.domain.events.messages import ListTasks
from shared.errors import Unavailable
from shared.storage_settings import Storage
from tests.contract.azurite import connection_string
from tests.contract.conftest import no_credential
from tests.contract.wire import counted

pytestmark = pytest.mark.contract

HEAVY = ("azure.core", "azure.data", "azure.storage", "azure.identity", "requests")


def test_the_adapters_import_no_heavy_library_before_they_are_used() -> None:
    modules = ("errors", "queues", "activity_table", "configuration_blobs", "observations_table", "records_table")
    names = ("azure.identity", *(f"storage.{name}" for name in modules))
    imports = "; ".join(f"import shared.adapters.{name}" for name in names)
    loaded = f"[name for name in sys.modules if name.startswith({HEAVY})]"
    printed = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({loaded})"], check=True, capture_output=True, text=True
    )
    assert printed.stdout.strip() == "[]"


def test_many_threads_that_ask_at_once_get_one_client_over_one_pool(azurite: dict[str, int]) -> None:
    account = StorageAccount(Storage(connection_string=connection_string(azurite)), no_credential)
    with ThreadPoolExecutor(16) as pool:
        clients = set(map(id, pool.map(lambda _: account.table("things"), range(64))))
    assert len(clients) == 1
    assert account.queue("imports") is account.queue("imports")
    assert account.container("config") is account.container("config")
    assert account.queue("imports") is not account.queue("validations")


def test_a_silent_account_is_tried_three_times_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch, azurite: dict[str, int]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    nowhere = connection_string(dict.fromkeys(azurite, 9))
    account = StorageAccount(Storage(connection_string=nowhere), no_credential)
    for call in (
        lambda: Table(account, "things").find("p", "k"),
        lambda: Queues(account).send(ListTasks(v=1, registry="r", step=1)),
        lambda: Container(account, "config").read("images.yaml", 100),
    ):
        with counted() as wire, pytest.raises(Unavailable):
            call()
        assert len(wire) == 3
    assert sum(slept) < 30
