"""Connections to upstreams trust one bundle of authorities, read once, and nothing less than that."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from requests import Request
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from shared.adapters.shared_trust import SharedTrust

pytestmark = pytest.mark.unit

REQUEST = Request("GET", "https://registry.example/v2/").prepare()


def context(adapter: SharedTrust, verify: bool | str) -> ssl.SSLContext:
    """Return the context of a pool of connections."""
    return adapter.build_connection_pool_key_attributes(REQUEST, verify)[1]["ssl_context"]


@pytest.mark.parametrize("verify", [True, DEFAULT_CA_BUNDLE_PATH])
def test_connections_share_a_context_that_verifies_certificate_and_name(verify: bool | str) -> None:
    adapter = SharedTrust()
    shared = context(adapter, verify)
    assert shared is context(adapter, verify)
    assert shared.verify_mode is ssl.CERT_REQUIRED
    assert shared.check_hostname


def test_another_bundle_is_another_context(tmp_path: Path) -> None:
    other = tmp_path / "ca.pem"
    other.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text())
    adapter = SharedTrust()
    assert context(adapter, True) is not context(adapter, str(other))


def test_a_client_certificate_has_a_pool_of_its_own(tmp_path: Path) -> None:
    attributes = SharedTrust().build_connection_pool_key_attributes(REQUEST, True, str(tmp_path / "client.pem"))[1]
    assert attributes["cert_file"] == str(tmp_path / "client.pem")
    assert "ssl_context" not in attributes


def test_a_bundle_that_is_not_there_is_told_instead_of_trusting_anybody(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(OSError, match=r"missing\.pem"):
        SharedTrust().cert_verify(object(), REQUEST.url, missing, None)
