"""The account where decisions are kept, on the wire: no answer, or one that is none, is an error, and soon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.adapters.storage import decisions_vault
from shared.adapters.storage.account import CONNECT_SECONDS, StorageAccount
from shared.adapters.storage.decisions_vault import DecisionsVault
from shared.config import Settings
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable
from shared.outside_for_people import OutsideForPeople
from shared.storage_settings import Storage
from tests.contract.azurite import ACCOUNT
from tests.contract.conftest import no_credential

pytestmark = pytest.mark.contract

KEY = "a2V5IG9mIG5vYm9keQ=="


def vault_at(port: int) -> DecisionsVault:
    """The other account at a port of this machine, with the tries that the app makes, and shorter waits."""
    place = f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT}"
    storage = Storage(connection_string=f"{place};AccountName={ACCOUNT};AccountKey={KEY}")
    retries = decisions_vault.RETRIES
    return DecisionsVault(StorageAccount(storage, no_credential, read_seconds=0.3, retries=retries))


class Answering(ThreadingHTTPServer):
    """Answers every request by one status."""

    status = 500
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        server = cast(Answering, self.server)
        server.asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[Answering]:
    """An account that answers by one status."""
    server = Answering(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def silence() -> Iterator[int]:
    """A port where everybody is let in, and nobody is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("status", "error"), [(403, Refused), (404, NotFound), (429, RateLimited), (500, Unavailable), (503, RateLimited)]
)
def test_what_is_no_answer_is_an_error_for_who_asks_and_for_who_keeps(
    monkeypatch: pytest.MonkeyPatch, answering: Answering, status: int, error: type[ServiceError]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    answering.status = status
    vault = vault_at(answering.server_port)
    with pytest.raises(error):
        vault.newest("tidegatebase/")
    with pytest.raises(error):
        vault.add("tidegatebase/a.json", b"{}")
    assert 2 <= answering.asked <= 4


def test_who_never_answers_is_given_up_soon(monkeypatch: pytest.MonkeyPatch, silence: int) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    vault, began = vault_at(silence), time.monotonic()
    with pytest.raises(Unavailable):
        vault.newest("tidegatebase/")
    with pytest.raises(Unavailable):
        vault.add("tidegatebase/a.json", b"{}")
    assert time.monotonic() - began < 5
    assert sum(slept) < 10


def test_the_app_waits_for_it_for_half_a_minute_at_most() -> None:
    tries = 1 + decisions_vault.RETRIES
    assert tries * (CONNECT_SECONDS + decisions_vault.READ_SECONDS) <= 30
    outside = OutsideForPeople(cast(Settings, SimpleNamespace(secrets=(), azure_client_id="")))
    vault = cast(Any, outside.vault(Storage(blob_uri="https://other.blob.core.windows.net")))
    account = vault._container._account
    assert (account._read_seconds, account._retries) == (decisions_vault.READ_SECONDS, decisions_vault.RETRIES)


def test_a_container_that_is_not_there_is_no_answer(account: StorageAccount) -> None:
    vault = DecisionsVault(account)
    with pytest.raises(NotFound):
        vault.newest("tidegatebase/")
    account.container("decisions").create_container()
    assert vault.newest("tidegatebase/") == ""
