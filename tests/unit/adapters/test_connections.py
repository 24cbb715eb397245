"""Connections to upstreams: opened as the machine is set up, kept, and trusting one bundle of authorities."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from azure.core.rest import HttpRequest
from requests import Request
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool

from shared.adapters.connections import Connections
from shared.adapters.deadlines import Exchange
from shared.adapters.kept_alive import sdk_transport, trust
from shared.adapters.upstream.http import UpstreamHttp
from shared.errors import Refused, Unavailable

pytestmark = pytest.mark.unit

TIMEOUTS = (2.0, 2.0)


class Told(ThreadingHTTPServer):
    """Answers with the request's own target and remembers who asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.callers: list[tuple[str, int]] = []
        self.tunnels: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class Echo(BaseHTTPRequestHandler):
    """One connection to ``Told``."""

    protocol_version = "HTTP/1.1"
    server: Told

    def do_GET(self) -> None:
        """Answer with what was asked for."""
        self.server.callers.append(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.path.encode())

    def do_CONNECT(self) -> None:
        """Note where a tunnel is wanted to, and let nobody through."""
        self.server.tunnels.append(self.path)
        self.send_error(502)

    do_HEAD = do_GET  # noqa: N815  the server looks it up by this name

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """A server that this machine's proxies do not stand before."""
    for name in (
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    with Told() as told:
        threading.Thread(target=told.serve_forever, daemon=True).start()
        yield told
        told.shutdown()


def asked(connections: Connections, url: str, method: str = "GET") -> str:
    """Return what the other side was asked for."""
    answer = connections.send(method, url, {}, None, Exchange(2.0))
    try:
        return answer.read().decode()
    finally:
        answer.close()


def test_questions_to_one_address_share_a_connection_heads_too(server: Told) -> None:
    connections = Connections(*TIMEOUTS)
    for method in ("HEAD", "GET", "HEAD", "HEAD"):
        asked(connections, f"{server.url}/v2/", method)
    assert len(server.callers) == 4
    assert len(set(server.callers)) == 1


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/"),
        ("/v2/a/tags/list?n=1&last=b", "/v2/a/tags/list?n=1&last=b"),
        ("?n=1", "/?n=1"),
        ("?n=a/b", "/?n=a/b"),
        ("/a b#c", "/a%20b"),
    ],
)
def test_an_address_is_written_as_a_request_may_have_it(server: Told, path: str, target: str) -> None:
    assert asked(Connections(*TIMEOUTS), server.url + path) == target


def test_a_proxy_of_the_machine_is_asked_for_the_whole_address(server: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    assert asked(Connections(*TIMEOUTS), "http://registry.example/v2/?n=1") == "http://registry.example/v2/?n=1"


def test_a_proxy_of_the_machine_is_asked_for_a_tunnel_to_where_tls_is_spoken(
    server: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    with pytest.raises(Unavailable, match="ProxyError"):
        UpstreamHttp("the registry").ask("looking", "https://registry.example/v2/", method="HEAD")
    assert server.tunnels == ["registry.example:443"]


def test_what_is_excepted_from_the_proxy_is_asked_itself(server: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert asked(Connections(*TIMEOUTS), f"{server.url}/v2/") == "/v2/"


def is_kept_alive(pool: HTTPConnectionPool) -> bool:
    """Whether the operating system will say a word on a pool's idle connection before Azure forgets it."""
    kept = pool._get_conn().sock
    idle: int = kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    return kept.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1 and idle < 240


def test_idle_connections_to_upstreams_are_kept_alive(server: Told) -> None:
    connections = Connections(*TIMEOUTS)
    connections.send("HEAD", f"{server.url}/", {}, None, Exchange(2.0))
    assert is_kept_alive(connections._line(server.url).pool)


def test_idle_connections_to_azure_are_kept_alive(server: Told) -> None:
    request = Request("GET", server.url).prepare()
    adapter = sdk_transport(2.0, 2.0).session.get_adapter(server.url)
    assert adapter.send(request).content == b"/"
    assert is_kept_alive(adapter.get_connection_with_tls_context(request, verify=True))


@pytest.mark.parametrize("url", ["registry.example/v2/", "ftp://registry.example/", "https://", "https://[::1/"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="looking"):
        UpstreamHttp("the registry").ask("looking", url)


def test_connections_share_a_context_that_verifies_certificate_and_name() -> None:
    shared = trust(DEFAULT_CA_BUNDLE_PATH)
    assert shared is trust(DEFAULT_CA_BUNDLE_PATH)
    assert shared.verify_mode is ssl.CERT_REQUIRED
    assert shared.check_hostname


def test_connections_to_azure_share_a_context_and_none_reads_the_bundle_again(tmp_path: Path) -> None:
    other = tmp_path / "ca.pem"
    other.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text())
    adapter = sdk_transport(2.0, 2.0).session.get_adapter("https://vault.example/")
    request = Request("GET", "https://vault.example/").prepare()
    pool = adapter.get_connection_with_tls_context(request, verify=str(other))
    adapter.cert_verify(pool, "https://vault.example/", str(other), None)
    first, second = pool._new_conn(), pool._new_conn()
    assert first.ssl_context is second.ssl_context is trust(str(other))
    assert (first.ca_certs, first.ca_cert_dir) == (None, None)


def test_only_who_asks_for_it_is_connected_without_verification() -> None:
    adapter = sdk_transport(2.0, 2.0).session.get_adapter("https://vault.example/")
    request = Request("GET", "https://vault.example/").prepare()
    kept, open_to_all = (adapter.get_connection_with_tls_context(request, verify=verify) for verify in (True, False))
    assert kept.conn_kw["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert (open_to_all.cert_reqs, open_to_all.conn_kw.get("ssl_context")) == ("CERT_NONE", None)


def asked_of_azure(url: str) -> str:
    """Return what the other side was asked for by an SDK of Azure."""
    with sdk_transport(2.0, 2.0) as transport:
        return str(transport.send(HttpRequest("GET", url)).text())


def test_azure_is_asked_through_a_proxy_of_the_machine(server: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    assert asked_of_azure("http://vault.example/keys?n=1") == "http://vault.example/keys?n=1"


def test_what_of_azure_is_excepted_from_the_proxy_is_asked_itself(
    server: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert asked_of_azure(f"{server.url}/keys") == "/keys"


def test_without_a_proxy_the_machine_is_not_asked_for_one_at_each_request(
    server: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = sdk_transport(2.0, 2.0)
    monkeypatch.setattr("requests.sessions.get_environ_proxies", lambda *_, **__: pytest.fail("it was asked"))
    assert transport.send(HttpRequest("GET", f"{server.url}/keys")).text() == "/keys"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.usefixtures("server")
def test_azure_is_trusted_by_the_machines_own_bundle(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    with pytest.raises(OSError, match=r"missing\.pem|No such file"):
        asked_of_azure("https://127.0.0.1:9/keys")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_machines_own_bundle_is_trusted_instead(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "ca.pem"
    other.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text())
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, str(other))
    pool = Connections(*TIMEOUTS)._line("https://registry.example").pool
    assert pool.conn_kw["ssl_context"] is trust(str(other))
    assert trust(str(other)) is not trust(DEFAULT_CA_BUNDLE_PATH)


def test_a_bundle_that_is_not_there_is_told_instead_of_trusting_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(Refused, match="REQUESTS_CA_BUNDLE"):
        UpstreamHttp("the registry").ask("looking", "https://registry.example/v2/")
