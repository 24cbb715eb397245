"""Blobs of our registries: read within bounds, and pushed with the manifest that refers to them."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.shelf import RegistryShelf
from shared.domain.record.attaching import Attachment, digest_of
from shared.errors import NotPermitted, RateLimited, ServiceError, Unavailable
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

CONTENT = b'{"what": "was signed"}'
DIGEST = digest_of(CONTENT)
MADE = Attachment(b'{"schemaVersion":2}', (CONTENT,))
RANGE = {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}", "Content-Length": str(len(CONTENT))}


@pytest.fixture
def shelf() -> RegistryShelf:
    """A registry's blobs."""
    clients = AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )
    return RegistryShelf(clients, "base.azurecr.io")


def test_a_blob_is_read_by_its_digest(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    wire.answer(206, RANGE, CONTENT)
    assert shelf.blob("base/node", DIGEST, 1000) == CONTENT


def test_a_blob_that_is_larger_than_allowed_is_none(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    wire.answer(206, RANGE, CONTENT)
    assert shelf.blob("base/node", DIGEST, 5) is None


def test_a_blob_that_is_not_there_is_none(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    wire.answer(404, body={"errors": [{"code": "BLOB_UNKNOWN", "message": "unknown"}]})
    assert shelf.blob("base/node", DIGEST, 1000) is None


def test_a_blob_with_another_digest_is_no_answer(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    wire.answer(206, RANGE, CONTENT[::-1])
    with pytest.raises(Unavailable):
        shelf.blob("base/node", DIGEST, 1000)


def test_a_manifest_is_pushed_after_its_blobs(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    wire.answer(202, {"Location": "/v2/uploads/1"})
    wire.answer(202, {"Location": "/v2/uploads/2"})
    wire.answer(201, {"Docker-Content-Digest": DIGEST})
    wire.answer(201, {"Docker-Content-Digest": MADE.digest})
    shelf.push("base/node", MADE)
    assert [one.method for one in wire.requests] == ["POST", "PATCH", "PUT", "PUT"]
    assert unquote(str(wire.requests[-1].url)).endswith(f"/v2/base/node/manifests/{MADE.digest}")


@pytest.mark.parametrize(
    ("status", "kind"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable), (404, ServiceError)]
)
def test_a_push_that_is_refused_is_an_error_for_people(
    shelf: RegistryShelf, wire: ScriptedHttp, status: int, kind: type[ServiceError]
) -> None:
    wire.answer(status, body={"errors": [{"code": "DENIED", "message": "no"}]})
    with pytest.raises(kind, match=f"pushing base.azurecr.io/base/node@{MADE.digest}"):
        shelf.push("base/node", MADE)
