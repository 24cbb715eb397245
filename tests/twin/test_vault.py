"""The twin's key vault: what it signs verifies by the public key alone; what it refuses it refuses as Azure does."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.identity import ManagedIdentityCredential
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import CRYPTO_OFFICER, CRYPTO_USER, ROLES
from infra.local.emulator.vault_keys import VaultKeys
from tests.twin.conftest import Twin

pytestmark = pytest.mark.twin
DIGEST = hashlib.sha256(b"what is signed").digest()
VERSION = "api-version=7.4"


def text(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(given: str) -> bytes:
    """Return the bytes of that."""
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


class Client:
    """Asks the vault as the twin's operator, or as the client that is named."""

    def __init__(self, twin: Twin, credential: ManagedIdentityCredential | None = None) -> None:
        self._twin = twin
        self._credential = credential or twin.credential

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        """Ask for something, and return the answer."""
        token = self._credential.get_token("https://vault.azure.net/.default").token
        url = path if path.startswith("https:") else f"{self._twin.topology.https('vault')}{path}?{VERSION}"
        return requests.request(
            method, url, json=body, headers={"Authorization": f"Bearer {token}", **headers}, timeout=10
        )

    def made(self, name: str, **attributes: object) -> dict[str, Any]:
        """Make a key and return it."""
        body = {"kty": "EC", "crv": "P-256", "attributes": attributes}
        return dict(self.ask("POST", f"/keys/{name}/create", body).json())

    def sign(self, kid: str, algorithm: str = "ES256", digest: bytes = DIGEST) -> requests.Response:
        """Have a digest signed by a version of a key."""
        return self.ask("POST", f"/keys/{kid.partition('/keys/')[2]}/sign", {"alg": algorithm, "value": text(digest)})


@pytest.fixture
def operator(twin: Twin) -> Client:
    """Asks as an operator."""
    return Client(twin)


@pytest.fixture
def app(twin: Twin) -> Client:
    """Asks as the product's identity, which has no role there unless a test gives it one."""
    return Client(twin, ManagedIdentityCredential())


def give(twin: Twin, role: str, scope: str = "") -> None:
    """Give the product's identity a role on the vault, or on something in it."""
    given = twin.control("GET", "/settings").json()["assignments"]
    mine = {"principal": APP, "role": role, "scope": scope or twin.topology.vault_id}
    twin.control("POST", "/settings", {"assignments": [*given, mine]})


