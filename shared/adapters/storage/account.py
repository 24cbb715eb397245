"""Clients of the storage account: made once, when first used, over one pool of connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import ConfigurationError
from shared.storage_settings import STORAGE, Storage

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.data.tables import TableClient
    from azure.storage.blob import ContainerClient
    from azure.storage.queue import QueueClient

C = TypeVar("C")

# Three tries of at most 25 seconds and a few seconds between them: a function that waits longer holds a thread that
# others need, and its message is delivered again anyway.
CONNECT_SECONDS, READ_SECONDS, RETRIES = 5, 20, 2
_BACKOFF: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1}
_TABLE_BACKOFF: dict[str, Any] = {"retry_backoff_factor": 0.5, "retry_backoff_max": 5}
# What is read is configuration; of a blob that is far larger no more than this is brought at first.
_FIRST_BYTES = 6 * 1024 * 1024


class StorageAccount:
    """Hands out clients of tables, queues and blob containers. The SDKs say their clients may be shared by threads.

    Args:
        storage: how the account is reached.
        credential: gives the app's identity; asked only if there is no connection string.
        read_seconds: between two pieces of an answer.
        retries: how often a request is made again that had no answer, or was refused for now.
    """

    def __init__(
        self,
        storage: Storage,
        credential: Callable[[], TokenCredential],
        *,
        read_seconds: float = READ_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self._storage = storage
        self._credential = credential
        self._read_seconds = read_seconds
        self._retries = retries
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._transport: Any = None

    def table(self, name: str) -> TableClient:
        """Return the client of one table.

        Raises:
            ConfigurationError: the connection string is none.
        """
        return self._once("table", name, self._new_table)

    def queue(self, name: str) -> QueueClient:
        """Return the client of one queue, which sends text as it is: host.json's ``messageEncoding`` is ``none``.

        Raises:
            ConfigurationError: the connection string is none.
        """
        return self._once("queue", name, self._new_queue)

    def container(self, name: str) -> ContainerClient:
        """Return the client of one blob container.

        Raises:
            ConfigurationError: the connection string is none.
        """
        return self._once("container", name, self._new_container)

    def _once(self, kind: str, name: str, make: Callable[[str], C]) -> C:
        client: C | None = self._clients.get((kind, name))
        if client is not None:
            return client
        with self._lock:
            if (kind, name) not in self._clients:
                self._clients[kind, name] = _configured(make, name)
            made: C = self._clients[kind, name]
            return made

    def _new_table(self, name: str) -> TableClient:
        from azure.data.tables import TableClient  # noqa: PLC0415

        options = {**self._options(), **_TABLE_BACKOFF}
        if self._storage.connection_string:
            return TableClient.from_connection_string(self._storage.connection_string, name, **options)
        return TableClient(self._storage.table_uri, name, credential=self._credential(), **options)

    def _new_queue(self, name: str) -> QueueClient:
        from azure.storage.queue import QueueClient  # noqa: PLC0415

        options = {**self._options(), **_BACKOFF}
        if self._storage.connection_string:
            return QueueClient.from_connection_string(self._storage.connection_string, name, **options)
        return QueueClient(self._storage.queue_uri, name, credential=self._credential(), **options)

    def _new_container(self, name: str) -> ContainerClient:
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        options = {**self._options(), **_BACKOFF, "max_single_get_size": _FIRST_BYTES}
        if self._storage.connection_string:
            return ContainerClient.from_connection_string(self._storage.connection_string, name, **options)
        return ContainerClient(self._storage.blob_uri, name, credential=self._credential(), **options)

    def _options(self) -> dict[str, Any]:
        if self._transport is None:
            self._transport = _transport(self._read_seconds)
        return {"transport": self._transport, "retry_total": self._retries}


def _configured(make: Callable[[str], C], name: str) -> C:
    """The SDKs tell a broken connection string by a ``ValueError``, whose text is not to be trusted with it."""
    try:
        return make(name)
    except ValueError:
        raise ConfigurationError(
            f"{STORAGE} cannot be used: expected a storage account's connection string, with AccountName and "
            f"AccountKey, or https addresses in {STORAGE}__blobServiceUri and its like"
        ) from None


def _transport(read_seconds: float) -> RequestsTransport:
    from shared.adapters.kept_alive import sdk_transport  # noqa: PLC0415  costs 0.1 s

    return sdk_transport(CONNECT_SECONDS, read_seconds)
