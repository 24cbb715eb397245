"""What every implementation of ``Watches`` promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.watch_blob import WatchBlob
from shared.domain.promotion.exposure import Exposure, Found, Standing, Watch
from shared.domain.references import Digest
from shared.errors import Conflict
from shared.watch_ports import Watches
from tests.doubles.storage import InMemoryWatches

pytestmark = pytest.mark.contract

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ONE = Digest("sha256:" + 64 * "1")
EXPOSURE = Exposure(
    target="base~base~node~22",
    image="node",
    digest=ONE,
    standing=Standing.EXPOSED,
    since=NOW,
    findings=(Found("CVE-2026-0001", "libssl3", "1", "2", "HIGH"),),
    count=1,
)
WATCH = Watch(began_at=NOW, database="tools/trivy-db@sha256:1", bundles=(ONE,), exposures=(EXPOSURE,))


@pytest.fixture
def watches(account_or_none: StorageAccount | None) -> Watches:
    """The implementation under test."""
    return InMemoryWatches() if account_or_none is None else WatchBlob(account_or_none)


def test_the_watch_is_read_as_it_was_written(watches: Watches) -> None:
    assert watches.get() is None
    watches.put(None, WATCH)
    stored = watches.get()
    assert stored is not None
    assert stored.watch == WATCH
    assert watches.put(stored, Watch()) == watches.get()


def test_of_two_who_write_what_they_read_one_is_told_of_the_other(watches: Watches) -> None:
    first = watches.put(None, WATCH)
    with pytest.raises(Conflict):
        watches.put(None, Watch())
    watches.put(first, Watch(database="another"))
    with pytest.raises(Conflict):
        watches.put(first, WATCH)
    stored = watches.get()
    assert stored is not None
    assert stored.watch.database == "another"


def test_a_record_that_cannot_be_read_is_empty_and_can_be_replaced(account: StorageAccount) -> None:
    Container(account, "evidence").write("standing-watch/watch.json", b"{")
    watches = WatchBlob(account)
    stored = watches.get()
    assert stored is not None
    assert stored.watch == Watch()
    assert watches.put(stored, WATCH) == watches.get()
