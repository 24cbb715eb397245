"""What is asked of ARM for an import, and what its answers mean."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.registry import AzureContainerRegistry, import_parameters
from shared.config import RegistryId
from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag
from shared.errors import NotFound, OperationFailed, Unavailable
from shared.ports import ImportSource
from shared.registry_accounts import Account
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire

__all__ = ["wire"]
pytestmark = pytest.mark.unit

STAGING_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/staging"
DIGEST = digest_of("node")
FROM_HUB = ImportSource(Repository(DOCKER_HUB, "library/node"), DIGEST)
FROM_MCR = ImportSource(Repository(MCR, "dotnet/sdk"), DIGEST)
FROM_GHCR = ImportSource(Repository("ghcr.io", "org/app"), DIGEST)
FROM_QUAY = ImportSource(Repository("quay.io", "org/app"), DIGEST)
FROM_STAGING = ImportSource(Repository("staging", "base/node"), DIGEST, staging=True)
FROM_BASE = ImportSource(Repository("base", "base/node"), DIGEST, base=True)
FROM_ITSELF = ImportSource(Repository("base", "base/node"), DIGEST, own=True)
ACCOUNT = Account("someone", "the-pat")
ACCOUNTS = {DOCKER_HUB: ACCOUNT, "ghcr.io": Account("robot", "another-pat")}
TAG = Tag("22-alpine")
LOCATION = {"Location": "https://management.azure.com/operationResults/1?api-version=2025-11-01", "Retry-After": "7"}


class StaticCredential:
    """An identity that is always signed in."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Return a token that nobody checks."""
        return AccessToken("entra-token", int(time.time()) + 3600)


@pytest.fixture
def registry() -> AzureContainerRegistry:
    """The base registry."""
    clients = AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )
    return AzureContainerRegistry(
        clients, RegistryId("s", "g", "Base", "/id"), staging_id=STAGING_ID, accounts=ACCOUNTS
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            FROM_HUB,
            {
                "registryUri": "registry.hub.docker.com",
                "sourceImage": f"library/node@{DIGEST}",
                "credentials": {"username": "someone", "password": "the-pat"},
            },
        ),
        (
            FROM_GHCR,
            {
                "registryUri": "ghcr.io",
                "sourceImage": f"org/app@{DIGEST}",
                "credentials": {"username": "robot", "password": "another-pat"},
            },
        ),
        (FROM_QUAY, {"registryUri": "quay.io", "sourceImage": f"org/app@{DIGEST}"}),
        (FROM_MCR, {"registryUri": "mcr.microsoft.com", "sourceImage": f"dotnet/sdk@{DIGEST}"}),
        (FROM_STAGING, {"resourceId": STAGING_ID, "sourceImage": f"base/node@{DIGEST}"}),
        (FROM_ITSELF, {"resourceId": STAGING_ID, "sourceImage": f"base/node@{DIGEST}"}),
        (FROM_BASE, {"resourceId": STAGING_ID, "sourceImage": f"base/node@{DIGEST}"}),
    ],
)
def test_an_import_names_its_source_by_digest_and_gives_each_registry_its_own_account_alone(
    source: ImportSource, expected: dict[str, object]
) -> None:
    body = import_parameters(source, "base/node", [Tag("22")], STAGING_ID, ACCOUNTS)
    assert body == {"source": expected, "targetTags": ["base/node:22"], "mode": "Force"}


def test_an_import_without_an_account_is_anonymous() -> None:
    assert "credentials" not in import_parameters(FROM_HUB, "base/node", [Tag("22")], STAGING_ID, {})["source"]


def test_an_account_does_not_show_its_token() -> None:
    assert "the-pat" not in f"{ACCOUNT} {ACCOUNT!r}"


