"""The record of the standing watch: a blob beside the evidence, for it has a part for each tag in use."""

from __future__ import annotations

import logging

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.domain.promotion.exposure import Watch
from shared.watch_ports import StoredWatch

log = logging.getLogger("tidegate.watch")

_NAME, _MOST = "standing-watch/watch.json", 64 * 1024 * 1024
_WATCH = msgspec.json.Decoder(Watch)


class WatchBlob:
    """The port ``Watches``.

    Args:
        account: where the blob is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._container = Container(account, "evidence")

    def get(self) -> StoredWatch | None:
        """See ``Watches.get``. One transaction."""
        found = self._container.read(_NAME, _MOST)
        if found is None:
            return None
        try:
            return StoredWatch(_WATCH.decode(found.content), found.etag)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the record of the standing watch cannot be read, and is made anew: %s", error)
            return StoredWatch(Watch(), found.etag)

    def put(self, stored: StoredWatch | None, watch: Watch) -> StoredWatch:
        """See ``Watches.put``. One transaction."""
        etag = self._container.write_same(_NAME, msgspec.json.encode(watch), stored.etag if stored else "")
        return StoredWatch(watch, etag)
