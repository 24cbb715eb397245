"""Blobs of our registries: read within bounds, and pushed with the manifest that refers to them."""

from __future__ import annotations

import base64
import json
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


def token(name: str) -> str:
    """Return a token that is good for an hour."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 4_000_000_000, "jti": name}).encode()).decode()
    return f"e30.{claims.rstrip('=')}.c2lnbmVk"


def challenged(wire: ScriptedHttp, given: str) -> None:
    """The registry asks for a token, and its token service gives one."""
    scope, realm = "repository:base/node:pull,push", "https://base.azurecr.io/oauth2/token"
    wire.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="base.azurecr.io",scope="{scope}"'})
    wire.answer(200, body={"refresh_token": token("refresh")})
    wire.answer(200, body={"access_token": given})


def answer_a_push(wire: ScriptedHttp) -> None:
    """Take a blob and its manifest, at addresses that spell the repository as registries do."""
    wire.answer(202, {"Location": "/v2/base/node/blobs/uploads/1"})
    wire.answer(202, {"Location": "/v2/base/node/blobs/uploads/2"})
    wire.answer(201, {"Docker-Content-Digest": DIGEST})
    wire.answer(201, {"Docker-Content-Digest": MADE.digest})


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


def test_one_token_is_asked_for_all_that_is_pushed_into_a_repository(shelf: RegistryShelf, wire: ScriptedHttp) -> None:
    challenged(wire, token("push"))
    answer_a_push(wire)
    shelf.push("base/node", MADE)
    answer_a_push(wire)
    shelf.push("base/node", MADE)
    assert wire.left == 0
    shown = [one.headers.get("Authorization") for one in wire.requests if "/v2/" in str(one.url)]
    assert shown[1:] == [f"Bearer {token('push')}"] * 8


def test_a_token_to_push_is_shown_where_nothing_else_is_done_and_none_where_a_blob_is_read(
    shelf: RegistryShelf, wire: ScriptedHttp
) -> None:
    challenged(wire, token("push"))
    answer_a_push(wire)
    shelf.push("base/node", MADE)
    for repository in ("base/node", "base/python"):
        wire.answer(206, RANGE, CONTENT)
        shelf.blob(repository, DIGEST, 1000)
        assert wire.requests[-1].headers.get("Authorization") is None
    answer_a_push(wire)
    shelf.push("base/python", MADE)
    assert wire.requests[-4].headers.get("Authorization") is None


@pytest.mark.parametrize(
    ("status", "kind"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable), (404, ServiceError)]
)
def test_a_push_that_is_refused_is_an_error_for_people(
    shelf: RegistryShelf, wire: ScriptedHttp, status: int, kind: type[ServiceError]
) -> None:
    wire.answer(status, body={"errors": [{"code": "DENIED", "message": "no"}]})
    with pytest.raises(kind, match=f"pushing base.azurecr.io/base/node@{MADE.digest}"):
        shelf.push("base/node", MADE)
