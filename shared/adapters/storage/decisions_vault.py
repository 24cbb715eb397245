"""Documents of what people decided, in the container ``decisions`` of another storage account."""

from __future__ import annotations

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container

# Whoever is about to promote waits for it: two tries, half a minute in all. It is asked again soon anyway.
READ_SECONDS, RETRIES = 8, 1


class DecisionsVault:
    """The port ``Vault``.

    Args:
        account: the other account.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._container = Container(account, "decisions")

    def newest(self, prefix: str) -> str:
        """See ``Vault.newest``. One transaction for each five thousand: the names are sorted by their time."""
        return max((listed.name for listed in self._container.surely_under(prefix)), default="")

    def add(self, name: str, content: bytes) -> None:
        """See ``Vault.add``. One transaction."""
        self._container.write_same(name, content, "")
