"""The app's own identity in Azure: one credential for all services, made when it is first needed.

It is a managed identity and nothing else. A chain of credentials would try one kind after another, so that which
identity an app has depends on what happens to be installed where it runs.
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

CONNECT_SECONDS, READ_SECONDS, RETRIES = 5, 20, 2


class Identity:
    """The app's managed identity.

    Args:
        client_id: of a user-assigned identity; empty for the one the system assigned.
    """

    def __init__(self, client_id: str = "") -> None:
        self._client_id = client_id
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None

    def credential(self) -> TokenCredential:
        """Return the credential, always the same, so that its tokens are asked for once an hour or so."""
        with self._lock:
            if self._credential is None:
                self._credential = self._make()
            return self._credential

    def _make(self) -> TokenCredential:
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415  heavy: only where it is used

        return ManagedIdentityCredential(
            client_id=self._client_id or None,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=RETRIES,
        )
