"""Single files of the container ``config``, written only in place of what was read."""

from __future__ import annotations

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.configuration_ports import StoredFile

_MOST = 8 * 1024 * 1024 + 1


class ConfigurationFileBlobs:
    """The port ``ConfigurationFiles``.

    Args:
        account: where the container ``config`` is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._container = Container(account, "config")

    def read(self, name: str) -> StoredFile | None:
        """See ``ConfigurationFiles.read``. One transaction."""
        blob = self._container.read(name, _MOST)
        return StoredFile(blob.content, _plain(blob.etag)) if blob is not None else None

    def write(self, name: str, content: bytes, etag: str | None) -> StoredFile:
        """See ``ConfigurationFiles.write``. One transaction."""
        written = self._container.write_same(name, content, f'"{etag}"' if etag is not None else "")
        return StoredFile(content, _plain(written))


def _plain(etag: str) -> str:
    return etag.strip('"')
