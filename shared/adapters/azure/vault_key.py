"""A key in Key Vault, asked over its own data plane; what it may do is its caller's.

https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import azure_errors, code_of, sdk_errors, words
from shared.errors import Refused, ServiceError

if TYPE_CHECKING:
    from azure.core import PipelineClient

SIGNER = "Key Vault Crypto User"
_API = "7.4"
# Words of Key Vault for a version that signs nothing, whoever asks.
_OUT_OF_USE = frozenset({"KeyDisabled", "KeyExpired", "KeyNotYetValid"})


class VaultKey:
    """One key.

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

    def read(self, doing: str) -> Any:
        """Return the newest version, as the vault tells it. One request."""
        return self._asked(doing, "GET", f"/keys/{self._name}")

    def sign(self, doing: str, version: str, algorithm: str, digest: bytes) -> Any:
        """Return what the vault answers to a digest that is to be signed. One request."""
        body = {"alg": algorithm, "value": base64url(digest)}
        return self._asked(doing, "POST", f"/keys/{self._name}/{version}/sign", body)

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


def octets(text: str) -> bytes:
    """Return what a text of base64url means.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text[:20]) from error


def base64url(content: bytes) -> str:
    """Return bytes as base64url, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
