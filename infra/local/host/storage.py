"""Storage clients for a trigger's connection, named as the real host names its settings.

``<name>`` holds a connection string, or ``<name>__queueServiceUri`` an address for the identity of the app
(https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import TokenCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient


class ConnectionMissingError(Exception):
    """Neither the connection string nor the service address of a connection is set; the message names both."""


def queue_service(settings: Mapping[str, str], connection: str) -> QueueServiceClient:
    """Return the queue service of one connection; ``ConnectionMissingError`` when it is not set."""
    if text := settings.get(connection):
        return QueueServiceClient.from_connection_string(text)
    return QueueServiceClient(_address(settings, connection, "queue"), credential=_credential(settings, connection))


def blob_service(settings: Mapping[str, str], connection: str, **options: Any) -> BlobServiceClient:
    """Return the blob service of one connection; ``ConnectionMissingError`` when it is not set.

    Further options are the client's own, such as ``raw_response_hook``.
    """
    if text := settings.get(connection):
        return BlobServiceClient.from_connection_string(text, **options)
    credential = _credential(settings, connection)
    return BlobServiceClient(_address(settings, connection, "blob"), credential=credential, **options)


def _address(settings: Mapping[str, str], connection: str, service: str) -> str:
    name = f"{connection}__{service}ServiceUri"
    if name not in settings:
        raise ConnectionMissingError(f"app settings missing: {connection} or {name}")
    return settings[name]


def _credential(settings: Mapping[str, str], connection: str) -> TokenCredential:
    # Heavy, and only an identity-based connection needs it.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415

    client_id = settings.get(f"{connection}__clientId")
    if settings.get(f"{connection}__credential") == "managedidentity":
        return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
    return DefaultAzureCredential()
