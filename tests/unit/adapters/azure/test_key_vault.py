"""What Key Vault is asked for a signature, and what its answers mean."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import ProtocolError

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.key_vault import KeyVaultSigner
from shared.errors import NotFound, NotPermitted, RateLimited, Refused, ServiceError, Unavailable
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.made_signatures.authorities import public_pem
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

KEY = "https://records.vault.azure.net/keys/decisions"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
NUMBERS = PRIVATE.public_key().public_numbers()
DIGEST = bytes(range(32))


def b64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def told(**key: Any) -> dict[str, Any]:
    x, y = (b64url(number.to_bytes(32, "big")) for number in (NUMBERS.x, NUMBERS.y))
    return {"key": {"kid": f"{KEY}/0123abcd", "kty": "EC", "crv": "P-256", "x": x, "y": y, **key}}


def error(code: str, inner: str = "") -> dict[str, Any]:
    whole: dict[str, Any] = {"code": code, "message": f"The operation is refused: {code} {inner}"}
    return {"error": whole | ({"innererror": {"code": inner}} if inner else {})}


@pytest.fixture
def signer() -> KeyVaultSigner:
    """A key that signs records."""
    clients = AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )
    return KeyVaultSigner(clients, KEY, "https://vault.azure.net")


def test_the_newest_version_is_told_with_its_public_key(signer: KeyVaultSigner, wire: ScriptedHttp) -> None:
    wire.answer(200, body=told())
    newest = signer.newest()
    assert (newest.version, newest.pem) == ("0123abcd", public_pem(PRIVATE).decode())
    assert wire.requests[0].url == f"{KEY}?api-version=7.4"
    assert wire.requests[0].headers["Authorization"] == "Bearer entra-token"


def test_only_a_digest_is_sent_to_one_version_in_one_request(signer: KeyVaultSigner, wire: ScriptedHttp) -> None:
    wire.answer(200, body={"kid": f"{KEY}/0123abcd", "value": b64url(b"\x00" * 31 + b"\x01" + b"\x07" * 32)})
    assert signer.sign("0123abcd", DIGEST) == b"\x00" * 31 + b"\x01" + b"\x07" * 32
    (asked,) = wire.requests
    assert (asked.method, asked.url) == ("POST", f"{KEY}/0123abcd/sign?api-version=7.4")
    assert json.loads(asked.body or "") == {"alg": "ES256", "value": b64url(DIGEST)}


@pytest.mark.parametrize("wrong", [{"crv": "P-384"}, {"kty": "RSA"}, {"kty": "oct"}])
def test_a_key_of_another_kind_is_refused_with_what_to_do(
    signer: KeyVaultSigner, wire: ScriptedHttp, wrong: dict[str, str]
) -> None:
    wire.answer(200, body=told(**wrong))
    with pytest.raises(Refused, match="P-256: make such a key"):
        signer.newest()


def test_a_newest_version_that_is_disabled_is_none_to_go_over_to(signer: KeyVaultSigner, wire: ScriptedHttp) -> None:
    wire.answer(200, body={**told(), "attributes": {"enabled": False}})
    with pytest.raises(Refused, match="newest version is disabled"):
        signer.newest()


@pytest.mark.parametrize("inner", ["KeyDisabled", "KeyExpired", "KeyNotYetValid"])
def test_a_version_that_signs_nothing_is_told_from_a_right_that_is_missing(
    signer: KeyVaultSigner, wire: ScriptedHttp, inner: str
) -> None:
    wire.answer(403, body=error("Forbidden", inner))
    with pytest.raises(Refused, match="enable that version") as raised:
        signer.sign("0123abcd", DIGEST)
    assert raised.value.code == inner
    assert not raised.value.temporary


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (403, error("Forbidden", "ForbiddenByRbac"), NotPermitted, "Key Vault Crypto User"),
        (401, error("Unauthorized"), NotPermitted, "Key Vault Crypto User"),
        (404, error("KeyNotFound"), NotFound, "KeyNotFound"),
        (429, error("Throttled"), RateLimited, "Throttled"),
        (503, error("ServiceUnavailable"), Unavailable, "503"),
        (400, error("BadParameter"), Refused, "BadParameter"),
    ],
)
def test_each_bad_answer_is_an_error_for_people(
    signer: KeyVaultSigner, wire: ScriptedHttp, status: int, body: Any, kind: type[ServiceError], words: str
) -> None:
    wire.answer(status, {"Retry-After": "7"}, body)
    with pytest.raises(kind, match=words) as raised:
        signer.sign("0123abcd", DIGEST)
    assert "records.vault.azure.net/keys/decisions" in str(raised.value)
    assert "entra-token" not in str(raised.value)
    assert (raised.value.retry_after == 7) is (status in {429, 503})
    assert len(wire.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", {"value": "AAAA"}, {"value": 3}, {"value": "!"}])
def test_an_answer_that_is_no_signature_is_none(signer: KeyVaultSigner, wire: ScriptedHttp, body: Any) -> None:
    wire.answer(200, {"Content-Type": "application/json"}, body)
    with pytest.raises(Unavailable):
        signer.sign("0123abcd", DIGEST)


@pytest.mark.parametrize("body", [b"[]", {"key": {}}, told(kid="https://elsewhere"), told(x="!"), told(x="AAAA")])
def test_an_answer_that_is_no_key_is_none(signer: KeyVaultSigner, wire: ScriptedHttp, body: Any) -> None:
    wire.answer(200, {"Content-Type": "application/json"}, body)
    with pytest.raises(Unavailable):
        signer.newest()


def test_a_vault_that_cannot_be_reached_may_be_later(signer: KeyVaultSigner, wire: ScriptedHttp) -> None:
    for _ in range(3):
        wire.fail(ProtocolError("cut off"))
    with pytest.raises(Unavailable):
        signer.sign("0123abcd", DIGEST)
