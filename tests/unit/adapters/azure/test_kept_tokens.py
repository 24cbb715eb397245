"""Tokens of a registry's own API: asked for once, shown until they end, forgotten when they are not taken."""

from __future__ import annotations

import base64
import json
import time

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.adapters.azure.registry import AzureContainerRegistry
from shared.domain.references import Tag
from shared.errors import NotPermitted
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import registry

__all__ = ["registry", "wire"]
pytestmark = pytest.mark.unit

_TAG = Tag("22")


def _token(name: str, seconds: float = 4500) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds, "jti": name}).encode()).decode()
    return f"e30.{claims.rstrip('=')}.c2lnbmVk"


def _challenged(wire: ScriptedHttp, token: str) -> None:
    """The registry asks for a token, and its token service gives one."""
    scope = "repository:base/node:metadata_read"
    realm = "https://base.azurecr.io/oauth2/token"
    wire.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="base.azurecr.io",scope="{scope}"'})
    wire.answer(200, body={"refresh_token": _token("refresh")})
    wire.answer(200, body={"access_token": token})


def _borne(wire: ScriptedHttp) -> None:
    attributes = {"name": "22", "digest": digest_of("22"), "changeableAttributes": {}}
    wire.answer(200, body={"registry": "base.azurecr.io", "imageName": "base/node", "tag": attributes})


def _shown(wire: ScriptedHttp) -> str | None:
    return wire.requests[-1].headers.get("Authorization")


def test_a_token_is_asked_for_once_for_all_reads_of_a_repository(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    token = _token("first")
    _challenged(wire, token)
    for _ in range(3):
        _borne(wire)
        assert registry.digest("base/node", _TAG) == digest_of("22")
    assert len(wire.requests) == 4 + 2
    assert _shown(wire) == f"Bearer {token}"


def test_a_token_is_shown_to_no_other_repository(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    _challenged(wire, _token("first"))
    _borne(wire)
    registry.digest("base/node", _TAG)
    _borne(wire)
    registry.digest("base/python", _TAG)
    assert _shown(wire) is None


def test_a_token_that_ends_within_a_minute_is_not_kept(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    for name in ("first", "second"):
        _challenged(wire, _token(name, seconds=59))
        _borne(wire)
        assert registry.digest("base/node", _TAG) == digest_of("22")
    assert wire.left == 0


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "e30.e30.c2lnbmVk", "e30._.x"])
def test_a_token_that_does_not_say_when_it_ends_is_not_kept(
    wire: ScriptedHttp, registry: AzureContainerRegistry, token: str
) -> None:
    for _ in range(2):
        _challenged(wire, token)
        _borne(wire)
        assert registry.digest("base/node", _TAG) == digest_of("22")
    assert wire.left == 0


def test_a_token_that_is_not_taken_any_more_is_replaced(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    _challenged(wire, _token("first"))
    _borne(wire)
    registry.digest("base/node", _TAG)
    again = _token("second")
    _challenged(wire, again)
    _borne(wire)
    assert registry.digest("base/node", _TAG) == digest_of("22")
    assert _shown(wire) == f"Bearer {again}"


def test_a_token_that_is_refused_with_its_role_is_not_shown_again(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    _challenged(wire, _token("first"))
    wire.answer(401, body={"errors": [{"code": "UNAUTHORIZED", "message": "no right"}]})
    with pytest.raises(NotPermitted):
        registry.digest("base/node", _TAG)
    _borne(wire)
    registry.digest("base/node", _TAG)
    assert _shown(wire) is None


def test_what_a_repository_holds_is_read_by_another_token_than_what_is_said_of_it(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    _challenged(wire, _token("first"))
    _borne(wire)
    registry.digest("base/node", _TAG)
    client = registry._clients.data_plane("base.azurecr.io")
    for _ in range(2):
        wire.answer(404, body={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
    for _ in range(2):
        with pytest.raises(ResourceNotFoundError):
            client.get_manifest("base/node", digest_of("22"))
    assert wire.requests[-2].headers.get("Authorization") is None
    assert "/v2/base%2Fnode/manifests/" in (wire.requests[-1].url or "")