def public(key: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return the public half that the vault tells of."""
    x, y = (int.from_bytes(data(key["key"][name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def check(key: dict[str, Any], signature: bytes, digest: bytes = DIGEST) -> None:
    """Verify r and s with the public key alone; ``InvalidSignature`` if it is another's."""
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public(key).verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def error(answer: requests.Response) -> tuple[int, str, str]:
    """Return an error's status, its code and its inner code."""
    told = answer.json()["error"]
    return answer.status_code, told["code"], told.get("innererror", {}).get("code", "")


def test_a_digest_is_signed_in_sixty_four_bytes_that_the_public_key_verifies(operator: Client) -> None:
    key = operator.made("plain")
    answer = operator.sign(key["key"]["kid"])
    assert (answer.status_code, answer.json()["kid"]) == (200, key["key"]["kid"])
    signature = data(answer.json()["value"])
    assert len(signature) == 64
    check(key, signature)
    with pytest.raises(InvalidSignature):
        check(key, signature, hashlib.sha256(b"something else").digest())


def test_a_key_tells_its_public_half_and_when_it_was_made(twin: Twin, operator: Client) -> None:
    made = operator.made("described")
    found = operator.ask("GET", "/keys/described").json()
    assert found == made
    assert (found["key"]["kty"], found["key"]["crv"]) == ("EC", "P-256")
    assert found["key"]["kid"].startswith(f"{twin.topology.https('vault')}/keys/described/")
    assert (found["attributes"]["enabled"], len(data(found["key"]["x"])), len(data(found["key"]["y"]))) == (
        True,
        32,
        32,
    )
    assert "PRIVATE" not in json.dumps(found)


def test_a_signature_can_be_made_to_begin_with_a_zero_byte_and_keeps_its_width(twin: Twin, operator: Client) -> None:
    key = operator.made("zeros")
    twin.control("POST", "/settings", {"signatures_with_leading_zero": True})
    signature = data(operator.sign(key["key"]["kid"]).json()["value"])
    assert len(signature) == 64
    assert 0 in (signature[0], signature[32])
    check(key, signature)


def test_rotation_makes_a_new_version_and_the_old_one_still_signs(operator: Client) -> None:
    old = operator.made("rotated-once")
    new = operator.ask("POST", "/keys/rotated-once/rotate").json()
    listed = operator.ask("GET", "/keys/rotated-once/versions").json()["value"]
    assert [one["kid"] for one in listed] == [old["key"]["kid"], new["key"]["kid"]]
    assert operator.ask("GET", "/keys/rotated-once").json()["key"]["kid"] == new["key"]["kid"]
    check(old, data(operator.sign(old["key"]["kid"]).json()["value"]))
    without_version = operator.ask("POST", "/keys/rotated-once/sign", {"alg": "ES256", "value": text(DIGEST)}).json()
    assert without_version["kid"] == new["key"]["kid"]
    check(new, data(without_version["value"]))


def test_versions_and_keys_are_listed_in_pages(twin: Twin, operator: Client) -> None:
    for _ in range(3):
        operator.made("paged")
    url = f"{twin.topology.https('vault')}/keys/paged/versions?{VERSION}&maxresults=2"
    pages = [operator.ask("GET", url).json()]
    pages.append(operator.ask("GET", pages[0]["nextLink"]).json())
    assert [len(page["value"]) for page in pages] == [2, 1]
    assert pages[1]["nextLink"] is None
    kids = [one["kid"] for one in operator.ask("GET", "/keys").json()["value"]]
    assert sum(kid.endswith("/keys/paged") for kid in kids) == 1


def test_a_key_of_rsa_signs_by_its_own_algorithms_and_a_new_version_is_of_rsa_too(operator: Client) -> None:
    made = operator.ask("POST", "/keys/of-an-app/create", {"kty": "RSA", "key_size": 2048}).json()
    key = made["key"]
    answer = operator.sign(key["kid"], "RS256").json()
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(data(key[name]), "big") for name in "en"))
    numbers.public_key().verify(data(answer["value"]), b"what is signed", padding.PKCS1v15(), hashes.SHA256())
    assert error(operator.sign(key["kid"], "ES256"))[:2] == (400, "BadParameter")
    path, body = f"/keys/{key['kid'].partition('/keys/')[2]}/verify", {"alg": "RS256", "digest": text(DIGEST)}
    assert operator.ask("POST", path, {**body, "value": answer["value"]}).json()["value"] is True
    assert operator.ask("POST", path, {**body, "value": text(b"x" * 256)}).json()["value"] is False
    assert operator.ask("POST", "/keys/of-an-app/rotate").json()["key"]["kty"] == "RSA"


@pytest.mark.parametrize("asked", [{"kty": "oct"}, {"kty": "RSA", "key_size": 1024}, {"kty": "EC", "crv": "RSA-2048"}])
def test_a_key_of_another_kind_is_not_made(operator: Client, asked: dict[str, object]) -> None:
    assert error(operator.ask("POST", "/keys/strange/create", asked))[:2] == (400, "BadParameter")


@pytest.mark.parametrize(
    ("algorithm", "digest", "word"),
    [
        ("RS256", DIGEST, "incompatible"),
        ("ES384", hashlib.sha384(b"x").digest(), "incompatible"),
        ("ES256", DIGEST[:31], "32 bytes"),
        ("ES256", b"", "32 bytes"),
    ],
)
def test_another_algorithm_or_another_length_is_refused(
    operator: Client, algorithm: str, digest: bytes, word: str
) -> None:
    key = operator.made("strict")
    answer = operator.sign(key["key"]["kid"], algorithm, digest)
    assert error(answer) == (400, "BadParameter", "")
    assert word in answer.json()["error"]["message"]


