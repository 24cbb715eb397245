"""The managed-identity endpoint, asked by the Azure identity library."""

from __future__ import annotations

import time

import pytest
import requests
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from tests.twin.conftest import Twin

pytestmark = pytest.mark.twin
SCOPE = "https://management.azure.com/.default"


def test_a_managed_identity_gets_a_token_that_expires_later(twin: Twin) -> None:
    assert ManagedIdentityCredential().get_token(SCOPE).expires_on > time.time() + 3600
    assert twin.control("GET", "/counts").json()["identity"] == {"token": 1}


def test_the_default_credential_gets_a_token_for_a_named_identity(twin: Twin) -> None:
    token = DefaultAzureCredential(managed_identity_client_id="chosen").get_token(SCOPE)
    assert token.token.count(".") == 2
    assert twin.control("GET", "/counts").json()["identity"] == {"token": 1}


def test_the_wrong_header_gets_no_token(twin: Twin) -> None:
    address = twin.topology.http("identity") + "/msi/token?resource=https://management.azure.com"
    assert requests.get(address, headers={"X-IDENTITY-HEADER": "guess"}, timeout=5).status_code == 401


def test_a_request_without_a_resource_is_bad(twin: Twin) -> None:
    headers = {"X-IDENTITY-HEADER": twin.topology.identity_header}
    assert requests.get(twin.topology.http("identity") + "/msi/token", headers=headers, timeout=5).status_code == 400
