"""A key in Key Vault that signs records: only digests are sent there, and signatures come back.

https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key
"""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.vault_key import VaultKey, octets
from shared.errors import Refused, Unavailable
from shared.record_ports import KeyVersion

_ALGORITHM, _CURVE = "ES256", "P-256"
_KINDS = ("EC", "EC-HSM")
_BYTES = 32


class KeyVaultSigner:
    """The port ``Signer``.

    Args:
        clients: of Azure.
        key: ``https://<vault>/keys/<name>``.
        audience: of tokens for Key Vault.
    """

    def __init__(self, clients: AzureClients, key: str, audience: str) -> None:
        self.key = key
        self._key = VaultKey(clients, key, audience)

    def newest(self) -> KeyVersion:
        """See ``Signer.newest``. One request."""
        doing = f"reading the key {self.key}"
        told = self._key.read(doing)
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
        told = self._key.sign(doing, version, _ALGORITHM, digest)
        try:
            signature = octets(told["value"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a key vault ({type(error).__name__})") from None
        if len(signature) != 2 * _BYTES:
            raise Unavailable(f"{doing}: the answer has {len(signature)} bytes, and such a signature has {2 * _BYTES}")
        return signature


def _pem(x: int, y: int) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _number(text: str) -> int:
    return int.from_bytes(octets(text), "big")