def test_a_version_that_is_disabled_neither_signs_nor_is_read_and_is_still_listed(operator: Client) -> None:
    kid = operator.made("disabled")["key"]["kid"]
    path = f"/keys/{kid.partition('/keys/')[2]}"
    operator.ask("PATCH", path, {"attributes": {"enabled": False}})
    assert error(operator.sign(kid)) == (403, "Forbidden", "KeyDisabled")
    assert error(operator.ask("GET", path)) == (403, "Forbidden", "KeyDisabled")
    (listed,) = operator.ask("GET", "/keys/disabled/versions").json()["value"]
    assert listed["attributes"]["enabled"] is False
    operator.ask("PATCH", path, {"attributes": {"enabled": True}})
    assert operator.sign(kid).status_code == 200


def test_a_version_that_is_over_or_not_yet_valid_does_not_sign_and_the_one_that_is_over_verifies(
    operator: Client,
) -> None:
    now = int(time.time())
    early = operator.made("early", nbf=now + 3600)
    over = operator.made("over")
    signature = operator.sign(over["key"]["kid"]).json()["value"]
    path = f"/keys/{over['key']['kid'].partition('/keys/')[2]}"
    told = operator.ask("PATCH", path, {"attributes": {"exp": now - 1}}).json()
    assert told["attributes"]["exp"] == now - 1
    assert error(operator.sign(early["key"]["kid"]))[:2] == (403, "Forbidden")
    assert error(operator.sign(over["key"]["kid"]))[:2] == (403, "Forbidden")
    body = {"alg": "ES256", "digest": text(DIGEST), "value": signature}
    assert operator.ask("POST", f"{path}/verify", body).json()["value"] is True
    body["digest"] = text(hashlib.sha256(b"other").digest())
    assert operator.ask("POST", f"{path}/verify", body).json()["value"] is False


def test_a_key_that_is_not_there_is_not_found(operator: Client) -> None:
    operator.made("present")
    for path in ("/keys/absent", "/keys/absent/versions", f"/keys/present/{'0' * 32}"):
        assert error(operator.ask("GET", path)) == (404, "KeyNotFound", "")


def test_whoever_shows_no_token_is_told_where_to_get_one(twin: Twin) -> None:
    answer = twin.get("vault", f"/keys/any?{VERSION}")
    assert error(answer)[:2] == (401, "Unauthorized")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer authorization="https://login.microsoftonline.com/')
    assert challenge.endswith('resource="https://vault.azure.net"')


def test_a_token_for_something_else_is_refused_and_so_is_a_forged_one(twin: Twin) -> None:
    other = twin.credential.get_token("https://management.azure.com/.default").token
    for token, word in ((other, "Invalid audience"), ("a.b.c", "Invalid issuer")):
        answer = twin.get("vault", f"/keys/any?{VERSION}", headers={"Authorization": f"Bearer {token}"})
        assert error(answer)[:2] == (401, "Unauthorized")
        assert word in answer.json()["error"]["message"]
        assert "WWW-Authenticate" in answer.headers


def test_without_an_api_version_nothing_is_answered(twin: Twin, operator: Client) -> None:
    assert error(operator.ask("GET", f"{twin.topology.https('vault')}/keys"))[:2] == (400, "BadParameter")


def test_without_a_role_nothing_is_signed_or_read_and_the_refusal_names_the_action(
    operator: Client, app: Client
) -> None:
    kid = operator.made("guarded")["key"]["kid"]
    for answer, action in ((app.sign(kid), "sign/action"), (app.ask("GET", "/keys/guarded"), "read")):
        assert error(answer) == (403, "Forbidden", "ForbiddenByRbac")
        assert f"Action: 'Microsoft.KeyVault/vaults/keys/{action}'" in answer.json()["error"]["message"]


