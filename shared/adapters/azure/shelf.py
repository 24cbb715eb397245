"""A registry's blobs, one by one: read from the base registry, and pushed with their manifest into staging alone.

https://learn.microsoft.com/rest/api/containerregistry/manifests
"""

from __future__ import annotations

import io
from typing import Any

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import IMPORTER, azure_errors
from shared.domain.record.attaching import Attachment
from shared.domain.references import Digest
from shared.errors import NotFound, Unavailable

PUSHER = "AcrPush"


class RegistryShelf:
    """The port ``Shelf``.

    Args:
        clients: of Azure.
        login_server: the registry's.
    """

    def __init__(self, clients: AzureClients, login_server: str) -> None:
        self._clients = clients
        self._server = login_server

    def blob(self, repository: str, digest: Digest, most: int) -> bytes | None:
        """See ``Shelf.blob``. One request."""
        doing = f"reading the blob {self._server}/{repository}@{digest}"
        try:
            with azure_errors(doing, IMPORTER):
                return _up_to(self._client().download_blob(repository, digest), most)
        except NotFound:
            return None
        except (ValueError, KeyError, AttributeError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from None

    def push(self, repository: str, attachment: Attachment) -> None:
        """See ``Shelf.push``. Three requests for each blob, and one."""
        doing = f"pushing {self._server}/{repository}@{attachment.digest}"
        try:
            with azure_errors(doing, PUSHER):
                for blob in dict.fromkeys(attachment.blobs):
                    self._client().upload_blob(repository, io.BytesIO(blob))
                content, tag = io.BytesIO(attachment.manifest), str(attachment.tag) or None
                pushed = self._client().set_manifest(repository, content, tag=tag)
        except (ValueError, KeyError, AttributeError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from None
        if pushed != attachment.digest:
            raise Unavailable(f"{doing}: the registry made another digest of it: {pushed}")

    def _client(self) -> Any:
        return self._clients.data_plane(self._server)


def _up_to(stream: Any, most: int) -> bytes | None:
    """Return a blob, whose digest the SDK compares at its end; ``None`` if there is more of it."""
    content = bytearray()
    with stream:
        for chunk in stream:
            content += chunk
            if len(content) > most:
                return None
    return bytes(content)
