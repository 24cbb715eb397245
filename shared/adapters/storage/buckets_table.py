"""What ARM still grants, in the table ``budgets``: a row for each subscription and kind, in their own partition."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.budget_ports import StoredBucket
from shared.domain.pacing.bucket import Bucket, Kind
from shared.errors import Conflict

_PARTITION = "arm"
_BUCKETS = msgspec.json.Decoder(Bucket)


class BucketsTable:
    """The port ``Buckets``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "budgets")

    def get(self, subscription: str, kind: Kind) -> StoredBucket:
        """See ``Buckets.get``. One transaction."""
        row = self._table.find(_PARTITION, _key(subscription, kind))
        if row is None:
            return StoredBucket(Bucket(subscription=subscription, kind=kind), "")
        return StoredBucket(self._table.decode(row, _BUCKETS), row.etag)

    def replace(self, stored: StoredBucket, bucket: Bucket) -> StoredBucket:
        """See ``Buckets.replace``. One transaction."""
        row = _row(bucket)
        etag = self._table.replace(row, stored.etag) if stored.etag else self._table.insert(row)
        if etag is None:
            raise Conflict(f"what ARM grants {row.key} was written by another worker; it is looked at again")
        return StoredBucket(bucket, etag)


def _key(subscription: str, kind: Kind) -> str:
    return key(f"{subscription}/{kind.value}")


def _row(bucket: Bucket) -> Row:
    columns = {"left": round(bucket.left), "booked": round(bucket.booked), "per_second": bucket.rate}
    told = {"at": bucket.at} if bucket.at is not None else {}
    record = msgspec.json.encode(bucket).decode()
    return Row(_PARTITION, _key(bucket.subscription, bucket.kind), record, {**columns, **told})
