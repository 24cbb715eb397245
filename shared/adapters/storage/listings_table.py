"""The table ``listings``: one row for each application registry, by its name, with its tasks as last listed."""

from __future__ import annotations

import base64
import zlib

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.domain.promotion.listing import Listing
from shared.errors import Conflict
from shared.run_ports import StoredListing

_PARTITION = "tasks"
_LISTINGS = msgspec.json.Decoder(Listing)


class ListingsTable:
    """The port ``Listings``. A row holds a megabyte, of which a task takes some sixty bytes when pressed together.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "listings")

    def get(self, registry: str) -> StoredListing:
        """See ``Listings.get``. One transaction.

        Raises:
            ServiceError: the row cannot be read.
        """
        row = self._table.find(_PARTITION, key(registry.lower()))
        if row is None:
            return StoredListing(Listing(registry=registry), "")
        unpressed = msgspec.structs.replace(row, record=_unpressed(row.record))
        return StoredListing(self._table.decode(unpressed, _LISTINGS), row.etag)

    def replace(self, stored: StoredListing, listing: Listing) -> StoredListing:
        """See ``Listings.replace``. One transaction."""
        row = _row(listing)
        etag = self._table.replace(row, stored.etag) if stored.etag else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the tasks of {listing.registry} are listed by another worker")
        return StoredListing(listing, etag)


def _unpressed(record: str) -> str:
    """What cannot be unpressed is no record: whoever decodes it says so, with the row's name."""
    try:
        return zlib.decompress(base64.b64decode(record)).decode()
    except (ValueError, zlib.error):
        return ""


def _row(listing: Listing) -> Row:
    pressed = base64.b64encode(zlib.compress(msgspec.json.encode(listing))).decode()
    columns = {"tasks": len(listing.tasks), "trouble": listing.trouble}
    times = {"listed_at": listing.listed_at, "compared_at": listing.compared_at}
    told = {name: moment for name, moment in times.items() if moment is not None}
    return Row(_PARTITION, key(listing.registry.lower()), pressed, {**columns, **told})
