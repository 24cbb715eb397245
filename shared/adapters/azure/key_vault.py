"""A key in Key Vault that signs records: only digests are sent there, and signatures come back.

https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import azure_errors, code_of, sdk_errors, words
from shared.errors import Refused, ServiceError, Unavailable
from shared.record_ports import KeyVersion

if TYPE_CHECKING:
    from azure.core import PipelineClient

SIGNER = "Key Vault Crypto User"
_API = "7.4"
_ALGORITHM, _CURVE = "ES256", "P-256"
_KINDS = ("EC", "EC-HSM")
_BYTES = 32
# Words of Key Vault for a version that signs nothing, whoever asks.
_OUT_OF_USE = frozenset({"KeyDisabled", "KeyExpired", "KeyNotYetValid"})


class KeyVaultSigner:
    """The port ``Signer``.

    Args:
        clients: of Azure.
        key: ``https://<vault>/keys/<name>``.
        audience: of tokens for Key Vault.
    """

    def __init__(self, clients: AzureClients, key: str, audience: str) -> None:
        parts = urlsplit(key)
        self.key = key
        self._vault = f"{parts.scheme}://{parts.netloc}"
        self._name = parts.path.rpartition("/")[2]
        self._audience = audience
        self._clients = clients

    def newest(self) -> KeyVersion:
        """See ``Signer.newest``. One request."""
        doing = f"reading the key {self.key}"
        told = self._asked(doing, "GET", f"/keys/{self._name}")
        try:
            found = told["key"]
            if not told.get("attributes", {}).get("enabled", True):
                raise Refused(
                    f"{doing}: its newest version is disabled: enable it, or make a new one", code="KeyDisabled"
                )
            version = urlsplit(found["kid"]).path.split("/")[3]
            if found["kty"] not in _KINDS or found["crv"] != _CURVE:
                raise Refused(
                    f"{doing}: it is a key of the kind {found['kty']}, and records are signed by EC keys of the curve "
                    f"{_CURVE}: make such a key, and name it in RECORD_KEY"
                )
            return KeyVersion(version, _pem(_number(found["x"]), _number(found["y"])))
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a key vault ({type(error).__name__})") from None

    def sign(self, version: str, digest: bytes) -> bytes:
        """See ``Signer.sign``. One request."""
        doing = f"signing a record with version {version} of the key {self.key}"
        body = {"alg": _ALGORITHM, "value": _base64url(digest)}
        told = self._asked(doing, "POST", f"/keys/{self._name}/{version}/sign", body)
        try:
            signature = _bytes(told["value"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a key vault ({type(error).__name__})") from None
        if len(signature) != 2 * _BYTES:
            raise Unavailable(f"{doing}: the answer has {len(signature)} bytes, and such a signature has {2 * _BYTES}")
        return signature

    def _asked(self, doing: str, method: str, path: str, body: object = None) -> Any:
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        request = HttpRequest(method, f"{self._vault}{path}", params={"api-version": _API}, json=body)
        with azure_errors(doing, SIGNER):
            response = self._client().send_request(request)
            try:
                response.raise_for_status()
            except sdk_errors() as error:
                raise _refused(error, doing) or error from None
            return response.json()

    def _client(self) -> PipelineClient[Any, Any]:
        return self._clients.vault(self._vault, self._audience)


def _refused(error: Exception, doing: str) -> ServiceError | None:
    """A version that signs nothing is no right that is missing; what the vault means stands inside its error."""
    inner = getattr(getattr(error, "error", None), "innererror", None)
    code = str((inner or {}).get("code", "")) if isinstance(inner, dict) else code_of(error)
    if code not in _OUT_OF_USE:
        return None
    told = f"{doing}: {words(error)} ({code}): enable that version, or make a new one, which takes over by itself"
    return Refused(told, code=code)


def _pem(x: int, y: int) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text[:20]) from error


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
