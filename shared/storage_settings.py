"""Where the storage account is: the setting that the Functions host goes by, too.

https://learn.microsoft.com/azure/azure-functions/functions-app-settings#azurewebjobsstorage
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from shared.errors import ConfigurationError

STORAGE = "AzureWebJobsStorage"


class Storage(msgspec.Struct, frozen=True):
    """How the storage account is reached: by connection string, or by its addresses with the app's identity."""

    connection_string: str = ""
    blob_uri: str = ""
    queue_uri: str = ""
    table_uri: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The connection string's secrets."""
        return tuple(value for name, value in self.said if name in {"AccountKey", "SharedAccessSignature"})

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """What the connection string says, each part's name and value."""
        parts = (part.strip().partition("=") for part in self.connection_string.split(";"))
        return tuple((name.strip(), value) for name, _, value in parts)


_NO_STORAGE = (
    f"{STORAGE} is missing: a connection string, or {STORAGE}__blobServiceUri, {STORAGE}__queueServiceUri and "
    f"{STORAGE}__tableServiceUri (or {STORAGE}__accountName) for the app's identity"
)


def storage_of(environment: Mapping[str, str]) -> Storage | None:
    """Return how the storage account is reached, or ``None`` if that is not said.

    Args:
        environment: settings by name.
    """
    if connection_string := environment.get(STORAGE, ""):
        return Storage(connection_string=connection_string)
    account = environment.get(f"{STORAGE}__accountName", "")
    uris = {
        f"{kind}_uri": environment.get(f"{STORAGE}__{kind}ServiceUri", "")
        or (f"https://{account}.{kind}.core.windows.net" if account else "")
        for kind in ("blob", "queue", "table")
    }
    return Storage(**uris) if all(uris.values()) else None


def storage_problems(storage: Storage | None) -> list[str]:
    """Say what is missing or wrong: tokens go to these addresses, so they must be TLS."""
    if storage is None:
        return [_NO_STORAGE]
    uris = (storage.blob_uri, storage.queue_uri, storage.table_uri)
    return [
        f"{STORAGE}__*ServiceUri must begin with https://" for uri in uris if uri and not uri.startswith("https://")
    ]


def named_storage(account: str, environment: Mapping[str, str] = os.environ) -> Storage:
    """Return the storage account that somebody names, or else the one of the environment.

    Raises:
        ConfigurationError: neither says one.
    """
    named = {f"{STORAGE}__accountName": account} if account else environment
    storage, problems = storage_of(named), storage_problems(storage_of(named))
    if storage is None or problems:
        raise ConfigurationError("\n".join(problems))
    return storage
