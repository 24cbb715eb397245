"""What Key Vault is asked for a signature of a GitHub App's, and what its answers mean."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from shared.adapters.azure.app_key import AppKey
from shared.adapters.azure.clients import AzureClients
from shared.errors import NotPermitted, RateLimited, Refused, Unavailable
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_key_vault import b64url, error
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

KEY = "https://builds.vault.azure.net/keys/github-app"
PRIVATE = rsa.generate_private_key(65537, 2048)
DIGEST = hashlib.sha256(b"head.body").digest()
TOLD = {"key": {"kid": f"{KEY}/0123abcd", "kty": "RSA", "n": "AQAB", "e": "AQAB"}}


@pytest.fixture
def key() -> AppKey:
    """An App's key."""
    clients = AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )
    return AppKey(clients, KEY, "https://vault.azure.net")


def test_only_a_digest_is_sent_and_the_signature_is_one_of_rs256(key: AppKey, wire: ScriptedHttp) -> None:
    signature = PRIVATE.sign(DIGEST, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    wire.answer(200, body=TOLD)
    wire.answer(200, body={"kid": f"{KEY}/0123abcd", "value": b64url(signature)})
    PRIVATE.public_key().verify(key.sign(DIGEST), b"head.body", padding.PKCS1v15(), hashes.SHA256())
    read, sent = wire.requests
    assert (read.method, read.url) == ("GET", f"{KEY}?api-version=7.4")
    assert (sent.method, sent.url) == ("POST", f"{KEY}/0123abcd/sign?api-version=7.4")
    assert json.loads(sent.body or "") == {"alg": "RS256", "value": b64url(DIGEST)}


def test_a_key_of_another_kind_is_refused_in_words(key: AppKey, wire: ScriptedHttp) -> None:
    wire.answer(200, body={"key": {**TOLD["key"], "kty": "EC"}})
    with pytest.raises(Refused, match="GitHub's are RSA keys"):
        key.sign(DIGEST)


@pytest.mark.parametrize("answer", [{}, {"value": "AAAA"}, {"value": 1}, {"value": "?"}])
def test_what_is_no_signature_is_none(key: AppKey, wire: ScriptedHttp, answer: dict[str, Any]) -> None:
    wire.answer(200, body=TOLD)
    wire.answer(200, body=answer)
    with pytest.raises(Unavailable):
        key.sign(DIGEST)


@pytest.mark.parametrize(
    ("status", "code", "inner", "raised"),
    [
        (403, "Forbidden", "ForbiddenByRbac", NotPermitted),
        (403, "Forbidden", "KeyDisabled", Refused),
        (429, "Throttled", "", RateLimited),
    ],
)
def test_a_vault_that_does_not_sign_is_told_apart(
    key: AppKey, wire: ScriptedHttp, status: int, code: str, inner: str, raised: type[Exception]
) -> None:
    wire.answer(200, body=TOLD)
    wire.answer(status, body=error(code, inner))
    with pytest.raises(raised):
        key.sign(DIGEST)