def test_an_import_that_is_accepted_is_under_way(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(202, LOCATION)
    operation = registry.start_import(FROM_HUB, "base/node", TAG)
    assert (operation.done, operation.retry_after) == (False, 7)
    (request,) = wire.requests
    assert request.path_url.startswith(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/Base/importImage?"
    )
    assert json.loads(request.body or "")["targetTags"] == ["base/node:22-alpine"]


def test_an_import_that_is_done_at_once_is_done(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200)
    assert registry.start_import(FROM_HUB, "base/node", TAG).done is True


def test_no_secret_is_in_the_token_of_an_operation(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(202, {**LOCATION, "Set-Cookie": "session=S3CRET"})
    token = registry.start_import(FROM_HUB, "base/node", TAG).token
    shown = base64.b64decode(token).decode()
    assert LOCATION["Location"] in shown
    for secret in ("the-pat", "someone", "entra-token", "S3CRET", "uthorization"):
        assert secret not in shown


@pytest.mark.parametrize("header", ["Location", "Azure-AsyncOperation"])
def test_a_look_asks_once_and_the_next_one_asks_where_the_newest_answer_says(
    wire: ScriptedHttp, registry: AzureContainerRegistry, header: str
) -> None:
    addresses = [f"{LOCATION['Location']}&c={'certificate' * 300}&s={number}" for number in range(4)]
    wire.answer(202, {header: addresses[0]})
    seen = registry.start_import(FROM_HUB, "base/node", TAG)
    for address in addresses[1:]:
        wire.answer(202, {header.lower(): address, "Retry-After": "10"}, {"status": "Accepted", "base/node": "Pending"})
        seen = registry.look_at_import(seen.token)
        assert (seen.done, seen.retry_after) == (False, 10)
    wire.answer(200, body={"status": "Succeeded"})
    assert registry.look_at_import(seen.token).done
    assert [request.url for request in wire.requests[1:]] == addresses
    assert len(seen.token) < 32 * 1024, "a queue's message has 64 KiB"


def test_an_answer_without_an_address_leaves_the_last_one(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(202, LOCATION)
    wire.answer(202)
    wire.answer(202)
    seen = registry.look_at_import(registry.start_import(FROM_HUB, "base/node", TAG).token)
    registry.look_at_import(seen.token)
    assert wire.requests[-1].url == LOCATION["Location"]


@pytest.mark.parametrize(("status", "body"), [(200, b""), (204, b""), (200, {"status": "Succeeded"})])
def test_an_operation_that_ended_well_is_done(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int, body: object
) -> None:
    wire.answer(202, LOCATION)
    wire.answer(status, body=body)
    assert registry.look_at_import(registry.start_import(FROM_HUB, "base/node", TAG).token).done is True


@pytest.mark.parametrize("header", ["Location", "Azure-AsyncOperation"])
@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_a_failure_that_comes_with_status_200_is_noticed(
    wire: ScriptedHttp, registry: AzureContainerRegistry, header: str, status: str
) -> None:
    wire.answer(202, {header: LOCATION["Location"]})
    wire.answer(200, body={"status": status, "error": {"code": "InvalidParameters", "message": "Error copying blobs"}})
    token = registry.start_import(FROM_HUB, "base/node", TAG).token
    with pytest.raises(OperationFailed, match="broke off") as failed:
        registry.look_at_import(token)
    assert failed.value.temporary


def _token(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no base64!",
        "bm8ganNvbg==",
        base64.b64encode(b"\x80\x04pickle").decode(),
        _token([]),
        _token({"version": 2, "data": {}}),
        _token({"version": 1, "data": {}}),
        _token({"version": 1, "data": None}),
        _token({"version": 1, "data": {"request": {}, "response": {}}}),
    ],
)
def test_a_token_of_another_version_is_an_operation_nobody_knows(
    wire: ScriptedHttp, registry: AzureContainerRegistry, token: str
) -> None:
    with pytest.raises(NotFound, match="token"):
        registry.look_at_import(token)
    assert wire.requests == [], "nothing is asked of anybody"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(404, b"", None), (200, {"tag": {"name": "22", "digest": DIGEST, "changeableAttributes": {}}}, DIGEST)],
)
def test_a_tag_is_read_back_from_the_registry_itself(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int, body: object, expected: str | None
) -> None:
    wire.answer(status, body=body)
    assert registry.digest("base/node", TAG) == expected
    assert (wire.requests[0].url or "").startswith("https://base.azurecr.io/acr/v1/base%2Fnode/_tags/22-alpine")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tag": {"name": "22", "digest": DIGEST}},
        {"tag": {"name": "22", "digest": None, "changeableAttributes": {}}},
        {"tag": {"name": "22", "digest": "sha256:abc", "changeableAttributes": {}}},
    ],
)
def test_an_answer_without_a_digest_is_no_answer(
    wire: ScriptedHttp, registry: AzureContainerRegistry, body: object
) -> None:
    wire.answer(200, body=body)
    with pytest.raises(Unavailable):
        registry.digest("base/node", TAG)


def test_a_challenge_that_names_no_scope_is_no_answer(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    service = "https://base.azurecr.io/oauth2/token"
    wire.answer(401, {"WWW-Authenticate": f'Bearer realm="{service}",service="base.azurecr.io"'})
    refresh = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, {"exp": 4e9}, {}))
    wire.answer(200, body={"refresh_token": refresh})
    with pytest.raises(Unavailable):
        registry.digest("base/node", TAG)
