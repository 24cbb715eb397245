"""An RSA key in Key Vault that signs for a GitHub App: only digests are sent there, and signatures come back.

https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
"""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.vault_key import VaultKey, octets
from shared.errors import Refused, Unavailable

_ALGORITHM = "RS256"
_KINDS = ("RSA", "RSA-HSM")
_FEWEST_BYTES = 256


class AppKey:
    """Signs by RS256.

    Args:
        clients: of Azure.
        key: ``https://<vault>/keys/<name>``.
        audience: of tokens for Key Vault.
    """

    def __init__(self, clients: AzureClients, key: str, audience: str) -> None:
        self._key = VaultKey(clients, key, audience)

    def sign(self, digest: bytes) -> bytes:
        """Return the newest version's signature of a SHA-256 digest. Two requests.

        Raises:
            NotPermitted, Refused, RateLimited, Unavailable: the vault does not sign.
        """
        doing = f"signing for a GitHub App by the key {self._key.key}"
        told = self._key.read(doing)
        try:
            found = told["key"]
            if found["kty"] not in _KINDS:
                raise Refused(f"{doing}: it is a key of the kind {found['kty']}, and GitHub's are RSA keys")
            version = urlsplit(found["kid"]).path.split("/")[3]
            signature = octets(self._key.sign(doing, version, _ALGORITHM, digest)["value"])
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a key vault ({type(error).__name__})") from None
        if len(signature) < _FEWEST_BYTES:
            raise Unavailable(f"{doing}: the answer has {len(signature)} bytes, and such a signature has more")
        return signature
