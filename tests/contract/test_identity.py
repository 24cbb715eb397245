"""The storage account reached with the app's managed identity instead of a connection string."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters.azure.identity import Identity
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.queues import Queues
from shared.adapters.storage.tables import Row, Table
from shared.domain.events.messages import ListTasks
from shared.storage_settings import Storage
from tests.contract.azurite import ACCOUNT, running_azurite

pytestmark = pytest.mark.contract

SECRET = "identity-header"


def token(audience: str) -> str:
    """Return a token that Azurite's basic check takes: the right claims, and any signature."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "nbf": now - 60,
        "iat": now - 60,
        "exp": now + 3600,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


class IdentityEndpoint(BaseHTTPRequestHandler):
    """App Service's endpoint for managed identities."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.asked.append(query)
        allowed = self.headers["X-IDENTITY-HEADER"] == SECRET
        expires = str(int(time.time()) + 3600)
        answer = {"access_token": token(query["resource"]), "expires_on": expires, "token_type": "Bearer"}
        body = json.dumps({**answer, "resource": query["resource"]}).encode() if allowed else b"{}"
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def identity_endpoint() -> Iterator[str]:
    """Serve the endpoint, and yield its address."""
    IdentityEndpoint.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), IdentityEndpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/msi/token"
        server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, private = folder / "cert.pem", folder / "key.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names_and_files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(private), "-out", str(certificate)]
    subprocess.run([*request.split(), *names_and_files], check=True, capture_output=True)
    return certificate, private


@pytest.fixture
def account(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageAccount]:
    """An account that takes nothing but tokens, over TLS."""
    flags = ("--oauth", "basic", "--cert", str(certificate[0]), "--key", str(certificate[1]))
    with running_azurite(tmp_path, *flags) as ports, identity_endpoint() as endpoint:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        uris = {f"{name}_uri": f"https://127.0.0.1:{port}/{ACCOUNT}" for name, port in ports.items()}
        yield StorageAccount(Storage(**uris), Identity().credential)


def test_tables_queues_and_blobs_are_reached_with_one_token_of_the_apps_identity(account: StorageAccount) -> None:
    table, container = Table(account, "things"), Container(account, "config")
    assert table.insert(Row("p", "k", "1"))
    Queues(account).send(ListTasks(v=1, registry="r", step=1))
    container.write("images.yaml", b"images: []")

    row, blob = table.find("p", "k"), container.read("images.yaml", 100)
    assert row is not None
    assert blob is not None
    assert (row.record, blob.content) == ("1", b"images: []")
    assert len(list(account.queue("validations").receive_messages())) == 1
    assert [query["resource"] for query in IdentityEndpoint.asked] == ["https://storage.azure.com"]


def test_a_user_assigned_identity_is_asked_for_by_its_client_id(monkeypatch: pytest.MonkeyPatch) -> None:
    with identity_endpoint() as endpoint:
        monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        identity = Identity("11111111-2222-3333-4444-555555555555")
        assert identity.credential() is identity.credential()
        assert identity.credential().get_token("https://management.azure.com/.default").token
    (query,) = IdentityEndpoint.asked
    assert query["client_id"] == "11111111-2222-3333-4444-555555555555"
