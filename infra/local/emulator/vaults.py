"""Key vaults as runs read them: a stand-in that knows what the settings say.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-authentication-key-vault
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from infra.local.emulator.settings import Settings
from infra.local.runner import VaultRefusedError

# What a run says that has no such identity, or whose identity may not read the vault.
_NOT_PERMITTED = "timeout in fetching secrets. please check permissions are valid"


class Vaults:
    """Every key vault there is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def read(self, held: Iterable[str], address: str, client: str) -> str:
        """Return a secret.

        Args:
            held: resource ids of the identities that the run has.
            address: ``https://NAME.vault.azure.net/secrets/NAME[/VERSION]`` in small letters; all versions are one.
            client: client id of the one that asks; if empty, the only one that the run has.

        Raises:
            VaultRefusedError: there is no such vault or secret, or that identity may not read it or is not the run's.
        """
        now, parts = self._settings.now, urlsplit(address)
        vault = now.vaults.get(f"https://{parts.netloc}")
        if vault is None:
            raise VaultRefusedError(f"failed to resolve secrets: dial tcp: lookup {parts.netloc}: no such host")
        clients = [now.identities[one] for one in held if one in now.identities]
        asks = client or (clients[0] if len(clients) == 1 else "")
        if asks not in clients or asks not in vault["readers"]:
            raise VaultRefusedError(_NOT_PERMITTED)
        name = parts.path.split("/")[2]
        for known, value in vault["secrets"].items():
            if known.lower() == name:
                return str(value)
        raise VaultRefusedError(
            "keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=404 -- Original Error: "
            'autorest/azure: Service returned an error. Status=404 Code="SecretNotFound" Message="A secret with '
            f'(name/id) {name} was not found in this key vault."'
        )