def test_a_crypto_user_signs_and_reads_and_makes_no_key(twin: Twin, operator: Client, app: Client) -> None:
    key = operator.made("used")
    give(twin, CRYPTO_USER)
    check(key, data(app.sign(key["key"]["kid"]).json()["value"]))
    assert app.ask("GET", "/keys/used/versions").status_code == 200
    body = {"kty": "EC", "crv": "P-256"}
    assert error(app.ask("POST", "/keys/used/create", body)) == (403, "Forbidden", "ForbiddenByRbac")
    assert error(app.ask("POST", "/keys/used/rotate")) == (403, "Forbidden", "ForbiddenByRbac")


def test_a_role_on_one_key_is_none_on_another(twin: Twin, operator: Client, app: Client) -> None:
    kids = [operator.made(name)["key"]["kid"] for name in ("mine", "yours")]
    give(twin, CRYPTO_USER, f"{twin.topology.vault_id}/keys/mine")
    assert [app.sign(kid).status_code for kid in kids] == [200, 403]


def test_a_role_that_may_only_sign_cannot_read_the_key(twin: Twin, operator: Client, app: Client) -> None:
    kid = operator.made("blind")["key"]["kid"]
    role = {"dataActions": ["Microsoft.KeyVault/vaults/keys/sign/action"]}
    twin.control("POST", "/settings", {"roles": {"Signer": role}})
    give(twin, "Signer")
    assert [app.sign(kid).status_code, app.ask("GET", "/keys/blind").status_code] == [200, 403]


def test_the_crypto_roles_permit_what_microsoft_lists() -> None:
    keys = "Microsoft.KeyVault/vaults/keys"
    used = ["update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"]
    assert ROLES[CRYPTO_USER].data_actions == {f"{keys}/read", *(f"{keys}/{one}/action" for one in used)}
    assert ROLES[CRYPTO_OFFICER].permits_data(f"{keys}/create/action")


def test_beyond_its_limit_the_vault_says_when_to_come_again_and_does_not_count_it(twin: Twin, operator: Client) -> None:
    kid = operator.made("busy")["key"]["kid"]
    twin.control("POST", "/settings", {"vault_limits": {"sign": [2, 600]}})
    answers = [operator.sign(kid) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert error(answers[2])[1] == "Throttled"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 600
    assert operator.ask("GET", "/keys/busy").status_code == 200
    counted = twin.control("GET", "/counts").json()["vault"]
    assert (counted["sign"], counted["refused: sign"]) == (2, 2)


def test_faults_are_played_by_the_vault_too(twin: Twin, operator: Client) -> None:
    kid = operator.made("faulty")["key"]["kid"]
    twin.control("POST", "/faults", {"front": "vault", "kind": "sign", "action": "lose-answer"})
    with pytest.raises(requests.ConnectionError):
        operator.sign(kid)
    twin.control("POST", "/faults", {"front": "vault", "kind": "sign", "action": "status", "status": 503})
    assert [operator.sign(kid).status_code for _ in range(2)] == [503, 200]


def test_keys_that_were_kept_when_all_were_of_curves_still_sign(tmp_path: Path) -> None:
    made = VaultKeys(tmp_path).create("kept", "P-256", {})
    kept = (tmp_path / "keys.json").read_text().replace('"kind":', '"crv":')
    (tmp_path / "keys.json").write_text(kept)
    (again,) = VaultKeys(tmp_path).versions("kept")
    assert '"kind"' not in kept
    assert again.verifies("ES256", DIGEST, made.sign("ES256", DIGEST))


def test_keys_outlast_the_emulator_and_nobody_else_reads_them(tmp_path: Path) -> None:
    keys = VaultKeys(tmp_path)
    first, second = keys.create("kept", "P-256", {}), keys.create("kept", "P-256", {})
    keys.change(first, {"enabled": False})
    again = VaultKeys(tmp_path).versions("kept")
    assert [(one.version, one.enabled) for one in again] == [(first.version, False), (second.version, True)]
    assert again[1].verifies("ES256", DIGEST, second.sign("ES256", DIGEST))
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
